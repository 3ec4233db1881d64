"""The line of each setting in a TOML file, which the standard parser does not give."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

_HEADER = re.compile(r"\s*+\[(\[?)([\w.\s-]++)\]\]?\s*+(?:#.*)?$")
_SETTING = re.compile(r"\s*([\w-]+(?:\s*\.\s*[\w-]+)*)\s*=")
_KEY = re.compile(r"(?:unknown setting: )?([\w.-]+)")
MOST_DOTS = 100
"""In one line: a key of n parts takes the time and memory of n² to read, gigabytes for 32 KiB."""

_LONG = ('"""', "'''")


def line_of_long_key(text: str) -> int:
    """The first line that may have a key of too many parts to be read; 0 if there is none."""
    lines = enumerate(text.split("\n"), 1)
    return next((number for number, line in lines if line.count(".") > MOST_DOTS), 0)


def with_lines(faults: Iterable[str], text: str) -> Iterator[str]:
    """Each fault, prefixed with the line of its key or else of the section around it."""
    lines = lines_of(text)
    for fault in faults:
        match = _KEY.match(fault)
        key = match[1] if match else ""
        while key and key not in lines:
            key = key.rpartition(".")[0]
        yield f"line {lines[key]}: {fault}" if key else fault


def lines_of(text: str) -> Mapping[str, int]:
    """The line numbers of settings and sections by key, such as `tiers.1.title` and `tiers.1`."""
    lines: dict[str, int] = {}
    last: dict[str, int] = {}
    section = open_quotes = ""
    for number, line in enumerate(text.split("\n"), 1):
        if open_quotes:  # within a text of several lines
            open_quotes = "" if open_quotes in line else open_quotes
            continue
        if header := _HEADER.match(line):
            section = _section_key(header[2], repeated=bool(header[1]), last=last)
            lines.setdefault(section, number)
        elif setting := _SETTING.match(line):
            key = ".".join(part.strip() for part in setting[1].split("."))
            lines.setdefault(f"{section}.{key}" if section else key, number)
            open_quotes = next((quotes for quotes in _LONG if line.count(quotes) % 2), "")
    return lines


def _section_key(name: str, *, repeated: bool, last: dict[str, int]) -> str:
    """The key of a section; a repeated one, `[[…]]`, gets its number, counted from 0.

    `last` holds the latest number of each repeated section, and is updated.
    """
    key = ""
    *parents, own = (part.strip() for part in name.split("."))
    for part in parents:
        key += part
        key += f".{last[key]}." if key in last else "."
    key += own
    if not repeated:
        return key
    last[key] = last.get(key, -1) + 1
    return f"{key}.{last[key]}"
