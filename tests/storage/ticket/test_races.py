"""Two transactions on one ticket at the same time: each is decided on what the other has left.

The slow one has decided, but not yet written, when the quick one runs. On SQLite, with one writer,
the quick one follows; on PostgreSQL it is committed first, and the slow one must decide again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, select

from rules.decision.receipt import Receipt
from rules.mail import Mail
from rules.people import Presence
from rules.policy import TierSection
from rules.ticket.changes import (
    Assign,
    Assignee,
    Change,
    Delete,
    Escalate,
    Merge,
    RemovePerson,
    SetStatus,
    WriteComment,
)
from rules.ticket.lifecycle import Status
from rules.ticket.notices import NoticeKind
from rules.ticket.visibility import Visibility
from storage.db.ledger import must_lock
from storage.db.tables import AuditRow, CommentRow, NoticeRow, TicketRow, table
from storage.mail.apply import Entry, apply
from storage.ticket import load, overdue
from storage.ticket.change import change_loaded
from tests.rules.building import ANN, BOB, NOON, SAM, a_mail, default_policy, preset
from tests.storage.shop import Shop, opened

WAIT_S = 20
_ticket, _comment, _notice = table(TicketRow), table(CommentRow), table(NoticeRow)
_ACKNOWLEDGES = _notice.c.kind == NoticeKind.ACKNOWLEDGEMENT.value
_WAITING = (
    "SELECT count(*) FROM pg_locks, pg_stat_activity a"
    " WHERE NOT granted AND a.pid = pg_locks.pid AND a.datname = current_database()"
)
"""How many statements in this database wait for another transaction."""


@dataclass
class Race:
    """A job that waits between its decision and its writing, the first time that it runs."""

    shop: Shop
    runs: list[bool] = field(default_factory=list)
    """Of each run, whether it locked what it read."""
    decided: threading.Event = field(default_factory=threading.Event)
    may_write: threading.Event = field(default_factory=threading.Event)

    def run(self, slow: Callable[[Connection], Any], quick: Callable[[Connection], Any]) -> Any:
        """The result of the slow job."""
        waiting = self.shop.ledger.submit(slow, apart=True)  # of a group, none would follow it
        assert self.decided.wait(WAIT_S)
        following = self.shop.ledger.submit(quick)
        if not self.shop.database.is_sqlite:
            following.result(WAIT_S)
        self.may_write.set()
        following.result(WAIT_S)
        return waiting.result(WAIT_S)

    def reply(self, mail: Mail, to: str) -> Callable[[Connection], Receipt]:
        entry = self.shop.entry(mail, to)

        def job(connection: Connection) -> Receipt:
            decision = self.shop.decide(connection, entry)
            self.pause(connection)
            return apply(connection, entry, decision, self.shop.policy)

        return job

    def change(self, number: int, change: Change) -> Callable[[Connection], Any]:
        def job(connection: Connection) -> Any:
            since = NOON - timedelta(hours=1)
            ticket = load.load(connection, self.shop.mailbox, [number], since)[number]
            self.pause(connection)
            return change_loaded(
                connection, self.shop.context(), ticket, [change], self.shop.policy, by_staff=True
            )

        return job

    def pause(self, connection: Connection) -> None:
        self.runs.append(must_lock(connection))
        self.decided.set()
        if len(self.runs) == 1:
            assert self.may_write.wait(WAIT_S)

    @property
    def was_decided_again(self) -> bool:
        return self.runs == [False, True]


@pytest.fixture
def race(shop: Shop) -> Race:
    return Race(shop)


def plain(shop: Shop, number: int, change: Change) -> Callable[[Connection], Any]:
    def job(connection: Connection) -> Any:
        since = NOON - timedelta(hours=1)
        ticket = load.load(connection, shop.mailbox, [number], since)[number]
        return change_loaded(
            connection, shop.context(), ticket, [change], shop.policy, by_staff=True
        )

    return job


def two_tickets(shop: Shop) -> tuple[int, int]:
    return (
        opened(shop.take(a_mail())),
        opened(shop.take(a_mail(message_id="<other@client.example>"))),
    )


def comments(shop: Shop, number: int) -> int:
    return shop.count(CommentRow, ticket_id=number)


def is_second(shop: Shop) -> bool:
    """Whether the slow job is decided after the quick one, or before it."""
    return not shop.database.is_sqlite


def test_a_reply_is_not_written_on_a_ticket_that_was_merged_meanwhile(
    shop: Shop, race: Race
) -> None:
    number, goal = (
        opened(shop.take(a_mail())),
        opened(shop.take(a_mail(message_id="<g@c.example>"))),
    )
    reply = race.reply(a_mail(message_id="<r@c.example>"), shop.token(number, ANN.address))

    receipt = race.run(reply, plain(shop, number, Merge(goal)))

    assert race.was_decided_again == is_second(shop)
    assert receipt.ticket == (goal if is_second(shop) else number)
    assert comments(shop, number) == (1 if is_second(shop) else 2)


def test_a_reply_is_not_written_on_a_ticket_that_was_closed_meanwhile(
    shop: Shop, race: Race
) -> None:
    number = opened(shop.take(a_mail()))
    reply = race.reply(a_mail(message_id="<r@c.example>"), shop.token(number, ANN.address))

    receipt = race.run(reply, plain(shop, number, SetStatus(Status.CLOSED)))

    assert race.was_decided_again == is_second(shop)
    assert (receipt.ticket == number) == shop.database.is_sqlite, "else a follow-up"
    assert shop.ticket(number).status is Status.CLOSED


def test_a_reply_is_not_written_on_a_ticket_that_was_deleted_meanwhile(
    shop: Shop, race: Race
) -> None:
    number = opened(shop.take(a_mail()))
    reply = race.reply(a_mail(message_id="<r@c.example>"), shop.token(number, ANN.address))

    receipt = race.run(reply, plain(shop, number, Delete("a test")))

    assert race.was_decided_again == is_second(shop)
    assert (receipt.ticket == number) == shop.database.is_sqlite


def test_a_follow_up_has_nobody_active_who_was_removed_meanwhile(shop: Shop, race: Race) -> None:
    number = opened(shop.take(a_mail(cc=(BOB.address,))))
    shop.change(number, SetStatus(Status.CLOSED))
    reply = race.reply(a_mail(message_id="<2@client.example>"), shop.token(number, ANN.address))

    receipt = race.run(reply, plain(shop, number, RemovePerson(BOB.address)))

    on_the_follow_up = shop.member(opened(receipt), BOB.address).presence
    assert (on_the_follow_up is Presence.REMOVED, race.was_decided_again) == (
        (True, True) if is_second(shop) else (False, False)
    )


def test_a_reply_to_a_ticket_that_is_reopened_meanwhile_is_a_comment_on_it(
    shop: Shop, race: Race
) -> None:
    number = opened(shop.take(a_mail()))
    shop.change(number, SetStatus(Status.CLOSED))
    reply = race.reply(a_mail(message_id="<2@client.example>"), shop.token(number, ANN.address))

    receipt = race.run(reply, plain(shop, number, SetStatus(Status.OPEN)))

    assert (receipt.ticket == number) == is_second(shop)


def test_a_comment_of_staff_is_not_written_on_a_ticket_that_was_merged_meanwhile(
    shop: Shop, race: Race
) -> None:
    number, goal = (
        opened(shop.take(a_mail())),
        opened(shop.take(a_mail(message_id="<g@c.example>"))),
    )
    comment = race.change(number, WriteComment("Done.", Visibility.PUBLIC))

    race.run(comment, plain(shop, number, Merge(goal)))

    assert race.was_decided_again == is_second(shop)


def test_a_recorded_mail_is_not_written_on_a_ticket_that_was_merged_meanwhile(
    shop: Shop, race: Race
) -> None:
    number, goal = (
        opened(shop.take(a_mail())),
        opened(shop.take(a_mail(message_id="<g@c.example>"))),
    )
    leaving = a_mail(text="#unsubscribe", message_id="<r@c.example>")
    reply = race.reply(leaving, shop.token(number, ANN.address))

    race.run(reply, plain(shop, number, Merge(goal)))

    assert race.was_decided_again == is_second(shop)


def test_of_two_replies_at_once_each_is_written_once(shop: Shop, race: Race) -> None:
    number = opened(shop.take(a_mail(cc=(BOB.address,))))
    first = race.reply(a_mail(message_id="<1@c.example>"), shop.token(number, ANN.address))
    entry = shop.entry(
        a_mail(BOB.address, message_id="<2@c.example>"), shop.token(number, BOB.address)
    )

    def second(connection: Connection) -> Receipt:
        return apply(connection, entry, shop.decide(connection, entry), shop.policy)

    receipt = race.run(first, second)

    assert race.was_decided_again == is_second(shop)
    assert (receipt.ticket, comments(shop, number)) == (number, 3)


def test_of_two_escalations_at_once_the_second_is_decided_on_the_first(
    shop: Shop, race: Race
) -> None:
    shop.policy = preset("weka")
    number = opened(shop.take(a_mail()))

    race.run(race.change(number, Escalate("now")), plain(shop, number, Escalate("now")))

    assert race.was_decided_again == is_second(shop)
    assert shop.count(AuditRow, event="escalated", was="0", became="1") == 1


def test_a_close_and_an_assignment_at_once_are_both_in_force(shop: Shop, race: Race) -> None:
    number = opened(shop.take(a_mail()))

    race.run(
        race.change(number, Assign(Assignee.ME)), plain(shop, number, SetStatus(Status.CLOSED))
    )

    assert race.was_decided_again == is_second(shop)
    assert (shop.ticket(number).assignee, shop.ticket(number).status) == (
        SAM.address,
        Status.CLOSED,
    )


def test_an_answer_during_the_report_of_its_clock_stops_the_clock(shop: Shop) -> None:
    gold = TierSection(name="gold", title="Gold", first={"Normal": "4 hours"})
    desk = replace(shop, policy=default_policy(tiers=(gold,), default_tier="gold"))
    race = Race(desk)
    number = opened(desk.take(a_mail(ANN.address)))
    late = NOON + timedelta(hours=4)
    due = desk.database.read(lambda c: overdue.due(c, late, 10))
    answer = race.reply(
        a_mail(SAM.address, message_id="<s@help.example>"), desk.token(number, SAM.address)
    )
    policies = {desk.mailbox.policy: desk.policy}

    race.run(answer, lambda c: overdue.notify_overdue(c, due, policies, late, desk.new_id))

    assert race.was_decided_again == is_second(desk)
    assert desk.database.read(lambda c: overdue.due(c, late + timedelta(days=9), 10)) == []


def test_two_tickets_at_once_within_the_pause_get_one_late_acknowledgement(shop: Shop) -> None:
    """The first has ordered it, and is not committed, when the second wants to order one too."""
    first_of_all = opened(shop.take(a_mail()))
    ordered, second_decided, second_done = (threading.Event() for _ in range(3))
    second_runs: list[bool] = []

    def first(connection: Connection, entry: Entry) -> Receipt:
        decision = shop.decide(connection, entry)
        assert shop.database.is_sqlite or second_decided.wait(WAIT_S)
        receipt = apply(connection, entry, decision, shop.policy)
        ordered.set()
        while not shop.database.is_sqlite and not second_done.wait(0.01):
            if connection.exec_driver_sql(_WAITING).scalar():
                break
        return receipt

    def second(connection: Connection, entry: Entry) -> Receipt:
        second_runs.append(True)
        decision = shop.decide(connection, entry)
        second_decided.set()
        assert ordered.wait(WAIT_S)
        return apply(connection, entry, decision, shop.policy)

    later = NOON + timedelta(minutes=1)
    jobs = [
        shop.ledger.submit(
            partial(job, entry=shop.entry(a_mail(subject=f"No. {n}"), at=later)), apart=True
        )
        for n, job in enumerate((first, second))
    ]
    jobs[1].add_done_callback(lambda _: second_done.set())
    one, other = (opened(each.result(WAIT_S)) for each in jobs)

    acknowledged = select(_notice.c.ticket_id, _notice.c.detail).where(_ACKNOWLEDGES)
    rows = shop.database.read(lambda c: c.execute(acknowledged).all())
    assert {row.ticket_id for row in rows} == {first_of_all, one}
    assert [f"#{other}: No. 1" in row.detail for row in rows if row.ticket_id == one] == [True]
    assert len(second_runs) == (1 if shop.database.is_sqlite else 2)


def test_many_replies_at_once_need_no_more_than_their_tries(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))
    to = shop.token(number, ANN.address)
    entries = [shop.entry(a_mail(message_id=f"<{n}@c.example>"), to) for n in range(40)]

    def job(entry: Any) -> Callable[[Connection], Receipt]:
        return lambda c: apply(c, entry, shop.decide(c, entry), shop.policy)

    receipts = [each.result(60) for each in [shop.ledger.submit(job(e)) for e in entries]]

    assert {receipt.ticket for receipt in receipts} == {number}
    assert comments(shop, number) == 41
    query = select(_ticket.c.version).where(_ticket.c.id == number)
    assert shop.database.read(lambda c: c.execute(query).scalar_one()) == 40
