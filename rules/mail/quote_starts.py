"""Where the quotes in a text begin: at an attribution, at a header block, or at quoted lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import takewhile

from rules.mail.attributions import WRAPPED, attribution_at, may_be_attribution, may_end
from rules.mail.header_blocks import (
    is_bare_block,
    is_block_below,
    is_header_block,
    is_quoting_block,
    key_of,
    rule_above,
    words_above,
)
from rules.mail.plain_lines import (
    EXAMINED_CHARACTERS,
    is_quoted,
    is_rule,
    plain,
    unquoted,
    without_rule,
)
from rules.mail.wordings.header_names import FROM
from rules.mail.wordings.separators import FORWARDED, FORWARDED_BY, ORIGINAL

REPLY_MARK = "##- Write your reply above this line -##"
"""The first line of our notices: nothing below it is part of the reply."""
CLOSELY_READ = 250
"""Lines of a text that are read closely because they may be attributions. No mail has so many."""


class LineKind(Enum):
    QUOTED, HEADER, FORWARD = range(3)
    ATTRIBUTION = 3
    """`On … wrote:`, which people also write by hand: a quote only if `>` follows."""
    DATED_ATTRIBUTION = 4
    """The same with all that a client writes: always begins a quote."""


@dataclass(frozen=True, slots=True)
class QuoteStart:
    kind: LineKind
    begins: int
    """The index of its first line: an attribution may be wrapped."""
    line: int
    column: int = 0
    is_dated: bool = False
    """Its attribution has a date, a time and a name."""
    """Where it begins in its first line: text of the author's may stand above it there."""


def quoted_lines(lines: Sequence[str]) -> list[bool]:
    """Which lines are quoted, with `>`, or below an attribution with `|` or initials (`AB>`).

    Excludes lines where wrapping moved the end of an address, `> wrote:`, to the beginning of a
    line, and lines that are an attribution between marks, `>>> Ann 20.11.2026 8:01 >>>`.
    """
    quoted = [">" in line and is_quoted(line) for line in lines]
    if not any(quoted) and not any(">" in line or line.startswith("|") for line in lines):
        return quoted
    other = False
    for index, line in enumerate(lines):
        if quoted[index]:
            if index and quoted[index - 1] and not line.startswith(">>>"):
                continue
            other = False
            if line.startswith(">>>") and line.rstrip().endswith(">>>") and len(line) > 12:
                quoted[index] = attribution_at(lines, index) is None
            elif index and not quoted[index - 1]:
                line = plain(line)
                if len(line) < 100 and line.endswith((":", "---")):
                    above = "".join(
                        each[:EXAMINED_CHARACTERS] for each in lines[max(0, index - 2) : index]
                    )
                    quoted[index] = above.count("<") <= above.count(">")
        elif (">" in line[1:5] or line.startswith("|")) and _OTHER_MARK.match(line):
            other = other or _is_below_attribution(lines, index)
            quoted[index] = other
        elif line.strip():
            other = False
    return quoted


def _is_below_attribution(lines: Sequence[str], index: int) -> bool:
    above = index - 1
    while above >= max(0, index - 3) and not lines[above].strip():
        above -= 1
    return above >= 0 and attribution_at(lines, above) is not None


def quote_starts(lines: Sequence[str], quoted: Sequence[bool]) -> Iterator[QuoteStart]:
    """Where quotes begin: a forward line, a header that ends the author's text, or a run of quoted
    lines, classified as ATTRIBUTION if it has one."""
    reader = _Reader(lines)
    pending: QuoteStart | None = None
    in_run = False
    for index, line in enumerate(lines):
        if not line.strip():
            continue
        if quoted[index]:
            if not in_run:
                yield _start_of_run(lines, index, pending)
            in_run, pending = True, None
            continue
        in_run = False
        if pending is not None and pending.kind is LineKind.DATED_ATTRIBUTION:
            break
        mark = reader.classify(index)
        if mark is None or mark.kind in _ATTRIBUTIONS:
            pending = mark
        else:
            pending = None
            yield mark
    if pending is not None and pending.kind is LineKind.DATED_ATTRIBUTION:
        yield QuoteStart(LineKind.HEADER, pending.begins, pending.line, pending.column)


def _start_of_run(lines: Sequence[str], index: int, pending: QuoteStart | None) -> QuoteStart:
    """The quote that begins with a quoted line, perhaps below an attribution or with one."""
    first = unquoted(lines[index])
    if is_forward_line(first):
        return QuoteStart(LineKind.FORWARD, index, index)
    if pending is not None:
        kind, begins, column = LineKind.ATTRIBUTION, pending.begins, pending.column
        return QuoteStart(kind, begins, index, column, pending.is_dated)
    run = takewhile(is_quoted, lines[index : index + WRAPPED])
    inside = [unquoted(line) for line in run]
    is_header = _is_separator(plain(first), ORIGINAL) or (
        bool(inside) and (is_header_block(inside, 0) or is_bare_block(inside, 0))
    )
    found = [attribution_at(inside, at) for at in range(len(inside))]
    is_dated = is_header or any(each is not None and each.is_dated for each in found)
    if is_dated or any(found):
        return QuoteStart(LineKind.ATTRIBUTION, index, index, 0, is_dated)
    return QuoteStart(LineKind.QUOTED, index, index)


def first_header(lines: Sequence[str]) -> tuple[int, int]:
    """Where the first quote header begins, itself quoted or not: its line, and the column there;
    the number of lines if there is none.

    For texts of which nothing quoted may be published: what may be a header is one.
    """
    quoted = quoted_lines(lines)
    plain_lines = [
        unquoted(line) if is_marked else line for line, is_marked in zip(lines, quoted, strict=True)
    ]
    reader = _Reader(plain_lines, private=True)
    pending: QuoteStart | None = None
    for index, line in enumerate(lines):
        if not line.strip():
            continue
        if pending is not None and quoted[index]:
            return pending.begins, pending.column
        pending = None
        mark = reader.classify(index)
        if mark is not None and mark.kind is LineKind.ATTRIBUTION:
            pending = mark
        elif mark is not None:
            return mark.begins, mark.column
    return len(lines), 0


class _Reader:
    """Classifies lines that are not quoted; a bounded number of them is read closely.

    A *private* one takes for a header whatever may be one, and what is not read closely.
    """

    def __init__(self, lines: Sequence[str], *, private: bool = False) -> None:
        self._lines = lines
        self._private = private
        self._left = CLOSELY_READ

    def classify(self, index: int) -> QuoteStart | None:
        """What begins in a line; None if it is text."""
        lines = self._lines
        line = lines[index]
        if line.startswith(_RULES) or line.endswith(_ENDS):
            examined = plain(line)
            if examined == REPLY_MARK:
                return QuoteStart(LineKind.HEADER, index, index)
            if _is_separator(examined, ORIGINAL) and self._is_above_quote(index):
                return QuoteStart(LineKind.HEADER, index, index)
            if self._is_joined_header(examined):
                return QuoteStart(LineKind.HEADER, index, index)
            if _is_forward(examined):
                return QuoteStart(LineKind.FORWARD, index, index)
            if may_end(lines, index) and (found := self._attribution(index)) is not None:
                return found
        if _may_be_field(line) and is_header_block(lines, index):
            begins = rule_above(lines, index)
            if self._private and begins == index:
                begins = words_above(lines, index)
            if self._private or begins < index or is_quoting_block(lines, index):
                return QuoteStart(LineKind.HEADER, begins, index)
        elif is_bare_block(lines, index):
            return QuoteStart(LineKind.HEADER, words_above(lines, index), index)
        return None

    def _is_joined_header(self, line: str) -> bool:
        """Whether a line of dashes goes on with the header that clients write below it:
        `--- Original Message ---From: ann@acme.example Date: …`."""
        found = _JOINED_RULE.match(line)
        if found is None or without_rule(found[1]) not in ORIGINAL | FORWARDED:
            return False
        return self._private or key_of(found[2]) in FROM

    def _is_above_quote(self, index: int) -> bool:
        """Whether a quote follows the words `Original Message`: people write these as well."""
        lines = self._lines
        if self._private or is_block_below(lines, index):
            return True
        below = range(index + 1, min(index + 1 + _BELOW_ORIGINAL, len(lines)))
        first = next((at for at in below if lines[at].strip()), index)
        if is_quoted(lines[first]) or plain(lines[first]) == REPLY_MARK:
            return True
        found = (self._attribution(at) for at in below if may_end(lines, at))
        return any(each is not None and each.is_dated for each in found)

    def _attribution(self, index: int) -> QuoteStart | None:
        if not self._left:
            return QuoteStart(LineKind.HEADER, index, index) if self._private else None
        self._left -= 1
        found = attribution_at(self._lines, index)
        if self._private and (found is None or not found.is_certain):
            begins = may_be_attribution(self._lines, index)
            if begins is not None:
                return QuoteStart(LineKind.HEADER, self._first_line(begins, index), index)
        if found is None:
            return None
        kind = LineKind.ATTRIBUTION
        if found.is_certain or (self._private and found.is_dated):
            kind = LineKind.DATED_ATTRIBUTION
        return QuoteStart(kind, found.begins, index, found.column, found.is_dated)

    def _first_line(self, begins: int, index: int) -> int:
        """Where an attribution begins of which this line may be one in the middle."""
        for later in range(index + 1, min(index + 3, len(self._lines))):
            found = attribution_at(self._lines, later)
            if found is not None and found.is_certain:
                return min(begins, found.begins)
        return begins


def _may_be_field(line: str) -> bool:
    start = line[:40]
    return ":" in start or "：" in start


def is_forward_line(line: str) -> bool:
    return _is_forward(plain(line))


def _is_forward(line: str) -> bool:
    words = without_rule(line)
    if words in FORWARDED:
        return is_rule(line.lstrip("*_ ")) or line.endswith(":")
    return is_rule(line) and words.startswith(FORWARDED_BY)


def _is_separator(line: str, words: frozenset[str]) -> bool:
    return is_rule(line.lstrip("*_ ")) and without_rule(line) in words


_ATTRIBUTIONS = (LineKind.ATTRIBUTION, LineKind.DATED_ATTRIBUTION)
_RULES = ("-", "=", "_", "*", "–", "—", "#", " ")
_ENDS = (":", "：", "៖", "։", ">", ")", "-", "*", " ", "\u200f", "\u202c", "\r", "\xa0")
_OTHER_MARK = re.compile(r"[^\W\d_]{1,4}>(?:[ >\r]|$)|\|(?:[ \r]|$)")
"""Initials in any script: `AB>`, `КД>`."""
_JOINED_RULE = re.compile(r"[-_=]{3,}([^-_=]{3,60})[-_=]{3,}(?=\S| \S)(.{1,200})")
_BELOW_ORIGINAL = 5
