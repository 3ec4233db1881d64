"""A digest that reaches nobody has named nothing, and a notice that nobody was sent is named."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import Connection, insert, select, update

from rules.people import Role
from rules.service.digests import RECENT, TICKETS
from rules.ticket.desk import Queue
from rules.ticket.notices import NoticeKind, NoticeOrder, NoticeState
from rules.ticket.payloads import DigestPayload
from storage.db.tables import NoticeRow, ParticipantRow, TicketRow, table
from storage.desk import lost_digests
from storage.notices import outbox
from storage.notices.suppression import record_hard_failure, remove
from storage.registry import mailboxes, people
from storage.registry.people import NewPerson
from storage.ticket.rows import queue_notices
from storage.ticket.withheld import record_withheld
from tests.gateway.outgoing.notices import text_of, written
from tests.rules.building import ANN, NOON, SAM, a_mail
from tests.storage.desk.test_digests import LATER, NEW, ordered, send_everything, states
from tests.storage.shop import Shop, opened

TOM = NewPerson("tom@help.example", "Tom", Role.STAFF, None)
REFUSED = "554 5.7.1 this message contains unsolicited content"
_notice, _ticket = table(NoticeRow), table(TicketRow)
_participant = table(ParticipantRow)


def latest(shop: Shop) -> tuple[bool, list[list[str]]]:
    """Whether the latest digest comes in place of one before, and its lines."""
    query = select(_notice.c.detail).where(_notice.c.kind == NoticeKind.DIGEST.value)
    latest_first = query.order_by(_notice.c.created_at.desc()).limit(1)
    detail = json.loads(str(shop.database.read(lambda c: c.execute(latest_first).scalar())))
    return bool(detail.get("again")), json.loads(detail["lines"])


def relay_refuses(shop: Shop, at: datetime, *addresses: str) -> None:
    for each in [n for n in shop.notices() if n.kind == NoticeKind.DIGEST]:
        if each.state is NoticeState.DUE and each.address in addresses:
            shop.write(
                lambda c, n=each: outbox.give_up(c, n.id, REFUSED, hard=False, now=at)  # type: ignore[misc]
            )


def test_what_it_named_is_named_again_without_the_words_that_a_filter_may_have_refused(
    shop: Shop,
) -> None:
    """Else one subject would keep the mails of all others from being seen."""
    shop.take(a_mail(NEW, "The printer is on fire"))
    shop.take(a_mail("noa@acme.example", "what every filter knows"))
    assert ordered(shop) == 1
    named = latest(shop)[1]
    relay_refuses(shop, NOON, SAM.address)

    assert ordered(shop, LATER) == 1

    again, lines = latest(shop)
    assert again
    assert [line[1] for line in lines] == [line[1] for line in named]
    assert [line[3] for line in lines] == ["", ""]
    send_everything(shop)
    assert ordered(shop, LATER + timedelta(hours=1)) == 0


def test_one_that_is_refused_again_is_made_without_senders(shop: Shop) -> None:
    """A filter may know the domain of one of them: else it would keep all else from being seen."""
    shop.take(a_mail(NEW))
    ordered(shop)
    relay_refuses(shop, NOON, SAM.address)
    ordered(shop, LATER)
    relay_refuses(shop, LATER, SAM.address)

    assert ordered(shop, LATER + timedelta(hours=1)) == 1

    assert all(line[2:4] == ["…", ""] for line in latest(shop)[1])


def test_one_that_somebody_was_sent_or_that_still_waits_is_not_lost(shop: Shop) -> None:
    shop.write(lambda c: people.add_person(c, shop.mailbox, TOM))
    shop.take(a_mail(NEW))
    assert ordered(shop) == 2
    relay_refuses(shop, NOON, SAM.address)

    assert ordered(shop, LATER) == 0

    arrived = update(_notice).where(_notice.c.address == TOM.address)
    shop.write(lambda c: c.execute(arrived.values(state=NoticeState.SENT.value)))
    assert ordered(shop, LATER) == 0


@pytest.mark.parametrize("accepts_mail", [True, False])
def test_one_that_is_put_off_is_replaced_only_where_the_relay_accepts_other_mail(
    shop: Shop, accepts_mail: bool
) -> None:
    """A filter may answer 451 for what is in it, for days. A relay that is down needs no new one
    each hour."""
    shop.take(a_mail(NEW))
    ordered(shop)
    put_off = update(_notice).where(_notice.c.kind == NoticeKind.DIGEST.value)
    shop.write(lambda c: c.execute(put_off.values(attempts=5)))
    at = LATER + timedelta(minutes=1)
    other = NoticeOrder(NoticeKind.COMMENT, ANN.address)
    context = shop.context(at - timedelta(minutes=50))
    shop.write(lambda c: queue_notices(c, context, [other], None))
    if accepts_mail:
        answers = update(_notice).where(_notice.c.kind == NoticeKind.COMMENT.value)
        sent_at = at - timedelta(minutes=40)
        accepted = answers.values(state=NoticeState.SENT.value, sent_at=sent_at)
        shop.write(lambda c: c.execute(accepted))

    ordered(shop, at)  # what else is late is named in any case

    again, lines = latest(shop)
    digests = [n.state.value for n in shop.notices() if n.kind == NoticeKind.DIGEST]
    assert sorted(digests) == (["dead", "due"] if accepts_mail else ["due", "due"])
    assert (again, "held" in [line[0] for line in lines]) == (accepts_mail, accepts_mail)


def test_what_a_budget_withheld_is_counted_again(shop: Shop) -> None:
    ticket = opened(shop.take(a_mail()))
    left = [
        NoticeOrder(NoticeKind.FEEDBACK, each, withheld=True)
        for each in (ANN.address, ANN.address, "bob@acme.example")
    ]
    shop.write(lambda c: record_withheld(c, shop.context(), ticket, left))
    assert ordered(shop) == 1
    assert states(shop)[Queue.WITHHELD].number == 0
    relay_refuses(shop, NOON, SAM.address)

    assert ordered(shop, LATER) == 1

    ((queue, _, readers, _, number, _, _, about),) = latest(shop)[1]
    assert (queue, readers, number, about) == (
        "withheld",
        f"{ANN.address}, bob@acme.example",
        "3",
        str(ticket),
    )


def test_of_many_readers_the_number_is_given_and_counted_again(shop: Shop) -> None:
    ticket = opened(shop.take(a_mail()))
    left = [
        NoticeOrder(NoticeKind.FEEDBACK, f"reader{n:02}@acme.example", withheld=True)
        for n in range(9)
    ]
    shop.write(lambda c: record_withheld(c, shop.context(), ticket, left))
    ordered(shop)
    ((_, _, readers, _, number, *_),) = latest(shop)[1]
    assert (readers[:21], readers[-5:], number) == ("reader00@acme.example", " (+5)", "9")

    relay_refuses(shop, NOON, SAM.address)
    ordered(shop, LATER)

    assert latest(shop)[1][0][4] == "9"


def test_so_is_the_number_of_a_line_without_its_readers(shop: Shop) -> None:
    """Those are left out of the third digest after two that were refused."""
    ticket = opened(shop.take(a_mail()))
    left = [NoticeOrder(NoticeKind.FEEDBACK, ANN.address, withheld=True)] * 2
    shop.write(lambda c: record_withheld(c, shop.context(), ticket, left))
    for hours in range(3):
        ordered(shop, NOON + timedelta(hours=hours))
        relay_refuses(shop, NOON + timedelta(hours=hours), SAM.address)

    ordered(shop, NOON + timedelta(hours=3))

    lines = [line for line in latest(shop)[1] if line[0] == Queue.WITHHELD]
    assert [(line[2], line[4]) for line in lines] == [("…", "2")]


def test_of_a_suspended_address_on_many_tickets_the_number_of_the_others_is_given(
    shop: Shop,
) -> None:
    shop.take(a_mail())
    shop.write(lambda c: _copied(c, TICKETS + 2))
    for _ in range(2):
        shop.write(lambda c: record_hard_failure(c, shop.mailbox.id, ANN.address, "unknown", NOON))

    (line,) = states(shop)[Queue.SUSPENDED].new

    assert (line.ticket, line.reason) == (",".join(map(str, range(1, TICKETS + 1))), "3")
    shown = text_of(written(NoticeKind.DIGEST, payload=DigestPayload((line,))))
    assert f"#{TICKETS} (+3): unknown" in shown


def _copied(connection: Connection, times: int) -> None:
    """More tickets like the only one, with its requester."""
    ticket = dict(connection.execute(select(_ticket)).mappings().one())
    of_ann = select(_participant).where(_participant.c.address == ANN.address)
    place = dict(connection.execute(of_ann).mappings().one())
    for number in range(2, times + 2):
        connection.execute(insert(_ticket).values(ticket | {"id": number}))
        also = place | {"id": 100 + number, "ticket_id": number}
        connection.execute(insert(_participant).values(also))


def test_a_round_finds_it_although_nothing_is_new(shop: Shop) -> None:
    shop.take(a_mail(NEW))
    ordered(shop)
    relay_refuses(shop, NOON, SAM.address)

    assert shop.database.read(lambda c: lost_digests.is_any_lost(c, shop.mailbox, LATER))
    ordered(shop, LATER)
    assert not shop.database.read(lambda c: lost_digests.is_any_lost(c, shop.mailbox, LATER))


def test_a_request_whose_notice_reached_none_of_the_staff_is_named(shop: Shop) -> None:
    """All of their mail has bounced for a day: they learn afterwards what came meanwhile."""
    for _ in range(2):
        shop.write(lambda c: record_hard_failure(c, shop.mailbox.id, SAM.address, "unknown", NOON))
    ticket = opened(shop.take(a_mail()))
    shop.write(lambda c: outbox.claim(c, NOON, 50))
    assert ordered(shop, LATER) is None

    shop.write(lambda c: remove(c, shop.mailbox.id, SAM.address))
    assert ordered(shop, LATER + timedelta(hours=1)) == 1

    dead = [line for line in latest(shop)[1] if line[0] == "dead"]
    assert [(line[2], line[4], line[7]) for line in dead] == [
        (SAM.address, "new_ticket", str(ticket))
    ]


def test_an_answer_that_its_manager_was_not_sent_is_named(shop: Shop) -> None:
    """The customer gets it through them alone: else nobody would know that it did not arrive."""
    manager = "kim@sales.example"
    ticket = opened(shop.take(a_mail()))
    order = NoticeOrder(NoticeKind.NEXT_STEPS, manager)
    shop.write(lambda c: queue_notices(c, shop.context(), [order], ticket))
    for _ in range(2):
        shop.write(lambda c: record_hard_failure(c, shop.mailbox.id, manager, "unknown", NOON))
    shop.write(lambda c: outbox.claim(c, NOON, 50))

    assert [line.sender for line in states(shop)[Queue.DEAD].new] == [manager]


def test_one_that_a_colleague_was_sent_is_not(shop: Shop) -> None:
    shop.write(lambda c: people.add_person(c, shop.mailbox, TOM))
    opened(shop.take(a_mail()))
    for _ in range(2):
        shop.write(lambda c: record_hard_failure(c, shop.mailbox.id, SAM.address, "unknown", NOON))
    shop.write(lambda c: outbox.claim(c, NOON, 50))

    assert states(shop)[Queue.DEAD].number == 0


def test_what_was_given_up_waits_for_the_digest_that_names_it(shop: Shop) -> None:
    """While nobody works at the desk, nobody learns of it."""
    shop.take(a_mail())
    for each in shop.notices():
        refused = partial(outbox.give_up, notice=each.id, error=REFUSED, hard=False, now=NOON)
        shop.write(refused)

    over = NOON + RECENT
    assert states(shop, over)[Queue.DEAD].number == 2
    assert ordered(shop, over) == 1
    assert states(shop, over)[Queue.DEAD].number == 0


def test_a_mailbox_that_takes_no_mail_names_what_did_not_arrive_and_nothing_that_it_holds(
    shop: Shop,
) -> None:
    """Its tickets are still worked on; the links to what it holds lead nowhere."""
    shop.take(a_mail(NEW))
    ticket = opened(shop.take(a_mail()))
    shop.write(lambda c: c.execute(update(_notice).values(state=NoticeState.SENT.value)))
    answer = NoticeOrder(NoticeKind.COMMENT, ANN.address)
    shop.write(lambda c: queue_notices(c, shop.context(), [answer], ticket))
    shop.write(lambda c: mailboxes.set_mailbox_active(c, shop.mailbox.address, active=False))
    due = [each for each in shop.notices() if each.state is NoticeState.DUE]
    for each in due:
        refused = partial(outbox.give_up, notice=each.id, error=REFUSED, hard=False, now=NOON)
        shop.write(refused)

    assert ordered(shop) == 1

    assert [(line[0], line[2]) for line in latest(shop)[1]] == [("dead", ANN.address)]
