"""Who is on duty, and the hours in which nobody is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway import policies
from rules.policy import RosterWindow
from rules.policy.roster import Gap, gaps
from rules.service.escalation import Contact
from tests.rules.building import NOON
from tests.rules.service.rosters import INSTANTS, WINDOWS, a_level, at, on_duty, uncovered, window

SHIPPED = policies.load(None)
STAKATER, WEKA = SHIPPED["stakater"], SHIPPED["weka"]
MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)


# Who is on duty


@pytest.mark.parametrize(
    ("hour", "name"),
    [(0, "Asia and the Pacific"), (8, "Europe"), (12, "Europe"), (20, "the Americas")],
)
def test_w5_the_executive_on_duty_follows_the_sun(hour: int, name: str) -> None:
    contact = on_duty(WEKA.escalation.levels[0], NOON.replace(hour=hour))

    assert contact.name == f"Executive for {name}"
    assert contact.phone.startswith("+1 555 010")


def test_the_first_open_window_counts() -> None:
    level = a_level(window("08:00", "12:00"), window("11:00", "18:00", name="Heron"))

    assert on_duty(level, at("2026-03-02 11:30")).name == "Wren"
    assert on_duty(level, at("2026-03-02 12:00")).name == "Heron"


def test_while_no_window_is_open_the_levels_own_contact_is_notified() -> None:
    level = a_level(window("08:00", "12:00"))

    assert on_duty(level, NOON) == Contact("Desk", "desk@help.example", "+1 555 0100")


def test_without_a_contact_the_next_window_to_open_is_notified() -> None:
    level = uncovered(window("08:00", "12:00"), window("14:00", "18:00", name="Heron"))

    assert on_duty(level, at("2026-03-02 13:00")).name == "Heron"
    assert on_duty(level, at("2026-03-02 18:00")).name == "Wren"


def test_the_next_window_may_open_days_later() -> None:
    level = uncovered(
        window("08:00", "12:00", days=("mon",)),
        window("08:00", "12:00", days=("sat",), name="Heron"),
    )

    assert on_duty(level, at("2026-03-02 12:00")).name == "Heron"


def test_a_weekly_window_that_the_clocks_skip_opens_a_week_later() -> None:
    never = window("24:00", "00:00")
    skipped = window("02:00", "03:00", "Europe/Berlin", days=("sun",), name="Heron")

    assert on_duty(uncovered(never, skipped), at("2026-03-22 12:00")).name == "Heron"


def test_a_window_that_never_opens_still_names_somebody() -> None:
    assert on_duty(uncovered(window("24:00", "00:00")), NOON).name == "Wren"


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_opens() -> None:
    level = a_level(window("22:00", "06:00", days=("sun",)))

    assert on_duty(level, at("2026-03-02 05:59")).name == "Wren"
    assert on_duty(level, at("2026-03-02 06:00")).name == "Desk"
    assert on_duty(level, at("2026-03-02 22:00")).name == "Desk"


@pytest.mark.parametrize(("day", "utc_hour"), [("2026-03-28", 8), ("2026-03-30", 7)])
def test_a_window_keeps_to_its_wall_clock_when_the_clocks_change(day: str, utc_hour: int) -> None:
    level = a_level(window("09:00", "17:00", "Europe/Berlin"))
    opening = at(f"{day} {utc_hour:02}:00")

    assert on_duty(level, opening).name == "Wren"
    assert on_duty(level, opening - timedelta(minutes=1)).name == "Desk"


def test_a_window_in_the_hour_that_comes_twice_is_open_twice() -> None:
    level = a_level(window("02:00", "03:00", "Europe/Berlin"))

    for fold in (0, 1):
        assert on_duty(level, at("2026-10-25 02:30", "Europe/Berlin", fold)).name == "Wren"


def test_an_address_is_normalised() -> None:
    assert on_duty(a_level(contact="Duty@Help.Example"), NOON).address == "duty@help.example"


def test_a_window_without_a_phone_has_the_phone_of_its_level() -> None:
    level = a_level(window("00:00", "24:00"))

    assert on_duty(level, NOON).phone == "+1 555 0100"


# When nobody is on duty


def test_the_gaps_are_the_hours_between_the_windows() -> None:
    roster = [window("00:00", "09:00"), window("17:30", "00:00")]

    assert list(gaps(roster, MONDAY, 2)) == [Gap(day, 540, 1050) for day in (MONDAY, TUESDAY)]


def test_a_gap_over_midnight_ends_one_day_and_begins_the_next() -> None:
    found = list(gaps([window("02:00", "22:00")], MONDAY, 1))

    assert found == [Gap(MONDAY, 0, 120), Gap(MONDAY, 1320, 1440)]
    assert str(found[1]) == "Monday 2026-03-02 from 22:00 to 24:00 UTC"


def test_hours_that_follow_the_sun_leave_no_gap_at_any_time_of_year() -> None:
    (level,) = WEKA.escalation.levels

    assert list(gaps(level.roster, MONDAY, 366)) == []


def test_a_gap_that_summer_time_opens_begins_on_the_day_of_the_change() -> None:
    roster = [window("00:00", "08:00"), window("09:00", "01:00", "Europe/Berlin")]

    first, second, *_ = gaps(roster, date(2026, 3, 16), 30)

    assert first == Gap(date(2026, 3, 29), 1380, 1440)
    assert second == Gap(date(2026, 3, 30), 1380, 1440)


def test_a_gap_ends_when_the_clocks_skip_the_opening_time() -> None:
    sunday = date(2026, 3, 29)

    found = list(gaps([window("02:30", "05:00", "Europe/Berlin")], sunday, 1))

    assert found == [Gap(sunday, 0, 60), Gap(sunday, 180, 1440)]


def test_an_hour_that_comes_twice_has_a_gap_in_its_middle() -> None:
    sunday = date(2026, 10, 25)

    found = list(gaps([window("02:00", "02:30", "Europe/Berlin")], sunday, 1))

    assert found == [Gap(sunday, 30, 60), Gap(sunday, 90, 1440)]


def test_a_window_that_never_opens_leaves_the_whole_day() -> None:
    assert list(gaps([window("24:00", "00:00")], MONDAY, 1)) == [Gap(MONDAY, 0, 1440)]


def test_a_policy_with_a_gap_between_two_changes_of_the_clocks_is_refused() -> None:
    """America changes its clocks three weeks before Europe; only in between is there a gap."""
    europe = window("00:00", "18:00", "Europe/Berlin")
    america = window("12:00", "18:00", "America/New_York", name="Heron")

    with pytest.raises(ValidationError, match="Sunday 2026-03-08 from 22:00 to 23:00 UTC"):
        a_level(europe, america, contact=None)


def test_a_gap_of_a_minute_is_refused() -> None:
    roster = [window("00:00", "11:59"), window("12:00", "24:00")]

    with pytest.raises(ValidationError, match="from 11:59 to 12:00 UTC"):
        a_level(*roster, contact=None)


CHANGES = st.sampled_from([date(2026, 3, 23), date(2026, 10, 19), date(2026, 4, 1), MONDAY])


@given(st.lists(WINDOWS, min_size=1, max_size=3), CHANGES, st.integers(0, 7 * 1440 - 1))
def test_a_minute_is_in_a_gap_exactly_when_no_window_covers_it(
    roster: list[RosterWindow], first: date, minute: int
) -> None:
    instant = datetime(first.year, first.month, first.day, tzinfo=UTC) + timedelta(minutes=minute)
    covered = any(each.covers(instant) for each in roster)
    of_day = instant.hour * 60 + instant.minute

    found = [gap for gap in gaps(roster, first, 7) if gap.begins <= of_day < gap.ends]

    assert (instant.date() in {gap.day for gap in found}) is not covered


@given(st.lists(WINDOWS, min_size=1, max_size=3), INSTANTS)
def test_somebody_is_always_on_duty(roster: list[RosterWindow], instant: datetime) -> None:
    assert on_duty(uncovered(*roster), instant).address == "wren@help.example"
