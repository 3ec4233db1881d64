"""Where the quote and the signature at the end of a mail's HTML begin, as its text shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gateway.parsing.html_lines import HtmlLines
from gateway.parsing.html_quotes import QuoteMark
from gateway.parsing.html_quoting import QuoteRegion, QuoteRegions
from gateway.parsing.html_text import with_marks
from rules.mail.markup import BLOCKS, CELLS, VOID, End, Piece, Tag
from rules.mail.quoting import visible

_IMAGE = "\ufffc"
"""Stands for an image in a line: it says something, too."""


class Fold(NamedTuple):
    begins: int
    """The index of the first piece that is hidden: a quote or a signature, and nothing but that
    below it. The number of pieces if none is."""
    images: tuple[str, ...]
    """The names of the images that stand in a quote or a signature, wherever that is."""


def fold(pieces: Sequence[Piece], marks: Mapping[int, QuoteMark], *, forwarded: bool) -> Fold:
    """Folds what the text of the same pieces hides, with the marks of the elements by index."""
    lines = _PieceLines()
    for index, piece in enumerate(pieces):
        lines.read(piece, marks.get(index))
        lines.note_ends(index + isinstance(piece, str))
    text = lines.text(len(pieces))
    hidden = visible(text, forwarded=forwarded or lines.quotes.is_forward).hidden
    if not hidden.strip():
        return Fold(len(pieces), tuple(lines.images))
    begins = lines.ends[text[: -len(hidden)].rstrip().count("\n")]
    while begins < len(pieces) and isinstance(pieces[begins], End):
        begins += 1
    return Fold(begins, tuple(lines.images))


class _PieceLines:
    """The lines of the pieces, as far as quotes and signatures are known by them."""

    def __init__(self) -> None:
        self.ends: list[int] = []
        """Of each line, the index of the piece that ended it."""
        self.images: list[str] = []
        self._lines = HtmlLines()
        self.quotes = QuoteRegions(self._lines)
        self._open: list[list[QuoteRegion]] = []
        self._preformatted = 0

    def read(self, piece: Piece, mark: QuoteMark | None) -> None:
        match piece:
            case Tag(name, _):
                self._begin(piece, self.quotes.enter(name, mark))
            case End(name):
                self._preformatted -= name == "pre"
                for region in self._open.pop() if self._open else ():
                    self._leave(region)
                self._edge(name)
            case _ if self._preformatted:
                self._lines.write_preformatted(piece)
            case _:
                self._lines.write(piece)

    def _begin(self, tag: Tag, region: QuoteRegion | None) -> None:
        if tag.name == "br":
            self._lines.line_break()
        elif tag.name == "img":
            if not is_tiny(dict(tag.attributes)):
                self._lines.write(_IMAGE)
            if self.quotes.are_open:
                self.images.append(tag.get("src").removeprefix("part:"))
        else:
            self._edge(tag.name)
        self._preformatted += tag.name == "pre"
        if tag.name not in VOID:
            self._open.append([] if region is None else [region])
        elif region is not None:
            self._leave(region)

    def _edge(self, name: str) -> None:
        if name in BLOCKS:
            self._lines.block()
        elif name in CELLS:
            self._lines.separate()

    def _leave(self, region: QuoteRegion) -> None:
        follows = self.quotes.leave(region)
        if follows is not None and self._open:
            self._open[-1].append(follows)

    def note_ends(self, at: int) -> None:
        self.ends += [at] * (len(self._lines.texts) - len(self.ends))

    def text(self, end: int) -> str:
        """The text, in which quotes and a signature are marked."""
        self._lines.block()
        self.note_ends(end)
        for added in self.quotes.finish():
            self.ends.insert(added, self.ends[added - 1])
        return with_marks(self._lines)


def says_something(pieces: Sequence[Piece]) -> bool:
    return any(
        (isinstance(piece, str) and piece.strip())
        or (isinstance(piece, Tag) and piece.name == "img")
        for piece in pieces
    )


def is_tiny(values: Mapping[str, str]) -> bool:
    return values.get("width") in ("0", "1") or values.get("height") in ("0", "1")
