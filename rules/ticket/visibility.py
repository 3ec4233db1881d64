"""Who may read a comment."""

from __future__ import annotations

from enum import StrEnum


class Visibility(StrEnum):
    PUBLIC = "public"
    """Everyone on the ticket may read it."""
    PRIVATE = "private"
    """Flagged: only staff may read it, and may publish it."""
    NOTE = "note"
    """An internal note of the staff."""
    FOLDED = "folded"
    """Automatic mail: kept with the ticket, shown folded, notifies nobody."""
