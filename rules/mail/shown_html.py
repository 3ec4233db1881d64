"""The HTML of a mail, as the process that sanitises it hands it over, and how much of it another
person may read."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from rules.mail.markup import Piece, Tag, balanced, text_of


class PlainOnly(StrEnum):
    """Why the HTML of a comment is made of its text."""

    NO_HTML = "no_html"
    """The mail has plain text alone."""
    WRITTEN_HERE = "written_here"
    """It was written over the API or on the console."""
    NOT_STORED = "not_stored"
    """The mail is no longer stored."""
    UNREADABLE = "unreadable"
    """The body is beyond the limits of what is parsed."""
    TOO_LARGE = "too_large"
    TOO_COMPLEX = "too_complex"
    """Nested too deeply, or a tag of more than 16 KiB."""
    TIMEOUT = "timeout"
    CRASH = "crash"
    PRIVATE = "private"
    """It may have more than this reader may read: parts that are cut from the text."""

    @property
    def is_costly(self) -> bool:
        """Whether its process took too long, or ended."""
        return self in (PlainOnly.TIMEOUT, PlainOnly.CRASH)


@dataclass(frozen=True, slots=True)
class HtmlView:
    """What a worker makes of the HTML of a mail."""

    html: str = ""
    """The author's own part."""
    quoted: str = ""
    """What they quote at the end, and their signature."""
    text: str = ""
    """The text of the same mail."""
    images: tuple[tuple[str, bytes], ...] = ()
    """Those that are written in the HTML itself, by name."""
    quoted_images: tuple[str, ...] = ()
    """Images in quotes and signatures, also in those between the author's own lines."""
    plain_only: PlainOnly | None = None


_WORD = re.compile(r"\w+")
_MADE_FOR_TEXT = re.compile(
    r"<(?:https?:|mailto:|tel:)[^<>\s]*>|\[(?:image|cid|Bild):[^\]\n]{0,500}\]"
    r"|(?m:^[ \t]*(?:\d{1,3}[.)]|[*•o-])[ \t])"
)
"""What clients add where they make a text of HTML: targets of links, images, numbers of a list."""
_WINDOW = 12
"""Words of the text that may be missing in a row in the HTML: a link, a row of a table."""


def cut_to(some: Sequence[Piece], text: str, skipped: str = "") -> list[Piece] | None:
    """The beginning of an HTML, as far as it says what `text` says; None where it cannot be cut so
    that each of its words is in the text, in the same order, and all of the text is said.

    `skipped` are words above it that are left out: commands.
    """
    some, text = _with_described_images(some, text)
    wanted = _WORD.findall(_MADE_FOR_TEXT.sub(" ", text))
    if not wanted:
        return None
    starts, whole = _offsets(some)
    words = list(_WORD.finditer(whole))
    first = _begins_with(words, _WORD.findall(skipped))
    if first is None:
        return None
    at = missed = 0
    last = first
    for word in words[first:]:
        if at == len(wanted):
            break
        try:
            found = wanted.index(word[0], at, at + _WINDOW)
        except ValueError:
            break
        missed += found - at
        at, last = found + 1, last + 1
    if last == first or at < len(wanted) or missed > len(wanted) // 10:
        return None
    begin = _left(whole, words[first].start())
    end = _right(whole, words[last - 1].end())
    stop = words[last].start() if last < len(words) else len(whole)
    return _part(some, starts, begin, end, stop)


def _with_described_images(some: Sequence[Piece], text: str) -> tuple[Sequence[Piece], str]:
    """The images with the descriptions that the text has in brackets, and the text without them."""
    made: list[Piece] = []
    for piece in some:
        if isinstance(piece, Tag) and piece.name == "img":
            described = " ".join(piece.get("alt").split())
            if described and f"{described}]" in text:
                text = text.replace(f"[{described}]", " ")
            else:
                kept = (pair for pair in piece.attributes if pair[0] != "alt")
                piece = Tag("img", tuple(kept))
        made.append(piece)
    return made, text


def _offsets(some: Sequence[Piece]) -> tuple[list[int], str]:
    """Where the text of each piece begins in the text of all, and that text."""
    starts, texts, at = [], [], 0
    for piece in some:
        text = text_of((piece,))
        starts.append(at)
        texts.append(text)
        at += len(text)
    return starts, "".join(texts)


def _begins_with(words: Sequence[re.Match[str]], skipped: Sequence[str]) -> int | None:
    """The number of words that are skipped; None if the text does not begin with them."""
    for index, each in enumerate(skipped):
        if index >= len(words) or words[index][0] != each:
            return None
    return len(skipped)


def _left(whole: str, at: int) -> int:
    while at and not whole[at - 1].isspace() and not whole[at - 1].isalnum():
        at -= 1
    return at


def _right(whole: str, at: int) -> int:
    """Behind the punctuation after a word."""
    while at < len(whole) and not whole[at].isspace() and not whole[at].isalnum():
        at += 1
    return at


def _part(
    some: Sequence[Piece], starts: Sequence[int], begin: int, end: int, stop: int
) -> list[Piece]:
    """The pieces with the text from `begin` to `end`, and with the images up to `stop`."""
    first = _piece_at(some, starts, begin)
    cut: list[Piece] = []
    for index, piece in enumerate(some):
        at = starts[index]
        if not isinstance(piece, str):
            cut.append(piece)
            continue
        cut.append(piece[max(0, begin - at) : max(0, end - at)])
    last = bisect_right(starts, stop - 1) if stop < starts[-1] + 1 else len(some)
    if stop > end:
        # Elements that begin right before the next word are not needed.
        while last > first + 1 and not (_is_image(cut[last - 1]) or _is_text(cut[last - 1])):
            last -= 1
    return [piece for piece in balanced(cut, first, last) if piece != ""]


def _piece_at(some: Sequence[Piece], starts: Sequence[int], at: int) -> int:
    """The index of the text that begins at or before an offset."""
    index = bisect_right(starts, at) - 1
    while index > 0 and not isinstance(some[index], str):
        index -= 1
    return index


def _is_image(piece: Piece) -> bool:
    return isinstance(piece, Tag) and piece.name == "img"


def _is_text(piece: Piece) -> bool:
    return isinstance(piece, str) and bool(piece.strip())
