"""The clock of a ticket: what starts, ends, pauses and retargets it, and what is reported when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rules.ticket.business_time import ALWAYS, Calendar, Unit, business_seconds, parse_span
from rules.ticket.sla import (
    Clock,
    SlaEvent,
    Stage,
    Target,
    answered,
    notified,
    paused,
    resumed,
    retargeted,
    start,
    stopped,
)

OFFICE = Calendar(ZoneInfo("Europe/Berlin"), frozenset(range(5)), 6 * 60, 18 * 60)


def target(first: str = "", ongoing: str = "") -> Target:
    return Target(parse_span(first) if first else None, parse_span(ongoing) if ongoing else None)


HIGH = target("4 business hours", "4 business hours")
LOW = target("5 business days", "5 business days")
ROUND_THE_CLOCK = target("4 hours", "8 hours")


def left_s(clock: Clock, when: datetime) -> float:
    """Seconds until the clock is due, in the kind of time that it runs in; 0 when overdue."""
    calendar = OFFICE if clock.span.business else ALWAYS
    return business_seconds(when, clock.due_at, calendar)


def at(text: str) -> datetime:
    """`Mon 10:00` in Berlin, in the week of 2026-03-02; a plus is the week after."""
    day, time = text.removeprefix("+").split()
    monday = datetime.fromisoformat(f"2026-03-02 {time}").replace(tzinfo=OFFICE.zone)
    days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].index(day)
    return (monday + timedelta(days=days + 7 * text.startswith("+"))).astimezone(UTC)


def a_clock(promise: Target = HIGH, started: str = "Mon 10:00") -> Clock:
    clock = start(promise, at(started), OFFICE)
    assert clock is not None
    return clock


def break_between(clock: Clock, pause: str, end: str) -> Clock:
    return resumed(paused(clock, at(pause)), at(end), OFFICE)


def with_promise(clock: Clock, promise: Target, when: str) -> Clock:
    found = retargeted(clock, promise, at(when), OFFICE)
    assert found is not None
    return found


def reported(clock: Clock, *times: str) -> list[SlaEvent | None]:
    events = []
    for when in times:
        clock, event = notified(clock, at(when))
        events.append(event)
    return events


# Starting


def test_a_clock_is_due_after_its_span_and_warns_at_three_quarters() -> None:
    clock = a_clock()

    assert (clock.stage, clock.started_at) == (Stage.FIRST, at("Mon 10:00"))
    assert (clock.warn_at, clock.due_at) == (at("Mon 13:00"), at("Mon 14:00"))


def test_the_warning_comes_after_a_fraction_of_the_business_time() -> None:
    clock = a_clock(HIGH, "Fri 17:00")

    assert (clock.warn_at, clock.due_at) == (at("+Mon 08:00"), at("+Mon 09:00"))


def test_a_span_round_the_clock_runs_through_the_night() -> None:
    clock = a_clock(ROUND_THE_CLOCK, "Fri 17:00")

    assert (clock.warn_at, clock.due_at) == (at("Fri 20:00"), at("Fri 21:00"))


def test_where_nothing_is_promised_there_is_no_clock() -> None:
    assert start(target(ongoing="1 day"), at("Mon 10:00"), OFFICE) is None


def test_a_policy_may_warn_earlier() -> None:
    clock = start(HIGH, at("Mon 10:00"), OFFICE, warn_fraction=0.5)

    assert clock is not None
    assert clock.warn_at == at("Mon 12:00")


@pytest.mark.parametrize("fraction", [0, -0.5, 1.01])
def test_a_warning_outside_the_time_is_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match=f"above 0 and at most 1, not {fraction}"):
        start(HIGH, at("Mon 10:00"), OFFICE, warn_fraction=fraction)


# Answering and stopping


@pytest.mark.parametrize(("when", "breached"), [("Mon 14:00", False), ("Mon 14:01", True)])
def test_a_first_response_is_in_time_until_it_is_due(when: str, breached: bool) -> None:
    ended, _ = answered(a_clock(), HIGH, at(when), OFFICE)

    assert ended is not None
    assert ended.stage is Stage.FIRST
    assert ended.breached is breached


def test_an_answer_starts_the_ongoing_clock() -> None:
    _, clock = answered(a_clock(), HIGH, at("Mon 11:00"), OFFICE)

    assert clock is not None
    assert (clock.stage, clock.due_at) == (Stage.ONGOING, at("Mon 15:00"))


def test_each_further_answer_meets_the_ongoing_clock_and_starts_it_again() -> None:
    _, first = answered(a_clock(), HIGH, at("Mon 11:00"), OFFICE)

    ended, second = answered(first, HIGH, at("Mon 16:00"), OFFICE)

    assert ended is not None
    assert (ended.stage, ended.breached) == (Stage.ONGOING, True)
    assert second is not None
    assert second.due_at == at("Tue 08:00")


def test_an_answer_ends_the_clock_where_no_follow_up_is_promised() -> None:
    ended, clock = answered(a_clock(), target("4 hours"), at("Mon 11:00"), OFFICE)

    assert ended is not None
    assert clock is None


def test_a_follow_up_can_be_promised_where_no_first_response_was() -> None:
    ended, clock = answered(None, HIGH, at("Mon 11:00"), OFFICE)

    assert ended is None
    assert clock is not None
    assert clock.stage is Stage.ONGOING


def test_a_clock_that_ends_in_a_pause_is_judged_at_the_start_of_the_pause() -> None:
    clock = paused(a_clock(), at("Mon 13:59"))

    assert not stopped(clock, at("Fri 12:00")).breached
    assert stopped(a_clock(), at("Fri 12:00")).breached


# Pausing


def test_a_pause_extends_the_due_time_by_its_business_time() -> None:
    clock = break_between(a_clock(), "Mon 11:00", "Tue 09:00")

    assert (clock.warn_at, clock.due_at) == (at("Tue 11:00"), at("Tue 12:00"))


def test_a_pause_outside_business_hours_changes_nothing() -> None:
    clock = a_clock(HIGH, "Mon 16:00")

    later = break_between(clock, "Mon 18:00", "Tue 06:00")

    assert (later.warn_at, later.due_at) == (clock.warn_at, clock.due_at)


def test_a_clock_round_the_clock_is_extended_by_the_whole_pause() -> None:
    clock = break_between(a_clock(ROUND_THE_CLOCK), "Mon 11:00", "Tue 11:00")

    assert clock.due_at == at("Tue 14:00")


def test_of_two_pauses_the_first_counts_and_a_running_clock_is_not_resumed() -> None:
    clock = a_clock()
    once = paused(clock, at("Mon 11:00"))

    assert paused(once, at("Mon 12:00")) == once
    assert resumed(clock, at("Mon 12:00"), OFFICE) == clock


def test_a_paused_clock_reports_nothing() -> None:
    clock = paused(a_clock(), at("Mon 11:00"))

    assert clock.notify_at is None
    assert reported(clock, "Mon 13:30", "Fri 12:00") == [None, None]


def test_a_pause_before_the_clock_starts_begins_with_it() -> None:
    assert paused(a_clock(), at("Mon 09:00")).paused_at == at("Mon 10:00")


def test_what_is_overdue_stays_overdue() -> None:
    clock = paused(a_clock(), at("Mon 15:00"))
    later = resumed(clock, at("Fri 12:00"), OFFICE)

    assert later.due_at == at("Mon 14:00")
    assert stopped(later, at("Fri 12:00")).breached


def test_a_breach_is_reported_even_if_the_clock_was_paused_after_it() -> None:
    assert reported(paused(a_clock(), at("Mon 15:00")), "Mon 15:30") == [SlaEvent.BREACH]


def test_a_warning_postponed_by_a_pause_is_reported_after_it() -> None:
    clock = break_between(a_clock(), "Mon 13:30", "Tue 08:00")

    assert reported(clock, "Tue 08:00", "Tue 08:29", "Tue 08:30") == [
        SlaEvent.WARNING,
        None,
        SlaEvent.BREACH,
    ]


times = st.integers(0, 14 * 86_400).map(lambda s: at("Mon 00:00") + timedelta(seconds=s))
promises = st.sampled_from([HIGH, LOW, ROUND_THE_CLOCK, target("1 business day", "2d")])


@given(promises, st.lists(times, min_size=3, max_size=3, unique=True).map(sorted))
def test_a_pause_preserves_the_time_left_exactly(promise: Target, times: list[datetime]) -> None:
    began, pause, end = times
    clock = start(promise, began, OFFICE)
    assert clock is not None
    left = left_s(clock, pause)

    later = resumed(paused(clock, pause), end, OFFICE)

    assert left_s(later, end) == left
    assert later.due_at >= clock.due_at


@given(promises, times, times)
def test_a_pause_of_no_length_changes_nothing(
    promise: Target, began: datetime, pause: datetime
) -> None:
    clock = start(promise, began, OFFICE)
    assert clock is not None

    assert resumed(paused(clock, max(began, pause)), max(began, pause), OFFICE) == clock


# Another promise


def test_another_severity_counts_from_the_start_of_the_clock() -> None:
    clock = with_promise(a_clock(LOW), HIGH, "Mon 12:00")

    assert (clock.started_at, clock.due_at) == (at("Mon 10:00"), at("Mon 14:00"))
    assert clock.warn_at == at("Mon 13:00")


def test_the_ongoing_clock_takes_the_ongoing_promise() -> None:
    _, clock = answered(a_clock(), ROUND_THE_CLOCK, at("Mon 11:00"), OFFICE)
    assert clock is not None

    assert with_promise(clock, target("1h", "12 hours"), "Mon 12:00").due_at == at("Mon 23:00")


def test_where_the_new_severity_promises_nothing_the_clock_is_removed() -> None:
    assert retargeted(a_clock(), target(), at("Mon 12:00"), OFFICE) is None


def test_the_same_promise_again_changes_nothing() -> None:
    clock = break_between(a_clock(), "Mon 11:00", "Mon 12:00")

    assert with_promise(clock, HIGH, "Mon 13:00") == clock


def test_earlier_pauses_are_left_out_of_the_new_promise() -> None:
    clock = break_between(a_clock(LOW), "Mon 11:00", "Tue 11:00")

    assert with_promise(clock, HIGH, "Tue 11:00").due_at == at("Tue 14:00")


def test_earlier_pauses_are_measured_in_the_time_of_the_new_promise() -> None:
    clock = break_between(a_clock(LOW), "Mon 11:00", "Tue 11:00")

    # The pause lasted 24 hours, of which twelve were business time.
    assert with_promise(clock, ROUND_THE_CLOCK, "Tue 11:00").due_at == at("Tue 14:00")
    assert with_promise(clock, target("16 hours"), "Tue 11:00").due_at == at("Wed 02:00")


def test_a_paused_clock_takes_a_new_promise_and_stays_paused() -> None:
    clock = with_promise(paused(a_clock(LOW), at("Mon 11:00")), HIGH, "Wed 12:00")

    assert clock.notify_at is None
    assert resumed(clock, at("Thu 09:00"), OFFICE).due_at == at("Thu 12:00")


def test_a_new_promise_that_is_already_broken_reports_only_the_breach() -> None:
    clock = with_promise(a_clock(LOW), HIGH, "Tue 10:00")

    assert reported(clock, "Tue 10:00", "Tue 11:00") == [SlaEvent.BREACH, None]


def test_after_one_warning_a_new_promise_does_not_warn_again_immediately() -> None:
    warned, _ = notified(a_clock(), at("Mon 13:00"))
    clock = with_promise(warned, target("200 business minutes"), "Mon 13:15")

    assert reported(clock, "Mon 13:16", "Mon 13:20") == [None, SlaEvent.BREACH]


def test_a_longer_promise_warns_and_breaches_anew() -> None:
    breached, _ = notified(a_clock(), at("Mon 15:00"))
    clock = with_promise(breached, LOW, "Mon 16:00")

    assert not stopped(clock, at("Mon 17:00")).breached
    assert reported(clock, "Mon 17:00", "Fri 12:00", "+Mon 10:00") == [
        None,
        SlaEvent.WARNING,
        SlaEvent.BREACH,
    ]


@given(promises, promises, st.lists(times, min_size=4, max_size=4).map(sorted))
def test_a_new_promise_is_as_if_it_had_held_from_the_start(
    old: Target, new: Target, times: list[datetime]
) -> None:
    began, pause, end, change = times
    before, after = start(old, began, OFFICE), start(new, began, OFFICE)
    assert before is not None
    assert after is not None
    assume(pause < before.due_at and pause < after.due_at)

    clock = retargeted(resumed(paused(before, pause), end, OFFICE), new, change, OFFICE)

    assert clock is not None
    assert clock.due_at == resumed(paused(after, pause), end, OFFICE).due_at


# Reporting


def test_warning_and_breach_are_reported_once_each() -> None:
    assert reported(a_clock(), "Mon 12:59", "Mon 13:00", "Mon 13:01", "Mon 14:00", "Mon 14:01") == [
        None,
        SlaEvent.WARNING,
        None,
        SlaEvent.BREACH,
        None,
    ]


def test_the_next_event_is_the_warning_then_the_breach_then_none() -> None:
    clock = a_clock()
    warned, _ = notified(clock, at("Mon 13:30"))
    breached, _ = notified(warned, at("Mon 14:30"))

    times = [clock.notify_at, warned.notify_at, breached.notify_at]
    assert times == [at("Mon 13:00"), at("Mon 14:00"), None]


def test_where_both_events_passed_unreported_only_the_breach_is_reported() -> None:
    assert reported(a_clock(), "Fri 12:00", "Fri 12:01") == [SlaEvent.BREACH, None]


def test_after_a_reported_breach_an_answer_at_the_due_time_is_late() -> None:
    breached, _ = notified(a_clock(), at("Mon 14:00"))

    assert stopped(breached, at("Mon 14:00")).breached


def test_a_warning_at_the_due_time_is_the_breach() -> None:
    clock = start(HIGH, at("Mon 10:00"), OFFICE, warn_fraction=1)
    assert clock is not None

    assert reported(clock, "Mon 14:00", "Mon 14:01") == [SlaEvent.BREACH, None]


@pytest.mark.parametrize("unit", Unit)
def test_a_warning_lies_between_start_and_due_in_every_unit(unit: Unit) -> None:
    clock = a_clock(target(f"3 {unit}s"), "Sat 12:00")

    assert clock.started_at < clock.warn_at < clock.due_at
