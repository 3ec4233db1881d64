"""To whom a request is escalated, level by level, and who is on duty."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from rules.business_time import parse_time_of_day
from rules.policy.base import DAYS, WORKING_DAYS, Address, Day, HourText, Section, Text, Zone


class RosterWindow(Section):
    """Somebody's hours on duty, on the wall clock of his zone."""

    zone: Zone = "UTC"
    days: Annotated[
        tuple[Day, ...], Field(min_length=1, description="name one day at least, such as mon")
    ] = WORKING_DAYS
    opens: HourText = "09:00"
    closes: HourText = "17:00"
    """A time that is not after `opens` is on the next day."""
    name: Text
    contact: Address
    phone: str = ""

    def covers(self, at: datetime) -> bool:
        """Whether this person is on duty."""
        local = at.astimezone(ZoneInfo(self.zone))
        minute = local.hour * 60 + local.minute
        opens, closes = parse_time_of_day(self.opens), parse_time_of_day(self.closes)
        if opens < closes:
            return opens <= minute < closes and DAYS[local.weekday()] in self.days
        if minute >= opens:
            return DAYS[local.weekday()] in self.days
        return minute < closes and DAYS[local.weekday() - 1] in self.days


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
        if self.contact is None and (gap := self._gap()) is not None:
            raise ValueError(
                f"nobody is on duty on {gap:%A at %H:%M} UTC; widen the roster, "
                f"or give {self.title} a contact for such hours"
            )
        return self

    def on_duty(self, at: datetime) -> RosterWindow | None:
        """Whom the roster names; None where it names nobody and `contact` is told."""
        return next((window for window in self.roster if window.covers(at)), None)

    def _gap(self) -> datetime | None:
        """An hour of an ordinary week, in winter or summer time, when nobody is on duty."""
        for monday in (datetime(2026, 1, 12, tzinfo=UTC), datetime(2026, 7, 13, tzinfo=UTC)):
            for quarter in range(7 * 24 * 4):
                at = monday + timedelta(minutes=15 * quarter)
                if self.on_duty(at) is None:
                    return at
        return None


class EscalationSection(Section):
    levels: tuple[EscalationLevel, ...] = ()
    """The first is asked first; one level at a time."""
    spoken_first: bool = False
    """Whether level 1 must have answered before a request goes on to level 2."""
    critical_begins_in: Literal["anywhere", "portal"] = "anywhere"
    """Where a critical problem must be logged before its escalation begins."""
