"""What is read of a mail's thread is bounded, however many mails have the ids that it names."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from rules.decision.reasons import Reason, Verdict
from rules.facts import ThreadTicket
from storage.db.database import Connection, Database
from storage.db.tables import MailRow, ThreadReferenceRow, TicketRow, table
from storage.mail import traces
from tests.rules.building import ANN, NOON, NOTHING, a_mail
from tests.storage.shop import Shop

BOB, GIL = "bob@acme.example", "gil@globex.example"
THREAD = "<1@client.example>"
NAMED, LATE = "<letter@paper.example>", "<late@acme.example>"
MANY = traces.MOST_READ + 200


def many_mails(shop: Shop, ticket: int | None, first: int = 1) -> None:
    """As many mails with the thread's id as anybody can have kept, on a ticket or on none."""
    rows: list[dict[str, Any]] = [
        {
            "mailbox_id": shop.mailbox.id,
            "identity": f"{n:064x}",
            "journal_id": UUID(int=n),
            "message_id": THREAD,
            "ticket_id": ticket,
            "answer": "2.0.0 accepted",
            "state": "filed",
            "raw_digest": "",
        }
        for n in range(first << 64, (first << 64) + MANY)
    ]
    shop.write(lambda c: c.execute(table(MailRow).insert(), rows).rowcount)


def rows_of(database: Database, statement: Any, **parameters: Any) -> int:
    return database.read(lambda c: len(statement.rows(c, **parameters)))


def test_mails_with_one_id_cost_no_other_mail_their_number(shop: Shop) -> None:
    """Bounces that anybody can send, all with one Message-ID."""
    many_mails(shop, ticket=None)
    mailbox = shop.mailbox.id

    assert rows_of(shop.database, traces._KNOWN(1), mailbox=mailbox, id_0=THREAD) == 0
    same = rows_of(shop.database, traces._TRACES(1), mailbox=mailbox, id=THREAD, identity_0="x")
    assert same == 2
    receipt = shop.take(a_mail("eve@evil.example", message_id=THREAD), proof=NOTHING)
    assert receipt.verdict is Verdict.REFUSED


def test_the_oldest_ticket_of_an_id_is_found_among_any_number_of_mails(shop: Shop) -> None:
    anns = shop.take(a_mail(ANN.address, message_id=THREAD)).ticket
    gils = shop.take(a_mail(GIL, message_id="<2@client.example>")).ticket
    many_mails(shop, ticket=None)
    many_mails(shop, ticket=gils, first=2)

    known = shop.known_of(a_mail(BOB, message_id="<3@client.example>", in_reply_to=(THREAD,)))
    replied = shop.take(a_mail(BOB, message_id="<3@client.example>", in_reply_to=(THREAD,)))

    assert [t.number for t in known.known_ids[THREAD]] == [anns, gils]
    assert (replied.ticket, replied.reason) == (anns, Reason.NOT_A_PARTICIPANT)


@pytest.mark.parametrize("ids", [1, 3, 50])
def test_each_id_of_a_thread_leads_to_its_tickets(shop: Shop, ids: int) -> None:
    anns = shop.take(a_mail(ANN.address, message_id=THREAD)).ticket
    others = tuple(f"<other{n}@client.example>" for n in range(ids - 1))

    known = shop.known_of(
        a_mail(BOB, message_id="<3@client.example>", references=(THREAD, *others))
    )

    assert known.known_ids == {THREAD: (ThreadTicket(anns or 0, frozenset({ANN.address})),)}


def test_an_id_with_many_tickets_and_authors_hides_no_other(shop: Shop) -> None:
    """Anybody on some tickets can name an id on each of them; Ann's is named on a newer one."""

    def name_on_many(connection: Connection) -> None:
        ticket, reference = table(TicketRow), table(ThreadReferenceRow)
        row = {"mailbox_id": shop.mailbox.id, "subject": "", "status": "open", "severity": "Low"}
        row |= {"severity_source": "mail", "requester": GIL, "opened_at": NOON, "updated_at": NOON}
        for n in range(traces.MOST_NAMING + 10):
            added = ticket.insert().values(row).returning(ticket.c.id)
            number = connection.execute(added).scalar_one()
            named = {"message_id": NAMED, "ticket_id": number, "author": f"{n}@globex.example"}
            connection.execute(reference.insert().values(mailbox_id=shop.mailbox.id, **named))

    shop.write(name_on_many)
    anns = shop.take(a_mail(ANN.address, message_id="<1@acme.example>", references=(LATE,)))

    mail = a_mail(BOB, message_id="<3@acme.example>", references=(LATE, NAMED))
    facts = shop.known_of(mail)

    assert [t.number for t in facts.named_before[LATE]] == [anns.ticket]
    assert len(facts.named_before[NAMED]) == traces.MOST_NAMING
    assert ANN.address in facts.introducers


def test_statements_are_compiled_for_a_few_lengths_only(shop: Shop) -> None:
    """Each takes milliseconds, and senders choose how many ids they name."""
    before = traces._KNOWN.cache_info().misses
    for length in range(1, 51):
        named = tuple(f"<{n}@client.example>" for n in range(length))
        shop.known_of(a_mail(BOB, message_id="<own@client.example>", references=named))

    assert traces._KNOWN.cache_info().misses - before <= len(traces._COUNTS)
