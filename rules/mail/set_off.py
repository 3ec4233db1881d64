"""Words of others within a mail of ours, set off: none of their lines can pass for one of ours."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

MARK = "| "
COLUMNS = 72
"""A longer line is broken here: its rest would begin at the margin where a client breaks it."""
_WORD = re.compile(r"\s*\S+")


def set_off(text: str) -> str:
    """Each line behind a mark, and ended. A word of ASCII, such as a link, stays whole."""
    rows = (row for line in text.splitlines() for row in _rows(line.expandtabs().rstrip()))
    return "".join(f"{MARK}{row}".rstrip() + "\n" for row in rows)


def _rows(line: str) -> Iterator[str]:
    row = ""
    for word in _words(line):
        if _columns(row) + _columns(word) > COLUMNS:
            if row:
                yield row
            row = word.lstrip()
        else:
            row += word
    yield row


def _words(line: str) -> Iterator[str]:
    """Words with the spaces before them. One that is not of ASCII may contain what looks like a
    space, so it is taken in parts."""
    for found in _WORD.findall(line):
        spaces = len(found) - len(found.lstrip())
        word = found[max(0, spaces - COLUMNS) :]
        if word.isascii():
            yield word
        else:
            for at in range(0, len(word), COLUMNS // 2):
                yield word[at : at + COLUMNS // 2]


def _columns(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)
