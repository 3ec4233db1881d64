"""A second ticket within the pause is acknowledged after it; what a machine opens is not."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from rules.decision.model import OpenTicket
from rules.facts import Recent
from rules.service.acknowledging import (
    Acknowledging,
    AtOnce,
    Later,
    NamedWith,
    Unacknowledged,
    acknowledging,
)
from rules.service.limits import HOUR, INSTANT
from rules.ticket.notices import NoticeKind
from tests.rules.building import NOON, World, a_mail, orders_of

PAUSE = timedelta(minutes=10)
SECOND = timedelta(seconds=1)


def opened(*minutes_ago: int) -> tuple[Recent, ...]:
    return tuple(Recent(NOON - timedelta(minutes=m), opened=True, ticket=1) for m in minutes_ago)


def how(
    last: datetime | None,
    recent: tuple[Recent, ...] = (),
    waits_until: datetime | None = None,
) -> Acknowledging:
    return acknowledging(last, waits_until, NOON, PAUSE, recent)


@pytest.mark.parametrize("last", [None, NOON - PAUSE])
def test_the_first_ticket_and_one_after_the_pause_are_acknowledged_at_once(
    last: datetime | None,
) -> None:
    assert how(last) == AtOnce()


@pytest.mark.parametrize("ago", [timedelta(0), SECOND, PAUSE - SECOND])
def test_a_second_ticket_within_the_pause_is_acknowledged_at_its_end(ago: timedelta) -> None:
    assert how(NOON - ago, opened(1)) == Later(NOON - ago + PAUSE)


def test_a_third_one_is_named_with_the_second() -> None:
    due = NOON + timedelta(minutes=4)

    assert how(due, opened(1, 2), waits_until=due) == NamedWith(due)


def test_one_that_a_clock_ahead_of_ours_has_sent_waits_no_more_and_names_nothing() -> None:
    sent = NOON + timedelta(minutes=11)

    assert how(sent, opened(1, 2)) == Later(NOON + PAUSE)
    assert how(sent, opened(1), waits_until=NOON + PAUSE) == NamedWith(NOON + PAUSE)


@pytest.mark.parametrize(
    ("ago", "before", "expected"),
    [
        (INSTANT - SECOND, (10, 20), Unacknowledged),
        (INSTANT, (10, 20), Later),
        (INSTANT - SECOND, (10,), Later),
        (INSTANT - SECOND, (10, 61), Later),
    ],
)
def test_somebody_who_answers_each_acknowledgement_with_a_new_mail_at_once_is_a_machine(
    ago: timedelta, before: tuple[int, ...], expected: type[Acknowledging]
) -> None:
    assert isinstance(how(NOON - ago, opened(*before)), expected)


def test_a_slow_machine_gets_one_late_acknowledgement_an_hour() -> None:
    last = NOON - timedelta(minutes=1)

    assert how(last, opened(11, 21, 31)) == Later(last + HOUR)


def test_the_decision_orders_the_late_one_and_the_trace_says_when() -> None:
    decision = World(acknowledged_at=NOON - timedelta(minutes=9)).decide(a_mail())

    (order,) = [o for o in orders_of(decision) if o.kind is NoticeKind.ACKNOWLEDGEMENT]
    assert order.due_at == NOON + timedelta(minutes=1)
    assert "acknowledged at 12:01 UTC, since one was sent less than 10 minutes ago" in str(
        decision.trace[-1].outcome
    )


def test_the_decision_names_the_ticket_in_the_one_that_waits() -> None:
    due = NOON + timedelta(minutes=1)

    decision = World(acknowledged_at=due, acknowledged_later=due).decide(a_mail())

    assert isinstance(decision.action, OpenTicket)
    assert decision.action.named_with == due
    assert NoticeKind.ACKNOWLEDGEMENT not in {o.kind for o in orders_of(decision)}
    assert "named in the acknowledgement of 12:01 UTC" in decision.trace[-1].outcome
