"""Where the quote and the signature at the end of a mail's HTML begin, by the marks of its client
and by its words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.parsing.client_marks import ClientMark
from rules.mail.introductions import without_introduction
from rules.mail.markup import BLOCKS, VOID, End, Piece, Tag, text_of
from rules.mail.quote_starts import is_forward_line
from rules.mail.quoting import visible, visible_end

_IMAGE = "\ufffc"
"""Stands for an image in a line: it says something, too."""


@dataclass(slots=True)
class _Line:
    begins: int
    """The index of its first piece."""
    text: str = ""
    quoted: bool = False
    signature: bool = False


def fold(pieces: Sequence[Piece], marks: Mapping[int, ClientMark]) -> int:
    """The index of the first piece that is hidden: a quote or a signature, and nothing but that
    below it. The number of pieces if the author writes below or between the quoted lines, if they
    forward a mail, or if nothing else would be left."""
    lines = _lines(pieces, marks)
    first = next((line for line in lines if line.quoted and line.text.strip()), None)
    if first is not None and is_forward_line(first.text):
        return len(pieces)
    texts = [f"> {line.text}" if line.quoted else line.text for line in lines]
    cut = len(lines)
    while cut and (lines[cut - 1].quoted or lines[cut - 1].signature or not texts[cut - 1].strip()):
        cut -= 1
    hides = any(line.quoted or line.signature for line in lines[cut:])
    if not hides or any(line.quoted and line.text.strip() for line in lines[:cut]):
        cut = len(lines)
    else:
        cut = without_introduction(texts, cut)
    by_words = visible_end("\n".join(texts))
    cut = min(cut, by_words)
    if cut >= len(lines):
        return len(pieces)
    end = lines[cut].begins
    while end < len(pieces) and isinstance(pieces[end], End):
        end += 1
    return end if says_something(pieces[:end]) else len(pieces)


def says_something(pieces: Sequence[Piece]) -> bool:
    return any(
        (isinstance(piece, str) and piece.strip())
        or (isinstance(piece, Tag) and piece.name == "img")
        for piece in pieces
    )


def _lines(pieces: Sequence[Piece], marks: Mapping[int, ClientMark]) -> list[_Line]:
    """The text in lines, each of which knows whether it is within a quote or a signature."""
    lines = [_Line(0)]
    opened: list[tuple[bool, bool]] = []
    """Of each open element: whether it is within a quote, and within a signature."""
    below = False
    for index, piece in enumerate(pieces):
        quoted, signature = opened[-1] if opened else (False, False)
        match piece:
            case Tag(name, _):
                mark = marks.get(index)
                below = below or mark is ClientMark.BELOW
                quoted = quoted or below or mark is ClientMark.QUOTE or name == "blockquote"
                signature = signature or mark is ClientMark.SIGNATURE
                if name == "img" and not is_tiny(dict(piece.attributes)):
                    lines[-1].text += _IMAGE
                if name not in VOID:
                    opened.append((quoted, signature))
                if name == "br" or name in BLOCKS or mark is not None:
                    lines.append(_Line(index, "", quoted, signature))
            case End(name):
                if opened:
                    opened.pop()
                if name in BLOCKS or name == "br":
                    quoted, signature = opened[-1] if opened else (False, False)
                    lines.append(_Line(index, "", quoted or below, signature))
            case _:
                text = piece.replace("\n", " ")
                lines[-1].text += " ".join(text.split()) if text.strip() else " "
                if piece.endswith("\n") and index + 1 < len(pieces):
                    lines.append(_Line(index + 1, "", quoted or below, signature))
    return lines


def quoted_images(pieces: Sequence[Piece], marks: Mapping[int, ClientMark]) -> list[str]:
    """The names of the images that stand in a quote or a signature, wherever that is."""
    names: list[str] = []
    opened: list[bool] = []
    below = False
    for index, piece in enumerate(pieces):
        if isinstance(piece, Tag):
            mark = marks.get(index)
            below = below or mark is ClientMark.BELOW
            inside = (opened[-1] if opened else False) or mark is not None
            inside = inside or piece.name == "blockquote"
            if piece.name not in VOID:
                opened.append(inside)
            if piece.name == "img" and (inside or below):
                names.append(piece.get("src").removeprefix("part:"))
        elif isinstance(piece, End) and opened:
            opened.pop()
    return names


def hides_more(pieces: Sequence[Piece], cut: int, text: str) -> bool:
    """Whether words are hidden below the cut that the text of the same mail shows. The text knows
    more marks, and that answers between quotes are the author's: then all of the HTML is shown."""
    if cut == len(pieces) or not text.strip():
        return False
    shown = set(_WORD.findall(visible(text).text)) - set(_WORD.findall(text_of(pieces[:cut])))
    return not shown.isdisjoint(_WORD.findall(text_of(pieces[cut:])))


_WORD = re.compile(r"\w+")


def is_tiny(values: Mapping[str, str]) -> bool:
    return values.get("width") in ("0", "1") or values.get("height") in ("0", "1")
