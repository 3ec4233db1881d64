"""How much of a text the rules read: its beginning, within limits, so that their work is bounded.

The rest of the text is kept with the ticket. White space in a line counts as one space, however
much of it there is: most signatures do not cover more (RFC 6376 §3.4.4), so a signed mail
could otherwise be sent again with its text pushed beyond the limits.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

READ_CHARACTERS = 256 * 1024
CUT_MARGIN = 2048
"""So much more of a text is masked than is shown: what begins before the cut is then seen whole."""
READ_LINES = 5_000
STRETCHED_CHARACTERS = 3_000
"""All places that show a text show so much of it, at least."""
FILES_NAMED = 50
"""A mail may have 2,000 files; the names of the others are with the ticket."""
REMEMBERED_CHARACTERS = 8 * 1024
REMEMBERED_TEXTS = 64
"""So many short texts are remembered with what rules have found in them: as many as may be between
their look-up and their decision at a time."""
_BLOCK = 64 * 1024
_CUT_WORD = re.compile(r"(?:(?<![!-~])[!-~]+|.)\Z", re.DOTALL)


def read_text(text: str) -> str:
    """What the rules read of a text: its beginning, with one space for the white space between the
    words of a line."""
    return _read(text)[0]


class _Text:
    """A text by its length and its hash (64 bits, keyed anew in each process), so that the cache
    keeps none that is large; what is read of it is at most `READ_CHARACTERS`."""

    __slots__ = ("_key", "_text")

    def __init__(self, text: str) -> None:
        self._key, self._text = (len(text), hash(text)), text

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Text) and self._key == other._key

    def take(self) -> str:
        """The text, once."""
        text, self._text = self._text, ""
        return text


def _read(text: str) -> tuple[str, bool]:
    """What is read of a text, and whether it has more. Several rules ask this of the same text."""
    return _read_short(text) if len(text) <= REMEMBERED_CHARACTERS else _read_long(_Text(text))


@lru_cache(maxsize=4)
def _read_long(kept: _Text) -> tuple[str, bool]:
    return _beginning(kept.take())


@lru_cache(maxsize=REMEMBERED_TEXTS)
def _read_short(text: str) -> tuple[str, bool]:
    return _beginning(text)


def _beginning(text: str) -> tuple[str, bool]:
    pieces: list[str] = []
    size = 0
    for at in range(0, len(text), _BLOCK):
        piece = squeezed(text[at : at + _BLOCK])
        if pieces and pieces[-1].endswith(" "):
            piece = piece.removeprefix(" ")
        if piece:
            pieces.append(piece)
            size += len(piece)
        if size > READ_CHARACTERS:
            break
    beginning = "".join(pieces)
    part = shown_part(beginning)
    return part, len(part) < len(beginning)


def squeezed(text: str) -> str:
    """The text with one space for each run of spaces and tabs. Its lines stay what they are."""
    text = text.replace("\t", " ")
    for wide in (" " * 32, " " * 4, "  "):
        while wide in text:
            text = text.replace(wide, " ")
    return text


def unstretched(text: str) -> str:
    """The text as it was written, unless more than two thirds of it are white space that counts as
    one: then with one space for each. All that show the beginning of a text count characters."""
    white = text.count(" ") + text.count("\t")
    if len(text) <= STRETCHED_CHARACTERS or white * 3 <= len(text) * 2:
        return text
    short = squeezed(text)
    return short if len(short) * 3 <= len(text) else text


def is_read_in_part(text: str) -> bool:
    """Whether a text has more than the rules read."""
    return _read(text)[1]


def shown_part(text: str) -> str:
    """The part of a text that notices and the API show, as it was written: all of it, except of
    very long texts."""
    if len(text) < READ_LINES:
        return text
    text = text[:READ_CHARACTERS]
    if text.count("\n") < READ_LINES:
        return text
    return "\n".join(text.split("\n", READ_LINES)[:READ_LINES])


def whole_words(text: str, most: int) -> str:
    """The beginning of a text that is masked afterwards, at most so many characters: no link and no
    reply address is cut, since the mask would not recognise what is left of it."""
    return text if len(text) <= most else _CUT_WORD.sub("", text[: most + 1]).rstrip()


def shown_once_masked(text: str, mask: Callable[[str], str]) -> str:
    """The part of a text that is shown, masked. No more is masked than is needed for that: what
    begins before the cut is seen whole, and what the end of it cuts through is left out."""
    part = shown_part(text)
    seen = text[: len(part) + CUT_MARGIN]
    masked = mask(seen)
    return shown_part(masked[: len(masked) - (len(seen) - len(part))])


def is_shown_in_part(text: str) -> bool:
    """Whether a text has more than notices and the API show."""
    return len(shown_part(text)) < len(text)
