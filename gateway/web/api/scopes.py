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
    HELD = "held"
    """Deciding on held mail, for staff who vouch for its authors."""
    OUTBOX = "outbox"
    """Sending again what was not sent."""
    REGISTRY = "registry"
    """Registering and changing people and companies."""
    ADMIN = "admin"
    """Adding mailboxes."""


ACTS_FOR_STAFF = (Scope.STAFF, Scope.HELD)
ACTS_FOR_ANYBODY = (Scope.OUTBOX, Scope.REGISTRY)
"""A staff person may be named; without one the token itself acts."""
