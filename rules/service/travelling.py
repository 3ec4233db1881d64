"""How the files of a comment reach those who are notified of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum

LINKS_LAST = timedelta(days=30)
"""A link to a file ends after this time, or with its owner's place on the ticket."""


class FileWay(StrEnum):
    ATTACHED = "attached"
    INLINE = "inline"
    """An image within the HTML."""
    LINK = "link"
    GONE = "gone"
    """Its mail is no longer stored."""
    WITHHELD = "withheld"
    """It is or may have a mail of ours, or the whole text of a staff person's mail."""
    UNREAD = "unread"
    """Taking it out of its mail takes too long, or fails. The mail is stored all the same."""


def fitting(sizes: Iterable[tuple[int, int]], room_bytes: int) -> frozenset[int]:
    """Those of numbered files that are attached: in their order, each that still has room."""
    chosen: set[int] = set()
    for number, size in sizes:
        if size <= room_bytes:
            chosen.add(number)
            room_bytes -= size
    return frozenset(chosen)
