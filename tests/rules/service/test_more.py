"""What a budget withholds is sent once, when the hour has room again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from rules.decision.change.decide import decide_changes
from rules.decision.change.facts import ChangeFacts
from rules.decision.effects import Effects
from rules.people import ParticipantKind
from rules.service.limits import HOUR
from rules.service.more import OWN_COMMENTS, answers_as_it_is_sent, summaries
from rules.ticket.changes import SetStatus, Source
from rules.ticket.lifecycle import Status
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind, NoticeOrder, StaffSubscription
from rules.ticket.payloads import MorePayload, ReceiptPayload
from tests.rules.building import (
    ANN,
    ANNS,
    BOB,
    NOON,
    SAM,
    SUPPORT,
    World,
    a_mail,
    default_policy,
    member,
    orders_of,
    token_to,
)

FOLLOWER = member(79, SAM.address, ParticipantKind.FOLLOWER)
TICKET = replace(ANNS, participants=(*ANNS.participants, member(71, BOB.address), FOLLOWER))
TO_BOB = NoticeOrder(NoticeKind.COMMENT, BOB.address, withheld=True)
TO_SAM = NoticeOrder(NoticeKind.COMMENT, SAM.address, withheld=True)


def made(*withheld: NoticeOrder, **ticket: Any) -> tuple[NoticeOrder, ...]:
    return summaries(withheld, replace(TICKET, **ticket), NOON, NOON)


def ago(minutes: int) -> datetime:
    return NOON - timedelta(minutes=minutes)


def test_customers_and_staff_get_one_summary_each() -> None:
    orders = made(TO_BOB, TO_BOB, TO_SAM)

    assert [(o.kind, o.address) for o in orders] == [
        (NoticeKind.MORE, BOB.address),
        (NoticeKind.STAFF_MORE, SAM.address),
    ]
    assert {o.payload for o in orders} == {MorePayload(NOON.isoformat())}


@pytest.mark.parametrize(
    ("first", "last", "due"),
    [
        (40, None, ago(40) + HOUR),
        (40, 25, ago(25) + HOUR),
        (None, None, NOON + HOUR),
    ],
)
def test_it_is_due_when_the_hour_has_room_and_an_hour_after_the_last_one(
    first: int | None, last: int | None, due: datetime
) -> None:
    sent_since = {BOB.address: ago(first)} if first is not None else {}
    summary_at = {BOB.address: ago(last)} if last is not None else {}

    (order,) = made(TO_BOB, sent_since=sent_since, summary_at=summary_at)

    assert order.due_at == due


def test_while_one_waits_no_other_is_ordered() -> None:
    assert made(TO_BOB, summary_at={BOB.address: NOON + timedelta(minutes=1)}) == ()


def test_no_receipt_is_made_up_for_and_no_contact_outside_is_summarised() -> None:
    receipt = NoticeOrder(NoticeKind.RECEIPT, BOB.address, payload=ReceiptPayload(), withheld=True)
    outside = NoticeOrder(NoticeKind.COMMENT, "duty@help.example", withheld=True)

    assert made(receipt, outside) == ()


def test_staff_who_are_not_on_the_ticket_yet_get_one_and_a_place_on_it() -> None:
    order = replace(TO_BOB, address="sue@help.example", subscription=StaffSubscription.FOLLOWER)

    (summary,) = made(order)

    assert summary.kind is NoticeKind.STAFF_MORE
    assert summary.subscription is StaffSubscription.FOLLOWER


def test_a_mail_whose_notices_are_withheld_orders_them_and_its_trace_says_when() -> None:
    full = {BOB.address: 20, SAM.address: 20}
    since = {BOB.address: ago(50), SAM.address: ago(30)}
    ticket: Ticket = replace(TICKET, sent=full, sent_since=since)

    decision = World(tickets=(ticket,)).decide(a_mail(), to=token_to(70))

    assert [(o.kind, o.address) for o in orders_of(decision)] == [
        (NoticeKind.MORE, BOB.address),
        (NoticeKind.STAFF_MORE, SAM.address),
    ]
    note = f"summary of what is withheld: to {BOB.address} at 12:10 UTC, {SAM.address} at 12:30 UTC"
    assert note in decision.trace[-1].outcome


def test_so_does_a_change() -> None:
    ticket = replace(ANNS, sent={ANN.address: 40})
    facts = ChangeFacts(NOON, SAM.address, Source.API, by_staff=True, mailbox=SUPPORT)

    effects = decide_changes(ticket, [SetStatus(Status.RESOLVED)], facts, default_policy())

    assert isinstance(effects, Effects)
    assert [(o.kind, o.address) for o in effects.notices] == [(NoticeKind.MORE, ANN.address)]


@pytest.mark.parametrize(("own", "expected"), [(OWN_COMMENTS - 1, False), (OWN_COMMENTS, True)])
def test_somebody_who_writes_as_fast_as_they_are_sent_mail_may_be_a_machine(
    own: int, expected: bool
) -> None:
    assert answers_as_it_is_sent(own) is expected
