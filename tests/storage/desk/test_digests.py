"""What waits for staff: which of it is named, when, and to whom."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, insert, select, update

from rules.mail import Mail, Mailbox
from rules.people import Role
from rules.sender.authentication import Authentication, SignedScope
from rules.sender.tokens import REPLY_TOKEN_LENGTH
from rules.service.digests import LINES, PAUSE, QueueState, shared_out
from rules.service.more import SUMMARIES
from rules.service.personal_digests import lines
from rules.ticket.changes import Complete, Delete, SetStatus
from rules.ticket.desk import DigestLine, Queue
from rules.ticket.lifecycle import Status
from rules.ticket.notices import NoticeKind, NoticeOrder, NoticeState
from storage.db.tables import AnnouncedRow, MailboxRow, NoticeRow, table
from storage.desk import digests, queues
from storage.mail import quarantine
from storage.notices import direct, suppression
from storage.registry import mailboxes, people
from storage.registry.people import NewPerson
from storage.ticket.personal_digest import personal_digest
from storage.ticket.read import ticket_view
from storage.ticket.withheld import record_withheld
from tests.rules.building import (
    ANN,
    NOON,
    NOTHING,
    PROVEN,
    SAM,
    a_mail,
    default_policy,
    policy_with,
)
from tests.storage.shop import Shop, opened

_notice, _mailbox = table(NoticeRow), table(MailboxRow)
NEW = "new@acme.example"
LATER = NOON + PAUSE
SEAL = SignedScope("f" * 64, ("from", "to", "cc", "subject", "date"))
SIGNED = replace(
    PROVEN, by="dkim:acme.example", vouched_by="company:acme.example", signed_scope=SEAL
)
UNSIGNED_PARTS = replace(SIGNED, signed_scope=replace(SEAL, problem="an unsigned Content-Type"))
HELD_OF_ANYBODY = default_policy(unauthenticated="hold", strangers="hold")


def ordered(shop: Shop, at: datetime = NOON) -> int | None:
    return shop.write(lambda c: digests.order_digest(c, shop.mailbox, shop.policy, at, shop.new_id))


def send_everything(shop: Shop) -> None:
    sent = update(_notice).values(state=NoticeState.SENT.value)
    shop.write(lambda c: c.execute(sent))


def states(shop: Shop, at: datetime = NOON) -> dict[Queue, QueueState]:
    found = shop.database.read(lambda c: queues.states(c, shop.mailbox, shop.policy, at))
    return {state.queue: state for state in found}


def named(shop: Shop) -> list[list[list[str]]]:
    """The lines of each digest to Sam, the latest first."""
    query = (
        select(_notice.c.detail)
        .where(_notice.c.kind == NoticeKind.DIGEST.value, _notice.c.address == SAM.address)
        .order_by(_notice.c.created_at.desc())
    )
    details: Sequence[str] = shop.database.read(lambda c: c.execute(query).scalars().all())
    return [json.loads(json.loads(detail)["lines"]) for detail in details]


def queues_of_last(shop: Shop, address: str) -> list[str]:
    """The queues that the latest digest to an address names."""
    query = (
        select(_notice.c.detail)
        .where(_notice.c.kind == NoticeKind.DIGEST.value, _notice.c.address == address)
        .order_by(_notice.c.created_at.desc())
    )
    detail = shop.database.read(lambda c: c.execute(query).scalars().first())
    return [line[0] for line in json.loads(json.loads(str(detail))["lines"])]


def test_a_held_mail_is_named_at_once_to_each_of_the_staff(shop: Shop) -> None:
    tom = NewPerson("tom@help.example", "Tom", Role.STAFF, None)
    shop.write(lambda c: people.add_person(c, shop.mailbox, tom))
    shop.take(a_mail(NEW, "The printer is on fire"))

    assert ordered(shop) == 2

    (((queue, item, sender, subject, reason, _, until, _),),) = named(shop)
    assert (queue, sender, subject, reason) == (
        "held",
        NEW,
        "The printer is on fire",
        "not_enrolled",
    )
    assert until == (NOON + timedelta(days=14)).isoformat()
    assert shop.database.read(lambda c: quarantine.find(c, UUID(item))) is not None
    digests_to = [n.address for n in shop.notices() if n.kind == NoticeKind.DIGEST]
    assert sorted(digests_to) == [SAM.address, "tom@help.example"]


def test_no_digest_cuts_a_word_that_may_be_a_reply_address(shop: Shop) -> None:
    """They are masked when they are shown: what is left of one that was cut would not be."""
    address = f"support+{'a' * REPLY_TOKEN_LENGTH}@help.example"
    shop.take(a_mail(NEW, "printer " * 22 + address))
    opened(shop.take(a_mail(ANN.address, "printer " * 10 + address)))

    ordered(shop)
    mine = shop.database.read(lambda c: personal_digest(c, shop.mailbox, SAM.address, NOON, None))

    assert named(shop)[0][0][3] == ("printer " * 22).rstrip()
    (line,) = (each for each in map(str, lines(mine)) if "printer" in each)
    assert "support+" not in line


def test_nothing_is_ordered_while_nothing_is_new(shop: Shop) -> None:
    shop.take(a_mail(ANN.address))

    assert ordered(shop) == 0
    shop.take(a_mail(NEW))
    assert ordered(shop) == 1
    assert ordered(shop, LATER) == 0


def test_one_digest_an_hour_names_all_that_came_within_it(shop: Shop) -> None:
    shop.take(a_mail(NEW, "one"))
    assert ordered(shop) == 1
    for subject in ("two", "three"):
        shop.take(a_mail(NEW, subject), at=NOON + timedelta(minutes=1))

    assert ordered(shop, LATER - timedelta(seconds=1)) == 0
    assert ordered(shop, LATER) == 1

    assert [line[3] for line in named(shop)[0]] == ["two", "three"]


def test_of_several_nodes_at_once_one_orders_it(shop: Shop) -> None:
    shop.take(a_mail(NEW))

    def order(connection: Connection) -> int | None:
        return digests.order_digest(connection, shop.mailbox, shop.policy, NOON, uuid4)

    jobs = [shop.ledger.submit(order) for _ in range(6)]

    assert sorted(job.result() or 0 for job in jobs) == [0, 0, 0, 0, 0, 1]
    assert len(named(shop)) == 1


def test_the_mail_of_strangers_is_counted_and_named_to_nobody(shop: Shop) -> None:
    shop.policy = HELD_OF_ANYBODY
    shop.take(a_mail("eve@evil.example"))

    assert ordered(shop) == 0
    assert states(shop)[Queue.STRANGERS].number == 1
    assert states(shop)[Queue.HELD].number == 0


def test_a_flood_that_anybody_can_send_hides_no_proven_mail_and_is_named_once(shop: Shop) -> None:
    shop.policy = HELD_OF_ANYBODY
    for n in range(LINES + 2):
        shop.take(a_mail(ANN.address, f"flood {n}"), proof=NOTHING)
    shop.take(a_mail(NEW, "the printer"), at=NOON + timedelta(minutes=1))

    assert ordered(shop, NOON + timedelta(minutes=2)) == 1

    (lines,) = named(shop)
    assert (len(lines), lines[0][3]) == (LINES, "the printer")
    send_everything(shop)
    assert ordered(shop, NOON + timedelta(hours=2)) == 0


def test_a_flood_that_anybody_can_send_leaves_lines_to_the_other_queues(shop: Shop) -> None:
    """Else forty mails an hour would hide for ever that a customer's mail bounces."""
    shop.take(a_mail(ANN.address))
    dead = {"state": NoticeState.DEAD.value, "last_error": "550 no such user"}
    to_ann = (_notice.c.address == ANN.address) & (_notice.c.ticket_id.is_not(None))
    shop.write(lambda c: c.execute(update(_notice).where(to_ann).values(**dead)))
    shop.policy = HELD_OF_ANYBODY
    for n in range(LINES + 2):
        shop.take(a_mail(ANN.address, f"flood {n}"), proof=NOTHING)

    found = states(shop)
    assert (len(found[Queue.HELD].new), found[Queue.HELD].more) == (LINES - 1, 3)
    assert ordered(shop) == 1

    (lines,) = named(shop)
    assert [(line[0], line[2]) for line in lines[LINES - 1 :]] == [(Queue.DEAD, ANN.address)]
    send_everything(shop)
    assert ordered(shop, LATER) == 0


def test_queues_take_turns_at_the_lines_of_a_digest() -> None:
    def shares(*new: int, lines: int) -> list[tuple[int, int]]:
        entries = [DigestLine(Queue.HELD.value, str(number)) for number in range(max(new))]
        found = [QueueState(Queue.HELD, n, None, tuple(entries[:n]), 1) for n in new]
        return [(len(state.new), state.more) for state in shared_out(found, lines)]

    assert shares(9, 0, 2, 9, lines=10) == [(4, 6), (0, 1), (2, 1), (4, 6)]
    assert shares(3, 3, lines=5) == [(3, 1), (2, 2)]
    assert shares(1, 2, lines=5) == [(1, 1), (2, 1)]
    assert shares(2, 2, lines=0) == [(0, 3), (0, 3)]


def test_proven_mail_beyond_one_digest_is_named_by_the_next(shop: Shop) -> None:
    for n in range(LINES + 2):
        shop.take(a_mail(NEW, f"mail {n}"))

    assert (ordered(shop), ordered(shop, LATER)) == (1, 1)
    assert [len(lines) for lines in named(shop)] == [2, LINES]


def test_the_domains_of_held_mail_take_turns(shop: Shop) -> None:
    """Else who invents colleagues of one company keeps the mail of another back for hours."""
    for n in range(LINES + 2):
        shop.take(a_mail(f"invented-{n}@acme.example"))
    shop.take(a_mail("gus@globex.example", "all is down"), at=NOON + timedelta(minutes=1))

    ordered(shop, NOON + timedelta(minutes=2))

    (lines,) = named(shop)
    assert [line[2] for line in lines[:2]] == ["invented-0@acme.example", "gus@globex.example"]


def test_staff_are_warned_two_days_before_a_mail_is_discarded(shop: Shop) -> None:
    shop.take(a_mail(NEW, auto_submitted="auto-generated"))  # invited to nothing
    ordered(shop)
    send_everything(shop)
    before = NOON + timedelta(days=12)

    assert ordered(shop, before) == 0
    assert ordered(shop, before + timedelta(seconds=1)) == 1
    assert named(shop)[0][0][0] == Queue.LEAVING
    assert ordered(shop, before + timedelta(days=1)) == 0


def test_a_discarded_mail_waits_for_nobody(shop: Shop) -> None:
    held = shop.take(a_mail(NEW))
    shop.write(lambda c: quarantine.discard(c, held.journal_id))

    assert ordered(shop) == 0


def test_a_sender_of_whom_no_more_is_held_is_named_once_a_day(shop: Shop) -> None:
    shop.policy = policy_with("hold", per_sender=2)
    shop.take(a_mail(NEW))
    shop.take(a_mail(NEW))

    ordered(shop)

    assert [line[0] for line in named(shop)[0]] == ["held", "held", "full"]
    assert named(shop)[0][2][2:5] == [NEW, "", "2"]
    assert ordered(shop, LATER) == 0
    assert ordered(shop, NOON + timedelta(days=1)) == 1


@pytest.mark.parametrize(
    ("values", "queue"),
    [
        ({"state": NoticeState.DEAD.value, "last_error": "550 no such user"}, Queue.DEAD),
        ({"created_at": NOON - timedelta(hours=2), "attempts": 3}, Queue.LATE),
        (dict.fromkeys(("created_at", "due_at"), NOON - timedelta(hours=2)), Queue.LATE),
    ],
)
def test_outgoing_mail_that_is_dead_or_late_is_named(
    shop: Shop, values: dict[str, object], queue: Queue
) -> None:
    shop.take(a_mail(ANN.address))
    to_ann = (_notice.c.address == ANN.address) & (_notice.c.ticket_id.is_not(None))
    shop.write(lambda c: c.execute(update(_notice).where(to_ann).values(**values)))

    assert ordered(shop) == 1
    ((line,),) = named(shop)
    assert (line[0], line[2], line[7]) == (queue, ANN.address, "1")


def test_links_that_anybody_asked_for_are_named_after_the_mail_of_customers(shop: Shop) -> None:
    """Else a stranger who asks for links to invented addresses would hide what failed."""

    def ask(connection: Connection) -> None:
        for n in range(LINES):
            direct.order_invitation(
                connection,
                shop.mailbox,
                f"nobody{n}@acme.example",
                notice=UUID(int=900 + n),
                now=NOON - timedelta(hours=2),
            )

    shop.write(ask)
    shop.take(a_mail(ANN.address))
    dead = {"state": NoticeState.DEAD.value, "last_error": "550 no such user"}
    of_acme = _notice.c.address.endswith("@acme.example")
    shop.write(lambda c: c.execute(update(_notice).where(of_acme).values(**dead)))

    found = states(shop)[Queue.DEAD]
    assert found.new[0].sender == ANN.address
    assert found.more > 0


def test_a_notice_that_is_not_due_yet_is_not_late(shop: Shop) -> None:
    shop.take(a_mail(ANN.address))
    waits = {"created_at": NOON - timedelta(hours=2), "due_at": NOON + timedelta(hours=1)}
    shop.write(lambda c: c.execute(update(_notice).values(**waits)))

    assert ordered(shop) == 0


def test_a_notice_that_its_recipient_does_not_want_is_no_failure(shop: Shop) -> None:
    shop.take(a_mail(ANN.address))
    values = {"state": NoticeState.DEAD.value, "last_error": "the recipient has unsubscribed"}
    shop.write(lambda c: c.execute(update(_notice).values(**values)))

    assert ordered(shop) == 0


def test_a_suspended_address_is_named_with_its_open_tickets(shop: Shop) -> None:
    first, second = opened(shop.take(a_mail(ANN.address))), opened(shop.take(a_mail(ANN.address)))
    shop.set(second, status="closed")
    for _ in range(2):
        shop.write(
            lambda c: suppression.record_hard_failure(
                c, shop.mailbox.id, ANN.address, "550 gone", NOON
            )
        )

    assert ordered(shop) == 1
    ((line,),) = named(shop)
    assert (line[0], line[2], line[3], line[7]) == (
        Queue.SUSPENDED,
        ANN.address,
        "550 gone",
        str(first),
    )
    whole = shop.database.read(lambda c: ticket_view(c, first))
    assert whole is not None
    assert [m.address for m in whole.members if m.suspended] == [ANN.address]


def test_an_invitation_that_nobody_followed_is_named_after_two_days(shop: Shop) -> None:
    shop.take(a_mail(NEW))
    ordered(shop)
    send_everything(shop)
    after = NOON + timedelta(days=2)

    assert ordered(shop, after) == 0
    assert ordered(shop, after + timedelta(seconds=1)) == 1
    assert [line[0] for line in named(shop)[0]] == [Queue.INVITED]


def test_a_request_that_nobody_submitted_is_named_after_a_day(shop: Shop) -> None:
    by_portal = replace(shop, policy=default_policy(requests_by_mail="without_promise"))
    number = opened(by_portal.take(a_mail(ANN.address)))
    accepted = opened(by_portal.take(a_mail(ANN.address, message_id="<2@client.example>")))
    by_portal.change(accepted, Complete())
    send_everything(by_portal)
    after = NOON + timedelta(days=1)

    assert ordered(by_portal, after) == 0
    assert ordered(by_portal, after + timedelta(seconds=1)) == 1
    ((line,),) = named(by_portal)
    assert (line[0], line[2], line[7]) == (Queue.UNSUBMITTED, ANN.address, str(number))


def test_one_who_followed_it_is_not_named(shop: Shop) -> None:
    shop.take(a_mail(NEW))
    ordered(shop)
    send_everything(shop)
    person = NewPerson(NEW, "New", Role.USER, "Acme")
    shop.write(lambda c: people.add_person(c, shop.mailbox, person))

    assert ordered(shop, NOON + timedelta(days=3)) == 0


def test_flagged_comments_on_tickets_that_are_not_closed_are_counted(shop: Shop) -> None:
    number = opened(shop.take(a_mail(ANN.address)))
    shop.take(a_mail("bob@acme.example"), to=shop.token(number, ANN.address))

    assert states(shop)[Queue.FLAGGED].number == 1
    shop.set(number, status="closed")
    assert states(shop)[Queue.FLAGGED].number == 0


def test_another_mailbox_is_notified_of_nothing(shop: Shop) -> None:
    def second(connection: Connection) -> Mailbox:
        mailboxes.add_mailbox(connection, "help@other.example", "default")
        return mailboxes.mailbox_named(connection, "help@other.example")

    other = shop.write(second)
    shop.take(a_mail(NEW))

    order = lambda c: digests.order_digest(c, other, shop.policy, NOON, shop.new_id)  # noqa: E731
    assert shop.write(order) == 0
    assert ordered(shop) == 1


def test_what_waits_without_staff_is_not_taken_as_named(shop: Shop) -> None:
    shop.write(
        lambda c: people.set_person_active(c, shop.mailbox, Role.STAFF, SAM.address, active=False)
    )
    shop.take(a_mail(NEW))

    assert ordered(shop) is None
    assert ordered(shop) == 0
    shop.write(
        lambda c: people.set_person_active(c, shop.mailbox, Role.STAFF, SAM.address, active=True)
    )
    assert ordered(shop, LATER) == 1


def test_what_only_a_dead_address_could_be_sent_is_not_taken_as_named(shop: Shop) -> None:
    shop.take(a_mail(NEW, "The printer is on fire"))
    for _ in range(2):
        shop.write(
            lambda c: suppression.record_hard_failure(
                c, shop.mailbox.id, SAM.address, "550 gone", NOON
            )
        )

    assert ordered(shop) is None
    assert named(shop) == []

    tom = NewPerson("tom@help.example", "Tom", Role.STAFF, None)
    shop.write(lambda c: people.add_person(c, shop.mailbox, tom))
    assert ordered(shop, LATER) == 1
    assert [n.address for n in shop.notices() if n.kind == NoticeKind.DIGEST] == [tom.address]
    assert Queue.HELD in {Queue(q) for q in queues_of_last(shop, tom.address)}


@pytest.mark.parametrize(
    ("mail", "proof", "reason"),
    [
        (a_mail(ANN.address, to=("list@acme.example",)), SIGNED, "not_addressed"),
        (a_mail(ANN.address, to=()), SIGNED, "not_addressed"),
        (a_mail(ANN.address), UNSIGNED_PARTS, "not_signed"),
        (a_mail(None), SIGNED, "from_ambiguous"),
    ],
    ids=["to a list", "a blind copy", "parts not signed", "two authors"],
)
def test_proven_mail_that_is_not_filed_is_named(
    mail: Mail, proof: Authentication, reason: str, shop: Shop
) -> None:
    receipt = shop.take(mail, proof=proof)

    assert receipt.reason == reason
    assert ordered(shop) == 1
    (((queue, item, _, _, why, *_),),) = named(shop)
    assert (queue, item, why) == ("held", str(receipt.journal_id), reason)


def test_no_digest_where_the_policy_notifies_no_staff(shop: Shop) -> None:
    shop.policy = policy_with("staff", notify="none")
    shop.take(a_mail(NEW))

    assert ordered(shop) == 0


def test_a_staff_person_at_one_of_our_own_addresses_gets_none(shop: Shop) -> None:
    """Nobody can be registered so any more: the rows are those of an earlier version."""
    support = NewPerson("help@other.example", "Desk", Role.STAFF, None)
    shop.write(lambda c: people.add_person(c, shop.mailbox, support))
    row = {"address": support.address, "policy": "default", "active": True}
    shop.write(lambda c: c.execute(insert(_mailbox).values(row)))
    shop.take(a_mail(NEW))

    assert ordered(shop) == 1


def test_what_still_waits_is_named_again_once_it_is_forgotten(shop: Shop) -> None:
    shop.policy = policy_with("hold", then="keep")
    shop.take(a_mail(NEW))
    ordered(shop)
    much_later = NOON + timedelta(days=91)
    shop.write(lambda c: c.execute(update(_notice).values(state=NoticeState.DEAD.value)))

    assert shop.write(lambda c: digests.forget(c, much_later)) == 1
    assert shop.count(AnnouncedRow) == 0
    assert ordered(shop, much_later) == 1


def resolved_again(shop: Shop, number: int, at: datetime = NOON) -> None:
    """Resolve a ticket and reopen it, as if nobody had been asked for feedback on it so far."""
    shop.set(number, feedback_asked=False)
    for status in (Status.RESOLVED, Status.OPEN):
        shop.change(number, SetStatus(status), context=shop.context(at))


def test_what_a_budget_withholds_is_named_with_ticket_and_recipients(shop: Shop) -> None:
    """Of three requests for feedback one is sent, and no summary has the others."""
    policy = policy_with("budgets", notices_per_hour=1)
    asks = policy.feedback.model_copy(update={"ask": True})
    shop.policy = policy.model_copy(update={"feedback": asks})
    number = opened(shop.take(a_mail(ANN.address)))
    for _ in range(3):
        resolved_again(shop, number)

    assert ordered(shop) == 1

    ((line,),) = named(shop)
    assert (line[0], line[2], line[4], line[7]) == (
        Queue.WITHHELD,
        ANN.address,
        "2",
        str(number),
    )
    assert states(shop)[Queue.WITHHELD].number == 0
    resolved_again(shop, number, NOON + timedelta(minutes=5))
    assert ordered(shop, LATER) == 1


def test_comments_and_changes_that_a_summary_has_are_not_named_besides(shop: Shop) -> None:
    shop.policy = policy_with("budgets", notices_per_hour=1)
    number = opened(shop.take(a_mail(ANN.address)))
    for status in (Status.PENDING, Status.OPEN, Status.PENDING):
        shop.take(a_mail(ANN.address), to=shop.token(number, ANN.address))
        shop.change(number, SetStatus(status))

    summaries = {n.address: n.kind for n in shop.notices() if n.kind in SUMMARIES}
    assert summaries == {ANN.address: NoticeKind.MORE, SAM.address: NoticeKind.STAFF_MORE}
    assert states(shop)[Queue.WITHHELD].number == 0


def test_a_comment_is_named_if_its_reader_gets_no_summary(shop: Shop) -> None:
    shop.policy = policy_with("budgets", notices_per_hour=1)
    number = opened(shop.take(a_mail(ANN.address)))
    orders = [NoticeOrder(NoticeKind.COMMENT, SAM.address, withheld=True)]

    shop.write(lambda c: record_withheld(c, shop.context(), number, orders))

    assert [line.sender for line in states(shop)[Queue.WITHHELD].new] == [SAM.address]

    shop.change(number, Delete(""))

    assert states(shop)[Queue.WITHHELD].number == 0
