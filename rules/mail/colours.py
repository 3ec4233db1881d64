"""Colours of an author's HTML, as a mail in light and in dark can show them.

Clients write black on white into each text, which nobody chose; in dark it could not be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rules.mail.markup import End, Piece, Tag

_NEUTRAL_NAMES = frozenset(
    ("black", "white", "gray", "grey", "windowtext", "window", "inherit", "initial", "transparent")
)
_HEXADECIMAL = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)
_NUMBERS = re.compile(r"rgba?\(\s*(\d{1,3})[,\s]+(\d{1,3})[,\s]+(\d{1,3})[^)]*\)", re.IGNORECASE)
_PROPERTIES = ("color", "background-color")
_ATTRIBUTES = ("color", "bgcolor")
_NEARLY = 12
"""So far apart may red, green and blue be for a grey."""


def is_neutral(value: str) -> bool:
    """Whether a colour is black, white or a grey."""
    value = value.replace("!important", "").strip().lower()
    if value in _NEUTRAL_NAMES:
        return True
    if found := _HEXADECIMAL.fullmatch(value):
        digits = found[1] if len(found[1]) == 6 else "".join(each * 2 for each in found[1])
        levels = [int(digits[at : at + 2], 16) for at in (0, 2, 4)]
    elif found := _NUMBERS.fullmatch(value):
        levels = [int(found[1]), int(found[2]), int(found[3])]
    else:
        return False
    return max(levels) - min(levels) <= _NEARLY


def without_neutral_colours(some: Iterable[Piece]) -> tuple[list[Piece], bool]:
    """The pieces without the colours that nobody chose, and whether others are left."""
    made: list[Piece] = []
    coloured = False
    for piece in some:
        if isinstance(piece, str | End):
            made.append(piece)
            continue
        kept: list[tuple[str, str]] = []
        for name, value in piece.attributes:
            if name == "style":
                value, chosen = _without_neutral(value)
                coloured = coloured or chosen
            elif name in _ATTRIBUTES:
                if is_neutral(value):
                    continue
                coloured = True
            if value or name == "alt":
                kept.append((name, value))
        made.append(Tag(piece.name, tuple(kept)))
    return made, coloured


def _without_neutral(style: str) -> tuple[str, bool]:
    kept, coloured = [], False
    for declaration in style.split(";"):
        name, _, value = declaration.partition(":")
        if name in _PROPERTIES:
            if is_neutral(value):
                continue
            coloured = True
        kept.append(declaration)
    return ";".join(kept), coloured
