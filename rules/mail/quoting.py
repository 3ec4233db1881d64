"""Separates the text that an author wrote from the text that their client quoted below it.

`visible` hides text for display and never deletes any. `published` and `masked` are for replies of
staff to customers: there, everything that may be a quote is removed, because our notices to staff
contain internal text.

Every line is examined a bounded number of times and no pattern can backtrack, so the time is linear
in the size of any text; and only the beginning of a very long text is examined (`extent`). White
space in a line counts as one space.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from rules.mail import phrases
from rules.mail.extent import read_text, shown_part, squeezed
from rules.mail.introductions import without_introduction

REPLY_MARK = "##- Write your reply above this line -##"
"""The first line of our notices: nothing below it is part of the reply."""
EXAMINED_CHARACTERS = 400
"""Characters of a line that are examined to classify it."""
ATTRIBUTION_LINES = 3
"""Maximum lines over which a client wraps `On … wrote:`."""
HEADER_LINES = 10
"""Lines in which a quoted header block must be recognisable, wrapped recipients included."""
SIGNATURE_LINES = 20
"""Of a signature after `--`, perhaps a rule in the text: no signature of DKIM covers the space."""
SHORTEST_TOKEN = 20


@dataclass(frozen=True, slots=True)
class VisibleText:
    """A text in two parts; together they contain the whole text, in order."""

    text: str
    hidden: str
    """The quoted part and the signature; empty if everything is shown."""


def visible(text: str, *, forwarded: bool = False) -> VisibleText:
    """Splits off the quoted tail and the signature from the text that the author wrote.

    Everything is shown if otherwise nothing would be left, if the author answers below or between
    the quoted lines, or if the text marks a forwarded mail. In a text that is longer than is
    examined an answer may be below the quoted lines, so only a header block or a dated attribution
    hides what follows. Outlook formats a forward like a reply: only the subject distinguishes them
    (`is_forward`); the caller passes the result as `forwarded`.
    """
    if forwarded:
        return VisibleText(text, "")
    examined = shown_part(text)
    lines = examined.split("\n")
    cut = visible_end(squeezed(examined), continued=len(examined) < len(text))
    if cut == len(lines) or not any(line.strip() for line in lines[:cut]):
        return VisibleText(text, "")
    hidden_at = sum(map(len, lines[:cut])) + cut
    return VisibleText("\n".join(lines[:cut]).rstrip(), text[hidden_at:])


def own_text(text: str) -> str:
    """The author's own text, without quoted lines; empty if there is none.

    Answers between quoted lines are the author's own text, and so is a forwarded mail.
    """
    text = read_text(text)
    lines = text.split("\n")
    numbered = zip(lines[: visible_end(text)], quoted_lines(lines), strict=False)
    return "\n".join(line for line, quoted in numbered if not quoted).strip()


def is_forward(subject: str) -> bool:
    """Whether the first prefix of a subject is one that clients use for forwards."""
    prefix, colon, _ = subject[:EXAMINED_CHARACTERS].replace("：", ":").partition(":")
    return bool(colon) and prefix.strip().casefold() in phrases.FORWARD_PREFIXES


@lru_cache(maxsize=2)  # several checks of a staff person's mail read it, one after the other
def published(text: str, mark: str) -> str:
    """The part of a staff member's text that may be sent to a customer; empty if none is left.

    Everything is removed below the first line with `mark`, even a wrapped one, or quote header,
    quoted or not; so are a quoted tail with its introduction, the signature, and unexamined text.
    """
    examined = shown_part(text)
    lines = squeezed(examined).split("\n")
    plain = [unquoted(line) for line in lines]
    cut = min(_line_of(mark, plain), _first_header(lines, plain))
    while cut and (not lines[cut - 1].strip() or _is_quoted(lines[cut - 1])):
        cut -= 1
    cut = without_signature(lines, without_introduction(lines, cut))
    return "\n".join(examined.split("\n")[:cut]).strip()


def masked(text: str, addresses: Collection[str]) -> str:
    """The text with every reply address of the mailboxes `addresses` replaced by the bare address.

    Reply addresses are found in any case, in brackets and links (`%2B` and `%40` as well), and
    wrapped over lines with or without `>`. A token without its domain is not an address and stays.
    """

    def bare(found: re.Match[str]) -> str:
        address = f"{found[1]}@{found[3]}".lower()
        length = sum(c.isalnum() for c in found[2])
        return address if address in addresses and length >= SHORTEST_TOKEN else found[0]

    return _reply_addresses(frozenset(addresses)).sub(bare, text)


@lru_cache(maxsize=64)
def _reply_addresses(addresses: frozenset[str]) -> re.Pattern[str]:
    """Matches a local part of ours, a token and a domain of ours; the caller checks whether local
    part and domain belong together, so that hundreds of mailboxes cost one pass."""
    parts = [address.rpartition("@") for address in addresses]
    local, domain = (
        "|".join(re.escape(text) for text in sorted(set(each), key=lambda text: (-len(text), text)))
        for each in ([p[0] for p in parts], [p[2] for p in parts])
    )
    plus, at = rf"{_BREAK}(?:\+|%2B|&#43;){_BREAK}", rf"(?:@|%40|&#64;){_BREAK}"
    return re.compile(f"({local}){plus}({_TOKEN}){at}({domain})", re.IGNORECASE)


_DIGIT = re.compile(r"\d")
_BREAK = r"(?:[ \t]*+\r?\n[>| \t]*+)?"
_TOKEN = rf"(?:[a-z2-7]++{_BREAK}){{1,8}}"


class _LineKind(Enum):
    TEXT, QUOTED, HEADER, FORWARD = range(4)
    ATTRIBUTION = 4
    """`On … wrote:`, which people also write by hand: a quote only if `>` follows."""
    DATED_ATTRIBUTION = 5
    """The same with a date or an address: always begins a quote."""


@dataclass(frozen=True, slots=True)
class QuoteStart:
    kind: _LineKind
    begins: int
    """The index of its first line: an attribution may be wrapped."""
    line: int


@lru_cache(maxsize=4)
def visible_end(text: str, *, continued: bool = False) -> int:
    """The index of the first hidden line; the number of lines if all are shown.

    `continued` means that more lines follow, which are not examined. Several rules ask this of the
    same text.
    """
    lines = text.split("\n")
    quoted = quoted_lines(lines)
    attributed: QuoteStart | None = None
    bare: list[QuoteStart] = []
    end = len(lines)
    for mark in quote_starts(lines, quoted):
        match mark.kind:
            case _LineKind.HEADER:
                end = mark.begins
                break
            case _LineKind.FORWARD if attributed is None:
                return len(lines)
            case _LineKind.ATTRIBUTION:
                attributed = attributed or mark
            case _LineKind.QUOTED:
                bare.append(mark)
    first = attributed or (bare[0] if len(bare) == 1 else None)
    if first is not None:
        below = range(first.line, without_signature(lines, end))
        answered = any(lines[index].strip() and not quoted[index] for index in below)
        open_end = continued and end == len(lines)
        if open_end or (answered and attributed is not None):
            return len(lines)
        end = end if answered else first.begins
    if continued and end == len(lines):
        return end
    return without_signature(lines, end)


def quoted_lines(lines: Sequence[str]) -> list[bool]:
    """Which lines are quoted; excludes lines where wrapping moved the end of an address,
    `> wrote:`, to the beginning of a line."""
    quoted = [_is_quoted(line) for line in lines]
    for index in range(1, len(lines)):
        line, above = lines[index].strip(), lines[index - 1][:EXAMINED_CHARACTERS]
        if quoted[index] and not quoted[index - 1] and len(line) < 40 and line.endswith(":"):
            quoted[index] = above.count("<") <= above.count(">")
    return quoted


def quote_starts(lines: Sequence[str], quoted: Sequence[bool]) -> Iterator[QuoteStart]:
    """Where quotes begin: a forward line, a header that ends the author's text, or a run of `>`
    lines, classified as ATTRIBUTION if it has one."""
    pending: QuoteStart | None = None
    in_run = False
    for index, line in enumerate(lines):
        if not line.strip():
            continue
        if quoted[index]:
            if not in_run:
                kind = _LineKind.ATTRIBUTION if pending else _LineKind.QUOTED
                begins = pending.begins if pending else index
                if is_forward_line(unquoted(line)):
                    kind, begins = _LineKind.FORWARD, index
                yield QuoteStart(kind, begins, index)
            in_run, pending = True, None
            continue
        in_run = False
        if pending is not None and pending.kind is _LineKind.DATED_ATTRIBUTION:
            break
        mark = _classify(lines, index)
        pending = (
            mark if mark.kind in (_LineKind.ATTRIBUTION, _LineKind.DATED_ATTRIBUTION) else None
        )
        if mark.kind in (_LineKind.HEADER, _LineKind.FORWARD) and not _is_pasted(
            lines, mark.begins
        ):
            yield mark
    if pending is not None and pending.kind is _LineKind.DATED_ATTRIBUTION:
        yield QuoteStart(_LineKind.HEADER, pending.begins, pending.line)


def _is_pasted(lines: Sequence[str], index: int) -> bool:
    """Whether another header line is directly above: then a raw mail was pasted, not quoted."""
    above = lines[index - 1][:40] if index and key_of(lines[index]) in phrases.FROM else ""
    name, _, value = above.partition(":")
    folded = above[:1] in (" ", "\t") and bool(above.strip())
    return folded or (bool(value) and name.replace("-", "").isalpha())


def _first_header(lines: Sequence[str], plain: Sequence[str]) -> int:
    """Where the first quote header begins, itself quoted or not; else the number of lines."""
    pending: QuoteStart | None = None
    for index, line in enumerate(lines):
        if not line.strip():
            continue
        if pending is not None and _is_quoted(line):
            return pending.begins
        pending = None
        mark = _classify(plain, index)
        if mark.kind is _LineKind.ATTRIBUTION:
            pending = mark
        elif mark.kind is not _LineKind.TEXT:
            return mark.begins
    return len(lines)


def _line_of(mark: str, plain: Sequence[str]) -> int:
    """The first line with the mark, which may be wrapped over three; else the number of lines."""
    wanted = mark.casefold().split()
    for index, line in enumerate(plain):
        if wanted[0] in line.casefold():
            words = " ".join(plain[index : index + 3]).casefold().split()
            if " ".join(wanted) in " ".join(words):
                return index
    return len(plain)


def _classify(lines: Sequence[str], index: int) -> QuoteStart:
    """Classifies a line that is not quoted."""
    line = lines[index][:EXAMINED_CHARACTERS].strip()
    if line == REPLY_MARK:
        return QuoteStart(_LineKind.HEADER, index, index)
    is_rule = _is_rule(line)
    if (is_rule or line.endswith(":")) and (bare := _bare(line)):
        if _is_forward(line, bare):
            return QuoteStart(_LineKind.FORWARD, index, index)
        if is_rule and bare in phrases.ORIGINAL:
            return QuoteStart(_LineKind.HEADER, index, index)
        if line.endswith((":", "--")) and (found := _attribution(lines, index)) is not None:
            return found
    if key_of(line) in phrases.FROM and is_header_block(lines, index):
        return QuoteStart(_LineKind.HEADER, rule_above(lines, index), index)
    return QuoteStart(_LineKind.TEXT, index, index)


def _attribution(lines: Sequence[str], index: int) -> QuoteStart | None:
    """The attribution that ends here: `On … wrote:`, `Am … schrieb …:`, `Ann <ann@…> wrote:`."""
    above = range(index, max(-1, index - ATTRIBUTION_LINES), -1)
    nearby = [_words_of(lines[at][:EXAMINED_CHARACTERS]) for at in above]
    if not any(each.has_address or each.has_verb for each in nearby):
        return None
    for number, words in enumerate(nearby):
        if not words.line:
            break
        if not words.opens:
            continue
        whole = nearby[: number + 1]
        has_address = any(each.has_address for each in whole)
        dated = has_address and words.line[0].isdigit() and nearby[0].line.endswith(">:")
        if dated or any(each.has_verb for each in whole):
            if has_address or any(_DIGIT.search(each.line) for each in whole):
                return QuoteStart(_LineKind.DATED_ATTRIBUTION, index - number, index)
            if not number:
                return QuoteStart(_LineKind.ATTRIBUTION, index, index)
    # One that begins with the name: `Ann <ann@…> wrote:`, or wrapped after its verb.
    for number, words in enumerate(nearby[:2]):
        whole_address = words.has_address and words.line.count("<") >= words.line.count(">")
        if whole_address and words.has_verb:
            return QuoteStart(_LineKind.DATED_ATTRIBUTION, index - number, index)
        if not _DIGIT.search(words.line):
            break
    return None


class _Words(NamedTuple):
    """A line of an attribution, without the dashes with which some clients decorate it."""

    line: str
    opens: bool
    has_address: bool
    has_verb: bool


@lru_cache(maxsize=64)  # a wrapped attribution is examined with each of the lines around it
def _words_of(line: str) -> _Words:
    plain = line.strip().strip("-").strip().replace("\xa0", " ")
    first = plain.partition(" ")[0].casefold()
    opens = first in phrases.OPENERS or first[:1].isdigit()
    return _Words(plain, opens, "@" in plain, phrases.has_verb(plain))


def is_header_block(lines: Sequence[str], index: int) -> bool:
    """Whether `From:` here is followed by at least two of date, recipient and subject."""
    found = set()
    for line in lines[index + 1 : index + HEADER_LINES]:
        key = key_of(line)
        if key in phrases.FROM:
            return False
        found |= {
            n for n, keys in enumerate((phrases.DATE, phrases.TO, phrases.SUBJECT)) if key in keys
        }
        if len(found) > 1:
            return True
    return False


def rule_above(lines: Sequence[str], index: int) -> int:
    """The index of a rule of dashes or underscores above a header block; else `index`."""
    above = index - 1
    while above >= max(0, index - 3) and not lines[above].strip():
        above -= 1
    if above < 0:
        return index
    rule = lines[above][:EXAMINED_CHARACTERS].strip()
    return above if _is_rule(rule) and not _bare(rule) else index


def key_of(line: str) -> str:
    """The name of a header line, such as `*From:*` or `De :`; empty if it is not a header line."""
    key, colon, _ = line[:40].partition(":")
    return key.replace("\xa0", " ").strip(" \t*").casefold() if colon else ""


def is_forward_line(line: str) -> bool:
    line = line[:EXAMINED_CHARACTERS].strip()
    return _is_forward(line, _bare(line))


def _is_forward(line: str, bare: str) -> bool:
    if bare in phrases.FORWARDED:
        return _is_rule(line) or line.endswith(":")
    return _is_rule(line) and bare.startswith(phrases.FORWARDED_BY)


def _is_rule(line: str) -> bool:
    return line.startswith(("--", "==", "__", "**"))


def _bare(line: str) -> str:
    return line.strip("-=_*: \t\xa0").replace("’", "'").casefold()


def _is_quoted(line: str) -> bool:
    return line.lstrip(" \t").startswith(">")


def unquoted(line: str) -> str:
    return line.lstrip("> \t") if _is_quoted(line) else line


def without_signature(lines: Sequence[str], end: int) -> int:
    """Where the signature, or the client's own advertising line, begins in the lines up to `end`;
    else `end`. Quoted lines end the search (RFC 3676 §4.3: two dashes and a space)."""
    last = end
    while last and not lines[last - 1].strip():  # no signature covers how many these are, either
        last -= 1
    for index in range(last - 1, max(last - SIGNATURE_LINES, 0) - 1, -1):
        if _is_quoted(lines[index]):
            break
        if lines[index].rstrip() == "--":
            return index
    line = lines[last - 1].strip(" \t\r*(<").casefold() if last else ""
    return last - 1 if len(line) <= 100 and line.startswith(phrases.DEVICES) else end
