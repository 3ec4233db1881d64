"""Separates the text that an author wrote from the text that their client quoted with it.

`visible` hides text for display and never deletes any. `published` and `masked` are for replies of
staff to customers: there, everything that may be a quote is removed, because our notices to staff
contain internal text.

Every line is examined a bounded number of times and no pattern can backtrack, so the time is linear
in the size of any text; and only the beginning of a very long text is examined (`extent`). White
space in a line counts as one space.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from rules.mail.extent import (
    READ_CHARACTERS,
    REMEMBERED_CHARACTERS,
    REMEMBERED_TEXTS,
    read_text,
    shown_part,
    squeezed,
)
from rules.mail.header_blocks import key_of
from rules.mail.introductions import without_dated_introduction, without_introduction
from rules.mail.number_signs import NUMBER_SIGNS
from rules.mail.plain_lines import EXAMINED_CHARACTERS, folded, is_quoted, plain, unquoted
from rules.mail.quote_starts import REPLY_MARK as REPLY_MARK
from rules.mail.quote_starts import (
    LineKind,
    QuoteStart,
    first_header,
    quote_starts,
    quoted_lines,
)
from rules.mail.signatures import is_client_line, without_signature
from rules.mail.wordings.header_names import FROM
from rules.mail.wordings.separators import AMBIGUOUS_PREFIXES, FORWARD_PREFIXES, REPLIED

SHORTEST_TOKEN = 20


class HiddenKind(Enum):
    """What a line is that is hidden from the reader."""

    QUOTE = "quoted text"
    SIGNATURE = "signature"
    CLIENT_LINE = "client line"


@dataclass(frozen=True, slots=True)
class VisibleText:
    """A text in three parts; together they contain the whole text, in order."""

    text: str
    hidden: str
    """The quoted part and the signature below; empty if everything below is shown."""
    hidden_above: str = ""
    """A quote at the very beginning, which the author answers below."""
    lines: tuple[tuple[HiddenKind, int], ...] = ()
    """How many lines of each kind are hidden, empty ones aside."""

    @property
    def hidden_lines(self) -> int:
        return sum(count for _, count in self.lines)

    @property
    def hidden_kinds(self) -> str:
        """What the hidden lines are, as a list for a person; empty if none is hidden."""
        return ", ".join(kind.value for kind, _ in self.lines)


def visible(text: str, *, forwarded: bool = False) -> VisibleText:
    """Splits off the quoted part and the signature from the text that the author wrote.

    Everything is shown if otherwise nothing would be left, if the author answers between the quoted
    lines, or if the text marks a forwarded mail. In a text that is longer than is examined an
    answer may be below the quoted lines, so only a header block or a dated attribution hides what
    follows. Outlook formats a forward like a reply: only the subject distinguishes them
    (`is_forward`); the caller passes the result as `forwarded`.
    """
    if forwarded:
        return VisibleText(text, "")
    examined = shown_part(text)
    layout = _layout(squeezed(examined), continued=len(examined) < len(text))
    lines = examined.split("\n")
    begin, end = layout.begins, layout.ends
    shown = lines[begin:end]
    if layout.column and shown:
        shown[-1] = _cut(shown[-1], layout.column)
    if (begin, end) == (0, len(lines)) or not any(map(str.strip, shown)):
        return VisibleText(text, "")
    above = "\n".join(lines[:begin])
    kept = "\n".join(shown)
    hidden_at = len(above) + (begin > 0) + len(kept) + (not layout.column and end < len(lines))
    hidden = text[hidden_at:]
    return VisibleText(kept.rstrip(), hidden, above, _counted(above, hidden, lines, layout))


def _cut(line: str, column: int) -> str:
    """The beginning of a line that is `column` characters long in its squeezed form."""
    lengths = range(len(line) + 1)
    return line[: bisect_left(lengths, column, key=lambda length: len(squeezed(line[:length])))]


def _counted(
    above: str, hidden: str, lines: Sequence[str], layout: _Layout
) -> tuple[tuple[HiddenKind, int], ...]:
    """The numbers of hidden lines of each kind."""
    own = [line for line in lines[layout.ends : layout.quote] if line.strip()]
    of_client = sum(map(is_client_line, own))
    quoted = _lines_with_ink(above) + _lines_with_ink(hidden) - len(own)
    counts = (
        (HiddenKind.QUOTE, quoted),
        (HiddenKind.SIGNATURE, len(own) - of_client),
        (HiddenKind.CLIENT_LINE, of_client),
    )
    return tuple((kind, count) for kind, count in counts if count > 0)


def _lines_with_ink(text: str) -> int:
    """How many lines are not empty. A mail may hide millions: no list of them is made, and those
    beyond what the rules read count even if they are empty."""
    known = sum(1 for _ in _LINE_WITH_INK.finditer(text, 0, READ_CHARACTERS))
    return known + text.count("\n", READ_CHARACTERS, len(text) - 1)


_LINE_WITH_INK = re.compile(r"\S[^\n]*+")


def own_text(text: str) -> str:
    """The author's own text, without quoted lines; empty if there is none.

    Answers between quoted lines are the author's own text, and so is a forwarded mail.
    """
    read = read_text(text)
    return (_own if len(read) <= REMEMBERED_CHARACTERS else _own.__wrapped__)(read)


@lru_cache(maxsize=REMEMBERED_TEXTS)
def _own(text: str) -> str:
    lines = text.split("\n")
    layout = _layout(text)
    shown = range(layout.begins, layout.ends)
    quoted = quoted_lines(lines)
    return "\n".join(lines[index] for index in shown if not quoted[index]).strip()


def is_forward(subject: str, text: str = "") -> bool:
    """Whether the first prefix of a subject is one that clients use for forwards.

    One of them is that of a reply in other languages: what the client wrote above the quote in the
    text shows which.
    """
    prefix, colon, _ = subject[:EXAMINED_CHARACTERS].replace("：", ":").partition(":")
    prefix = folded(prefix.strip())
    if not colon or prefix not in FORWARD_PREFIXES:
        return False
    return prefix not in AMBIGUOUS_PREFIXES or not _is_replied_to(text)


def _is_replied_to(text: str) -> bool:
    """Whether the first that a client wrote into a text is of a language with `VS:` for a reply."""
    for line in shown_part(text).split("\n"):
        examined = plain(unquoted(line))
        if (key := key_of(examined)) in FROM:
            return key in REPLIED
        if examined.endswith(":") and not REPLIED.isdisjoint(examined.casefold().split()):
            return True
    return False


@lru_cache(maxsize=2)  # several checks of a staff person's mail read it, one after the other
def published(text: str, mark: str, *, by_mail: bool = True) -> str:
    """The part of a staff member's text that may be sent to a customer; empty if none is left.

    Everything is removed below the first line with `mark`, even a wrapped one, or quote header,
    quoted or not; so are a quoted tail with its introduction, the signature, and unexamined text.
    Of a text that came `by_mail`, so are all lines marked as quoted; and what is below them, if
    nothing but commands is above: it may be the rest of a line that a client wrapped.
    """
    examined = shown_part(text)
    lines = squeezed(examined).split("\n")
    header, column = first_header(lines)
    mark_at = _line_of(mark, [unquoted(line) for line in lines])
    written = examined.split("\n")
    if column and header < mark_at:
        kept = [*written[:header], _cut(written[header], column)]
    else:
        cut = min(mark_at, header)
        while cut and (not lines[cut - 1].strip() or is_quoted(lines[cut - 1])):
            cut -= 1
        cut = without_signature(lines, without_introduction(lines, cut))
        kept = written[:cut]
    if by_mail and any(map(is_quoted, kept)):
        kept = _unmarked(_above_scattered(mark, "\n".join(kept)).split("\n"))
    return "\n".join(kept).strip()


def _above_scattered(mark: str, text: str) -> str:
    """What stands above the mark, whose letters may be on any number of quoted lines."""
    found = _scattered(mark).search(text)
    return text if found is None else text[: found.start()].rstrip("#- >|\r\n")


@lru_cache(maxsize=2)
def _scattered(mark: str) -> re.Pattern[str]:
    return re.compile(r"[>|\s]*+".join(filter(str.isalpha, mark)), re.IGNORECASE)


def _unmarked(lines: Sequence[str]) -> list[str]:
    """Lines without those that are marked as quoted and without what introduces these."""
    quoted = [is_quoted(line) for line in lines]
    kept: list[str] = []
    own = len(lines)
    """Where the first line stands in `kept` that is no command."""
    for index, line in enumerate(lines):
        above = index - 1
        if quoted[index]:
            if index and not quoted[above]:
                while kept and not kept[-1].strip():
                    kept.pop()
                end = without_introduction([*kept, line], len(kept))
                del kept[without_dated_introduction(kept, end) :]
            if own >= len(kept):
                return kept
            if not quoted[above]:
                kept.append("")
        elif not index or not quoted[above] or (line.strip() and len(lines[above]) <= _WRAPPED_AT):
            if own >= len(kept) and line.strip() and line.lstrip()[0] not in NUMBER_SIGNS:
                own = len(kept)
            kept.append(line)
    return kept


_WRAPPED_AT = 66
"""The rest of a quoted line that is longer may stand below it without a mark."""


def unpublished_lines(text: str, mark: str) -> int:
    """How many lines of a staff member's text are not sent to a customer, empty ones aside."""
    below = sum(1 for line in text.split("\n") if line.strip())
    return below - sum(1 for line in published(text, mark).split("\n") if line.strip())


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


_BREAK = r"(?:[ \t]*+\r?\n[>| \t]*+)?"
_TOKEN = rf"(?:[a-z2-7]++{_BREAK}){{1,8}}"


def visible_end(text: str) -> int:
    """The index of the first hidden line; the number of lines if all are shown."""
    return _layout(text).ends


class _Layout(NamedTuple):
    """Which lines of a text are shown."""

    begins: int
    ends: int
    """Lines from the first up to the second are shown."""
    quote: int
    """Where the quote below begins: above it are a signature and lines of the client."""
    column: int = 0
    """Where the last shown line ends, if a quote begins in it; else 0."""


def _layout(text: str, *, continued: bool = False) -> _Layout:
    """Which lines of a text are shown.

    `continued` means that more lines follow, which are not examined.
    """
    is_short = len(text) <= REMEMBERED_CHARACTERS
    return (_layout_of_short if is_short else _layout_of_long)(text, continued)


def _examined_layout(text: str, continued: bool) -> _Layout:
    lines = text.split("\n")
    quoted = quoted_lines(lines)
    attributed: QuoteStart | None = None
    runs: list[QuoteStart] = []
    header: QuoteStart | None = None
    for mark in quote_starts(lines, quoted):
        match mark.kind:
            case LineKind.HEADER:
                header = mark
                break
            case LineKind.FORWARD if attributed is None:
                return _Layout(0, len(lines), len(lines))
            case LineKind.ATTRIBUTION | LineKind.QUOTED:
                runs.append(mark)
                if mark.kind is LineKind.ATTRIBUTION:
                    attributed = attributed or mark
    if attributed is None:
        runs = [run for run in runs if _is_quote(lines, quoted, run.line)]
    end = header.begins + bool(header.column) if header is not None else len(lines)
    column = header.column if header is not None else 0
    begins = 0
    first = attributed or (runs[0] if len(runs) == 1 else None)
    if first is not None:
        below = range(first.line, without_signature(lines, end))
        answered = any(lines[index].strip() and not quoted[index] for index in below)
        if continued and header is None:
            return _Layout(0, len(lines), len(lines))
        if not answered:
            end, column = first.begins + bool(first.column), first.column
        elif attributed is not None:
            begins = _below_first(lines, quoted, runs)
            if not begins:
                return _Layout(0, len(lines), len(lines))
    if continued and end == len(lines):
        return _Layout(0, end, end)
    if column:
        return _Layout(begins, end, end, column)
    return _Layout(begins, without_signature(lines, end), end)


# Several rules ask this of the same text, before and while its mail is decided.
_layout_of_short = lru_cache(maxsize=REMEMBERED_TEXTS)(_examined_layout)
_layout_of_long = lru_cache(maxsize=4)(_examined_layout)


def _below_first(lines: Sequence[str], quoted: Sequence[bool], runs: Sequence[QuoteStart]) -> int:
    """The line below a quote at the very beginning of a text that has no other; else 0."""
    first = runs[0]
    if len(runs) != 1 or not first.is_dated or first.column:
        return 0
    if any(line.strip() for line in lines[: first.begins]):
        return 0
    at = first.line
    while at < len(lines) and (quoted[at] or not lines[at].strip()):
        at += 1
    return at


def _is_quote(lines: Sequence[str], quoted: Sequence[bool], index: int) -> bool:
    """Whether a run of quoted lines without an attribution is a quote of a mail.

    People mark logs and what a shell shows like this, below a line that says what it is. Nobody
    begins with an empty line: so begins what HTML shows to be quoted.
    """
    if not unquoted(lines[index]).strip():
        return True
    above = index - 1
    while above >= 0 and not lines[above].strip():
        above -= 1
    if above >= 0 and (above == index - 1 or plain(lines[above]).endswith(":")):
        return False
    end = index
    while end < len(lines) and (quoted[end] or not lines[end].strip()):
        end += 1
    texts = [text for line in lines[index:end] if (text := unquoted(line).strip())]
    if not texts:
        return True
    return not texts[0][:1].islower() and any(text.endswith(_SENTENCE_ENDS) for text in texts)


_SENTENCE_ENDS = (".", "?", "!", ",", ":", ";", "…", "。", "？", "！", ")", "，")


def _line_of(mark: str, plain_lines: Sequence[str]) -> int:
    """The first line with the mark, which may be wrapped over three; else the number of lines."""
    wanted = mark.casefold().split()
    for index, line in enumerate(plain_lines):
        if wanted[0] in line.casefold():
            words = " ".join(plain_lines[index : index + 3]).casefold().split()
            if " ".join(wanted) in " ".join(words):
                return index
    return len(plain_lines)
