"""A line that is written as a command, however a client formats it.

Clients write a capital after `#`, a space that does not break, a bullet for a `-`, a heading for
`# `, stars for bold. People put quotation marks around it, or a full stop behind it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rules.commands.table import BY_NAME, NAMES, misspelt
from rules.mail.number_signs import NUMBER_SIGNS, ORDINAL

LINE_LENGTH = 2000
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b"
    "\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\u206a\u206b\u206c"
    "\u206d\u206e\u206f\u20e3\u2800\u3164\ufe00\ufe0e\ufe0f\ufeff\uffa0"
)
"""Characters without ink that editors and phones leave in a text."""
_NORMALISED: Mapping[int, str | None] = MappingProxyType(
    dict.fromkeys(map(ord, NUMBER_SIGNS), "#") | dict.fromkeys(map(ord, _INVISIBLE))
)
"""The number signs of Asian keyboards count as `#`; invisible characters are removed."""
WHITE_SPACE = re.compile(rf"[\s{_INVISIBLE}]*")
_QUOTES = "\"'`\u00b4\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a"
_DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2212"
_EMPHASIS = "*_~"
_CLOSING = f"{_EMPHASIS}{_QUOTES})]}}"
_STOPS = ".,;:!?\u2026"
_COMMAND = re.compile(
    rf"(?P<marks>(?>(?:[^\w>#]|_){{0,16}}){ORDINAL})(?P<signs>#{{1,6}})(?P<space>\s*+)"
    rf"[{re.escape(_EMPHASIS + _QUOTES)}]{{0,4}}+(?P<name>[^\W\d_]\S*)\s*(?P<value>.*)",
    re.DOTALL,
)
"""Before the sign: bullets, stars, quotation marks, an emoji, whatever is no letter."""
_LINK = re.compile(r"<https?://[^<>]*>", re.IGNORECASE)
"""The conversion of HTML to text writes the target of a link behind it."""


@dataclass(frozen=True, slots=True)
class Spelled:
    """A line that is written as a command."""

    name: str
    """Of the command, in lower case: an unknown one as it was written."""
    value: str
    """With single spaces."""
    is_known: bool
    is_heading: bool
    """`# note` or `## note`, as clients and people write a heading."""
    is_marked: bool
    """Something stands before the sign: a bullet, stars, a quotation mark."""
    is_too_long: bool = False

    @property
    def is_certain(self) -> bool:
        """Whether it can be nothing but the command: not a heading that begins with its name."""
        entry = BY_NAME.get(self.name)
        return not (self.is_heading and entry is not None and entry.is_prose)

    @property
    def is_misplaced(self) -> bool:
        """Whether it is no text for customers where it stands below other text."""
        return (self.is_known and self.is_certain) or _is_slip(self)


def spelled(line: str) -> Spelled | None:
    """The command as which a line is written; None for any other line."""
    whole = cleaned(line.lstrip()[: LINE_LENGTH + 20])
    found = _COMMAND.fullmatch(whole[: LINE_LENGTH + 1])
    if found is None:
        return None
    written = unicodedata.normalize("NFKC", found["name"]).casefold().rstrip(_CLOSING + _STOPS)
    name = NAMES.get(written)
    value = _LINK.sub("", found["value"]).strip()
    if found["marks"].strip():
        value = value.rstrip(_CLOSING)
    return Spelled(
        name=name or written or found["name"],
        value=" ".join(value.split()),
        is_known=name is not None,
        is_heading=bool(found["space"]) or len(found["signs"]) > 1,
        is_marked=bool(found["marks"].strip()),
        is_too_long=len(whole) > LINE_LENGTH,
    )


def heads_as_command(line: str) -> bool:
    """Whether a line before any other text is read as a command, known or not."""
    found = spelled(line)
    if found is None:
        return False
    return found.is_known or not (found.is_heading or found.is_marked) or _is_slip(found)


def _is_slip(found: Spelled) -> bool:
    return not found.is_known and not found.is_heading and bool(misspelt(found.name))


def is_bare_note(line: str) -> bool:
    """Whether a line is the name of `#note` without its sign, of which a client may have made a
    heading: it is not published."""
    word = unicodedata.normalize("NFKC", cleaned(line)).casefold().strip(_CLOSING + _STOPS)
    return NAMES.get(word) == "note"


def cleaned(line: str) -> str:
    return line.translate(_NORMALISED).strip()


def unquoted_value(value: str) -> str:
    """A value without quotation marks around it and a full stop behind it."""
    return value.strip().rstrip(_STOPS).strip(_QUOTES + _EMPHASIS).rstrip(_STOPS).strip()


def with_plain_dashes(value: str) -> str:
    return value.translate(dict.fromkeys(map(ord, _DASHES), "-"))
