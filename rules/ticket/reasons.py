"""Who reads the reason of a change: staff alone, or the customers on the ticket too."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rules.sentence import Sentence, sentence

_MARKED = re.compile(
    r"(?:^[^\S\n]*|[.!?]\s+)(?:public|öffentlich):\s*", re.IGNORECASE | re.MULTILINE
)
"""What follows is for customers, in the words of any of our languages. It begins the reason, a line
or a sentence: in the middle of one it is a word like others."""


_MEANT = re.compile(r"\b(?:public|öffentlich):", re.IGNORECASE)
LONGEST_KEPT = 200
"""Characters of what was kept internal, as its author reads it again."""


@dataclass(frozen=True, slots=True)
class Spoken:
    internal: str
    """For the audit trail: all of it."""
    public: str
    """For the customers' notices; may be empty."""
    kept: str = ""
    """What follows `public:` in the middle of a sentence, and stays internal: its author may have
    meant it for customers."""


def spoken(reason: str, *, by_staff: bool) -> Spoken:
    """The reason of a change, for each of its readers: of staff, customers read only what follows
    `public:`. A customer's own reason is public."""
    if not by_staff:
        return Spoken(reason, reason)
    marked = _MARKED.search(reason)
    internal = reason[: marked.start()] if marked is not None else reason
    meant = _MEANT.search(internal)
    kept = " ".join(internal[meant.end() :].split()) if meant is not None else ""
    public = reason[marked.end() :].strip() if marked is not None else ""
    return Spoken(reason, public, kept[:LONGEST_KEPT])


def kept_internal(reasons: Spoken) -> tuple[Sentence, ...]:
    """For the author: what customers do not read, and where `public:` must stand."""
    if not reasons.kept:
        return ()
    return (
        sentence(
            'This stays internal: "{text}". Customers read what follows "public:" only where it '
            "begins the reason, a line or a sentence.",
            text=reasons.kept,
        ),
    )


def made_public(reason: str) -> str:
    """The reason, all of it marked for customers to read."""
    return f"public: {reason}" if reason else ""
