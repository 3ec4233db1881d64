"""On which line of a TOML file a setting stands; the standard reader does not say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

_HEADER = re.compile(r"\s*\[(\[?)\s*([\w.\s-]+?)\s*\]\]?\s*(?:#.*)?$")
_SETTING = re.compile(r"\s*([\w-]+(?:\s*\.\s*[\w-]+)*)\s*=")
_KEY = re.compile(r"(?:unknown setting: )?([\w.-]+)")
_LONG = ('"""', "'''")


def with_lines(faults: Iterable[str], text: str) -> Iterator[str]:
    """Each fault with the line of its key before it, or of the section that it is in."""
    lines = lines_of(text)
    for fault in faults:
        found = _KEY.match(fault)
        key = found[1] if found else ""
        while key and key not in lines:
            key = key.rpartition(".")[0]
        yield f"line {lines[key]}: {fault}" if key else fault


def lines_of(text: str) -> Mapping[str, int]:
    """The lines of settings and sections by their keys: `tiers.1.title`, and `tiers.1` itself."""
    lines: dict[str, int] = {}
    last: dict[str, int] = {}
    section = within = ""
    for number, line in enumerate(text.split("\n"), 1):
        if within:
            within = "" if within in line else within
            continue
        if header := _HEADER.match(line):
            section = _place(header[2], bool(header[1]), last)
            lines.setdefault(section, number)
        elif setting := _SETTING.match(line):
            key = ".".join(part.strip() for part in setting[1].split("."))
            lines.setdefault(f"{section}.{key}" if section else key, number)
            within = next((mark for mark in _LONG if line.count(mark) % 2), "")
    return lines


def _place(name: str, repeated: bool, last: dict[str, int]) -> str:
    """The key of a section; of one that may stand several times, with its number.

    `last` holds the number of the last of each such section.
    """
    place = ""
    *above, own = (part.strip() for part in name.split("."))
    for part in above:
        place += part
        place += f".{last[place]}." if place in last else "."
    place += own
    if not repeated:
        return place
    last[place] = last.get(place, -1) + 1
    return f"{place}.{last[place]}"
