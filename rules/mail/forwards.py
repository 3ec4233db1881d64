"""A mail that its author forwards: whose it was, and where in the text it begins.

Clients write a header block above what they forward. Only the first block counts, since anything
below it was written by others; where something above it may be another block, in a form that is not
known here, or introduces a quote that the block is in, it has no author. Only an address that
stands alone in it counts: a display name can be an address too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rules.mail.addresses import normalise
from rules.mail.attributions import attribution_at, may_be_attribution, may_end
from rules.mail.extent import shown_part, squeezed
from rules.mail.header_blocks import HEADER_LINES, is_bare_block, key_of, rule_above, value_of
from rules.mail.introductions import may_be_header
from rules.mail.message import Attachment
from rules.mail.plain_lines import is_quoted, unquoted
from rules.mail.quote_starts import is_forward_line
from rules.mail.quoting import is_forward
from rules.mail.wordings import header_names

LINES_OF_A_BLOCK = 60
"""To and Cc may be wrapped over many."""
LONGEST_FROM = LONGEST_SUBJECT = 1_000
LONGEST_DATE = 100
PEOPLE = 30
MOST_INTRODUCTIONS = 100
"""Lines that end like one, above a block: with more of them it has no author."""
_MAY_FORWARD = re.compile(
    rf"^[> \t*]*+(?:{'|'.join(map(re.escape, sorted(header_names.FROM)))})[ \t\xa0*]*+[:：]",
    re.MULTILINE | re.IGNORECASE,
)
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"@]{1,250}@[^\s<>()\[\],;:\"@]{1,255}")
_AT = re.compile("[@\ufe6b\uff20]")
_EXAMINED = 400
_DASHES = "-=_*—–―─━═"


@dataclass(frozen=True, slots=True)
class Forwarded:
    """A mail within the text of another."""

    author: str
    """Normalised; empty if its From does not name exactly one address."""
    subject: str
    """As its header block has it; may be empty."""
    above: str
    """What stands above its text: the words of the person who forwards it, and its header block."""
    own_words: str
    """The words of the person who forwards it; may be empty."""
    text: str
    """Its own text; may be empty."""
    sent: str = ""
    """When it was sent, as its header states it; may be empty."""
    people: tuple[str, ...] = ()
    """The addresses in its To and Cc, as written, the first of them."""
    attached: bool = False
    """It is attached, and not in the text."""
    files: tuple[Attachment, ...] = ()
    """Its own files: who forwards it added none of them."""


def forwarded_mail(subject: str, text: str) -> Forwarded | None:
    """The first mail that a text forwards; None if it forwards none.

    Outlook writes the same block above what a reply quotes: only the mail's subject shows which.
    """
    examined = shown_part(text)
    if not _MAY_FORWARD.search(examined):
        return None
    written = examined.split("\n")
    plain = [unquoted(line).strip() for line in squeezed(examined).split("\n")]
    found = _first_header_block(plain)
    if found is None or not (found.is_forward or is_forward(subject, examined)):
        return None
    end = _end_of_block(plain, found.at)
    block = plain[found.at : end]
    begins = sum(map(len, written[:end])) + end
    above = "\n".join(written[:end])
    in_quote = bool(block) and is_quoted(written[found.at])
    words, plain_words = written[: found.begins], plain[: found.begins]
    is_of_others = _may_have_block(plain_words) or (
        in_quote and (_quotes_words(words) or _ends_introducing(plain_words))
    )
    below = text[begins:]
    to, copies = _value(block, header_names.TO), _value(block, _COPIES)
    return Forwarded(
        author="" if is_of_others else _author(block),
        subject=_value(block, header_names.SUBJECT)[:LONGEST_SUBJECT].strip(),
        above=above.strip(),
        own_words="\n".join(words).strip(),
        text=(_unquoted_once(below) if in_quote else below).strip(),
        sent=_value(block, header_names.DATE)[:LONGEST_DATE].strip(),
        people=tuple(_ADDRESS.findall(f"{to} {copies}"))[:PEOPLE],
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


def may_forward(text: str) -> bool:
    """Whether a text may contain a forwarded mail, in whatever form."""
    return _may_have_block([unquoted(line).strip() for line in squeezed(text).split("\n")])


def _is_rule_with_words(line: str) -> bool:
    """Whether it may be a forward line in a language that is not known here."""
    return line.strip(_DASHES) != "" and {*line[:4], *line[-4:]} <= set(_DASHES)


def _quotes_words(lines: Sequence[str]) -> bool:
    """Whether some lines quote words: what follows in the same quote is of their author."""
    return any(is_quoted(line) and unquoted(line).strip() for line in lines)


def _ends_introducing(plain: Sequence[str]) -> bool:
    """Whether the last of some lines introduces a quote below it, even by a name alone."""
    last = next((index for index in reversed(range(len(plain))) if plain[index]), None)
    return last is not None and attribution_at(plain, last) is not None


def _may_introduce_quote(plain: Sequence[str]) -> bool:
    """Whether one of some lines may introduce what somebody else wrote."""
    ends = [index for index in range(len(plain)) if may_end(plain, index)]
    return len(ends) > MOST_INTRODUCTIONS or any(_is_introduction(plain, each) for each in ends)


def _is_introduction(plain: Sequence[str], index: int) -> bool:
    found = attribution_at(plain, index)
    return (found is not None and found.is_dated) or may_be_attribution(plain, index) is not None


def _may_have_block(plain: Sequence[str]) -> bool:
    """Whether some lines may be the header block of a mail, the line above one, or the introduction
    of a quote."""
    examined = [line[:_EXAMINED] for line in plain]
    if _may_introduce_quote(examined):
        return True
    if any(is_forward_line(line) or _is_rule_with_words(line) for line in examined):
        return True
    if any(key_of(line) in header_names.FROM for line in examined):
        return True  # what is left of a block that somebody shortened
    if any(is_bare_block(examined, index) for index in range(len(examined))):
        return True
    begins = 0
    for index, line in enumerate((*examined, "")):
        if not line:
            if index - begins > 2 and may_be_header(examined[begins:index]):
                return True
            begins = index + 1
    return False


def _first_header_block(plain: Sequence[str]) -> _HeaderBlock | None:
    """The first header block in lines without quote marks."""
    for index, line in enumerate(plain):
        if key_of(line) not in header_names.FROM:
            continue
        at = index  # Thunderbird writes the subject and the date above it
        while at and index - at < HEADER_LINES and _field_of(plain[at - 1]) in _ABOVE_FROM:
            at -= 1
        if not _is_header_block(plain, at, index):
            continue
        above = [i for i in range(max(0, at - 4), at) if plain[i].strip()]
        if above and is_forward_line(plain[above[-1]]):
            return _HeaderBlock(above[-1], at, is_forward=True)
        if above and _is_rule_with_words(plain[above[-1]][:_EXAMINED]):
            return _HeaderBlock(above[-1], at, is_forward=False)
        return _HeaderBlock(rule_above(plain, at), at, is_forward=False)
    return None


def _is_header_block(plain: Sequence[str], at: int, index: int) -> bool:
    """Whether a From, at `index`, stands with at least two of date, recipient and subject."""
    found = {_field_of(line) for line in plain[at:index]}
    for line in plain[index + 1 : index + HEADER_LINES]:
        name = _field_of(line)
        if name is header_names.FROM:
            return False
        if name is not None:
            found.add(name)
        if len(found) > 1:
            return True
    return False


def _field_of(line: str) -> frozenset[str] | None:
    """The field of a header block that a line begins; None for any other."""
    key = key_of(line)
    return next((names for names in _FIELDS if key in names), None)


_FIELDS = header_names.FIELDS
_ABOVE_FROM = (header_names.DATE, header_names.SUBJECT)


def _end_of_block(plain: Sequence[str], start: int) -> int:
    """The index of the first line below a header block; the number of lines if it has no end."""
    for index in range(start, min(len(plain), start + LINES_OF_A_BLOCK)):
        if not plain[index]:
            return index + 1
    return len(plain)


def _author(block: Sequence[str]) -> str:
    """The one address in From, which may be wrapped; empty if it is not certain.

    A name that its author chose may be as long as they like, and look like an address, or like the
    next line of the block once it is wrapped.
    """
    names = [name for line in block if (name := _field_of(line)) is not None]
    value = _value(block, header_names.FROM, _FIELDS)
    if len(names) != len(set(names)) or len(value) > LONGEST_FROM:
        return ""
    every = _ADDRESS.findall(value)
    found = {normalise(each.strip("'*").rstrip(".")) for each in every}
    is_clear = len(found) == 1 and len(every) == len(_AT.findall(value))
    return (found.pop() or "") if is_clear else ""


def _value(
    block: Sequence[str], names: frozenset[str], others: Sequence[frozenset[str]] = ()
) -> str:
    """The value of the first line with one of these names, with its further lines up to one with
    another name: of `others`, or else of any that clients write."""
    value: list[str] = []
    for line in block:
        key = key_of(line)
        if value and (any(key in each for each in others) if others else key in _NAMES):
            break
        if value:
            value.append(line)
        elif key in names:
            value.append(value_of(line))
    return " ".join(value).strip()


_COPIES = frozenset({"cc", "kopie", "copie", "copia"})
_NAMES = frozenset().union(*_FIELDS, header_names.OTHERS)


def _unquoted_once(text: str) -> str:
    return "\n".join(re.sub(r"^[ \t]*> ?", "", line) for line in text.split("\n"))
