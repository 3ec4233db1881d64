"""Until when a ticket is set aside."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.ticket.business_time import ALWAYS, Calendar
from rules.ticket.snooze import Until, parse_until, wakes_at

BERLIN = Calendar(ZoneInfo("Europe/Berlin"), frozenset(range(5)), 9 * 60, 17 * 60)
MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "wakes"),
    [
        ("3d", datetime(2026, 3, 5, 8, tzinfo=UTC)),
        ("3 Tage", datetime(2026, 3, 5, 8, tzinfo=UTC)),
        ("4h", datetime(2026, 3, 2, 16, tzinfo=UTC)),
        ("36 hours", datetime(2026, 3, 4, 0, tzinfo=UTC)),
        ("2w", datetime(2026, 3, 16, 8, tzinfo=UTC)),
        ("monday", datetime(2026, 3, 9, 8, tzinfo=UTC)),
        ("Freitag", datetime(2026, 3, 6, 8, tzinfo=UTC)),
        ("morgen", datetime(2026, 3, 3, 8, tzinfo=UTC)),
        ("saturday", datetime(2026, 3, 7, 7, tzinfo=UTC)),
        ("2026-07-01", datetime(2026, 7, 1, 7, tzinfo=UTC)),
        ("01.07.2026", datetime(2026, 7, 1, 7, tzinfo=UTC)),
        ("2026-07-01T10:30:00+02:00", datetime(2026, 7, 1, 8, 30, tzinfo=UTC)),
    ],
)
def test_a_day_begins_when_the_calendar_opens(written: str, wakes: datetime) -> None:
    until = parse_until(written)

    assert until is not None
    assert wakes_at(until, MONDAY, BERLIN) == wakes


def test_round_the_clock_a_day_begins_at_eight() -> None:
    assert wakes_at(Until(weekday=1), MONDAY, ALWAYS) == datetime(2026, 3, 3, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "written", ["", "later", "0d", "3", "d", "2026-02-30", "31.02.2026", "2026-07-01T10:30", "-1d"]
)
def test_any_other_text_is_no_time(written: str) -> None:
    assert parse_until(written) is None


@given(st.one_of(st.text(max_size=20), st.from_regex("[0-9]{1,4} ?[dhw]", fullmatch=True)))
def test_whatever_is_written_is_a_time_or_none(written: str) -> None:
    until = parse_until(written)
    if until is not None and until.span is not None:
        assert wakes_at(until, MONDAY, BERLIN) > MONDAY
