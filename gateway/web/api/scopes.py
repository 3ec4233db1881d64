"""What a bearer token permits; a command needs nothing else of the API."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """What a token may be used for."""

    MAILS = "mails"
    """Submitting raw mails."""
    STAFF = "staff"
    """A tool of the support team, which acts for staff."""
    PORTAL = "portal"
    """A customer portal, which acts for users."""
    READ = "read"
    """A report or a dashboard: sees what staff see, changes nothing, acts for nobody."""
