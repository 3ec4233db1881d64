"""What is promised on a ticket as its severity and its status change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rules.policy import Policy, TierSection
from rules.service import sla_rules
from rules.ticket.business_time import parse_span
from rules.ticket.lifecycle import Status
from rules.ticket.model import Ticket
from rules.ticket.sla import Clock, Stage, Target
from tests.rules.building import NOON, a_ticket, default_policy, policy_with

SPANS = {"Critical": "1 hour", "High": "4 hours"}
TIER = TierSection(name="standard", title="Standard", first=SPANS, ongoing=SPANS)
HOUR = timedelta(hours=1)


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
