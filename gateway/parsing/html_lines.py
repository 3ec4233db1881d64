"""The lines of the text that is made of HTML, as they are written one after the other."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_SPACES = re.compile(r"[ \t\n\r\f]+")
_UNSEEN = re.compile("[\\s\u00ad\u034f\u061c\u200b-\u200f\u2007\u202f\u2060-\u2064\ufeff]*+")
_ROW_CHARACTERS = 500
_LINES_OF_A_CELL = 3
_LINES_IN_A_GRID = 12
_LINES_OF_A_LABEL = 3


@dataclass(slots=True)
class _Row:
    is_grid: bool
    """Its cells stand in columns: an empty one is shown, and one of several lines on one."""
    starts: list[int] = field(default_factory=list)
    """The lines at which its cells begin."""


class HtmlLines:
    """Text is written at the end; a block, a break or a cell ends the line."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.quoted: list[bool] = []
        """Of each line, whether its author quoted it."""
        self.is_quoted = False
        """Whether what is written now is quoted."""
        self.indent = ""
        self.written = 0
        """How many lines have begun: shows whether anything stands in an element."""
        self._parts: list[str] = []
        self._line_quoted = False
        self._gap = False
        self._fresh_cell = False
        self._bullet = ""
        self._opening = ""
        self._separate = False
        self._rows: list[_Row] = []

    def write(self, text: str) -> None:
        """Text with white space as one space."""
        if "\n" in text or "  " in text or "\t" in text or "\r" in text or "\f" in text:
            text = _SPACES.sub(" ", text)
        parts = self._parts
        if not parts:
            text = text.lstrip(" ")
            if not text:
                return
            self._begin()
        elif text.startswith(" ") and parts[-1].endswith(" "):
            text = text[1:]
        elif self._separate and text[:1].isalnum() and not parts[-1].endswith(" "):
            text = f" {text}"
        self._separate = False
        if self._opening and text.strip():
            bare = text.lstrip(" ")
            text = " " * (len(text) - len(bare)) + self._opening + bare
            self._opening = ""
        parts.append(text)

    def write_preformatted(self, text: str) -> None:
        """Text with its white space and line breaks."""
        first, *others = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._write_as_is(first)
        for line in others:
            self._finish()
            self._write_as_is(line)

    def _write_as_is(self, text: str) -> None:
        if not text:
            return
        if not self._parts:
            self._begin()
        self._parts.append(self._opening + text)
        self._opening = ""

    def _begin(self) -> None:
        self.written += 1
        if self._gap and self.texts and self.texts[-1]:
            self.texts.append("")
            self.quoted.append(self.is_quoted and self.quoted[-1])
        self._gap = self._fresh_cell = False
        self._line_quoted = self.is_quoted
        self._parts.append(self.indent + self._bullet if self._bullet else self.indent)
        if self._bullet:
            self._bullet = ""
            self.indent += "  "

    def block(self) -> None:
        """A block begins or ends here."""
        if self._parts:
            self._finish()

    def gap(self) -> None:
        """A block with a margin begins or ends here."""
        if self._parts:
            self._finish()
        self._gap = self._gap or not self._fresh_cell

    def line_break(self) -> None:
        if self._parts:
            self._finish()
        elif self.texts and self.texts[-1]:
            self.texts.append("")
            self.quoted.append(self.is_quoted)

    def _finish(self) -> None:
        text = "".join(self._parts)
        self._parts.clear()
        bare = text.rstrip(" \xa0")
        if not bare or (not bare.isascii() and _UNSEEN.fullmatch(bare)):
            if text and self.texts and not self.texts[-1]:
                return  # one empty line is enough
            bare = ""
        elif bare == "--" and text != bare:
            bare = "-- "
        self.texts.append(bare)
        self.quoted.append(self._line_quoted)

    def item(self, bullet: str, indent: str) -> None:
        """An item of a list begins: its first line has the bullet."""
        self.block()
        self.indent, self._bullet = indent, bullet

    def end_item(self) -> None:
        self.block()
        self._bullet = ""

    def row(self, *, is_grid: bool) -> None:
        self.block()
        self._rows.append(_Row(is_grid))

    def cell(self, *, is_head: bool) -> None:
        self.block()
        if self._rows:
            self._rows[-1].starts.append(len(self.texts))
            self._rows[-1].is_grid |= is_head
        self._fresh_cell = True

    def end_row(self) -> None:
        """Joins the cells of a row that have a line each."""
        self.block()
        self._fresh_cell = False
        row = self._rows.pop() if self._rows else None
        if row is None or len(row.starts) < 2 or row.starts[0] >= len(self.texts):
            return
        first = row.starts[0]
        cells = self._cells(row)
        if len(cells) < 2 or len(set(self.quoted[first:])) > 1:
            return
        first += not self.texts[first] and len(self.texts) - first > 1
        joined = cells[0]
        for cell in cells[1:]:
            joined += (" " if joined.endswith((":", "：")) else " | ") + cell
        self.texts[first:], self.quoted[first:] = [joined.lstrip(" ")], [self.quoted[first]]
        self._gap = False

    def _cells(self, row: _Row) -> list[str]:
        """The cells of a row, as far as they can be joined; else none."""
        cells: list[str] = []
        most = _LINES_IN_A_GRID if row.is_grid else _LINES_OF_A_CELL
        for start, end in zip(row.starts, [*row.starts[1:], len(self.texts)], strict=True):
            written = self.texts[start:end] if end - start <= most else []
            if end - start > most or sum(map(len, written)) > _ROW_CHARACTERS:
                return []
            lines = [line.strip(" ") for line in written if line]
            if row.is_grid:
                cells.append(" / ".join(lines))
            elif len(lines) > 1:
                return []
            else:
                cells += lines
        while cells and not cells[-1]:
            cells.pop()
        return cells if sum(map(len, cells)) <= _ROW_CHARACTERS else []

    def separate(self) -> None:
        """What follows stands apart from what is written."""
        self._separate = bool(self._parts)

    def place(self) -> tuple[int, int]:
        """Where the next text will stand: the number of lines, and of pieces in this line."""
        return len(self.texts), len(self._parts)

    def since(self, place: tuple[int, int]) -> str:
        """What was written since then; a long text only up to its end."""
        line, piece = place
        if line == len(self.texts):
            return "".join(self._parts[piece:])
        above = self.texts[max(line, len(self.texts) - _LINES_OF_A_LABEL) :]
        return "\n".join((*above, "".join(self._parts)))

    def append(self, text: str, place: tuple[int, int]) -> None:
        """Text right after what was written since `place`."""
        if self._parts and place != self.place():
            self._parts[-1] = self._parts[-1].rstrip(" ")
            self._parts.append(text)
        elif not self._parts and len(self.texts) > place[0] and self.texts[-1]:
            self.texts[-1] += text
        else:
            self.write(text)

    def append_target(self, target: str, place: tuple[int, int]) -> None:
        """Where the link leads that was written since `place`, apart from what follows it."""
        self.append(f" <{target}>", place)
        self._separate = True

    def open(self, sign: str) -> None:
        """A sign before the next text."""
        self._opening = sign

    def close(self, sign: str, place: tuple[int, int]) -> None:
        """The same sign after it, if there was any."""
        if self._opening == sign:
            self._opening = ""
        elif self.since(place).strip():
            self.append(sign, place)
