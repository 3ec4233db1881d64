"""What is taken back once a relay is to blame that has refused the recipients of mails."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, event

from rules.mail.relay_refusals import DOMAINS
from rules.ticket.notices import NoticeKind, NoticeOrder, NoticeState
from rules.ticket.payloads import AlertPayload
from storage.notices import by_hand, outbox, relay_refusals, suppression
from storage.notices.outbox import Notice
from storage.ticket.rows import queue_notices
from tests.rules.building import ANN, BOB, NOON
from tests.storage.shop import Shop


def refused(connection: Connection, notice: Notice) -> int:
    """How many mails are taken back for it."""
    again = NOON + timedelta(minutes=1)
    of = relay_refusals.recipient_refused(
        connection, notice, "550 5.1.1", hard=True, now=NOON, again=again
    )
    return of.taken_back


def test_a_mail_that_somebody_had_sent_meanwhile_is_not_sent_twice(shop: Shop) -> None:
    alert = AlertPayload("the disk is full")
    orders = [NoticeOrder(NoticeKind.ALERT, each.address, "", alert) for each in (ANN, BOB)]
    shop.write(lambda c: queue_notices(c, shop.context(), orders, None))
    first, second = shop.write(lambda c: outbox.claim(c, NOON, 2))
    shop.write(lambda c: refused(c, first))
    handed_over: list[Notice] = []

    def send_first(connection: Connection, _: Any, statement: str, *__: Any) -> None:
        """Just before it is taken back."""
        if statement.startswith("UPDATE notice SET state") and not handed_over:
            handed_over.append(first)
            by_hand.retry(connection, [first.id], NOON, "sam@help.example")
            outbox.sent(connection, [first.id], NOON)

    event.listen(shop.database.engine, "before_cursor_execute", send_first)
    try:
        taken_back = shop.write(lambda c: refused(c, second))
    finally:
        event.remove(shop.database.engine, "before_cursor_execute", send_first)

    assert handed_over
    assert taken_back == 0
    assert [each.state for each in shop.notices(first.address)] == [NoticeState.SENT]
    known = shop.database.read(lambda c: suppression.listing(c, shop.mailbox.id))
    assert [(each.address, each.hard) for each in known] == [(first.address, 1)]


def test_two_wrong_addresses_are_no_relay_that_accepts_nothing(shop: Shop) -> None:
    """Where little is sent, both may be refused before another mail is accepted."""
    alert = AlertPayload("the disk is full")
    here = [f"user{n}@acme.example" for n in range(DOMAINS)]
    elsewhere = [f"user@site{n}.example" for n in range(1, DOMAINS)]
    orders = [NoticeOrder(NoticeKind.ALERT, each, "", alert) for each in (*here, *elsewhere)]
    shop.write(lambda c: queue_notices(c, shop.context(), orders, None))
    due = {each.address: each for each in shop.write(lambda c: outbox.claim(c, NOON, 99))}

    certain = []
    for address in (*here, *elsewhere):
        shop.write(partial(refused, notice=due[address]))
        trouble = shop.database.read(relay_refusals.trouble)
        certain.append(trouble is not None and trouble.is_certain)

    assert certain == [False] * (len(certain) - 1) + [True]
