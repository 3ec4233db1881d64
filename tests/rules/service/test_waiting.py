"""What the promise of a new request waits for, and what is due while it waits."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rules.policy import Policy
from rules.service.waiting import WaitingEvent, event, opened_waiting
from rules.ticket.business_time import ALWAYS, Calendar
from rules.ticket.changes import Source
from rules.ticket.waiting import Waiting
from tests.rules.building import NOON, policy_with

HOUR = timedelta(hours=1)
OFFICE = Calendar(ZoneInfo("UTC"), frozenset(range(5)), 9 * 60, 17 * 60)
MISSING = ("impact",)


def a_policy(requests_by_mail: str = "full", again: str | None = None, **clock: Any) -> Policy:
    """A policy that starts the clock of complete requests only."""
    changed = policy_with("clock", **{"starts": "complete", **clock})
    completeness = changed.completeness.model_copy(update={"ask_again_after": again})
    return changed.model_copy(
        update={"requests_by_mail": requests_by_mail, "completeness": completeness}
    )


def waits(
    policy: Policy,
    missing: tuple[str, ...] = MISSING,
    source: Source = Source.MAIL,
    calendar: Calendar = ALWAYS,
    at: datetime = NOON,
    critical: bool = False,
) -> Waiting | None:
    return opened_waiting(policy, calendar, missing, source, at, critical=critical)


# Facts


def test_an_incomplete_request_waits_for_its_facts_and_is_asked_halfway() -> None:
    waiting = waits(a_policy(waits_at_most="8 hours"))

    assert waiting == Waiting(since=NOON, facts=True, ask_at=NOON + 4 * HOUR, until=NOON + 8 * HOUR)


def test_a_complete_request_waits_for_nothing() -> None:
    assert waits(a_policy(), missing=()) is None


def test_nothing_waits_where_the_clock_starts_on_arrival() -> None:
    assert waits(a_policy(starts="arrival")) is None


def test_by_default_an_incomplete_request_waits_for_a_day() -> None:
    waiting = waits(a_policy())

    assert waiting is not None
    assert waiting.until == NOON + 24 * HOUR


def test_the_wait_runs_in_business_time() -> None:
    monday = datetime(2026, 7, 6, 15, tzinfo=NOON.tzinfo)

    waiting = waits(a_policy(waits_at_most="8 business hours"), calendar=OFFICE, at=monday)

    assert waiting is not None
    assert waiting.ask_at == datetime(2026, 7, 7, 11, tzinfo=NOON.tzinfo)
    assert waiting.until == datetime(2026, 7, 7, 15, tzinfo=NOON.tzinfo)


def test_a_policy_says_when_it_asks_again() -> None:
    waiting = waits(a_policy(again="1 hour", waits_at_most="8 hours"))

    assert waiting is not None
    assert waiting.ask_at == NOON + HOUR


def test_nobody_is_asked_when_the_promise_begins() -> None:
    waiting = waits(a_policy(again="8 hours", waits_at_most="8 hours"))

    assert waiting is not None
    assert waiting.ask_at is None


@pytest.mark.parametrize("source", [Source.API, Source.CONSOLE])
@pytest.mark.parametrize("requests_by_mail", ["full", "without_promise"])
def test_a_request_that_comes_by_the_portal_starts_at_once(
    source: Source, requests_by_mail: str
) -> None:
    assert waits(a_policy(requests_by_mail), source=source) is None


def test_a_critical_request_starts_at_once() -> None:
    assert waits(a_policy(), critical=True) is None


# The portal


def test_without_a_promise_a_mail_waits_for_the_portal_and_for_no_time() -> None:
    waiting = waits(a_policy("without_promise"), missing=())

    assert waiting == Waiting(since=NOON, portal=True)
    assert waiting.next_at is None


def test_without_a_promise_the_facts_are_asked_for_once_more_and_the_wait_has_no_end() -> None:
    waiting = waits(a_policy("without_promise", waits_at_most="8 hours"))

    assert waiting == Waiting(since=NOON, facts=True, portal=True, ask_at=NOON + 4 * HOUR)


def test_what_staff_open_by_mail_is_accepted() -> None:
    complete = waits(a_policy("without_promise"), missing=(), source=Source.STAFF_MAIL)
    incomplete = waits(a_policy("without_promise"), source=Source.STAFF_MAIL)

    assert complete is None
    assert incomplete is not None
    assert (incomplete.facts, incomplete.portal) == (True, False)


# What is due


@pytest.mark.parametrize(
    ("hours", "due"),
    [(3, None), (4, WaitingEvent.ASK), (7, WaitingEvent.ASK), (8, WaitingEvent.BEGIN)],
)
def test_what_is_due_while_a_request_waits(hours: int, due: WaitingEvent | None) -> None:
    waiting = Waiting(since=NOON, facts=True, ask_at=NOON + 4 * HOUR, until=NOON + 8 * HOUR)

    assert event(waiting, NOON + hours * HOUR) is due


def test_nobody_is_asked_a_third_time() -> None:
    waiting = Waiting(since=NOON, facts=True, until=NOON + 8 * HOUR)

    assert event(waiting, NOON + 7 * HOUR) is None


def test_nothing_is_due_of_a_request_that_waits_for_the_portal_alone() -> None:
    assert event(Waiting(since=NOON, portal=True), NOON + 10_000 * HOUR) is None
