"""A slow clock, written independently of the rules, agrees with them on ten thousand cases.

The oracle does no arithmetic on business time: it looks up the wall clock time of each minute and
counts. A setting covers ten days, mostly around a change of the clocks, and is used for many cases.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import compress, count, islice
from random import Random
from zoneinfo import ZoneInfo

import pytest

from rules.ticket.business_time import Calendar, Span, Unit, business_seconds, due
from rules.ticket.sla import Target, paused, resumed, start

ZONES = [
    "Africa/Casablanca",  # leaves summer time during Ramadan
    "America/New_York",
    "America/Santiago",  # changes at midnight
    "America/St_Johns",  # offset of half an hour
    "Asia/Kolkata",
    "Australia/Lord_Howe",  # changes by half an hour
    "Europe/Berlin",
    "Pacific/Apia",  # skipped 2011-12-30
    "Pacific/Chatham",  # offset of three quarters of an hour
    "UTC",
]
SETTINGS, CASES = 20, 50
MINUTE = timedelta(minutes=1)
DAYS_SHOWN = 10


class Setting:
    """A calendar, and the wall clock time of each minute of ten days."""

    def __init__(self, calendar: Calendar, first: datetime) -> None:
        instants = (first + n * MINUTE for n in range(DAYS_SHOWN * 1440))
        wall = [instant.astimezone(calendar.zone) for instant in instants]
        self.calendar = calendar
        self.first = first
        self.day = [local.toordinal() for local in wall]
        self.shown = [local.hour * 60 + local.minute for local in wall]
        self.open = bytes(is_open(calendar, local) for local in wall)

    def instant(self, minute: int) -> datetime:
        return self.first + minute * MINUTE


@dataclass(frozen=True)
class Case:
    """When a clock starts, its span, and its pauses, in minutes of the setting."""

    begin: int
    span: Span
    pauses: tuple[tuple[int, int], ...]


def is_open(calendar: Calendar, local: datetime) -> bool:
    shown = local.hour * 60 + local.minute
    if local.date() in calendar.holidays:
        return False
    if local.weekday() in calendar.other_hours:
        opens, closes = calendar.other_hours[local.weekday()]
        return opens <= shown < closes
    return local.weekday() in calendar.days and calendar.opens <= shown < calendar.closes


def minutes_of(setting: Setting, case: Case) -> int | None:
    """The length of the span in counted minutes; None if the setting is too short."""
    match case.span.unit:
        case Unit.MINUTE | Unit.BUSINESS_MINUTE:
            return case.span.value
        case Unit.HOUR | Unit.BUSINESS_HOUR:
            return case.span.value * 60
        case Unit.DAY:
            return case.span.value * 1440
        case Unit.WEEK:
            return case.span.value * 7 * 1440
        case Unit.BUSINESS_DAY:
            return minutes_of_days(setting, case.begin, case.span.value)


def minutes_of_days(setting: Setting, begin: int, days: int) -> int | None:
    """Open minutes until the same wall clock time, the given number of business days later."""
    began = setting.open.find(1, begin)
    if began < 0:
        return None
    today = setting.day[began]
    # When the clocks go back, today's latest wall clock time is later than the present one.
    earlier = setting.shown[setting.day.index(today) : began]
    shown = max(setting.shown[began], max(earlier, default=-1) + 1)
    for minute in range(began, len(setting.open)):
        if setting.open[minute] and setting.day[minute] > today:
            today, days = setting.day[minute], days - 1
        reached = setting.day[minute] == today and setting.shown[minute] >= shown
        if days < 0 or (days == 0 and reached):
            return sum(setting.open[began:minute])
    return None


def ticks_of(setting: Setting, case: Case) -> bytes:
    """For each minute from the start of the clock, 1 if it counts."""
    ticks = bytearray(setting.open if case.span.business else b"\1" * len(setting.open))
    for pause, end in case.pauses:
        ticks[pause:end] = bytes(end - pause)
    return bytes(ticks[case.begin :])


def reached_at(setting: Setting, case: Case, minutes: int) -> datetime:
    """The time when the clock has counted the given number of minutes."""
    counted = compress(count(case.begin), ticks_of(setting, case))
    last = next(islice(counted, minutes - 1, None))
    return setting.instant(last + 1)


def a_setting(random: Random, zone: ZoneInfo) -> Setting:
    days = [date(2011, 12, 20) + timedelta(days=random.randrange(9000)) for _ in range(2)]
    changes = [day for day in year_of(days[0]) if changes_on(zone, day)]
    if changes and random.random() < 0.8:
        days = [random.choice(changes)] * 2
    if zone.key == "Pacific/Apia" and random.random() < 0.3:
        days = [date(2011, 12, 30)] * 2
    first = datetime.combine(days[0], datetime.min.time(), UTC)
    first -= timedelta(days=random.randrange(1, 5), minutes=random.randrange(1440))
    opens = random.choice([0, 0, 60, 150, 6 * 60, 9 * 60, random.randrange(1380)])
    closes = random.choice([1440, opens + random.randrange(30, 1440), 18 * 60])
    closes = min(closes, 1440) if closes > opens else 1440
    weekdays = random.choice([range(7), range(5), range(1, 7), random.sample(range(7), 4)])
    holidays = (first.date() + timedelta(days=random.randrange(8)) for _ in range(2))
    closed = frozenset(holidays) if random.random() < 0.5 else frozenset()
    other = {day: other_hours(random) for day in random.sample(range(7), random.randrange(4))}
    other = other if random.random() < 0.5 else {}
    return Setting(Calendar(zone, frozenset(weekdays), opens, closes, closed, other), first)


def other_hours(random: Random) -> tuple[int, int]:
    opens = random.choice([0, 150, 8 * 60, random.randrange(1380)])
    return opens, random.choice([1440, random.randrange(opens + 30, 1441)])


def year_of(day: date) -> list[date]:
    return [day + timedelta(days=n) for n in range(365)]


def changes_on(zone: ZoneInfo, day: date) -> bool:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=zone)
    return noon.utcoffset() != (noon - timedelta(days=1)).utcoffset()


def a_case(random: Random) -> Case:
    begin = random.randrange(5 * 1440)
    unit, most = random.choice(
        [
            (Unit.BUSINESS_MINUTE, 600),
            (Unit.BUSINESS_HOUR, 36),
            (Unit.BUSINESS_DAY, 3),
            (Unit.BUSINESS_DAY, 3),
            (Unit.MINUTE, 600),
            (Unit.HOUR, 48),
            (Unit.DAY, 2),
        ]
    )
    times = sorted(begin + random.randrange(2 * 1440) for _ in range(2 * random.randrange(4)))
    pauses = tuple(zip(times[::2], times[1::2], strict=True))
    return Case(begin, Span(random.randint(1, most), unit), pauses)


def fitting(setting: Setting, case: Case) -> int:
    """The length of the case's span in counted minutes; 0 if the setting is too short for it."""
    minutes = minutes_of(setting, case) or 0
    return minutes if minutes <= ticks_of(setting, case).count(1) else 0


def check(setting: Setting, case: Case, minutes: int) -> None:
    begin, calendar = setting.instant(case.begin), setting.calendar
    description = (calendar, begin.isoformat(), case)
    end = reached_at(setting, Case(case.begin, case.span, ()), minutes)
    opened = setting.open[case.begin : (end - setting.first) // MINUTE]
    assert due(begin, case.span, calendar) == end, description
    assert business_seconds(begin, end, calendar) == 60 * sum(opened), description

    clock = start(Target(case.span, None), begin, calendar, warn_fraction=0.5)
    assert clock is not None
    for pause, resume in case.pauses:
        clock = resumed(paused(clock, setting.instant(pause)), setting.instant(resume), calendar)
    assert clock.due_at == reached_at(setting, case, minutes), description
    if minutes % 2 == 0:
        assert clock.warn_at == reached_at(setting, case, minutes // 2), description


@pytest.mark.parametrize("key", ZONES)
def test_the_rules_agree_with_a_clock_that_counts_every_minute(key: str) -> None:
    random = Random(key)
    for _ in range(SETTINGS):
        setting = a_setting(random, ZoneInfo(key))
        cases = (a_case(random) for _ in range(20 * CASES))
        measured = ((case, fitting(setting, case)) for case in cases)
        usable = list(islice((each for each in measured if each[1]), CASES))
        assert len(usable) == CASES, f"too few cases fit into {setting.calendar}"
        for case, minutes in usable:
            check(setting, case, minutes)
