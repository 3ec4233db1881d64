"""Where a mail claims a severity: in its subject, its first lines, or its header.

A level is claimed by its names as people write them (`claim_forms`), by the phrases of the policy,
and by its patterns. What a sentence denies, asks or supposes claims nothing. Where nothing is found
in a mail that has the words for a claim, its likeness to known mails decides (`claim_likeness`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from typing import NamedTuple

from rules.mail.header import Header
from rules.mail.patterns import compiled
from rules.mail.quoting import own_text
from rules.ticket import claim_words
from rules.ticket.claim_descriptions import is_heading, supposes
from rules.ticket.claim_forms import claims_in
from rules.ticket.claim_likeness import LikelyClaim, likeness, may_be_meant, shipped
from rules.ticket.claim_lines import STEPS, LevelName, Names, family
from rules.ticket.claim_outages import may_be_outage
from rules.ticket.claim_words import folded
from rules.ticket.severity import Claim, Level

CLAIM_LINES = 5
"""A claim may be in the subject or in this many lines that are not empty, at the start."""
FORM_LINES = 20
"""So many lines of a form or a table among them do not count: `Site: 4`, `| Severity | P1 |`."""
CLAIM_LINE_LENGTH = 400
_EXAMINED_LINES = 60
_EXAMINED_CHARACTERS = 8 * 1024
_WRAPPED = range(50, 81)
"""A line of so many characters without a sign at its end may go on in the next."""
_WRAPPED_FROM = 65
"""It goes on if with the next word it had become longer than any client wraps before."""
_LABELLED_AT_END = re.compile(
    r"(?:[^\W\d] ?[:=]|\b(?:priority|prio|severity|sev|priorität|stufe)\b) ?[\w*-]+$", re.I
)
"""`… as slow as last week. Priority: High`: such a line is complete."""
_FORM_LINE = re.compile(r"\||[-*•]? ?[^\W\d_][\w /-]{0,30} ?[:=]")
_INDENTED = re.compile(rf"(?: {{4}}|\t)\s*(?!(?:{'|'.join(claim_words.LABELS.split())})\b)", re.I)
"""Not a line of a form."""
_OPTION = re.compile(r"[-*•]? ?(?:[\[(](?P<box>[ xX✓✔])[\])]|(?P<sign>[☐☑☒✅])) ?(?=\w)")
"""Of a list to choose from, ticked or not."""
_WORD = re.compile(r"[^\W_]+")
_COMMAND = re.compile(r"\s*[#\uff03\ufe5f](\w+)")
_NUMBER = re.compile(r"(p|s|sev|prio|priority|severity)[ -]?([0-5])")
_WHOLE = re.compile(
    r"\[([^\[\]]{1,40})\]|^\s*(?:severity|priority|prio|sev|type|typ|art)\s*[:=](.{1,40})$", re.I
)
"""What may be a name to the letter, whatever signs a policy has put into it."""
_NUMBERED = ("p", "s", "sev", "prio", "priority", "severity", "prioritaet")
_TABLES = (
    ("N", claim_words.STRONG),
    ("P", claim_words.NOUNS),
    ("M", claim_words.WEAK),
    ("J", claim_words.MIDDLE),
    ("X", claim_words.WEAK_ABROAD),
)
"""The other words for the names of levels, by the code that they get."""

NamesByParts = dict[tuple[str, ...], LevelName]


@dataclass(frozen=True, slots=True)
class ClaimPattern:
    """A wording of the policy by which a mail claims a level."""

    pattern: re.Pattern[str]
    level: str


def claim_pattern(pattern: str, level: str) -> ClaimPattern:
    """Raises ValueError for an invalid or slow pattern: see `rules.mail.patterns`."""
    return ClaimPattern(compiled(pattern), level)


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The words by which a mail claims the levels of a policy."""

    by_rank: Mapping[int, Level]
    names: Names
    to_the_letter: Mapping[str, int]
    """The ranks of the names and aliases, in lower case."""
    meant: frozenset[str]
    """Words each of which may mean a level by itself."""
    triggers: frozenset[str]
    """Without any of these words, or all of a phrase, a line claims nothing."""
    patterns: tuple[tuple[re.Pattern[str], int], ...]
    """With the rank that each claims."""
    high_importance: int | None
    """The rank that a mark of importance claims."""


def vocabulary(
    levels: Sequence[Level],
    phrases: Mapping[str, Sequence[str]] | None = None,
    patterns: Iterable[ClaimPattern] = (),
    high_importance: str | None = None,
    outage: str | None = None,
) -> Vocabulary:
    """The words for these levels, whose phrases are given by the names of the levels; an outage
    claims the level of that name."""
    ranks = {level.name: level.rank for level in levels}
    names = _names(levels)
    by_first: dict[str, list[tuple[tuple[str, ...], LevelName]]] = {}
    for parts, name in sorted(names.items(), key=lambda each: -len(each[0])):
        by_first.setdefault(parts[0], []).append((parts, name))
    numbers = _numbers(levels)
    said = _phrases(ranks, phrases or {})
    labels = {word for word in claim_words.LABELS.split() if claim_words.CODES[word] == "L"}
    alone = {part for parts, name in names.items() if name.code != "X" for part in parts}
    numbered = {f"{label}{number}" for label in _NUMBERED for _, number in numbers}
    whole = {parts[0] for parts, name in names.items() if name.code != "X" and len(parts) == 1}
    meant = frozenset({*whole, *labels, *numbered, "p", "show", *STEPS})
    return Vocabulary(
        by_rank={level.rank: level for level in levels},
        names=Names(by_first, numbers, said, ranks[outage] if outage is not None else None),
        to_the_letter={name.casefold(): x.rank for x in levels for name in x.names},
        meant=meant,
        triggers=meant | alone,
        patterns=tuple((each.pattern, ranks[each.level]) for each in patterns),
        high_importance=ranks[high_importance] if high_importance is not None else None,
    )


def claim_in_opening(
    words: Vocabulary, subject: str, text: str, header: Header | None = None
) -> Claim | None:
    """The most severe claim in the subject, given without tags and marks of a reply, in the first
    lines of the author's own text, and in the header; None where nothing is claimed."""
    return _claim(words, subject, text, header)


def claim_in_reply(words: Vocabulary, subject_besides: str, text: str) -> Claim | None:
    """The same of a reply, of whose subject only what it says anew counts. A mark of importance
    does not: replies inherit it. The subject is left out where the likeness to known mails decides:
    part of a subject is like none."""
    return _claim(words, subject_besides, text, None, is_reply=True)


def _claim(
    words: Vocabulary, subject: str, text: str, header: Header | None, *, is_reply: bool = False
) -> Claim | None:
    subject, text = subject[:CLAIM_LINE_LENGTH], text[:_EXAMINED_CHARACTERS]
    in_subject, in_text = _read(words, "subject", subject), _read(words, "text", text)
    ranks = in_subject.ranks
    if ranks and is_heading(subject, words.names):
        ranks = () if any(supposes(line, words.names) for line in _lines(text)) else ranks
    found = [(rank, "subject") for rank in ranks]
    found += [(rank, "text") for rank in in_text.ranks]
    may_claim = in_text.may_claim if is_reply else in_subject.may_claim + in_text.may_claim
    if not found and may_claim:
        heard = _heard(words, "" if is_reply else subject, text, may_claim)
        found += [(heard.rank, wording(heard))] if heard is not None else []
    if header is not None and words.high_importance is not None and _marked_important(header):
        found.append((words.high_importance, "importance header"))
    if not found:
        return None
    rank, where = max(found, key=lambda claim: claim[0])
    level = words.by_rank[rank]
    return Claim(level.name, level.critical, where)


def opening_lines(words: Vocabulary, subject: str, text: str) -> Iterator[str]:
    """The subject and the lines of the text where a claim may be."""
    for line in (subject[:CLAIM_LINE_LENGTH], *_lines(text[:_EXAMINED_CHARACTERS])):
        if line.strip() and not _is_command(line, words):
            yield line


def wording(heard: LikelyClaim) -> str:
    """Where a claim is that is heard by its likeness: in which words."""
    passages = " and ".join(f'"{passage}"' for passage in heard.wording)
    return f"wording {passages}" if passages else "wording"


class _Read(NamedTuple):
    """What the patterns find in the subject, or in the text."""

    ranks: tuple[int, ...]
    """Of the levels that are claimed."""
    may_claim: tuple[str, ...]
    """The lines that have the words for a claim."""


# As many as may be between their look-up and their decision at a time. Of a reply, the decision
# reads less of the subject than the look-up, but the same text.
@lru_cache(maxsize=512)
def _read(words: Vocabulary, where: str, said: str) -> _Read:
    lines = list(_lines(said) if where == "text" else filter(str.strip, (said,)))
    lines = [line for line in lines if not _is_command(line, words)]
    may_claim = [line for line in lines if _may_claim(line, words)]
    return _Read(tuple(_claims_of(words, where, lines, may_claim)), tuple(may_claim))


@lru_cache(maxsize=512)
def _heard(
    words: Vocabulary, subject: str, text: str, may_claim: tuple[str, ...]
) -> LikelyClaim | None:
    """What the mail claims by its likeness to known mails."""
    said = frozenset(word for line in may_claim for word in _WORD.findall(folded(line)))
    outage = words.names.outage is not None and may_be_outage(said)
    if not outage and words.meant.isdisjoint(said):
        return None
    if not may_be_meant(may_claim, words.names, words.by_rank):
        return None
    return likeness(opening_lines(words, subject, text), words.names, words.by_rank, shipped())


def _claims_of(
    words: Vocabulary, where: str, lines: Iterable[str], may_claim: Iterable[str]
) -> Iterator[int]:
    for line in may_claim:
        yield from claims_in(line, words.names, is_subject=where == "subject")
    for line in lines:
        for found in _WHOLE.finditer(line):
            rank = words.to_the_letter.get((found[1] or found[2]).strip().casefold())
            if rank is not None and (where == "subject" or found[2]):
                yield rank
        for pattern, rank_ in words.patterns:
            if pattern.search(line):
                yield rank_


def _may_claim(line: str, words: Vocabulary) -> bool:
    """Whether it has the words for it; most lines of most mails have not."""
    said = frozenset(_WORD.findall(folded(line)))
    if not words.triggers.isdisjoint(said):
        return True
    if words.names.outage is not None and may_be_outage(said):
        return True
    phrases = words.names.phrases
    return any(
        said.issuperset(parts) for first in said & phrases.keys() for parts, _ in phrases[first]
    )


def _is_command(line: str, words: Vocabulary) -> bool:
    """`#escalate It is urgent` asks for something else; `#urgent` claims."""
    found = _COMMAND.match(line)
    if found is None:
        return False
    name = folded(found[1])
    return name not in words.triggers and name not in words.names.phrases


def _lines(text: str) -> Iterator[str]:
    """Where a claim may be: the first lines of the author's own text, each cut to its maximum
    length. Lines that a client wrapped are joined."""
    begin = _without_output(text.split("\n", _EXAMINED_LINES)[:_EXAMINED_LINES])
    left, of_forms, held = CLAIM_LINES, FORM_LINES, ""
    lines = own_text("\n".join(begin)).split("\n")
    for line, following in zip_longest(lines, lines[1:], fillvalue=""):
        said = line.strip()
        if said and (option := _OPTION.match(said)):
            if (option["box"] or option["sign"]) not in " ☐":
                yield said[option.end() :][:CLAIM_LINE_LENGTH]
            continue
        if said and not left:
            break
        if of_forms and _FORM_LINE.match(said):
            of_forms -= 1
        elif said:
            left -= 1
        if said:
            held = f"{held} {said}" if held else said
        if held and not _goes_on(said, following):
            yield held[:CLAIM_LINE_LENGTH]
            held = ""
    if held:
        yield held[:CLAIM_LINE_LENGTH]


def _goes_on(line: str, following: str) -> bool:
    """Whether a client has wrapped a line."""
    if len(line) not in _WRAPPED or line[-1] in ".!?:;," or _LABELLED_AT_END.search(line):
        return False
    return len(line) + 1 + len(following.strip().partition(" ")[0]) >= _WRAPPED_FROM


def _without_output(lines: Sequence[str]) -> list[str]:
    """The lines, with empty ones for what a program printed: set off by spaces, below prose."""
    prose = False
    kept = []
    for line in lines:
        kept.append("" if prose and _INDENTED.match(line) else line)
        prose = prose or bool(line.strip())
    return kept


def _marked_important(header: Header) -> bool:
    priority = header.get("x-priority").strip()[:1]
    return priority in ("1", "2") or header.get("importance").strip().lower() == "high"


def _parts(name: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(folded(name))) or (folded(name),)


def _names(levels: Sequence[Level]) -> NamesByParts:
    """The names of the levels and the other words for them."""
    names: NamesByParts = {}
    for level in levels:
        for name in level.names:
            names[_parts(name)] = LevelName(level.rank, _code(name, level.critical), name)
    top = max(level.rank for level in levels)
    ranks = _concepts(levels)
    for code, table in _TABLES:
        for concept, listed in table.items():
            if concept in ranks:
                for word in listed.split():
                    names.setdefault((word,), LevelName(ranks[concept], code))
    for code, table in _TABLES[:2]:  # whatever the policy calls its first level
        for listed in table.values():
            for word in listed.split():
                names.setdefault((word,), LevelName(top, code))
    for compound in claim_words.COMPOUNDS:
        names.setdefault(_parts(compound), names[("critical",)])
    for alarm in claim_words.ALARMS:
        names.setdefault(_parts(alarm), LevelName(top, "P"))
    for word in claim_words.HIGHEST.split():
        names.setdefault((word,), LevelName(top, "X"))
    for word in claim_words.LOWEST.split():
        names.setdefault((word,), LevelName(min(level.rank for level in levels), "X"))
    return names


def _numbers(levels: Sequence[Level]) -> dict[tuple[str, int], int]:
    """The ranks of the numbers in the names. A number above the last is of the lowest level, one
    below the first of the highest. Those of priority are also of severity, and the other way round,
    where the policy numbers only one of them."""
    given: dict[tuple[str, int], int] = {}
    for level in levels:
        for name in level.names:
            if found := _NUMBER.fullmatch(folded(name)):
                given[family(found[1]), int(found[2])] = level.rank
    ranks = [level.rank for level in levels]
    for kind in {kind for kind, _ in given}:
        numbers = [number for of, number in given if of == kind]
        given |= {(kind, number): min(ranks) for number in range(max(numbers) + 1, 6)}
        given |= {(kind, number): max(ranks) for number in range(min(numbers))}
    missing = {"p", "sev"} - {kind for kind, _ in given}
    others = {(kind, number): rank for kind in missing for (_, number), rank in given.items()}
    return given | others


def _concepts(levels: Sequence[Level]) -> dict[str, int]:
    """The ranks of what the names of the levels mean, in any language; and of words that mean
    nearly the same, where no level has them."""
    ranks: dict[str, int] = {}
    for level in levels:
        known = {folded(name) for name in level.names}
        for _, table in _TABLES:
            for concept, listed in table.items():
                if known & {concept, *listed.split()}:
                    ranks.setdefault(concept, level.rank)
    for siblings in claim_words.SIBLINGS:
        first = next((ranks[each] for each in siblings if each in ranks), None)
        if first is not None:
            ranks = dict.fromkeys(siblings, first) | ranks
    return ranks


def _code(name: str, critical: bool) -> str:
    """The code of a level's name: what kind of word it is."""
    word = folded(name)
    if _NUMBER.fullmatch(word):
        return "M" if word.startswith("s") and not word.startswith("sev") else "P"
    for code, table in _TABLES:
        if any(word in listed.split() for listed in table.values()):
            return code
    if len(word.split()) > 1:
        return "P" if critical else "M"  # "this is an all stop", as "this is a P1"
    return "N" if critical else "J"


def _phrases(
    ranks: Mapping[str, int], phrases: Mapping[str, Sequence[str]]
) -> dict[str, list[tuple[tuple[str, ...], int]]]:
    """The phrases without small words, by the first word."""
    found: dict[str, list[tuple[tuple[str, ...], int]]] = {}
    for level, written in phrases.items():
        for phrase in written:
            parts = _parts(phrase)
            parts = tuple(p for p in parts if p not in claim_words.SMALL) or parts
            found.setdefault(parts[0], []).append((parts, ranks[level]))
    return found
