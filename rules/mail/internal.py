"""Internal text within other texts: notices to staff have notes, flagged comments and addresses in
them, and begin with `REPLY_MARK`. An answer to one, or a forward, carries all of it along."""

from __future__ import annotations

import re

from rules.mail.quoting import REPLY_MARK, published, visible

_GAP = r"[>|\s]*+"
_LETTERS = [each for each in REPLY_MARK if each.isalpha()]
_MARK = re.compile(_GAP.join(_LETTERS), re.IGNORECASE)
_NO_LETTERS = bytes(code for code in range(65)) + b"[\\]^_`{|}~"
_OCTETS = "".join(_LETTERS).casefold().encode("ascii")


def quotes_internal(text: str) -> bool:
    """Whether a text has the mark of a notice to staff, however it is quoted and wrapped."""
    return _MARK.search(text) is not None


def has_internal(octets: bytes) -> bool:
    """The same for a file of plain text or HTML, in UTF-8 or UTF-16."""
    return _OCTETS in octets.translate(None, _NO_LETTERS).lower()


def without_internal(text: str) -> str:
    """A text by any author, as people who are not staff may read it: with such a mark, no more
    than stands above it and above all quotes."""
    if not quotes_internal(text):
        return text
    above = published(text, REPLY_MARK)
    return "" if quotes_internal(above) else above


def leaves_out_words(whole: str, shown: str) -> bool:
    """Whether more of a text is missing in what is shown than the quotes that are hidden anyway."""
    return visible(whole).text.strip() != shown.strip()
