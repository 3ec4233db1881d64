"""The escalation levels: who is notified at each of them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal, Self

from pydantic import model_validator

from rules.policy import roster as rosters
from rules.policy.base import Address, Section, Text
from rules.policy.roster import RosterWindow

_YEAR = (date(2026, 1, 1), 366)
"""A roster is checked for a whole year: zones change their clocks in different weeks."""


class EscalationLevel(Section):
    title: Text
    contact: Address | None = None
    """The address to notify when nobody is on duty."""
    phone: str = ""
    roster: tuple[RosterWindow, ...] = ()
    """The first window that covers the time names the person on duty ("follow the sun")."""

    @model_validator(mode="after")
    def _has_a_contact_at_all_times(self) -> Self:
        if self.contact is None and not self.roster:
            raise ValueError(f"nobody would be notified; give {self.title} a contact or a roster")
        if self.contact is None and (gap := next(rosters.gaps(self.roster, *_YEAR), None)):
            raise ValueError(
                f"nobody is on duty on {gap}; extend the roster, "
                f"or give {self.title} a contact for these hours"
            )
        return self

    def on_duty(self, at: datetime) -> RosterWindow | None:
        """The roster window on duty; None where there is none and `contact` is notified."""
        return rosters.on_duty(self.roster, at)


class EscalationSection(Section):
    levels: tuple[EscalationLevel, ...] = ()
    """In order: an escalation goes up one level at a time."""
    spoken_first: bool = False
    """Whether level 1 must have answered, or been asked twice, before level 2 is notified."""
    critical_begins_in: Literal["anywhere", "portal"] = "anywhere"
    """Where a critical problem must be logged before its escalation begins."""
