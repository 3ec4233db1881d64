"""Warnings and breaches are notified once, on any number of nodes and after any pause."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from rules.policy import ClockSection, CompletenessSection, FactSection, TierSection
from rules.ticket.changes import SetStatus, WriteComment
from rules.ticket.lifecycle import Status
from rules.ticket.notices import NoticeKind
from rules.ticket.visibility import Visibility
from storage.notices import overview
from storage.ticket import overdue
from storage.ticket.overdue import DueTicket
from storage.ticket.read import ticket_view
from tests.rules.building import ANN, NOON, SAM, a_mail, default_policy
from tests.storage.shop import Shop, opened

WARNED, LATE = NOON + timedelta(hours=3), NOON + timedelta(hours=4)
"""The warning is after three quarters of the four hours."""
GOLD = TierSection(name="gold", title="Gold", first={"Normal": "4 hours"})


@pytest.fixture
def desk(shop: Shop) -> Shop:
    """A desk that promises a first answer within four hours, with one ticket of Ann's."""
    promising = default_policy(tiers=(GOLD,), default_tier="gold")
    opened = replace(shop, policy=promising)
    opened.take(a_mail(ANN.address))
    return opened


def due(desk: Shop, now: datetime) -> list[DueTicket]:
    return list(desk.database.read(lambda c: overdue.due(c, now, 100)))


def notify(desk: Shop, now: datetime, found: list[DueTicket] | None = None) -> int:
    """The number of mails that one round of the scheduler queues."""
    known = due(desk, now) if found is None else found
    policies = {desk.mailbox.policy: desk.policy}
    return desk.write(lambda c: overdue.notify_overdue(c, known, policies, now, desk.new_id))


def kinds(desk: Shop) -> list[str]:
    listed = desk.database.read(lambda c: overview.listing(c))
    return sorted(n.kind for n in listed if n.kind.startswith("sla"))


def test_nothing_is_due_before_the_warning(desk: Shop) -> None:
    assert due(desk, WARNED - timedelta(seconds=1)) == []


def test_the_warning_goes_to_the_staff_once(desk: Shop) -> None:
    assert [notify(desk, WARNED), notify(desk, WARNED + timedelta(minutes=1))] == [1, 0]
    assert kinds(desk) == [NoticeKind.SLA_WARNING]


def test_an_answer_that_also_resolves_the_ticket_is_its_first_response(desk: Shop) -> None:
    desk.change(1, WriteComment("Restart it.", Visibility.PUBLIC), SetStatus(Status.RESOLVED))

    view = desk.database.read(lambda c: ticket_view(c, 1))

    assert view is not None
    assert view.details.first_answered_at == NOON


def test_two_nodes_that_find_the_same_ticket_notify_once(desk: Shop) -> None:
    seen_by_both = due(desk, WARNED)

    assert [notify(desk, WARNED, seen_by_both), notify(desk, WARNED, seen_by_both)] == [1, 0]


def test_the_breach_is_notified_after_the_warning(desk: Shop) -> None:
    notify(desk, WARNED)

    assert [notify(desk, LATE), notify(desk, LATE + timedelta(days=1))] == [1, 0]
    assert kinds(desk) == [NoticeKind.SLA_BREACH, NoticeKind.SLA_WARNING]


def test_after_a_pause_over_both_times_only_the_breach_is_notified(desk: Shop) -> None:
    assert [notify(desk, LATE + timedelta(days=3)), notify(desk, LATE + timedelta(days=4))] == [
        1,
        0,
    ]
    assert kinds(desk) == [NoticeKind.SLA_BREACH]


def test_a_clock_that_jumps_back_repeats_no_notice(desk: Shop) -> None:
    notify(desk, WARNED)

    assert [notify(desk, NOON), notify(desk, WARNED)] == [0, 0]


@pytest.mark.parametrize("status", [Status.PENDING, Status.RESOLVED])
def test_a_ticket_that_waits_for_the_customer_or_is_over_is_not_overdue(
    desk: Shop, status: Status
) -> None:
    desk.change(1, SetStatus(status))

    assert due(desk, LATE + timedelta(days=3)) == []


def test_only_the_assignee_is_notified_if_there_is_one(desk: Shop) -> None:
    desk.set(1, assignee=SAM.address)

    assert notify(desk, WARNED) == 1


def test_what_an_incomplete_request_waits_for_is_done_once_by_all_nodes(shop: Shop) -> None:
    fact = FactSection(name="impact", ask="What is the impact?", patterns=("affects",))
    waits = default_policy(
        tiers=(GOLD,),
        default_tier="gold",
        completeness=CompletenessSection(facts=(fact,)),
        clock=ClockSection(starts="complete", waits_at_most="8 hours"),
    )
    desk = replace(shop, policy=waits)
    number = opened(desk.take(a_mail(ANN.address)))
    asked, begins = NOON + timedelta(hours=4), NOON + timedelta(hours=8)

    before = notify(desk, asked - timedelta(seconds=1))
    seen_by_both = due(desk, asked)
    asks = [notify(desk, asked, seen_by_both), notify(desk, asked, seen_by_both)]
    starts = [notify(desk, begins), notify(desk, begins)]

    assert (before, asks, starts) == (0, [1, 0], [1, 0])
    clock = desk.ticket(number).clock
    assert clock is not None
    assert clock.due_at == begins + timedelta(hours=4)
