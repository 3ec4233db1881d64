"""Who is on duty at which time, and the times at which nobody is."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from rules.policy.base import DAYS, WORKING_DAYS, Address, Day, HourText, Section, Text, Zone
from rules.ticket.business_time import MINUTES_A_DAY, parse_time_of_day

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


class RosterWindow(Section):
    """One person's hours on duty, on the wall clock of their zone."""

    zone: Zone = "UTC"
    days: Annotated[
        tuple[Day, ...], Field(min_length=1, description="name at least one day, such as mon")
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


Roster = Sequence[RosterWindow]

_YEAR = (date(2026, 1, 1), 366)
"""A roster is checked for a whole year: zones change their clocks in different weeks."""


class Duty(Section):
    """Somebody to notify at any time: a roster, a contact, or both."""

    contact: Address | None = None
    """The address to notify when nobody is on duty."""
    phone: str = ""
    roster: tuple[RosterWindow, ...] = ()
    """The first window that covers the time names the person on duty ("follow the sun")."""

    @property
    def label(self) -> str:
        """What people call it, and its contact."""
        return "on_call"

    @property
    def in_the_file(self) -> str:
        """What it is called in an error of the policy file."""
        return "on_call"

    @model_validator(mode="after")
    def _has_a_contact_at_all_times(self) -> Self:
        if self.contact is None and not self.roster:
            raise ValueError(
                f"nobody would be notified; give {self.in_the_file} a contact or a roster"
            )
        if self.contact is None and (gap := next(gaps(self.roster, *_YEAR), None)):
            raise ValueError(
                f"nobody is on duty on {gap}; extend the roster, "
                f"or give {self.in_the_file} a contact for these hours"
            )
        return self

    def on_duty(self, at: datetime) -> RosterWindow | None:
        """The roster window on duty; None where there is none and `contact` is notified."""
        return on_duty(self.roster, at)


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of one day in UTC in which a roster names nobody."""

    day: date
    begins: int
    """In minutes after midnight."""
    ends: int
    """Likewise, exclusive; 1440 is the midnight at the end of the day."""

    def __str__(self) -> str:
        return f"{self.day:%A %Y-%m-%d} from {_clock(self.begins)} to {_clock(self.ends)} UTC"


def on_duty(roster: Roster, at: datetime) -> RosterWindow | None:
    """The first window that is open at an instant."""
    return next((window for window in roster if window.covers(at)), None)


def gaps(roster: Roster, first: date, days: int) -> Iterator[Gap]:
    """When nobody is on duty, day by day in UTC, for a number of days from a date.

    Exact to the minute, including the changes of the clocks.
    """
    start = datetime.combine(first, time(), UTC)
    midnights = [start + n * _DAY for n in range(days + 1)]
    gap: Gap | None = None
    for begins, ends in pairwise(sorted({*midnights, *edges(roster, start, midnights[-1])})):
        if on_duty(roster, begins) is not None:
            continue
        day, minute = begins.date(), _minute(begins)
        if gap is not None and (gap.day, gap.ends) == (day, minute):
            minute = gap.begins
        elif gap is not None:
            yield gap
        gap = Gap(day, minute, _minute(ends) or MINUTES_A_DAY)
    if gap is not None:
        yield gap


def edges(roster: Roster, start: datetime, end: datetime) -> set[datetime]:
    """The instants between two at which the person on duty may change; it changes at no other."""
    found = {e for window in roster for e in _of_window(window, start - _DAY, end + _DAY)}
    return {edge for edge in found if start < edge < end}


def _of_window(window: RosterWindow, start: datetime, end: datetime) -> Iterator[datetime]:
    """When the wall clock of its zone reaches opening or close, and when that clock changes."""
    zone = ZoneInfo(window.zone)
    times = parse_time_of_day(window.opens), parse_time_of_day(window.closes)
    for n in range((end - start).days + 1):
        day = start + n * _DAY
        midnight = datetime.combine(day.astimezone(zone).date(), time())
        for minutes in times:
            reading = (midnight + minutes * _MINUTE).replace(tzinfo=zone)
            yield reading.astimezone(UTC)
            yield reading.replace(fold=1).astimezone(UTC)
        if _offset(day, zone) != _offset(day + _DAY, zone):
            yield _change(day.replace(second=0, microsecond=0), zone)


def _change(day: datetime, zone: ZoneInfo) -> datetime:
    """The minute at which a zone's clocks change, within 24 hours of an instant."""
    old = _offset(day, zone)
    minutes = range(MINUTES_A_DAY + 1)
    return day + _MINUTE * bisect_left(
        minutes, True, key=lambda n: _offset(day + n * _MINUTE, zone) != old
    )


def _offset(at: datetime, zone: ZoneInfo) -> timedelta | None:
    return at.astimezone(zone).utcoffset()


def _minute(at: datetime) -> int:
    return at.hour * 60 + at.minute


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
