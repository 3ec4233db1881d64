"""What a mail claims by its likeness to mails that are known: a second reader of claims, which is
asked where the patterns of `claim_forms` find nothing.

A line is taken apart into runs of up to three words and of two to four codes of words (see
`claim_words`). Names of levels stand as `{top}` and `{lesser}`, so that the same weights serve
every policy. Each run has a weight for a critical claim and one for a lesser claim, learnt
from the sentences of the tests (`tests/claim_model.py`), against no claim at all. The weights of a
mail are added up (softmax regression).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import NamedTuple

from rules.ticket.claim_lines import Names, Word, read
from rules.ticket.claim_outages import may_be_outage
from rules.ticket.severity import Level

WEIGHTS = "claim_weights.txt"
LONGEST_RUN = 3
CODE_RUNS = range(2, 5)
MOST_WORDS = 160
"""Words and signs of a mail that are read, so that the time for it is bounded."""
UNIT = 32
"""The weights are whole numbers of this part of one."""
CERTAIN = 0.85
"""A claim is heard from this probability on."""
SCALE = 4.0
"""Times the root of the number of runs is what the weights are divided by."""
_SHOWN = 2
"""Passages by which a claim was heard that are named."""
TOP, LESSER = "{top}", "{lesser}"
_BEGIN, _END, _NUMBER = "^", "$", "#"
_LABEL = "L"
"""The code of a word for severity."""


class Passage(NamedTuple):
    """Where a run of words stands first."""

    line: int
    start: int
    end: int


class LikelyClaim(NamedTuple):
    """A claim that a mail makes by its wording."""

    rank: int
    wording: tuple[str, ...]
    """The passages that spoke most for it, as they are written."""


class Weight(NamedTuple):
    """For a claim, against none, in `UNIT`."""

    critical: int
    lesser: int


@dataclass(frozen=True, slots=True)
class Weights:
    """What is read from `WEIGHTS`."""

    learnt_from: str
    """The hash of the sentences that they were learnt from."""
    bias: Weight
    by_run: Mapping[str, Weight]


@cache
def shipped() -> Weights:
    """The weights of this package: constants, as a module is, in a file that is read once."""
    text = resources.files("rules.ticket").joinpath(WEIGHTS).read_text("utf-8")
    return parsed(text)


def parsed(text: str) -> Weights:
    """The weights of a file: lines of a run and two numbers after tabs, lines with `//` aside.
    The first two lines are the hash and the bias."""
    lines = [line for line in text.splitlines() if line and not line.startswith("//")]
    by_run: dict[str, Weight] = {}
    for line in lines[2:]:
        run, critical, lesser = line.split("\t")
        by_run[run] = Weight(int(critical), int(lesser))
    critical, lesser = lines[1].split("\t")
    return Weights(lines[0], Weight(int(critical), int(lesser)), by_run)


def may_be_meant(lines: Iterable[str], names: Names, by_rank: Mapping[int, Level]) -> bool:
    """Whether any level is named or meant in these lines, whatever the rest of the mail is like."""
    mail = read_words(lines, names)
    return any(
        _level(mail, names, by_rank, critical=critical) is not None for critical in (True, False)
    )


def likeness(
    lines: Iterable[str], names: Names, by_rank: Mapping[int, Level], weights: Weights
) -> LikelyClaim | None:
    """What the lines claim, the subject first; None where no claim is likely enough."""
    mail = read_words(lines, names)
    runs = runs_of(mail, by_rank)
    known = {run: at for run, at in runs.items() if run in weights.by_run}
    chances = _chances(list(known), len(runs), weights)
    if max(chances) < CERTAIN or chances.none == max(chances):
        return None
    critical = chances.critical > chances.lesser
    spoke = {run: weights.by_run[run][0 if critical else 1] for run in known}
    rank = _level(mail, names, by_rank, critical=critical)
    if rank is None:
        return None
    return LikelyClaim(rank, tuple(_passages(mail, known, spoke)))


def read_words(lines: Iterable[str], names: Names) -> list[list[Word]]:
    """The words of each line, as many as are read."""
    mail: list[list[Word]] = []
    left = MOST_WORDS
    for line in lines:
        if left <= 0:
            break
        words = read(line, names)[:left]
        left -= len(words)
        mail.append(words)
    return mail


def runs_of(mail: Iterable[Sequence[Word]], by_rank: Mapping[int, Level]) -> dict[str, Passage]:
    """The runs of words and of codes, and where each is."""
    found: dict[str, Passage] = {}
    for number, line in enumerate(mail):
        kinds = [_kind(word.rank, by_rank) for word in line]
        texts = [
            kind or (_NUMBER if word.text.isdecimal() else word.text)
            for kind, word in zip(kinds, line, strict=True)
        ]
        codes = [kind[1:2].upper() + word.code for kind, word in zip(kinds, line, strict=True)]
        for run, start, end in (
            *_cut(texts, range(1, LONGEST_RUN + 1), ""),
            *_cut(codes, CODE_RUNS, "="),
        ):
            if run not in found:
                found[run] = Passage(number, start, end)
    return found


def _kind(rank: int | None, by_rank: Mapping[int, Level]) -> str:
    if rank is None:
        return ""
    return TOP if by_rank[rank].critical else LESSER


def _cut(parts: Sequence[str], lengths: range, mark: str) -> list[tuple[str, int, int]]:
    """The runs of these lengths, of which some contain the begin or the end of the line."""
    bounded = [_BEGIN, *parts, _END]
    return [
        (
            mark + " ".join(bounded[start : start + length]),
            max(0, start - 1),
            min(len(parts), start + length - 1),
        )
        for length in lengths
        for start in range(len(bounded) - length + 1)
    ]


class _Chances(NamedTuple):
    critical: float
    lesser: float
    none: float


def _chances(known: Sequence[str], count: int, weights: Weights) -> _Chances:
    scale = SCALE / math.sqrt(max(1, count)) / UNIT
    found = [weights.by_run[run] for run in known]
    critical = weights.bias.critical / UNIT + scale * sum(each.critical for each in found)
    lesser = weights.bias.lesser / UNIT + scale * sum(each.lesser for each in found)
    most = max(critical, lesser, 0.0)
    parts = [math.exp(each - most) for each in (critical, lesser, 0.0)]
    return _Chances(*(part / sum(parts) for part in parts))


def _level(
    mail: Iterable[Sequence[Word]], names: Names, by_rank: Mapping[int, Level], *, critical: bool
) -> int | None:
    """The level that is named; of several lesser ones none. Where none is named, a word for
    severity means the first critical level, or the middle one of the others, and words of an outage
    mean the level of outages."""
    words = [word for line in mail for word in line]
    ranks = sorted(rank for rank, level in by_rank.items() if level.critical is critical)
    named = {word.rank for word in words if word.rank is not None} & set(ranks)
    if named:
        return max(named) if critical or len(named) == 1 else None
    if ranks and any(word.code == _LABEL for word in words):
        return ranks[-1] if critical else ranks[(len(ranks) - 1) // 2]
    if names.outage not in ranks or not may_be_outage(frozenset(word.text for word in words)):
        return None
    return names.outage


def _passages(
    mail: Sequence[Sequence[Word]], known: Mapping[str, Passage], spoke: Mapping[str, int]
) -> Iterator[str]:
    """The passages that spoke most for the claim. They consist of words that were learnt: nothing
    else of a mail is shown by them."""
    taken: list[Passage] = []
    for run in sorted(known, key=lambda run: (-spoke[run], run)):
        at = known[run]
        if run.startswith("=") or spoke[run] <= 0 or any(_overlap(at, each) for each in taken):
            continue
        words = [word.raw for word in mail[at.line][at.start : at.end] if not word.raw.isdecimal()]
        if any(len(word) > 2 for word in words):
            taken.append(at)
            yield " ".join(filter(None, words))
        if len(taken) == _SHOWN:
            return


def _overlap(one: Passage, other: Passage) -> bool:
    return one.line == other.line and one.start < other.end and other.start < one.end
