"""Who reads a comment."""

from __future__ import annotations

from enum import StrEnum


class Visibility(StrEnum):
    PUBLIC = "public"
    """Everyone on the ticket reads it."""
    PRIVATE = "private"
    """Flagged: staff alone read it, and may accept it."""
    NOTE = "note"
    """Staff's own words among themselves."""
    FOLDED = "folded"
    """Automatic mail: kept with the ticket, shown folded, tells nobody."""
