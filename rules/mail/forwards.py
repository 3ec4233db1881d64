"""A mail that its author forwards: whose it was, and where in the text it begins.

Clients write a header block above what they forward. Only the first block counts, since anything
below it was written by others, and only an address that stands alone in it: a display name can be
an address too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rules.mail import phrases
from rules.mail.addresses import normalise
from rules.mail.extent import shown_part, squeezed
from rules.mail.quoting import (
    is_forward,
    is_forward_line,
    is_header_block,
    key_of,
    rule_above,
    unquoted,
)

LINES_OF_A_BLOCK = 60
"""To and Cc may be wrapped over many."""
LONGEST_FROM = 1_000
_MAY_FORWARD = re.compile(
    rf"^[> \t*]{{0,20}}+(?:{'|'.join(map(re.escape, sorted(phrases.FROM)))})[ \t\xa0*]{{0,5}}:",
    re.MULTILINE | re.IGNORECASE,
)
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"'*]{1,64}@[^\s<>()\[\],;:\"'*]{1,255}")


@dataclass(frozen=True, slots=True)
class Forwarded:
    """A mail within the text of another."""

    author: str
    """Normalised; empty if its From does not name exactly one address."""
    subject: str
    """As its header block has it; may be empty."""
    above: str
    """What stands above its text: the words of whoever forwards it, and its header block."""
    own_words: str
    """The words of whoever forwards it; may be empty."""
    text: str
    """Its own text; may be empty."""


def forwarded_mail(subject: str, text: str) -> Forwarded | None:
    """The first mail that a text forwards; None if it forwards none.

    Outlook writes the same block above what a reply quotes: there only the mail's subject tells.
    """
    examined = shown_part(text)
    if not _MAY_FORWARD.search(examined):
        return None
    written = examined.split("\n")
    plain = [unquoted(line).strip() for line in squeezed(examined).split("\n")]
    found = _first_header_block(plain)
    if found is None or not (found.is_forward or is_forward(subject)):
        return None
    end = _end_of_block(plain, found.at)
    block = plain[found.at : end]
    begins = sum(map(len, written[:end])) + end
    above = "\n".join(written[:end])
    is_quoted = bool(block) and written[found.at].lstrip().startswith(">")
    below = text[begins:]
    return Forwarded(
        author=_author(block),
        subject=_value(block, phrases.SUBJECT),
        above=above.strip(),
        own_words="\n".join(written[: found.begins]).strip(),
        text=(_unquoted_once(below) if is_quoted else below).strip(),
    )


@dataclass(frozen=True, slots=True)
class _HeaderBlock:
    """The header of a mail within the text of another."""

    begins: int
    """The index of its first line, or of the forward line above it."""
    at: int
    """The index of its `From:`."""
    is_forward: bool
    """There is a forward line above it."""


def _first_header_block(plain: Sequence[str]) -> _HeaderBlock | None:
    """The first header block in lines without quote marks."""
    for index, line in enumerate(plain):
        if key_of(line) not in phrases.FROM or not is_header_block(plain, index):
            continue
        above = [i for i in range(max(0, index - 4), index) if plain[i].strip()]
        if above and is_forward_line(plain[above[-1]]):
            return _HeaderBlock(above[-1], index, is_forward=True)
        return _HeaderBlock(rule_above(plain, index), index, is_forward=False)
    return None


def _end_of_block(plain: Sequence[str], start: int) -> int:
    """The index of the first line below a header block; the number of lines if it has no end."""
    for index in range(start, min(len(plain), start + LINES_OF_A_BLOCK)):
        if not plain[index]:
            return index + 1
    return len(plain)


def _author(block: Sequence[str]) -> str:
    """The one address in From, which may be wrapped."""
    value = _value(block, phrases.FROM)
    found = {
        normalise(each.removeprefix("mailto:").rstrip(".")) for each in _ADDRESS.findall(value)
    }
    return (found.pop() or "") if len(found) == 1 else ""


def _value(block: Sequence[str], names: frozenset[str]) -> str:
    """The value of the first line with one of these names, with its further lines."""
    value: list[str] = []
    for line in block:
        key = key_of(line)
        if value and key in _NAMES:
            break
        if value:
            value.append(line)
        elif key in names:
            value.append(line.partition(":")[2].strip(" *"))
    return " ".join(value)[:LONGEST_FROM].strip()


_NAMES = phrases.FROM | phrases.DATE | phrases.TO | phrases.SUBJECT | {"cc", "kopie", "reply-to"}


def _unquoted_once(text: str) -> str:
    return "\n".join(re.sub(r"^[ \t]*> ?", "", line) for line in text.split("\n"))
