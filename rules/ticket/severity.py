"""Severity, and the law that no mail is ever critical.

This is the first of three barriers: `MailSeverity` is the only severity that the handling of a mail
can carry, and no way of building one yields a critical level. The second is the check at the end of
`rules.decision.decide`; the third is a constraint in the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final


@dataclass(frozen=True, slots=True)
class Level:
    """One severity of a policy."""

    name: str
    meaning: str
    critical: bool
    aliases: tuple[str, ...]
    rank: int
    """0 is the lowest."""

    @property
    def names(self) -> tuple[str, ...]:
        """Its name and its aliases."""
        return (self.name, *self.aliases)

    def has_name(self, name: str) -> bool:
        name = name.strip().casefold()
        return name == self.name.casefold() or any(name == a.casefold() for a in self.aliases)


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
