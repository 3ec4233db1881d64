"""Severity, and the law that no mail is ever critical.

This is the first of three barriers: `MailSeverity` is the only severity that the handling of a mail
can carry, and no way of building one yields a critical level. The second is the check at the end of
`rules.decision.decide`; the third is a constraint in the database.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import final

from rules.mail.header import Header
from rules.mail.patterns import compiled

CLAIM_LINES = 5
"""A claim may be in the subject or in this many lines at the start of the text."""
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

    def has_name(self, name: str) -> bool:
        name = name.strip().casefold()
        return name == self.name.casefold() or any(name == a.casefold() for a in self.aliases)


@dataclass(frozen=True, slots=True)
class ClaimPattern:
    """A wording of the policy by which a mail claims a level."""

    pattern: re.Pattern[str]
    level: str


def claim_pattern(pattern: str, level: str) -> ClaimPattern:
    """Raises ValueError for an invalid or slow pattern: see `rules.mail.patterns`."""
    return ClaimPattern(compiled(pattern), level)


@dataclass(frozen=True, slots=True)
class Claim:
    """The severity that the sender claims, and where; kept in addition to the one we set."""

    level: str
    critical: bool
    where: str


@final
class MailSeverity:
    """A severity that a mail may set: built only by `capped()`, never critical."""

    __slots__ = ("_claim", "_level")
    _level: Level
    _claim: Claim | None

    def __new__(cls) -> MailSeverity:
        raise TypeError("a MailSeverity is built only by rules.ticket.severity.capped()")

    @property
    def name(self) -> str:
        return self._level.name

    @property
    def claim(self) -> Claim | None:
        return self._claim

    @property
    def claimed_level(self) -> str | None:
        """The name of the level that the mail claims."""
        return self._claim.level if self._claim is not None else None

    @property
    def critical_claimed(self) -> bool:
        return self._claim is not None and self._claim.critical

    def __repr__(self) -> str:
        return f"MailSeverity({self.name!r}, claim={self._claim!r})"


def capped(
    levels: Sequence[Level], default: str, ceiling: str, claim: Claim | None, may_claim: bool
) -> MailSeverity:
    """min(claim, ceiling) where customers may set the severity, else min(default, ceiling).

    Critical levels are never candidates, whatever the policy names as its default or ceiling.
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
    levels: Iterable[Level],
    subject: str,
    text: str,
    header: Header,
    high_importance: str | None,
    patterns: Iterable[ClaimPattern] = (),
) -> Claim | None:
    """The most severe claim in subject, first lines and headers; None where nothing is claimed."""
    by_name = {level.name: level for level in levels}
    lines = list(_lines(subject, text))
    claims = [
        (level, where)
        for where, name in _candidates(lines)
        for level in by_name.values()
        if level.has_name(name)
    ]
    claims += [
        (by_name[each.level], where)
        for each in patterns
        for where, line in lines
        if each.pattern.search(line)
    ]
    if high_importance is not None and _marked_important(header):
        claims.append((by_name[high_importance], "importance header"))
    if not claims:
        return None
    level, where = max(claims, key=lambda claim: claim[0].rank)
    return Claim(level.name, level.critical, where)


def _lines(subject: str, text: str) -> Iterable[tuple[str, str]]:
    """Where a claim may be: the subject and the first lines, each cut to its maximum length."""
    yield "subject", subject[:CLAIM_LINE_LENGTH]
    for line in text.split("\n", CLAIM_LINES)[:CLAIM_LINES]:
        yield "text", line[:CLAIM_LINE_LENGTH]


def _candidates(lines: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    """Text that may name a level: in brackets in the subject, or after a label."""
    for where, line in lines:
        if where == "subject":
            for name in _BRACKETED.findall(line):
                yield where, name
        if label := _LABELLED.match(line):
            yield where, label[1]


def _marked_important(header: Header) -> bool:
    priority = header.get("x-priority").strip()[:1]
    return priority in ("1", "2") or header.get("importance").strip().lower() == "high"
