"""To whom a request is escalated, level by level."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal, Self

from pydantic import model_validator

from rules.policy import roster as rosters
from rules.policy.base import Address, Section, Text
from rules.policy.roster import RosterWindow

_YEAR = (date(2026, 1, 1), 366)
"""A roster is looked at for a whole year: zones change their clocks in different weeks."""


class EscalationLevel(Section):
    title: Text
    contact: Address | None = None
    """Who is told when the roster names nobody."""
    phone: str = ""
    roster: tuple[RosterWindow, ...] = ()
    """The first window that covers the hour names who is on duty ("follow the sun")."""

    @model_validator(mode="after")
    def _somebody_is_told(self) -> Self:
        if self.contact is None and not self.roster:
            raise ValueError(f"nobody is told; give {self.title} a contact or a roster")
        if self.contact is None and (gap := next(rosters.gaps(self.roster, *_YEAR), None)):
            raise ValueError(
                f"nobody is on duty on {gap}; widen the roster, "
                f"or give {self.title} a contact for such hours"
            )
        return self

    def on_duty(self, at: datetime) -> RosterWindow | None:
        """Whom the roster names; None where it names nobody and `contact` is told."""
        return rosters.on_duty(self.roster, at)


class EscalationSection(Section):
    levels: tuple[EscalationLevel, ...] = ()
    """The first is asked first; one level at a time."""
    spoken_first: bool = False
    """Whether level 1 must have answered, or been asked twice, before it goes on to level 2."""
    critical_begins_in: Literal["anywhere", "portal"] = "anywhere"
    """Where a critical problem must be logged before its escalation begins."""
