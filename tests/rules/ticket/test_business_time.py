"""Business time: opening hours, holidays, and the days on which the clocks change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.ticket.business_time import (
    ALWAYS,
    Calendar,
    Span,
    Unit,
    add_business_seconds,
    business_seconds,
    due,
    parse_hours,
    parse_span,
    parse_time_of_day,
)

HOUR = 3600
WEEKDAYS = frozenset(range(5))
EVERY_DAY = frozenset(range(7))


def hours(
    opens: str = "06:00",
    closes: str = "18:00",
    zone: str = "Europe/Berlin",
    days: frozenset[int] = WEEKDAYS,
    holidays: frozenset[date] = frozenset(),
    other: Mapping[int, str] = MappingProxyType({}),
) -> Calendar:
    times = parse_time_of_day(opens), parse_time_of_day(closes)
    others = {day: parse_hours(text) for day, text in other.items()}
    return Calendar(ZoneInfo(zone), days, *times, holidays, others)


OFFICE = hours()
ROUND_THE_CLOCK_ON_WEEKDAYS = hours("00:00", "24:00")


def at(local: str, calendar: Calendar = OFFICE, fold: int = 0) -> datetime:
    return datetime.fromisoformat(local).replace(tzinfo=calendar.zone, fold=fold).astimezone(UTC)


def due_at(start: str, span: str, calendar: Calendar = OFFICE) -> str:
    """The due time on the wall clock of the calendar's zone."""
    found = due(at(start, calendar), parse_span(span), calendar)
    return f"{found.astimezone(calendar.zone):%a %Y-%m-%d %H:%M}"


# 2026-03-02 is a Monday.
@pytest.mark.parametrize(
    ("start", "span", "expected"),
    [
        ("2026-03-02 10:00", "2 business hours", "Mon 2026-03-02 12:00"),
        ("2026-03-02 17:00", "2 business hours", "Tue 2026-03-03 07:00"),
        ("2026-03-06 17:30", "4 business hours", "Mon 2026-03-09 09:30"),
        ("2026-03-07 12:00", "2 business hours", "Mon 2026-03-09 08:00"),
        ("2026-03-02 03:00", "30 business minutes", "Mon 2026-03-02 06:30"),
        ("2026-03-02 16:00", "2 business hours", "Mon 2026-03-02 18:00"),
        ("2026-03-02 10:00", "2 business days", "Wed 2026-03-04 10:00"),
        ("2026-03-05 10:00", "2 business days", "Mon 2026-03-09 10:00"),
        ("2026-03-02 10:00", "5 business days", "Mon 2026-03-09 10:00"),
        ("2026-03-02 17:00", "4h", "Mon 2026-03-02 21:00"),
        ("2026-03-06 17:00", "2d", "Sun 2026-03-08 17:00"),
    ],
)
def test_a_span_ends_where_a_support_lead_expects_it(start: str, span: str, expected: str) -> None:
    assert due_at(start, span) == expected


@pytest.mark.parametrize("start", ["2026-03-06 18:00", "2026-03-07 12:00", "2026-03-09 06:00"])
def test_two_business_days_from_an_opening_end_with_the_second_day(start: str) -> None:
    assert due_at(start, "2 business days") == "Tue 2026-03-10 18:00"


def test_holidays_do_not_count() -> None:
    easter = frozenset({date(2026, 4, 3), date(2026, 4, 6)})

    assert due_at("2026-04-02 17:00", "2 business hours", hours(holidays=easter)) == (
        "Tue 2026-04-07 07:00"
    )
    assert due_at("2026-04-02 17:00", "2 business days", hours(holidays=easter)) == (
        "Wed 2026-04-08 17:00"
    )


SATURDAYS = hours(other={5: "08:00-12:00", 4: "06:00-15:00"})


@pytest.mark.parametrize(
    ("start", "span", "expected"),
    [
        ("2026-03-06 14:00", "2 business hours", "Sat 2026-03-07 09:00"),
        ("2026-03-07 11:00", "2 business hours", "Mon 2026-03-09 07:00"),
        ("2026-03-05 10:00", "2 business days", "Sat 2026-03-07 10:00"),
        ("2026-03-05 16:00", "1 business day", "Fri 2026-03-06 15:00"),
        ("2026-03-06 14:00", "1 business day", "Sat 2026-03-07 12:00"),
        ("2026-03-07 13:00", "1 business day", "Mon 2026-03-09 18:00"),
    ],
)
def test_a_day_with_hours_of_its_own_counts_only_these(
    start: str, span: str, expected: str
) -> None:
    assert due_at(start, span, SATURDAYS) == expected


def test_a_holiday_has_no_hours_of_its_own() -> None:
    closed = hours(holidays=frozenset({date(2026, 3, 7)}), other={5: "08:00-12:00"})

    assert closed.hours_on(date(2026, 3, 7)) is None
    assert closed.hours_on(date(2026, 3, 14)) == (8 * 60, 12 * 60)


def test_hours_of_one_day_end_the_round_the_clock() -> None:
    assert not hours("00:00", "24:00", days=EVERY_DAY, other={6: "08:00-12:00"}).always


def test_weekdays_round_the_clock_run_through_the_nights_and_stop_at_the_weekend() -> None:
    assert due_at("2026-03-05 22:00", "30 business hours", ROUND_THE_CLOCK_ON_WEEKDAYS) == (
        "Mon 2026-03-09 04:00"
    )
    assert due_at("2026-03-05 22:00", "2 business days", ROUND_THE_CLOCK_ON_WEEKDAYS) == (
        "Mon 2026-03-09 22:00"
    )


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_a_day_on_which_the_clocks_change_outside_the_hours_is_as_long_as_any(day: str) -> None:
    calendar = hours(days=EVERY_DAY)

    seconds = business_seconds(at(f"{day} 00:00"), at(f"{day} 23:59"), calendar)

    assert seconds == 12 * HOUR


@pytest.mark.parametrize(("day", "length"), [("2026-03-29", 5), ("2026-10-25", 7)])
def test_a_change_within_the_hours_is_counted_in_real_time(day: str, length: int) -> None:
    calendar = hours("00:00", "06:00", days=EVERY_DAY)

    seconds = business_seconds(at(f"{day} 00:00"), at(f"{day} 12:00"), calendar)

    assert seconds == length * HOUR


def test_an_opening_time_that_the_clocks_skip_is_when_they_have_skipped_it() -> None:
    calendar = hours("02:30", "04:00", days=EVERY_DAY)

    assert due_at("2026-03-28 12:00", "30 business minutes", calendar) == "Sun 2026-03-29 03:30"


def test_a_closing_time_that_the_clocks_skip_is_when_they_skip_it() -> None:
    calendar = hours("01:00", "02:30", days=EVERY_DAY)

    assert business_seconds(at("2026-03-29 00:00"), at("2026-03-29 12:00"), calendar) == HOUR


def test_an_hour_that_comes_twice_counts_twice() -> None:
    calendar = hours("02:00", "02:30", days=EVERY_DAY)
    midnight = at("2026-10-25 00:00")

    assert business_seconds(midnight, at("2026-10-25 12:00"), calendar) == HOUR
    assert add_business_seconds(midnight, 45 * 60, calendar) == at("2026-10-25 02:15", fold=1)


def test_lord_howe_changes_by_half_an_hour() -> None:
    calendar = hours("00:00", "06:00", "Australia/Lord_Howe", EVERY_DAY)
    night = at("2026-04-05 00:00", calendar), at("2026-04-05 12:00", calendar)

    assert business_seconds(*night, calendar) == 6.5 * HOUR


def test_a_day_that_a_zone_leaves_out_is_no_business_day() -> None:
    samoa = hours("09:00", "17:00", "Pacific/Apia")

    assert due_at("2011-12-29 10:00", "1 business day", samoa) == "Mon 2012-01-02 10:00"


def test_a_business_day_leads_to_the_same_time_across_a_change_of_the_clocks() -> None:
    calendar = hours("00:00", "24:00", days=EVERY_DAY)

    assert due_at("2026-03-28 10:00", "1 business day", calendar) == "Sun 2026-03-29 10:00"
    assert due_at("2026-10-24 10:00", "1 business day", calendar) == "Sun 2026-10-25 10:00"


def test_a_business_day_leads_past_a_time_that_the_clocks_skip() -> None:
    calendar = hours("00:00", "24:00", days=EVERY_DAY)

    assert due_at("2026-03-28 02:30", "1 business day", calendar) == "Sun 2026-03-29 03:00"


def test_in_the_hour_that_comes_twice_a_later_start_is_not_due_earlier() -> None:
    calendar = hours("00:00", "24:00", days=EVERY_DAY)
    day = parse_span("1 business day")

    first = due(at("2026-10-25 02:50"), day, calendar)
    second = due(at("2026-10-25 02:10", fold=1), day, calendar)

    assert (first, second) == (at("2026-10-26 02:50"), at("2026-10-26 03:00"))


def test_round_the_clock_business_time_is_plain_time() -> None:
    assert ALWAYS.always
    assert due_at("2026-03-07 12:00", "3 business hours", ALWAYS) == "Sat 2026-03-07 15:00"
    assert due_at("2026-03-07 12:00", "3 business days", ALWAYS) == "Tue 2026-03-10 12:00"


@pytest.mark.parametrize("calendar", [ALWAYS, OFFICE])
def test_time_does_not_run_backwards(calendar: Calendar) -> None:
    late, early = at("2026-03-02 12:00"), at("2026-03-02 10:00")

    assert business_seconds(late, early, calendar) == 0
    with pytest.raises(ValueError, match="does not run backwards: -1"):
        add_business_seconds(early, -1, calendar)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("2 business hours", Span(2, Unit.BUSINESS_HOUR)),
        ("1 Business Day", Span(1, Unit.BUSINESS_DAY)),
        ("  90   business minutes ", Span(90, Unit.BUSINESS_MINUTE)),
        ("30 minutes", Span(30, Unit.MINUTE)),
        ("1 week", Span(1, Unit.WEEK)),
        ("30m", Span(30, Unit.MINUTE)),
        ("30 min", Span(30, Unit.MINUTE)),
        ("4h", Span(4, Unit.HOUR)),
        ("2d", Span(2, Unit.DAY)),
    ],
)
def test_a_span_is_a_number_and_a_unit(text: str, span: Span) -> None:
    assert parse_span(text) == span


@pytest.mark.parametrize("unit", Unit)
@pytest.mark.parametrize("value", [1, 2, 52])
def test_a_span_parses_its_own_text(value: int, unit: Unit) -> None:
    span = Span(value, unit)

    assert parse_span(str(span)) == span
    assert str(Span(1, Unit.BUSINESS_DAY)) == "1 business day"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2",
        "business hours",
        "-1h",
        "1.5 hours",
        "2 business h",
        "2 business weeks",
        "2 hours 30 minutes",
        "4hs",
        "2 fortnights",
        "\u0662 hours",
    ],
)
def test_other_texts_are_refused_with_what_is_expected(text: str) -> None:
    expected = re.escape(
        f"{text!r} is not a valid duration: write a whole number and a unit, such as"
    )
    with pytest.raises(ValueError, match=expected):
        parse_span(text)


@pytest.mark.parametrize("text", ["0 hours", "367 days", "9999999 business minutes"])
def test_a_span_is_above_zero_and_at_most_a_year(text: str) -> None:
    with pytest.raises(ValueError, match="out of range: at least 1, and at most a year"):
        parse_span(text)


@pytest.mark.parametrize(("text", "minutes"), [("00:00", 0), ("6:05", 365), ("24:00", 1440)])
def test_a_time_of_day_is_hours_and_minutes(text: str, minutes: int) -> None:
    assert parse_time_of_day(text) == minutes


@pytest.mark.parametrize("text", ["24:01", "6", "06:60", "6pm", "-1:00", ""])
def test_other_times_of_day_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write it from '00:00' to '24:00'"):
        parse_time_of_day(text)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("08:00-12:00", (480, 720)), ("8:00 – 24:00", (480, 1440)), (" 00:00 - 6:30", (0, 390))],
)
def test_opening_hours_are_two_times(text: str, minutes: tuple[int, int]) -> None:
    assert parse_hours(text) == minutes


@pytest.mark.parametrize("text", ["", "8-12", "08:00", "08:00 to 12:00", "08:00-12:00-14:00"])
def test_other_opening_hours_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="are no opening hours: write them such as '08:00-12:00'"):
        parse_hours(text)


def test_opening_hours_that_do_not_open_before_they_close_are_refused() -> None:
    with pytest.raises(ValueError, match="'12:00-08:00': the first time must be before the second"):
        parse_hours("12:00-08:00")


def test_a_calendar_without_days_is_refused() -> None:
    with pytest.raises(ValueError, match="name at least one day"):
        hours(days=frozenset())


def test_a_calendar_has_seven_days() -> None:
    with pytest.raises(ValueError, match="from 0 \\(Monday\\) to 6"):
        hours(days=frozenset({7}))


@pytest.mark.parametrize(("opens", "closes"), [("18:00", "06:00"), ("09:00", "09:00")])
def test_a_calendar_that_does_not_open_before_it_closes_is_refused(opens: str, closes: str) -> None:
    with pytest.raises(ValueError, match="must open before it closes"):
        hours(opens, closes)


@pytest.mark.parametrize("span", ["1 business minute", "1 business day"])
def test_a_calendar_of_only_holidays_is_detected_and_does_not_hang(span: str) -> None:
    start = date(2026, 1, 1)
    closed = hours(holidays=frozenset(start + timedelta(days=n) for n in range(4000)))

    with pytest.raises(ValueError, match="the ten years from 2026-03-02: check its hours"):
        due_at("2026-03-02 10:00", span, closed)


def test_a_calendar_that_opens_too_seldom_for_a_span_is_detected() -> None:
    with pytest.raises(ValueError, match="does not open long enough"):
        due_at("2026-03-02 10:00", "366 business days", SELDOM)


SELDOM = hours(
    days=frozenset({0}),
    holidays=frozenset(date(2026, 3, 2) + timedelta(weeks=n) for n in range(1, 400)),
)

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"]


some_hours = st.integers(0, 1380).flatmap(
    lambda opens: st.tuples(st.just(opens), st.integers(opens + 60, 1440))
)


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    opens = draw(st.integers(0, 1380))
    return Calendar(
        ZoneInfo(draw(st.sampled_from(ZONES))),
        draw(st.frozensets(st.integers(0, 6), min_size=1)),
        draw(st.sampled_from([0, opens])),
        draw(st.sampled_from([1440]) | st.integers(opens + 60, 1440)),
        draw(st.frozensets(st.dates(date(2026, 10, 1), date(2026, 11, 15)), max_size=9)),
        draw(st.dictionaries(st.integers(0, 6), some_hours, max_size=2)),
    )


# Around the autumn changes of the northern zones and the spring change of Lord Howe.
instants = st.builds(
    lambda start, seconds: start + timedelta(seconds=seconds),
    st.sampled_from([datetime(2026, 10, n, tzinfo=UTC) for n in (1, 3, 24, 31)]),
    st.floats(0, 2 * 86_400) | st.integers(0, 30 * 86_400),
)
spans = st.builds(Span, st.integers(1, 12), st.sampled_from(Unit))


@given(calendars(), instants, instants, spans)
def test_a_later_start_is_never_due_earlier(
    calendar: Calendar, one: datetime, other: datetime, span: Span
) -> None:
    assert due(min(one, other), span, calendar) <= due(max(one, other), span, calendar)


@given(calendars(), instants, spans)
def test_a_longer_span_is_due_later(calendar: Calendar, start: datetime, span: Span) -> None:
    longer = Span(span.value + 1, span.unit)

    sooner, later = due(start, span, calendar), due(start, longer, calendar)
    assert start < sooner <= later
    # A time of day that one day does not reach and the next day has passed when it opens falls
    # between the two: both business days end there.
    if sooner == later:
        assert calendar.other_hours
        assert span.unit is Unit.BUSINESS_DAY


@given(calendars(), instants, st.integers(0, 10**11))
def test_the_time_added_is_the_time_passed(
    calendar: Calendar, start: datetime, microseconds: int
) -> None:
    seconds = microseconds / 10**6

    end = add_business_seconds(start, seconds, calendar)

    assert business_seconds(start, end, calendar) == seconds
    assert add_business_seconds(start, business_seconds(start, end, calendar), calendar) == end


@given(calendars(), st.lists(instants, min_size=3, max_size=3).map(sorted))
def test_time_adds_up(calendar: Calendar, times: list[datetime]) -> None:
    first, second, third = times
    parts = business_seconds(first, second, calendar) + business_seconds(second, third, calendar)

    assert business_seconds(first, third, calendar) == pytest.approx(parts, abs=1e-6)


@given(calendars(), instants, spans)
def test_a_due_time_is_the_first_instant_of_its_business_time(
    calendar: Calendar, start: datetime, span: Span
) -> None:
    if not span.business:
        calendar = ALWAYS
    end = due(start, span, calendar)

    passed = business_seconds(start, end, calendar)

    assert add_business_seconds(start, passed, calendar) == end


@pytest.mark.parametrize(
    ("one", "other", "never_before"),
    [
        ("2 days", "48 hours", True),
        ("47 hours", "2 days", False),
        ("2 business days", "1 business day", True),
        ("90 business minutes", "1 business hour", True),
        ("30 business hours", "1 business day", False),  # depends on the hours of the calendar
        ("3 days", "1 business day", False),  # depends on the day
    ],
)
def test_whether_a_span_may_end_before_another(one: str, other: str, never_before: bool) -> None:
    assert parse_span(one).surely_not_before(parse_span(other)) is never_before
