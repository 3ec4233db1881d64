"""What is promised on a ticket as its severity and its status change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rules.policy import CalendarSection, NamedCalendarSection, Policy, TierSection
from rules.service import sla_rules
from rules.ticket.business_time import parse_span
from rules.ticket.lifecycle import Status
from rules.ticket.model import Ticket
from rules.ticket.sla import Clock, Stage, Target, paused
from tests.rules.building import NOON, a_ticket, default_policy, policy_with

SPANS = {"Critical": "1 hour", "High": "4 hours"}
TIER = TierSection(name="standard", title="Standard", first=SPANS, ongoing=SPANS)
HOUR = timedelta(hours=1)
FIRST = Stage.FIRST


def a_policy(**clock: Any) -> Policy:
    """A policy that promises an answer for High and above, and none below."""
    changed = policy_with("clock", **clock)
    return changed.model_copy(update={"tiers": (TIER,), "default_tier": "standard"})


def waiting(severity: str = "High", status: Status = Status.OPEN, **more: Any) -> Ticket:
    return a_ticket(severity=severity, status=status, tier="standard", **more)


def running(hours: int = 4) -> Clock:
    span = parse_span(f"{hours} hours")
    clock = sla_rules.started(a_policy(), Target(span, span), Stage.FIRST, NOON)
    assert clock is not None
    return clock


# Another severity


def test_a_severity_with_a_promise_starts_the_clock_where_there_was_none() -> None:
    clock = sla_rules.retargeted(a_policy(), waiting("Low"), "Critical", NOON).clock

    assert clock is not None
    assert (clock.stage, clock.due_at) == (Stage.FIRST, NOON + HOUR)


def test_after_an_answer_the_next_one_is_promised() -> None:
    clock = sla_rules.retargeted(a_policy(), waiting("Low", staff_spoke=True), "High", NOON).clock

    assert clock is not None
    assert (clock.stage, clock.due_at) == (Stage.ONGOING, NOON + 4 * HOUR)


def test_no_clock_starts_on_an_incomplete_request_if_the_clock_waits_for_completeness() -> None:
    policy = a_policy(starts="complete")

    incomplete = sla_rules.retargeted(policy, waiting("Low", missing=("error",)), "High", NOON)
    complete = sla_rules.retargeted(policy, waiting("Low"), "High", NOON)

    assert incomplete.clock is None
    assert complete.clock is not None


@pytest.mark.parametrize("status", [Status.RESOLVED, Status.CLOSED])
def test_no_clock_starts_on_a_ticket_that_is_over(status: Status) -> None:
    assert sla_rules.retargeted(a_policy(), waiting("Low", status), "High", NOON).clock is None


def test_a_clock_that_starts_while_the_ticket_is_pending_is_paused() -> None:
    pending = waiting("Low", Status.PENDING)

    paused = sla_rules.retargeted(a_policy(), pending, "High", NOON).clock
    running_on = sla_rules.retargeted(
        a_policy(pauses_while_pending=False), pending, "High", NOON
    ).clock

    assert paused is not None
    assert running_on is not None
    assert (paused.paused_at, running_on.paused_at) == (NOON, None)


# Answers, and other statuses


def test_an_answer_on_an_open_ticket_promises_the_next_one() -> None:
    ticking = sla_rules.answered(a_policy(), waiting(clock=running()), NOON)

    assert ticking.ended is not None
    assert ticking.clock is not None
    assert (ticking.ended.stage, ticking.clock.stage) == (Stage.FIRST, Stage.ONGOING)


@pytest.mark.parametrize("status", [Status.RESOLVED, Status.CLOSED])
def test_an_answer_on_a_ticket_that_is_over_promises_nothing(status: Status) -> None:
    assert sla_rules.answered(a_policy(), waiting(status=status), NOON).clock is None


def test_an_answer_on_a_pending_ticket_starts_a_paused_clock() -> None:
    pending = waiting(status=Status.PENDING, clock=running())

    clock = sla_rules.answered(a_policy(), pending, NOON).clock

    assert clock is not None
    assert (clock.stage, clock.paused_at) == (Stage.ONGOING, NOON)


def test_a_resolved_ticket_that_becomes_pending_gets_a_paused_clock() -> None:
    resolved = waiting(status=Status.RESOLVED)

    clock = sla_rules.status_changed(a_policy(), resolved, Status.PENDING, NOON).clock

    assert clock is not None
    assert clock.paused_at == NOON


def test_without_tiers_no_event_starts_a_clock() -> None:
    policy = default_policy()

    assert sla_rules.answered(policy, waiting(), NOON).clock is None
    assert sla_rules.retargeted(policy, waiting(), "Critical", NOON).clock is None


# A calendar of the ticket's own

SATURDAYS = NamedCalendarSection(
    name="saturdays", always=False, zone="UTC", other_hours={"sat": "08:00-12:00"}
)
FRIDAY = datetime(2026, 7, 10, 16, tzinfo=UTC)
HOURS = {"High": "2 business hours"}
SATURDAY = FRIDAY + 17 * HOUR
MONDAY = FRIDAY + 66 * HOUR


def with_calendars(**clock: Any) -> Policy:
    """A policy whose usual week is Monday to Friday."""
    usual = CalendarSection(always=False)
    tier = TierSection(name="standard", title="Standard", first=HOURS, ongoing=HOURS)
    changes = {"tiers": (tier,), "calendars": (SATURDAYS,)}
    return a_policy(calendar=usual, **clock).model_copy(update=changes)


def due_under(policy: Policy, calendar: str, event: str) -> datetime:
    """When the answer is due on a ticket of this calendar, after an event on Friday at 16:00."""
    ticket = waiting(calendar=calendar)
    promised = sla_rules.target(policy, "standard", {}, "High")
    match event:
        case "opened":
            clock = sla_rules.opened(policy, promised, None, FRIDAY, calendar)
        case "completed":
            incomplete = replace(ticket, missing=("error",))
            change = sla_rules.completed(policy, incomplete, (), FRIDAY)
            clock = change.clock if change is not None else None
        case "answered":
            clock = sla_rules.answered(policy, ticket, FRIDAY).clock
        case "reopened":
            over = replace(ticket, status=Status.RESOLVED)
            clock = sla_rules.status_changed(policy, over, Status.OPEN, FRIDAY).clock
        case "raised":
            lower = replace(ticket, severity="Low")
            clock = sla_rules.retargeted(policy, lower, "High", FRIDAY).clock
        case "changed":
            two = sla_rules.started(policy, Target(parse_span("1 hour"), None), Stage.FIRST, FRIDAY)
            clock = sla_rules.retargeted(policy, replace(ticket, clock=two), "High", FRIDAY).clock
        case _:
            runs = sla_rules.opened(policy, promised, None, FRIDAY, calendar)
            assert runs is not None
            pending = replace(ticket, status=Status.PENDING, clock=paused(runs, FRIDAY))
            resumes = FRIDAY + timedelta(minutes=1)
            clock = sla_rules.status_changed(policy, pending, Status.OPEN, resumes).clock
            assert clock is not None
            return clock.due_at - timedelta(minutes=1)
    assert clock is not None
    return clock.due_at


@pytest.mark.parametrize(
    "event", ["opened", "completed", "answered", "reopened", "raised", "changed", "resumed"]
)
@pytest.mark.parametrize(("calendar", "due"), [("saturdays", SATURDAY), ("", MONDAY)])
def test_the_ticket_s_calendar_counts_whatever_starts_or_moves_its_clock(
    event: str, calendar: str, due: datetime
) -> None:
    policy = with_calendars(starts="complete" if event == "completed" else "arrival")

    assert due_under(policy, calendar, event) == due


# Hours in which a contract's time never passes

MINUTE_A_WEEK = CalendarSection(always=False, days=("mon",), opens="09:00", closes="09:01")
YEARS = {"first": {"High": "800 business hours"}, "ongoing": {"High": "800 business hours"}}


@pytest.mark.parametrize("event", ["answered", "reopened", "raised", "changed"])
def test_what_never_passes_in_the_hours_of_a_later_policy_has_no_due_time(event: str) -> None:
    policy = a_policy(calendar=MINUTE_A_WEEK)
    long = parse_span("800 business hours")
    runs = sla_rules.started(a_policy(calendar=CalendarSection()), Target(long, long), FIRST, NOON)
    assert runs is not None
    ticket = waiting(targets=YEARS, clock=runs)

    match event:
        case "answered":
            change = sla_rules.answered(policy, ticket, NOON)
        case "reopened":
            over = replace(ticket, status=Status.RESOLVED)
            change = sla_rules.status_changed(policy, over, Status.OPEN, NOON)
        case "raised":
            change = sla_rules.retargeted(policy, waiting("Low", targets=YEARS), "High", NOON)
        case _:
            change = sla_rules.retargeted(policy, replace(ticket, clock=running()), "High", NOON)

    assert change.clock is None
    assert str(sla_rules.endless(policy, Target(long, None), FIRST, "", NOON)) == (
        "800 business hours never pass in the hours of clock.calendar of the policy default"
    )
    assert sla_rules.endless(policy, Target(parse_span("1 hour"), None), FIRST, "", NOON) is None


def test_a_clock_that_resumes_where_no_day_is_open_any_more_has_no_due_time() -> None:
    begins = (NOON + timedelta(days=10)).date()
    closed = CalendarSection(
        always=False, holidays=tuple(begins + timedelta(days=day) for day in range(4000))
    )
    long = parse_span("800 business hours")
    runs = sla_rules.started(a_policy(calendar=CalendarSection()), Target(long, long), FIRST, NOON)
    assert runs is not None
    pending = waiting(status=Status.PENDING, clock=paused(runs, NOON))

    change = sla_rules.status_changed(
        a_policy(calendar=closed), pending, Status.OPEN, NOON + timedelta(days=8)
    )

    assert change.clock is None
