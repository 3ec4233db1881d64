"""Escalation: to which level a request goes, and who is on duty there at that hour.

A request to escalate changes no severity. It goes up one level at a time, the first level first.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from rules.addresses import normalise
from rules.business_time import MINUTES_A_DAY, parse_time_of_day
from rules.policy import EscalationLevel, Policy, RosterWindow, TierSection
from rules.policy.base import DAYS, Day

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_LOOK_AHEAD = 15 * _DAY
"""A window opens every week; where the clocks skip it, in the week after."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Who is told."""

    name: str
    address: str
    phone: str
    """Empty where the policy names none."""


@dataclass(frozen=True, slots=True)
class Raised:
    """The contact of this level gets the request."""

    level: int
    """1 is the first."""
    title: str
    contact: Contact
    why: str = ""
    """In words, where it is not the level that comes next."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Nobody is told; `why` says what to do instead, in words for whoever asked."""

    why: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of one day in UTC in which a roster names nobody."""

    day: Day
    begins: int
    """In minutes after midnight."""
    ends: int
    """Likewise, and not in the gap; 1440 is the midnight at the end of the day."""

    def __str__(self) -> str:
        return f"{self.day} {_clock(self.begins)}-{_clock(self.ends)} UTC"


def raise_level(
    current: int,
    staff_spoke: bool,
    critical_claimed: bool,
    by_portal: bool,
    policy: Policy,
    at: datetime,
    tier: TierSection | None = None,
) -> Raised | Refused:
    """Where a request to escalate goes. `current` is the ticket's level; 0 before any.

    `staff_spoke`: staff have answered on the ticket in public. `by_portal`: the ticket was logged
    in the portal, or confirmed there. `tier` is the customer's; its critical channel goes before
    that of the policy.
    """
    levels = policy.escalation.levels
    if not levels:
        return Refused("There is nobody to escalate to; write to the ticket, and staff see it.")
    if critical_claimed and not by_portal and policy.escalation.critical_begins_in == "portal":
        return Refused(_by_the_channel(policy, tier))
    if current >= len(levels):
        top = on_duty(levels[-1], at)
        phone = f", phone {top.phone}" if top.phone else ""
        return Refused(
            f"This is with the highest level already: {levels[-1].title} ({top.name}{phone})."
        )
    if current == 1 and policy.escalation.spoken_first and not staff_spoke:
        return Raised(
            1,
            levels[0].title,
            on_duty(levels[0], at),
            f"{levels[0].title} has not answered yet and is asked again; "
            f"{levels[1].title} comes after that answer.",
        )
    following = levels[current]
    return Raised(current + 1, following.title, on_duty(following, at))


def on_duty(level: EscalationLevel, at: datetime) -> Contact:
    """Who is told at an instant: the first window of the roster that is open then.

    Where none is open it is the level's own contact; without one, whoever's window opens next.
    """
    window = level.on_duty(at)
    if window is None and level.contact is not None:
        return Contact(level.title, _spelt(level.contact), level.phone)
    window = window or _opens_next(level, at)
    return Contact(window.name, _spelt(window.contact), window.phone or level.phone)


def coverage_gaps(level: EscalationLevel, monday: date) -> tuple[Gap, ...]:
    """When nobody of the roster is on duty, in the seven days in UTC that begin with a date.

    Exact to the minute in that week, the change of the clocks included; a week in winter and one
    in summer may differ. None for a level without a roster: its contact is told at any hour.
    """
    if not level.roster:
        return ()
    start = datetime.combine(monday, time(), UTC)
    week = [start + n * _DAY for n in range(8)]
    edges = sorted({*week, *_edges(level, start, week[-1])})
    gaps: list[Gap] = []
    for begins, ends in pairwise(edges):
        if level.on_duty(begins) is not None:
            continue
        gap = Gap(DAYS[begins.weekday()], _minute(begins), _minute(ends) or MINUTES_A_DAY)
        if gaps and (gaps[-1].day, gaps[-1].ends) == (gap.day, gap.begins):
            gap = Gap(gap.day, gaps.pop().begins, gap.ends)
        gaps.append(gap)
    return tuple(gaps)


def _by_the_channel(policy: Policy, tier: TierSection | None) -> str:
    channel = (tier and tier.critical_channel) or policy.severity.critical_channel
    return channel or (
        "The escalation of a critical problem begins once it is logged in the portal; "
        "please log it there first."
    )


def _opens_next(level: EscalationLevel, at: datetime) -> RosterWindow:
    for edge in sorted(_edges(level, at, at + _LOOK_AHEAD)):
        if (window := level.on_duty(edge)) is not None:
            return window
    return level.roster[0]


def _edges(level: EscalationLevel, start: datetime, end: datetime) -> set[datetime]:
    """The instants between two at which it may change who is on duty: between them nothing does."""
    edges = {e for window in level.roster for e in _of_window(window, start - _DAY, end + _DAY)}
    return {edge for edge in edges if start < edge < end}


def _of_window(window: RosterWindow, start: datetime, end: datetime) -> Iterator[datetime]:
    """When the wall clock of its zone reaches opening or close, and when that clock is changed."""
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
    """The minute within the day from an instant at which a zone's clocks are changed."""
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


def _spelt(address: str) -> str:
    return normalise(address) or address
