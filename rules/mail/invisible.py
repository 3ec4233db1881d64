"""Characters that nobody sees: with them names pose as others, and a text of them says nothing."""

from __future__ import annotations

import unicodedata

JOINERS = "\u200c\u200d"
"""Names in Persian and Indian scripts use them."""
FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
"""Without ink, though Unicode counts them as letters or symbols."""


def without_marks(text: str) -> str:
    """The text without characters that nobody sees and that change the direction of others."""
    return "".join(
        each
        for each in text
        if each in JOINERS or (unicodedata.category(each) != "Cf" and each not in FILLERS)
    )


def is_visible(text: str) -> bool:
    """Whether anything of a text is seen. Joiners, combining marks and variants alone are not."""
    return any(unicodedata.category(each)[0] in "LNPS" and each not in FILLERS for each in text)


def as_seen(name: str) -> str:
    """A name as people tell it from others: in any case and width, without the characters that
    nobody sees, and with single spaces."""
    read = without_marks(unicodedata.normalize("NFKC", name))
    bare = "".join(each for each in read if each not in JOINERS and not _is_variant(each))
    return " ".join(unicodedata.normalize("NFKC", bare.casefold()).split())


def _is_variant(character: str) -> bool:
    """Whether it only chooses among the forms of the one before it."""
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
