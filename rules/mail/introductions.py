"""The lines with which a client introduces what it quotes, in any language.

Phrases are known for some languages only. But directly above a quote such lines have a form of
their own: a line with an address that ends in a colon, or a block of lines that each begin with a
name and a colon, one of them with an address and one with a date.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

LONGEST_BLOCK = 12
_WRAPPED = 3
_EXAMINED = 400
_INVISIBLE = dict.fromkeys((0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))
"""Marks of direction, which clients put around names."""
_FIELD = re.compile(r"\*{0,2}[^\s:：*][^:：]{0,30}[:：]")
_YEAR = re.compile(r"(?<!\d)20\d\d(?!\d)")
_ANY_YEAR = re.compile(r"(?<!\d)20\d\d(?!\d)|\d[./-]\d{1,2}[./-]\d{2}(?!\d)")
_TIME = re.compile(r"\d[:：]\d\d(?!\d)")
_COLONS = (":", "：")


def without_introduction(lines: Sequence[str], end: int) -> int:
    """Where the lines up to `end` end without the introduction of a quote that begins there; `end`
    if nothing is below."""
    if not any(line.strip() for line in lines[end:]):
        return end
    begins = end
    while begins and end - begins < LONGEST_BLOCK and lines[begins - 1].strip():
        begins -= 1
    block = [line[:_EXAMINED].translate(_INVISIBLE).strip() for line in lines[begins:end]]
    if _is_header(block):
        return begins
    if not block or not block[-1].endswith(_COLONS):
        return end
    for index in range(len(block) - 1, max(-1, len(block) - 1 - _WRAPPED), -1):
        if "@" in block[index]:
            above = index > 0 and _YEAR.search(block[index - 1]) is not None
            return begins + index - above
    return end


def without_dated_introduction(lines: Sequence[str], end: int) -> int:
    """Where the lines up to `end` end without a line that has a year and ends in a colon.

    Only for texts of which nothing quoted may be published: people write such lines, too.
    """
    last = lines[end - 1][:_EXAMINED].translate(_INVISIBLE).strip() if end else ""
    return end - 1 if last.endswith(_COLONS) and _ANY_YEAR.search(last) else end


def may_be_header(block: Sequence[str]) -> bool:
    """Whether a block of lines may be the header of a mail, wrapped lines and names without
    addresses included."""
    lines = [line[:_EXAMINED].translate(_INVISIBLE).strip() for line in block]
    fields = sum(_FIELD.match(line) is not None for line in lines)
    return fields > 2 and any(_YEAR.search(line) or _TIME.search(line) for line in lines)


def _is_header(block: Sequence[str]) -> bool:
    fields = [line for line in block if _FIELD.match(line)]
    if len(fields) < 3 or len(fields) < len(block):
        return False
    return any("@" in line for line in block) and any(map(_YEAR.search, block))
