"""The header blocks that clients write above what they quote, and that people paste."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rules.mail.introductions import may_be_header
from rules.mail.plain_lines import EXAMINED_CHARACTERS, folded, is_rule, plain, without_rule
from rules.mail.wordings.header_names import (
    AMBIGUOUS,
    DATE,
    FIELDS,
    FROM,
    OTHERS,
    PLAIN_DATES,
    SUBJECT,
    TO,
)

HEADER_LINES = 10
"""Lines in which a quoted header block must be recognisable, wrapped recipients included."""
_KEY = 40
_PASTED_LINES = 30
_RAW = frozenset(
    {
        "received",
        "return-path",
        "delivered-to",
        "message-id",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
        "dkim-signature",
        "authentication-results",
        "x-mailer",
        "x-received",
    }
)
"""Fields that no client shows: a block that has them was pasted from the source of a mail."""


def key_of(line: str) -> str:
    """The name of a header line, such as `*From:*` or `De :`; empty if it is not a header line."""
    start = line[:_KEY]
    if not start.isascii():
        start = plain(start)
    key, colon, _ = start.partition(":")
    return key.strip(" \t\r*_").casefold() if colon else ""


def value_of(line: str) -> str:
    """What follows the name of a header line."""
    return line.replace("：", ":", 1).partition(":")[2].strip(" *")


def is_header_block(lines: Sequence[str], index: int) -> bool:
    """Whether a header block begins here: From and at least two of date, recipient and subject.

    Some clients write the subject or the date above From, in lines that follow each other.
    """
    start = key_of(lines[index])
    if not any(start in names for names in FIELDS):
        return False
    found: set[int] = set()
    for at in range(index, min(len(lines), index + HEADER_LINES)):
        key = key_of(lines[at])
        if key in FROM and 0 in found and start in FROM:
            return False
        for number, names in enumerate(FIELDS):
            if key in names:
                found.add(number)
        if 0 in found and len(found) > 2:
            return True
        if 0 not in found and not _may_be_above_from(key, lines[at]):
            return False
    return False


def _may_be_above_from(key: str, line: str) -> bool:
    return key in DATE or key in SUBJECT or key in TO or key in OTHERS or not line.strip()


def is_bare_block(lines: Sequence[str], index: int) -> bool:
    """Whether the block of a client that writes no colons begins here: `From "Ann" <ann@…>`, and
    in the lines below at least two of date, recipient and subject."""
    start = lines[index][:_KEY]
    start = start if start.isascii() else plain(start)
    if start.partition(" ")[0].casefold() not in _FIRST_WORDS:
        return False
    if _bare_field(lines[index]) is not FROM or "@" not in "".join(lines[index : index + 2]):
        return False
    below = lines[index + 1 : index + 1 + _BARE_LINES]
    found = {id(names) for line in below if (names := _bare_field(line)) is not None}
    return len(found - {id(FROM)}) > 1


def _bare_field(line: str) -> frozenset[str] | None:
    """The field of a block that a line begins with, without a colon."""
    words = folded(plain(line[: 2 * _KEY]).strip("*_ ")).split(" ")
    for count in range(1, min(_NAME_WORDS, len(words) - 1) + 1):
        name = " ".join(words[:count])
        for names in FIELDS:
            if name in names:
                return names
    return None


def is_block_below(lines: Sequence[str], index: int) -> bool:
    """Whether what stands below a line of dashes may be the header of a mail, or says
    nothing, as a last line in capitals."""
    below = [line for line in lines[index + 1 : index + 1 + HEADER_LINES] if line.strip()]
    end = " ".join(below)[:_KEY]  # of a digest
    if not below or (end.isupper() and len(end) < _KEY) or may_be_header(below[:_BARE_LINES]):
        return True
    fields = [line for line in below[:_BARE_LINES] if _is_field(line)]
    if below[0] in fields and (len(fields) > 1 or "@" in below[0]):
        return True
    return _bare_field(below[0]) is FROM and "@" in "".join(below[:2])


def _is_field(line: str) -> bool:
    key = key_of(line)
    return bool(key) and any(key in names for names in (*FIELDS, OTHERS))


def is_quoting_block(lines: Sequence[str], index: int) -> bool:
    """Whether the header block that begins here is a client's, above what it quotes, rather than
    one that the author pasted, or a form: `From: Berlin`, `To: Hamburg`."""
    end = index
    subject = address = by_client = False
    while end < min(len(lines), index + _PASTED_LINES):
        line = lines[end][:EXAMINED_CHARACTERS]
        key = key_of(line)
        has_address = "@" in line
        if key in _RAW or (key in AMBIGUOUS and not has_address):
            return False
        if not line.strip() and end > index + 2 and not _continues(lines, end):
            break
        if key in FROM and not any(map(str.isalpha, value_of(line))):
            return False
        subject = subject or key in SUBJECT
        address = address or has_address
        if key in DATE:
            is_exact = key not in PLAIN_DATES or _TIME.search(line) is not None
            by_client = by_client or is_exact or line.startswith("*")
        end += 1
    return (address or (subject and by_client)) and not _is_pasted(lines, index)


def _continues(lines: Sequence[str], index: int) -> bool:
    """Whether a field of the block follows the empty line here."""
    return index + 1 < len(lines) and any(key_of(lines[index + 1]) in each for each in FIELDS)


def _is_pasted(lines: Sequence[str], index: int) -> bool:
    """Whether another header line is directly above, or a line by which the author says what
    follows: `We got this mail:`."""
    above = lines[index - 1][:_KEY] if index else ""
    name, _, value = above.partition(":")
    folded = above[:1] in (" ", "\t") and bool(above.strip())
    if folded or (value and name.strip().replace("-", "").isalpha()):
        return True
    for at in range(index - 1, max(-1, index - 4), -1):
        line = plain(lines[at])
        if line:
            return line.endswith(":") and not is_rule(line)
    return False


def rule_above(lines: Sequence[str], index: int) -> int:
    """The index of a rule of dashes or underscores above a header block, or of the line that Notes
    writes there, `Ann ---20.11.2026 08:01:45---Re: Printer`; else `index`."""
    above = index - 1
    while above >= max(0, index - 3) and not lines[above].strip():
        above -= 1
    if above < 0:
        return index
    rule = plain(lines[above])
    if _NOTES.search(rule):
        return above
    return above if is_rule(rule) and not without_rule(rule) else index


def words_above(lines: Sequence[str], index: int) -> int:
    """The index of a line of dashes with any words directly above a header block; else `index`."""
    rule = plain(lines[index - 1]) if index else ""
    return index - 1 if is_rule(rule) and rule.endswith(("--", "==", "__", "**")) else index


_BARE_LINES = 6
_NAME_WORDS = 3
_FIRST_WORDS = frozenset(name.partition(" ")[0] for name in FROM)
_TIME = re.compile(r"\d[:.]\d\d")
_NOTES = re.compile(r"\S ?---\d[\d/.\-]{5,10} \d{1,2}[:.]\d{2}[:.]\d{2}[^-]{0,10}---")
