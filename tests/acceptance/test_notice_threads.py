"""The mails of a participant about one ticket are one thread in their mail client."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest

from rules.ticket.changes import AddPerson, SetStatus
from rules.ticket.lifecycle import Status
from tests.properties.conversation.mails import PROOFS, WrittenMail
from tests.properties.conversation.people import SUPPORT
from tests.properties.conversation.pipeline import Pipeline, enrolled_store, open_store
from tests.properties.mail_threads import Thread, read, threads
from tests.rules.building import default_policy
from tests.stores import SqliteStores

ANN, BOB, SAM, TOM = "ann@acme.example", "bob@acme.example", "sam@help.example", "tom@out.example"
EVERYBODY = (ANN, BOB, SAM, TOM)


class Mailboxes:
    """A conversation, with the mails that each person has sent or received."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.mails: dict[str, list[tuple[int, bytes]]] = {person: [] for person in EVERYBODY}
        """For each person, the ticket and the bytes of each mail."""
        self.reply_to: dict[tuple[str, int], str] = {}
        self.last_message_id: dict[tuple[str, int], str] = {}
        """The Message-ID of the newest notice, by person and ticket."""
        self.last_number = 0

    def write_mail(
        self, author: str, ticket: int = 0, *, subject: str = "Pump", cc: str = ""
    ) -> int:
        """Send a mail that answers the last notice about a ticket; the ticket that it reaches."""
        self.pipeline.advance_clock(timedelta(minutes=11))
        self.last_number += 1
        answered = self.last_message_id.get((author, ticket))
        mail = WrittenMail(
            author,
            self.last_number,
            f"This is text number {self.last_number}.",
            recipients=(self.reply_to.get((author, ticket), SUPPORT),),
            subject=f"Re: {subject}" if answered else subject,
            cc=(cc,) if cc else (),
            references=(answered,) if answered else (),
            date=format_datetime(self.pipeline.now),
        )
        (result,) = self.pipeline.process(mail.raw, author, mail.recipients, PROOFS["proven"])
        receipt = result.receipt
        assert receipt.ticket is not None
        self.mails[author].append((receipt.ticket, mail.raw))
        self.deliver_notices()
        return receipt.ticket

    def deliver_notices(self) -> None:
        """Send all due notices to their recipients."""
        for sent in self.pipeline.send_notices():
            key = (sent.recipient, sent.ticket)
            if sent.recipient in self.mails:
                self.mails[sent.recipient].append((sent.ticket, sent.outgoing.raw))
            self.reply_to[key] = sent.reply_address
            self.last_message_id[key] = sent.message_id

    def threads(self, person: str, *tickets: int, by_subject: bool = False) -> list[Thread]:
        mails = [read(raw) for ticket, raw in self.mails[person] if ticket in tickets]
        assert mails
        return threads(mails, by_subject=by_subject)


@pytest.fixture
def mailboxes(sqlite_stores: SqliteStores) -> Mailboxes:
    pipeline = Pipeline(open_store(enrolled_store(sqlite_stores.new())), default_policy())
    return Mailboxes(pipeline)


@pytest.fixture
def ticket(mailboxes: Mailboxes) -> int:
    """A resolved ticket: Ann asked, Sam answered, Bob and Tom wrote too."""
    pipeline = mailboxes.pipeline
    number = mailboxes.write_mail(ANN, cc=BOB)
    assert pipeline.change(SUPPORT, SAM, number, AddPerson(TOM))
    for author in (SAM, ANN, BOB, SAM, TOM, ANN):
        assert mailboxes.write_mail(author, number) == number
    assert pipeline.change(SUPPORT, SAM, number, SetStatus(Status.PENDING))
    mailboxes.deliver_notices()
    assert mailboxes.write_mail(BOB, number) == number
    assert pipeline.change(SUPPORT, SAM, number, SetStatus(Status.RESOLVED, "It pumps."))
    mailboxes.deliver_notices()
    return number


@pytest.mark.parametrize("by_subject", [False, True], ids=["references", "rfc 5256"])
@pytest.mark.parametrize("person", EVERYBODY)
def test_a_ticket_is_one_thread(
    mailboxes: Mailboxes, ticket: int, person: str, by_subject: bool
) -> None:
    (thread,) = mailboxes.threads(person, ticket, by_subject=by_subject)

    assert len(list(thread.mails())) == len(mailboxes.mails[person]) >= 6


@pytest.mark.parametrize("person", EVERYBODY)
def test_two_tickets_are_two_threads(mailboxes: Mailboxes, ticket: int, person: str) -> None:
    other = mailboxes.write_mail(ANN, subject="Pump", cc=BOB)
    mailboxes.pipeline.change(SUPPORT, SAM, other, AddPerson(TOM))
    mailboxes.write_mail(SAM, other)

    assert len(mailboxes.threads(person, ticket, other)) == 2


@pytest.fixture
def follow_up(mailboxes: Mailboxes, ticket: int) -> int:
    """Bob answers the closed ticket; Sam and Ann continue in the new one."""
    assert mailboxes.pipeline.change(SUPPORT, SAM, ticket, SetStatus(Status.CLOSED))
    mailboxes.deliver_notices()
    number = mailboxes.write_mail(BOB, ticket)
    assert number != ticket
    for author in (SAM, ANN, BOB):
        assert mailboxes.write_mail(author, number) == number
    return number


@pytest.mark.parametrize("person", EVERYBODY)
def test_a_follow_up_is_one_thread_too(mailboxes: Mailboxes, follow_up: int, person: str) -> None:
    assert len(mailboxes.threads(person, follow_up)) == 1


@pytest.mark.parametrize("person", [ANN, SAM, TOM])
def test_a_follow_up_is_a_thread_of_its_own(
    mailboxes: Mailboxes, ticket: int, follow_up: int, person: str
) -> None:
    assert len(mailboxes.threads(person, ticket, follow_up)) == 2


def test_a_follow_up_continues_the_thread_of_the_person_who_began_it(
    mailboxes: Mailboxes, ticket: int, follow_up: int
) -> None:
    """Bob's mail answers an old notice, and every notice of the new ticket answers Bob's mail."""
    assert len(mailboxes.threads(BOB, ticket, follow_up)) == 1
