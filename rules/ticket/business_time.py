"""Business time: what a calendar counts, and when a span of it has passed.

An instant is open when the wall clock of the calendar's zone shows a time within the hours of an
opening day. Daylight saving therefore needs no rule of its own: an hour that the clocks skip does
not count, an hour that they repeat counts twice, and a day that a zone leaves out does not exist.
Time is measured in real seconds. Instants are aware, and those returned are in UTC.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum

MINUTES_A_DAY = 1440
HORIZON = timedelta(days=3653)
"""Ten years: what is not due by then never will be."""
LONGEST = timedelta(days=366)
"""The longest span that a policy may promise."""
YEARS = timedelta(days=5 * 366)
"""Half of the time after which nothing is ever due, whatever the day it begins on."""
_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)

_DAY = timedelta(days=1)
_SPAN = re.compile(r"([0-9]{1,7}) ?([a-z]+(?: [a-z]+)?)")
_HOURS = re.compile(r"([0-9:]{4,5}) ?[-–] ?([0-9:]{4,5})")
_TIME_OF_DAY = re.compile(r"([0-9]{1,2}):([0-9]{2})")
_SHORT = {"m": "minute", "min": "minute", "h": "hour", "d": "day", "w": "week"}


class NeverPasses(ValueError):
    """A span of business time that does not pass within ten years in the hours of a calendar."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The hours of a support team. ValueError where it would never open."""

    zone: tzinfo
    """A `ZoneInfo`, or UTC."""
    days: frozenset[int]
    """The opening days with the usual hours; 0 is Monday."""
    opens: int
    """In minutes after midnight on the wall clock."""
    closes: int
    """Likewise; 1440 is the midnight at the end of the day."""
    holidays: frozenset[date] = frozenset()
    other_hours: Mapping[int, tuple[int, int]] = field(default_factory=dict, hash=False)
    """Opening days with hours of their own, whether or not they are among `days`."""

    def __post_init__(self) -> None:
        if not self.days and not self.other_hours:
            raise ValueError("the calendar never opens: name at least one day of the week")
        if not self.days | self.other_hours.keys() <= frozenset(range(7)):
            raise ValueError("a day of the week is a number from 0 (Monday) to 6 (Sunday)")
        for opens, closes in ((self.opens, self.closes), *self.other_hours.values()):
            if not 0 <= opens < closes <= MINUTES_A_DAY:
                raise ValueError(
                    "the calendar must open before it closes, both within one day (00:00 to 24:00)"
                )

    @property
    def always(self) -> bool:
        """Round the clock, every day."""
        hours = {(self.opens, self.closes), *self.other_hours.values()}
        return len(self.days) == 7 and hours == {(0, MINUTES_A_DAY)} and not self.holidays

    def hours_on(self, day: date) -> tuple[int, int] | None:
        """When it opens and closes on a day, in minutes after midnight; None where it does not."""
        weekday = day.weekday()
        if day in self.holidays:
            return None
        if weekday in self.other_hours:
            return self.other_hours[weekday]
        return (self.opens, self.closes) if weekday in self.days else None


ALWAYS = Calendar(UTC, frozenset(range(7)), 0, MINUTES_A_DAY)


class Unit(StrEnum):
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    BUSINESS_MINUTE = "business minute"
    BUSINESS_HOUR = "business hour"
    BUSINESS_DAY = "business day"


_LENGTH = {
    Unit.MINUTE: timedelta(minutes=1),
    Unit.HOUR: timedelta(hours=1),
    Unit.DAY: _DAY,
    Unit.WEEK: timedelta(weeks=1),
    Unit.BUSINESS_MINUTE: timedelta(minutes=1),
    Unit.BUSINESS_HOUR: timedelta(hours=1),
    Unit.BUSINESS_DAY: _DAY,
}


@dataclass(frozen=True, slots=True)
class Span:
    """A duration as a policy writes it. ValueError where it is zero or longer than a year."""

    value: int
    unit: Unit

    def __post_init__(self) -> None:
        if not 1 <= self.value <= LONGEST // _LENGTH[self.unit]:
            raise ValueError(f"{self} is out of range: at least 1, and at most a year")

    def __str__(self) -> str:
        return f"{self.value} {self.unit}{'' if self.value == 1 else 's'}"

    @property
    def business(self) -> bool:
        """Whether only opening hours count; other spans run round the clock."""
        return self.unit in (Unit.BUSINESS_MINUTE, Unit.BUSINESS_HOUR, Unit.BUSINESS_DAY)

    def surely_not_before(self, other: Span) -> bool:
        """Whether this never ends before the other, whatever the calendar and the start.

        False where it depends on them: between business days and business hours, for example.
        """
        day = Unit.BUSINESS_DAY
        if self.business != other.business or (self.unit is day) != (other.unit is day):
            return False
        return self.value * _LENGTH[self.unit] >= other.value * _LENGTH[other.unit]


def parse_span(text: str) -> Span:
    """`2 business hours`, `5 business days`, `30 minutes`; round the clock also `30m`, `4h`, `2d`.

    Raises ValueError, which names the expected form.
    """
    found = _SPAN.fullmatch(" ".join(text.lower().split()))
    if found is not None:
        name = _SHORT.get(found[2], found[2].removesuffix("s"))
        if name in set(Unit):
            return Span(int(found[1]), Unit(name))
    raise ValueError(
        f"{text!r} is not a valid duration: write a whole number and a unit, "
        "such as '2 business hours', '5 business days', '30 minutes' or '4h'"
    )


def parse_time_of_day(text: str) -> int:
    """`06:00` as minutes after midnight; `24:00` is the end of the day. ValueError otherwise."""
    found = _TIME_OF_DAY.fullmatch(text.strip())
    if found is not None and int(found[2]) < 60:
        minutes = int(found[1]) * 60 + int(found[2])
        if minutes <= MINUTES_A_DAY:
            return minutes
    raise ValueError(f"{text!r} is not a valid time of day: write it from '00:00' to '24:00'")


def parse_hours(text: str) -> tuple[int, int]:
    """`08:00-12:00` as minutes after midnight. ValueError where it does not open before it closes,
    and for any other text."""
    found = _HOURS.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} are no opening hours: write them such as '08:00-12:00'")
    opens, closes = parse_time_of_day(found[1]), parse_time_of_day(found[2])
    if opens >= closes:
        raise ValueError(f"{text!r}: the first time must be before the second")
    return opens, closes


def due(start: datetime, span: Span, calendar: Calendar) -> datetime:
    """The first instant at which the span has passed. A later start is never due earlier.

    Business hours and minutes count open time. A business day leads to the same time on the wall
    clock of the next opening day: two from Monday 10:00 end on Wednesday 10:00, whatever the clocks
    did in between. A start outside the hours is treated as a start at the next opening. Two full
    business days from Monday's opening have passed when Tuesday closes, and no open time is left
    before Wednesday opens: the answer is due when Tuesday closes. A day that closes before that
    time of day counts until it closes.

    NeverPasses where the calendar does not open often enough within ten years.
    """
    start = start.astimezone(UTC)
    if not span.business:
        return start + span.value * _LENGTH[span.unit]
    if span.unit is Unit.BUSINESS_DAY:
        return _after_days(start, span.value, calendar)
    return _after(start, span.value * _LENGTH[span.unit], calendar)


def passes_in_years(span: Span, calendar: Calendar) -> bool:
    """Whether a span that may be promised passes within five years in these hours. One that does
    not would make every mail fail that it is promised to."""
    try:
        return due(_SOME_DAY, span, calendar) - _SOME_DAY <= YEARS
    except NeverPasses:
        return False


def business_seconds(start: datetime, end: datetime, calendar: Calendar) -> float:
    """Open time between two instants, in seconds; 0 where the end is not after the start."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    if calendar.always:
        return max(end - start, timedelta()).total_seconds()
    stretches = _stretches(start, end, calendar)
    return sum((closes - opens for opens, closes in stretches), timedelta()).total_seconds()


def add_business_seconds(start: datetime, seconds: float, calendar: Calendar) -> datetime:
    """The first instant at which that much open time has passed since the start.

    ValueError for negative seconds, NeverPasses where ten years are not enough.
    """
    if seconds < 0:
        raise ValueError(f"business time does not run backwards: {seconds} seconds")
    return _after(start.astimezone(UTC), timedelta(seconds=seconds), calendar)


def _after(start: datetime, left: timedelta, calendar: Calendar) -> datetime:
    if calendar.always or not left:
        return start + left
    for opens, closes in _stretches(start, start + HORIZON, calendar):
        if left <= closes - opens:
            return opens + left
        left -= closes - opens
    raise _opens_too_seldom(start)


def _after_days(start: datetime, days: int, calendar: Calendar) -> datetime:
    stretches = _stretches(start, start + HORIZON, calendar)
    first = next(stretches, None)
    if first is None:
        raise _opens_too_seldom(start)
    opens, closed = first
    day, reading = _reading(opens, calendar.zone)
    for opens, closes in stretches:
        local = opens.astimezone(calendar.zone)
        if local.date() > day:
            day = local.date()
            days -= 1
        missing = reading - _since_midnight(local)
        # A time that the clocks skip on that day counts as reached when the day closes.
        if days < 0 or (days == 0 and missing <= timedelta()):
            return closed
        if days == 0 and missing <= closes - opens:
            return opens + missing
        closed = closes
    raise _opens_too_seldom(start)


def _reading(instant: datetime, zone: tzinfo) -> tuple[date, timedelta]:
    """The local date, and the latest time that the wall clock has shown on it so far.

    When the clocks go back they show an hour for the second time. Its minutes count as the end of
    that hour, or a later start would be due earlier.
    """
    local = instant.astimezone(zone)
    if not local.fold:
        return local.date(), _since_midnight(local)
    change = _change(instant - _DAY, instant, zone)
    before = change + _offset(instant - _DAY, zone)
    midnight = datetime(local.year, local.month, local.day, tzinfo=UTC)
    return local.date(), min(before - midnight, _DAY)


def _since_midnight(local: datetime) -> timedelta:
    return timedelta(
        hours=local.hour,
        minutes=local.minute,
        seconds=local.second,
        microseconds=local.microsecond,
    )


def _stretches(
    start: datetime, end: datetime, calendar: Calendar
) -> Iterator[tuple[datetime, datetime]]:
    """The open stretches between two instants, in order; none crosses midnight or a clock change.

    Each step is one local day with one offset, so there are one or two steps per day.
    """
    at, offset = start, _offset(start, calendar.zone)
    while at < end:
        midnight = (at + offset).replace(hour=0, minute=0, second=0, microsecond=0)
        stop = midnight + _DAY - offset
        following = _offset(stop, calendar.zone)
        if following != offset:
            stop = _change(at, stop, calendar.zone)
        if (hours := calendar.hours_on(midnight.date())) is not None:
            opens = max(at, midnight + timedelta(minutes=hours[0]) - offset)
            closes = min(stop, midnight + timedelta(minutes=hours[1]) - offset, end)
            if opens < closes:
                yield opens, closes
        at, offset = stop, following


def _offset(instant: datetime, zone: tzinfo) -> timedelta:
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None, "the zone of a calendar knows the offset of every instant"
    return offset


def _change(low: datetime, high: datetime, zone: tzinfo) -> datetime:
    """The first instant after `low`, at most `high`, with the offset of `high`; whole seconds."""
    low, old = low.replace(microsecond=0), _offset(low, zone)

    def changed(second: int) -> bool:
        return _offset(low + timedelta(seconds=second), zone) != old

    seconds = range(int((high - low).total_seconds()))
    return low + timedelta(seconds=bisect_left(seconds, True, key=changed))


def _opens_too_seldom(start: datetime) -> NeverPasses:
    return NeverPasses(
        f"the calendar does not open long enough in the ten years from {start:%Y-%m-%d}: "
        "check its hours and holidays"
    )
