"""Where changes of a ticket come from, and what each source may do."""

from __future__ import annotations

from enum import StrEnum


class Source(StrEnum):
    """Where a change comes from."""

    MAIL = "mail"
    STAFF_MAIL = "staff_mail"
    CONSOLE = "console"
    API = "api"
    WEB = "web"
    """A signed link in a notice."""
    SYSTEM = "system"
    """A clock of ours."""


CRITICAL_SOURCES = (Source.CONSOLE, Source.API)
"""Only these make a ticket critical, or confirm one as logged in the portal."""

REQUEST_SOURCES = (Source.MAIL, Source.STAFF_MAIL, *CRITICAL_SOURCES)
"""By these somebody writes what is to be changed. A link offers one change, and a clock nothing:
neither sets a severity or makes a ticket."""
