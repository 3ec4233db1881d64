"""Whatever is answered 250, somebody hears of it: a decision of every reason, written to a real
store, with the notices that it queues and the queue that has it. docs/reliability.md shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, delete, update

from rules.decision.one_reply import OF_THE_KNOWN
from rules.decision.reasons import Reason, Verdict
from rules.ticket.desk import Queue
from rules.ticket.notices import NoticeKind, NoticeOrder
from storage.db.tables import NoticeRow, ParticipantRow, PersonRow, TicketRow, table
from storage.desk import queues
from storage.desk.received_entries import of_strangers
from storage.mail.apply import apply
from storage.notices import outbox, overview
from storage.ticket.rows import queue_notices
from tests.rules.building import ANN, ANNS, EVERYBODY, NOON, a_mail
from tests.rules.decision.test_reasons import OUTSIDE_THE_RULES, RETURNED, scenes
from tests.storage.shop import Shop

PAGE = Path(__file__).parents[3] / "docs" / "reliability.md"
BEGINS, ENDS = "<!-- made from tests/storage/mail/test_mails_heard.py -->", "<!-- end of mails -->"
_notice, _person = table(NoticeRow), table(PersonRow)
_ticket, _participant = table(TicketRow), table(ParticipantRow)

Heard = tuple[NoticeKind | Queue, ...]
_ASKED_FOR = (NoticeKind.ACKNOWLEDGEMENT, NoticeKind.NEW_TICKET)
_COMMENT = (NoticeKind.NEW_COMMENT,)
_RECEIPT = (NoticeKind.RECEIPT,)
_HELD = (Queue.HELD,)
_COUNTED = (Queue.STRANGERS,)
_KEPT = (NoticeKind.KEPT, Queue.HELD)
_REFUSED = (Queue.REFUSED,)
NOBODY: Mapping[Reason, str] = {
    Reason.AUTOMATIC: "nobody: it is certainly a machine's, or nothing proves whose it is",
    Reason.SEEN_BEFORE: "nobody again: it is the mail that came before",
}
HEARD: Mapping[Reason, Heard] = {
    Reason.NEW_REQUEST: _ASKED_FOR,
    Reason.FOLLOW_UP: _ASKED_FOR,
    Reason.REPLY_TOKEN: _COMMENT,
    Reason.OUR_MESSAGE_ID: _COMMENT,
    Reason.KNOWN_MESSAGE_ID: _COMMENT,
    Reason.LATE_PARENT: _COMMENT,
    Reason.SUBJECT_TAG: _COMMENT,
    Reason.STATED: _COMMENT,
    Reason.FEEDBACK: _COMMENT,
    Reason.PENDING_PARTICIPANT: _COMMENT,
    Reason.NOT_A_PARTICIPANT: _COMMENT,
    Reason.FOREIGN_POINTER: _COMMENT,
    Reason.OUTSIDE_CONTACT: (*_COMMENT, *_RECEIPT),
    Reason.TOKEN_ONLY: (*_COMMENT, *_RECEIPT),
    Reason.STAFF_WITHOUT_TOKEN: _RECEIPT,
    Reason.NOTHING_SAID: _RECEIPT,
    Reason.COMMAND_REFUSED: _RECEIPT,
    Reason.AUTOMATIC: (),
    Reason.AUTOMATIC_FOLDED: (Queue.FOLDED,),
    Reason.BOUNCE: (Queue.DEAD,),
    Reason.UNSUBSCRIBED: _RECEIPT,
    Reason.DIGEST_ASKED: (NoticeKind.MORE,),
    Reason.FROM_AMBIGUOUS: _HELD,
    Reason.NOT_ENROLLED: (NoticeKind.INVITATION, Queue.HELD),
    Reason.FOREIGN_COMPANY: _KEPT,
    Reason.NOT_ADDRESSED: _HELD,
    Reason.NOT_SIGNED: _HELD,
    Reason.DMARC_QUARANTINE: _HELD,
    Reason.DMARC_REJECT_HELD: _HELD,
    Reason.UNPROVEN_HELD: _HELD,
    Reason.DNS_FAILURE_HELD: _HELD,
    Reason.STRANGER_HELD: _COUNTED,
    Reason.STRANGER_RELAYED: _COUNTED,
    Reason.TOO_MANY_TICKETS: _KEPT,
    Reason.NO_SUCH_TICKET: _KEPT,
    Reason.LIST_MAIL: _HELD,
    Reason.AUTOMATIC_UNCLEAR: _HELD,
    Reason.SEEN_BEFORE: (),
    Reason.DEACTIVATED: _REFUSED,
    Reason.SUSPENDED: _REFUSED,
    Reason.NO_SUPPORT: _REFUSED,
    Reason.PORTAL_ONLY: _REFUSED,
}
"""In the world of the scenes there is one staff person: a colleague of theirs is notified of what
they wrote and nobody published, unless it is commands alone."""
ANSWERED = (Verdict.REFUSED, Verdict.DEFERRED)
"""Verdicts of which the sender hears by the reply: nothing was acknowledged. Where another mailbox
takes the mail, the reply is 250; what is refused there of people who are known has a queue."""


def test_what_is_refused_unseen_has_a_queue() -> None:
    assert {reason for reason, heard in HEARD.items() if heard == _REFUSED} == OF_THE_KNOWN


def test_every_reason_has_an_answer() -> None:
    answered = {reason for reason, each in scenes().items() if each.verdict in ANSWERED}

    assert set(HEARD) | answered | OUTSIDE_THE_RULES == set(Reason)
    assert {reason for reason, heard in HEARD.items() if not heard} == set(NOBODY)


def test_somebody_hears_of_every_mail_that_was_answered_250(shop: Shop) -> None:
    shop.write(_enrol)
    for number in range(ANNS.id):
        shop.take(a_mail(message_id=f"<{number}@client.example>"))

    mails = shop.write(partial(_written, shop=shop))

    found = shop.database.read(partial(_heard, shop=shop, mails=mails))
    assert found == {reason: frozenset(heard) for reason, heard in HEARD.items()}


def test_the_page_has_the_table() -> None:
    page = PAGE.read_text(encoding="utf-8")
    here = page[page.index(BEGINS) : page.index(ENDS) + len(ENDS)]

    assert here == table_of_mails()


def _enrol(connection: Connection) -> None:
    """The people have the numbers that they have in the scenes."""
    for each in EVERYBODY:
        known = update(_person).where(_person.c.address == each.address)
        connection.execute(known.values(id=each.id))


def _written(connection: Connection, shop: Shop) -> Mapping[Reason, UUID]:
    """Write every decision that keeps a mail, or repeats an answer; the id of each mail."""
    on_ticket = _participant.c.ticket_id == ANNS.id
    requester = update(_participant).where(on_ticket, _participant.c.address == ANN.address)
    connection.execute(requester.values(id=ANNS.participants[0].id))
    connection.execute(delete(_notice))
    came_back = replace(shop.context(), new_id=lambda: RETURNED.notice)
    comment = NoticeOrder(NoticeKind.COMMENT, RETURNED.address)
    queue_notices(connection, came_back, [comment], ANNS.id)
    outbox.sent(connection, [RETURNED.notice], NOON)
    mails = {}
    for reason, decision in scenes().items():
        if reason not in HEARD:
            continue
        unread = decision.verdict in ANSWERED
        decision = replace(decision, unread=unread)
        entry = shop.entry(a_mail(message_id=f"<{reason}@client.example>"))
        mails[reason] = entry.journal_id
        version = decision.versions.get(ANNS.id, 0)
        connection.execute(update(_ticket).where(_ticket.c.id == ANNS.id).values(version=version))
        reply = apply(connection, entry, decision, shop.policy).reply
        assert reply.code == (550 if unread else 250)
    return mails


def _heard(
    connection: Connection, shop: Shop, mails: Mapping[Reason, UUID]
) -> Mapping[Reason, frozenset[NoticeKind | Queue]]:
    """The notices that each mail caused, and the queue that names or counts it."""
    states = queues.states(connection, shop.mailbox, shop.policy, NOON, named=100)
    named = {line.item: state.queue for state in states for line in state.new}
    strangers = {row.item for row in connection.execute(of_strangers([shop.mailbox.id]))}
    notices = overview.listing(connection)

    def places(reason: Reason, mail: UUID) -> Iterator[NoticeKind | Queue]:
        yield from (NoticeKind(each.kind) for each in notices if each.cause == mail)
        item = RETURNED.notice if reason is Reason.BOUNCE else mail
        if str(item) in named:
            yield named[str(item)]
        if item in strangers:
            yield Queue.STRANGERS

    return {reason: frozenset(places(reason, mail)) for reason, mail in mails.items()}


def table_of_mails() -> str:
    """As docs/reliability.md has it: the reasons that are treated alike together."""
    alike: dict[tuple[Verdict, str], list[Reason]] = {}
    for reason, decision in scenes().items():
        if reason in HEARD:
            alike.setdefault((decision.verdict, _shown(reason)), []).append(reason)
    rows = (
        f"| {verdict} | {', '.join(f'`{each}`' for each in reasons)} | {shown} |"
        for (verdict, shown), reasons in sorted(alike.items())
    )
    return "\n".join(
        (BEGINS, "| verdict | reasons | who hears of it |", "|---|---|---|", *rows, ENDS)
    )


def _shown(reason: Reason) -> str:
    heard = HEARD[reason]
    kinds = [f"`{each}`" for each in heard if isinstance(each, NoticeKind)]
    named = [f"the queue `{each}`" for each in heard if isinstance(each, Queue)]
    unseen = ", if another mailbox takes the mail, so that its sender does not see the refusal"
    return NOBODY.get(reason) or ", ".join((*kinds, *named)) + unseen * (heard == _REFUSED)
