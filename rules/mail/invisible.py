"""Characters that nobody sees: with them names pose as others, and a text of them says nothing."""

from __future__ import annotations

import unicodedata

JOINERS = "\u200c\u200d"
"""Names in Persian and Indian scripts use them."""
FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
"""Without ink, though Unicode counts them as letters or symbols."""

_DEFAULT_IGNORABLE = (
    *((0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5)),
    *((0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164)),
    *((0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8)),
    *((0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF)),
)
"""Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties.txt: the first and last of each
range. Joiners and what only chooses among the forms of the letter before it are among them."""
_IGNORED = dict.fromkeys(
    each for first, last in _DEFAULT_IGNORABLE for each in range(first, last + 1)
)


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
    bare = read.translate(_IGNORED)
    return " ".join(unicodedata.normalize("NFKC", bare.casefold()).split())


def as_compared(name: str) -> str:
    """A name by its letters and digits alone, as `Sam-Weber.` is taken for `Sam Weber`; as it is
    seen if it has none."""
    seen = as_seen(name)
    return "".join(each for each in seen if each.isalnum()) or seen
