"""Severity, and the law that no mail is ever critical.

The first of three barriers stands here: `MailSeverity` is the only severity that code behind a
mail can hold, and no way of making one yields a critical level. The second is the check at the end
of `rules.decide`; the third is a constraint in the database.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import final

from rules.header import Header

CLAIM_LINES = 5
"""A claim may stand in the subject or in this many first lines of the text."""
CLAIM_LINE_LENGTH = 400

_LABELLED = re.compile(r"^\s*(?:severity|priority|prio|sev)\s*[:=]\s*(.{1,40}?)\s*$", re.IGNORECASE)
_BRACKETED = re.compile(r"\[([^\[\]]{1,40})\]")


@dataclass(frozen=True, slots=True)
class Level:
    """One severity of a policy."""

    name: str
    meaning: str
    critical: bool
    aliases: tuple[str, ...]
    rank: int
    """0 is the lowest."""

    def is_called(self, word: str) -> bool:
        word = word.strip().casefold()
        return word == self.name.casefold() or any(word == a.casefold() for a in self.aliases)


@dataclass(frozen=True, slots=True)
class Claim:
    """What the sender says of the severity, and where; kept beside what we make of it."""

    level: str
    critical: bool
    where: str


@final
class MailSeverity:
    """A severity that a mail may set: built by `capped()` alone, never critical."""

    __slots__ = ("_claim", "_level")
    _level: Level
    _claim: Claim | None

    def __new__(cls) -> MailSeverity:
        raise TypeError("a MailSeverity is made by rules.severity.capped()")

    @property
    def name(self) -> str:
        return self._level.name

    @property
    def claim(self) -> Claim | None:
        return self._claim

    @property
    def critical_claimed(self) -> bool:
        return self._claim is not None and self._claim.critical

    def __repr__(self) -> str:
        return f"MailSeverity({self.name!r}, claim={self._claim!r})"


def capped(
    levels: Sequence[Level], default: str, ceiling: str, claim: Claim | None, may_claim: bool
) -> MailSeverity:
    """min(claim, ceiling) where customers may set the severity, else min(default, ceiling).

    Critical levels are not candidates, whatever the policy names as its default or ceiling.
    """
    allowed = [level for level in levels if not level.critical]
    top = max(level.rank for level in allowed)
    ranks = {level.name: level.rank for level in levels}
    limit = min(ranks[ceiling], top)
    wanted = ranks[claim.level] if claim is not None and may_claim else ranks[default]
    rank = min(wanted, limit)
    severity = object.__new__(MailSeverity)
    severity._level = max((x for x in allowed if x.rank <= rank), key=lambda level: level.rank)
    severity._claim = claim
    return severity


def claimed(
    levels: Iterable[Level], subject: str, text: str, header: Header, high_importance: str | None
) -> Claim | None:
    """The severest claim in subject, first lines and headers; None where nothing is claimed."""
    known = list(levels)
    claims = [
        Claim(level.name, level.critical, where)
        for where, word in _words(subject, text)
        for level in known
        if level.is_called(word)
    ]
    if high_importance is not None and _marked_important(header):
        important = next(level for level in known if level.name == high_importance)
        claims.append(Claim(important.name, important.critical, "importance header"))
    rank = {level.name: level.rank for level in known}
    return max(claims, key=lambda claim: rank[claim.level], default=None)


def _words(subject: str, text: str) -> Iterable[tuple[str, str]]:
    for word in _BRACKETED.findall(subject[:CLAIM_LINE_LENGTH]):
        yield "subject", word
    lines = text.split("\n", CLAIM_LINES)[:CLAIM_LINES]
    for where, line in [("subject", subject), *(("text", line) for line in lines)]:
        if label := _LABELLED.match(line[:CLAIM_LINE_LENGTH]):
            yield where, label[1]


def _marked_important(header: Header) -> bool:
    priority = header.get("x-priority").strip()[:1]
    return priority in ("1", "2") or header.get("importance").strip().lower() == "high"
