"""The words that an author wrote, apart from what his client quoted beneath them.

`visible` hides for display and never deletes. `published` and `masked` are for what staff write to
customers: there, what may be quoted is left out, because our notices to staff hold private words.

Every line is looked at a bounded number of times and no pattern can backtrack, so the time is
linear in the size of the text, whatever it holds.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from rules.mail import phrases

REPLY_MARK = "##- Write your reply above this line -##"
"""The line at the head of our notices: below it, nothing is the answer of who replies."""
EXAMINED_CHARACTERS = 400
"""Of a line, so much is read to see what kind it is."""
ATTRIBUTION_LINES = 3
"""`On … wrote:` is wrapped by its client over at most so many lines."""
HEADER_LINES = 10
"""A quoted header block is known by so many lines, wrapped recipients included."""
SIGNATURE_LINES = 20
"""A bare `--` may also be a rule in the text; a signature is no longer than this."""
SHORTEST_TOKEN = 20


@dataclass(frozen=True, slots=True)
class VisibleText:
    """A text in two parts; together they hold all its words, in their order."""

    text: str
    hidden: str
    """The quoted part and the signature; empty where everything is shown."""


def visible(text: str, *, forwarded: bool = False) -> VisibleText:
    """What the author wrote, and apart from it the quoted tail and the signature.

    Everything is shown where nothing else would be left, where the author answers below or between
    the quoted lines, and where the text says that it forwards a mail. Outlook writes a forward
    just like a reply: only the subject tells, see `is_forward`, and `forwarded` says so.
    """
    lines = text.split("\n")
    cut = len(lines) if forwarded else _visible_end(lines)
    if cut == len(lines) or not any(line.strip() for line in lines[:cut]):
        return VisibleText(text, "")
    return VisibleText("\n".join(lines[:cut]).rstrip(), "\n".join(lines[cut:]))


def own_text(text: str) -> str:
    """What the author wrote, without the lines that he quotes; empty where he wrote nothing.

    Answers between quoted lines are his words, and so is what he forwards.
    """
    lines = text.split("\n")
    numbered = zip(lines[: _visible_end(lines)], _quoted_lines(lines), strict=False)
    return "\n".join(line for line, quoted in numbered if not quoted).strip()


def is_forward(subject: str) -> bool:
    """Whether the first prefix of a subject is one that clients give to a forward."""
    prefix, colon, _ = subject[:EXAMINED_CHARACTERS].partition(":")
    return bool(colon) and prefix.strip().casefold() in phrases.FORWARD_PREFIXES


def published(text: str, mark: str) -> str:
    """What of a staff person's text may go to a customer; empty where nothing is left.

    All goes that stands below the first line with `mark`, also where quoting has wrapped it, and
    below the first quote header: attribution, header block or forward line, each with or without
    `>` before it. Answers between quoted lines go with them. So do a quoted tail and the signature.
    """
    lines = text.split("\n")
    plain = [_unquoted(line) for line in lines]
    cut = min(_line_of(mark, plain), _first_header(lines, plain))
    while cut and (not lines[cut - 1].strip() or _is_quoted(lines[cut - 1])):
        cut -= 1
    return "\n".join(lines[: _without_signature(lines, cut)]).strip()


def masked(text: str, addresses: Collection[str]) -> str:
    """The text with every reply address of the mailboxes `addresses` replaced by the bare address.

    Found in any case, in brackets and links (`%2B` and `%40` as well), and broken over lines with
    or without `>`. A token without its domain is no address and stays.
    """

    def bare(found: re.Match[str]) -> str:
        address = f"{found[1]}@{found[3]}".lower()
        length = sum(c.isalnum() for c in found[2])
        return address if address in addresses and length >= SHORTEST_TOKEN else found[0]

    return _reply_addresses(frozenset(addresses)).sub(bare, text)


@lru_cache(maxsize=64)
def _reply_addresses(addresses: frozenset[str]) -> re.Pattern[str]:
    """A local part of ours, a token, a domain of ours; whether the two belong together is asked
    later, so that hundreds of mailboxes cost one pass."""
    parts = [address.rpartition("@") for address in addresses]
    local, domain = (
        "|".join(re.escape(text) for text in sorted(set(each), key=lambda text: (-len(text), text)))
        for each in ([p[0] for p in parts], [p[2] for p in parts])
    )
    plus, at = rf"{_BREAK}(?:\+|%2B|&#43;){_BREAK}", rf"(?:@|%40|&#64;){_BREAK}"
    return re.compile(f"({local}){plus}({_TOKEN}){at}({domain})", re.IGNORECASE)


_DIGIT = re.compile(r"\d")
_BREAK = r"(?:[ \t]*+\r?\n[>| \t]*+)?+"
_TOKEN = rf"(?:[a-z2-7]++{_BREAK}){{1,8}}+"


class _LineKind(Enum):
    TEXT, QUOTED, HEADER, FORWARD = range(4)
    ATTRIBUTION = 4
    """`On … wrote:` as people write it too: a quote only where `>` follows."""
    DATED_ATTRIBUTION = 5
    """The same with a date or an address: a quote whatever follows."""


@dataclass(frozen=True, slots=True)
class _QuoteStart:
    kind: _LineKind
    begins: int
    """The line where it begins: an attribution may be wrapped."""
    line: int


def _visible_end(lines: Sequence[str]) -> int:
    """The index of the first hidden line; the number of lines where all are shown."""
    quoted = _quoted_lines(lines)
    attributed: _QuoteStart | None = None
    bare: list[_QuoteStart] = []
    end = len(lines)
    for mark in _quote_starts(lines, quoted):
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
        below = range(first.line, _without_signature(lines, end))
        answered = any(lines[index].strip() and not quoted[index] for index in below)
        if answered and attributed is not None:
            return len(lines)
        end = end if answered else first.begins
    return _without_signature(lines, end)


def _quoted_lines(lines: Sequence[str]) -> list[bool]:
    """Which lines are quoted; not where wrapping has put the end of an address, `> wrote:`, at
    the begin of a line."""
    quoted = [_is_quoted(line) for line in lines]
    for index in range(1, len(lines)):
        line, above = lines[index].strip(), lines[index - 1][:EXAMINED_CHARACTERS]
        if quoted[index] and not quoted[index - 1] and len(line) < 40 and line.endswith(":"):
            quoted[index] = above.count("<") <= above.count(">")
    return quoted


def _quote_starts(lines: Sequence[str], quoted: Sequence[bool]) -> Iterator[_QuoteStart]:
    """Where quotes begin: a forward line, a header that ends the author's words, or a run of `>`
    lines, called an attribution where it has one."""
    pending: _QuoteStart | None = None
    in_run = False
    for index, line in enumerate(lines):
        if not line.strip():
            continue
        if quoted[index]:
            if not in_run:
                kind = _LineKind.ATTRIBUTION if pending else _LineKind.QUOTED
                begins = pending.begins if pending else index
                if _is_forward_line(_unquoted(line)):
                    kind, begins = _LineKind.FORWARD, index
                yield _QuoteStart(kind, begins, index)
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
        yield _QuoteStart(_LineKind.HEADER, pending.begins, pending.line)


def _is_pasted(lines: Sequence[str], index: int) -> bool:
    """Whether a header line stands right above: a raw mail was pasted, none was quoted."""
    above = lines[index - 1][:40] if index and _key(lines[index]) in phrases.FROM else ""
    name, _, value = above.partition(":")
    folded = above[:1] in (" ", "\t") and bool(above.strip())
    return folded or (bool(value) and name.replace("-", "").isalpha())


def _first_header(lines: Sequence[str], plain: Sequence[str]) -> int:
    """Where the first quote header begins, quoted itself or not; else the number of lines."""
    pending: _QuoteStart | None = None
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
    """The first line with the mark, or the first of the three that hold it; else their number."""
    wanted = mark.casefold().split()
    for index, line in enumerate(plain):
        if wanted[0] in line.casefold():
            words = " ".join(plain[index : index + 3]).casefold().split()
            if " ".join(wanted) in " ".join(words):
                return index
    return len(plain)


def _classify(lines: Sequence[str], index: int) -> _QuoteStart:
    """What a line is that is not quoted."""
    line = lines[index][:EXAMINED_CHARACTERS].strip()
    if line == REPLY_MARK:
        return _QuoteStart(_LineKind.HEADER, index, index)
    if _is_rule(line) or line.endswith(":"):
        if not _bare(line):
            return _QuoteStart(_LineKind.TEXT, index, index)
        if _is_forward_line(line):
            return _QuoteStart(_LineKind.FORWARD, index, index)
        if _is_rule(line) and _bare(line) in phrases.ORIGINAL:
            return _QuoteStart(_LineKind.HEADER, index, index)
        if line.endswith((":", "--")):
            attribution = _attribution(lines, index)
            if attribution is not None:
                return attribution
    if _key(line) in phrases.FROM and _is_header_block(lines, index):
        return _QuoteStart(_LineKind.HEADER, _rule_above(lines, index), index)
    return _QuoteStart(_LineKind.TEXT, index, index)


def _attribution(lines: Sequence[str], index: int) -> _QuoteStart | None:
    """The attribution that ends here: `On … wrote:`, `Am … schrieb …:`, `Ann <ann@…> wrote:`."""
    nearby = " ".join(line[:EXAMINED_CHARACTERS] for line in lines[max(0, index - 2) : index + 1])
    if "@" not in nearby and not phrases.VERB.search(nearby):
        return None
    whole = ""
    for begins in range(index, max(-1, index - ATTRIBUTION_LINES), -1):
        line = _without_dashes(lines[begins])
        if not line:
            break
        whole = f"{line} {whole}".rstrip()
        word = line.partition(" ")[0].casefold()
        if not (word in phrases.OPENERS or word[0].isdigit()):
            continue
        has_address = "@" in whole
        if phrases.VERB.search(whole) or (
            has_address and word[0].isdigit() and whole.endswith(">:")
        ):
            if has_address or _DIGIT.search(whole):
                return _QuoteStart(_LineKind.DATED_ATTRIBUTION, begins, index)
            if begins == index:
                return _QuoteStart(_LineKind.ATTRIBUTION, begins, index)
    return _named_attribution(lines, index)


def _named_attribution(lines: Sequence[str], index: int) -> _QuoteStart | None:
    """One that begins with the name: `Ann <ann@…> wrote:`, or wrapped behind its verb."""
    for begins in range(index, max(-1, index - 2), -1):
        line = _without_dashes(lines[begins])
        whole_address = "@" in line and line.count("<") >= line.count(">")
        if whole_address and phrases.VERB.search(line):
            return _QuoteStart(_LineKind.DATED_ATTRIBUTION, begins, index)
        if not _DIGIT.search(line):
            break
    return None


def _without_dashes(line: str) -> str:
    """The line as its client wrote it, without the dashes of one that decorates."""
    return line[:EXAMINED_CHARACTERS].strip().strip("-").strip().replace("\xa0", " ")


def _is_header_block(lines: Sequence[str], index: int) -> bool:
    """Whether `From:` here is followed by two more of date, recipient and subject."""
    found = set()
    for line in lines[index + 1 : index + HEADER_LINES]:
        key = _key(line)
        if key in phrases.FROM:
            return False
        found |= {
            n for n, keys in enumerate((phrases.DATE, phrases.TO, phrases.SUBJECT)) if key in keys
        }
        if len(found) > 1:
            return True
    return False


def _rule_above(lines: Sequence[str], index: int) -> int:
    """A rule of dashes or underscores above a header block belongs to it."""
    above = index - 1
    while above >= max(0, index - 3) and not lines[above].strip():
        above -= 1
    if above < 0:
        return index
    rule = lines[above][:EXAMINED_CHARACTERS].strip()
    return above if _is_rule(rule) and not _bare(rule) else index


def _key(line: str) -> str:
    """The name of a header line, `*From:*` or `De :`; empty where it is none."""
    key, colon, _ = line[:40].partition(":")
    return key.replace("\xa0", " ").strip(" \t*").casefold() if colon else ""


def _is_forward_line(line: str) -> bool:
    line = line[:EXAMINED_CHARACTERS].strip()
    bare = _bare(line)
    if bare in phrases.FORWARDED:
        return _is_rule(line) or line.endswith(":")
    return _is_rule(line) and bare.startswith(phrases.FORWARDED_BY)


def _is_rule(line: str) -> bool:
    return line.startswith(("--", "==", "__", "**"))


def _bare(line: str) -> str:
    return line.strip("-=_*: \t\xa0").replace("’", "'").casefold()


def _is_quoted(line: str) -> bool:
    return line.lstrip(" \t").startswith(">")


def _unquoted(line: str) -> str:
    return line.lstrip("> \t") if _is_quoted(line) else line


def _without_signature(lines: Sequence[str], end: int) -> int:
    """Where the signature begins in the lines up to `end`, or the client's own line of praise;
    else `end`. Quoted lines end the search (RFC 3676 §4.3: two dashes and a space)."""
    for index in range(end - 1, -1, -1):
        line = lines[index].rstrip("\r")
        if _is_quoted(line):
            break
        if line == "-- " or (line == "--" and end - index <= SIGNATURE_LINES):
            return index
    last = end
    while last and not lines[last - 1].strip():
        last -= 1
    line = lines[last - 1].strip(" \t\r*(<").casefold() if last else ""
    return last - 1 if len(line) <= 100 and line.startswith(phrases.DEVICES) else end
