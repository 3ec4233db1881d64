"""The life cycle of a ticket: a table without gaps, and how long a reply reopens it."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.ticket.lifecycle import EVENT_TO, NEXT, Event, Status, is_past_reopening
from tests.rules.building import NOON

CANNOT_HAPPEN = {
    (Status.CLOSED, Event.CUSTOMER_WROTE),  # goes to the follow-up
    (Status.CLOSED, Event.ASK_CUSTOMER),  # is reopened first
    (Status.CLOSED, Event.RESOLVE),  # is reopened first
}
LONG_AGO = NOON - timedelta(days=1000)


@pytest.mark.parametrize(("status", "event"), list(product(Status, Event)))
def test_every_pair_has_a_next_status_or_is_a_named_exception(status: Status, event: Event) -> None:
    assert ((status, event) in NEXT) is not ((status, event) in CANNOT_HAPPEN)


def test_only_thanks_and_staff_leave_every_ticket_as_it_is() -> None:
    """A new event that changes no status fails this test until somebody adds it on purpose."""
    quiet = {e for e in Event if all(NEXT.get((s, e)) is s for s in Status)}

    assert quiet == {Event.THANKED, Event.STAFF_WROTE}


@pytest.mark.parametrize("status", [Status.OPEN, Status.PENDING, Status.RESOLVED])
def test_a_customers_comment_opens_every_ticket_that_is_not_closed(status: Status) -> None:
    assert NEXT[status, Event.CUSTOMER_WROTE] is Status.OPEN


@pytest.mark.parametrize("status", Status)
def test_a_requested_status_is_the_status_reached(status: Status) -> None:
    reached = {NEXT.get((was, EVENT_TO[status]), status) for was in Status}

    assert reached == {status}


@pytest.mark.parametrize("status", Status)
def test_no_status_is_a_trap(status: Status) -> None:
    assert NEXT[status, Event.REOPEN] is Status.OPEN


@pytest.mark.parametrize(
    ("days", "past"),
    [(0, False), (13, False), (14, True), (400, True)],
)
def test_a_reply_reopens_a_resolved_ticket_for_fourteen_days(days: int, past: bool) -> None:
    since = NOON - timedelta(days=days)

    assert is_past_reopening(Status.RESOLVED, since, NOON, 14) is past


def test_the_fourteenth_day_ends_exactly_to_the_second() -> None:
    since = NOON - timedelta(days=14) + timedelta(seconds=1)

    assert not is_past_reopening(Status.RESOLVED, since, NOON, 14)


@pytest.mark.parametrize("since", [None, NOON, LONG_AGO])
def test_a_closed_ticket_is_never_reopened_by_a_reply(since: datetime | None) -> None:
    assert is_past_reopening(Status.CLOSED, since, NOON, 14)


@given(st.sampled_from([Status.OPEN, Status.PENDING]), st.integers(0, 365))
def test_an_old_ticket_that_is_not_over_has_no_follow_up(status: Status, days: int) -> None:
    assert not is_past_reopening(status, LONG_AGO, NOON, days)


def test_with_zero_days_to_reopen_every_reply_opens_a_follow_up() -> None:
    assert is_past_reopening(Status.RESOLVED, NOON, NOON, 0)
