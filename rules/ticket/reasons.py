"""Who reads the reason of a change: staff alone, or the customers on the ticket too."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MARKED = re.compile(
    r"(?:^[^\S\n]*|[.!?]\s+)(?:public|öffentlich):\s*", re.IGNORECASE | re.MULTILINE
)
"""What follows is for customers, in the words of any of our languages. It begins the reason, a line
or a sentence: in the middle of one it is a word like others."""


@dataclass(frozen=True, slots=True)
class Spoken:
    internal: str
    """For the audit trail: all of it."""
    public: str
    """For the customers' notices; may be empty."""


def spoken(reason: str, *, by_staff: bool) -> Spoken:
    """The reason of a change, for each of its readers: of staff, customers read only what follows
    `public:`. A customer's own reason is public."""
    if not by_staff:
        return Spoken(reason, reason)
    marked = _MARKED.search(reason)
    return Spoken(reason, reason[marked.end() :].strip() if marked is not None else "")


def made_public(reason: str) -> str:
    """The reason, all of it marked for customers to read."""
    return f"public: {reason}" if reason else ""
