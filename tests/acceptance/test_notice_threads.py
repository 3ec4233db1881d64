"""What each person on a ticket gets and sends is one thread in his client, and not two."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest

from rules.ticket.changes import AddPerson, SetStatus
from rules.ticket.lifecycle import Status
from tests.properties.conversation.mails import PROOFS, Letter
from tests.properties.conversation.people import SUPPORT
from tests.properties.conversation.pipeline import Gate, enrolled, open_store
from tests.properties.mail_threads import Thread, read, threads
from tests.rules.building import default_policy
from tests.stores import SqliteStores

ANN, BOB, SAM, TOM = "ann@acme.example", "bob@acme.example", "sam@help.example", "tom@out.example"
EVERYBODY = (ANN, BOB, SAM, TOM)


class Mailboxes:
    """A conversation, and every mail of it as it lies in the mailboxes of its people."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.mails: dict[str, list[tuple[int, bytes]]] = {who: [] for who in EVERYBODY}
        """By person: the ticket and the mail, sent or got."""
        self.reply_to: dict[tuple[str, int], str] = {}
        self.last: dict[tuple[str, int], str] = {}
        """The Message-ID of the newest mail on a ticket that somebody got from us."""
        self.written = 0

    def write(self, author: str, ticket: int = 0, *, subject: str = "Pump", cc: str = "") -> int:
        """A mail to a ticket, as an answer to the last one about it; where it lands."""
        self.gate.wait(timedelta(minutes=11))
        self.written += 1
        last = self.last.get((author, ticket))
        letter = Letter(
            author,
            self.written,
            f"These are words number {self.written}.",
            rcpts=(self.reply_to.get((author, ticket), SUPPORT),),
            subject=f"Re: {subject}" if last else subject,
            cc=(cc,) if cc else (),
            references=(last,) if last else (),
            fields=f"Date: {format_datetime(self.gate.now)}\r\n",
        )
        (taken,) = self.gate.take(letter.raw, author, letter.rcpts, PROOFS["proven"])
        receipt = taken.receipt
        assert receipt.ticket is not None
        self.mails[author].append((receipt.ticket, letter.raw))
        self.get()
        return receipt.ticket

    def get(self) -> None:
        """Everybody looks into his mailbox."""
        for posted in self.gate.post():
            here = (posted.comes_to, posted.ticket)
            if posted.comes_to in self.mails:
                self.mails[posted.comes_to].append((posted.ticket, posted.outgoing.raw))
            self.reply_to[here] = posted.reply_address
            self.last[here] = posted.message_id

    def threads(self, who: str, *tickets: int, by_subject: bool = False) -> list[Thread]:
        letters = [read(raw) for ticket, raw in self.mails[who] if ticket in tickets]
        assert letters
        return threads(letters, by_subject=by_subject)


@pytest.fixture
def mailboxes(sqlite_stores: SqliteStores) -> Mailboxes:
    gate = Gate(open_store(enrolled(sqlite_stores.new())), default_policy())
    return Mailboxes(gate)


@pytest.fixture
def ticket(mailboxes: Mailboxes) -> int:
    """Ann asks, Sam answers, Bob and Tom join in, and the desk sets it aside."""
    boxes, gate = mailboxes, mailboxes.gate
    number = boxes.write(ANN, cc=BOB)
    assert gate.change(SUPPORT, SAM, number, AddPerson(TOM))
    for author in (SAM, ANN, BOB, SAM, TOM, ANN):
        assert boxes.write(author, number) == number
    assert gate.change(SUPPORT, SAM, number, SetStatus(Status.PENDING))
    boxes.get()
    assert boxes.write(BOB, number) == number
    assert gate.change(SUPPORT, SAM, number, SetStatus(Status.RESOLVED, "It pumps."))
    boxes.get()
    return number


@pytest.mark.parametrize("by_subject", [False, True], ids=["references", "rfc 5256"])
@pytest.mark.parametrize("who", EVERYBODY)
def test_a_ticket_is_one_thread(
    mailboxes: Mailboxes, ticket: int, who: str, by_subject: bool
) -> None:
    (thread,) = mailboxes.threads(who, ticket, by_subject=by_subject)

    assert len(list(thread.letters())) == len(mailboxes.mails[who]) >= 6


@pytest.mark.parametrize("who", EVERYBODY)
def test_two_tickets_are_two_threads(mailboxes: Mailboxes, ticket: int, who: str) -> None:
    other = mailboxes.write(ANN, subject="Pump", cc=BOB)
    mailboxes.gate.change(SUPPORT, SAM, other, AddPerson(TOM))
    mailboxes.write(SAM, other)

    assert len(mailboxes.threads(who, ticket, other)) == 2


@pytest.fixture
def follow_up(mailboxes: Mailboxes, ticket: int) -> int:
    """Bob answers to the closed ticket; Sam and Ann go on in the new one."""
    assert mailboxes.gate.change(SUPPORT, SAM, ticket, SetStatus(Status.CLOSED))
    mailboxes.get()
    number = mailboxes.write(BOB, ticket)
    assert number != ticket
    for author in (SAM, ANN, BOB):
        assert mailboxes.write(author, number) == number
    return number


@pytest.mark.parametrize("who", EVERYBODY)
def test_a_follow_up_is_one_thread_too(mailboxes: Mailboxes, follow_up: int, who: str) -> None:
    assert len(mailboxes.threads(who, follow_up)) == 1


@pytest.mark.parametrize("who", [ANN, SAM, TOM])
def test_a_follow_up_is_a_thread_of_its_own(
    mailboxes: Mailboxes, ticket: int, follow_up: int, who: str
) -> None:
    assert len(mailboxes.threads(who, ticket, follow_up)) == 2


def test_it_hangs_below_the_old_one_for_whoever_began_it(
    mailboxes: Mailboxes, ticket: int, follow_up: int
) -> None:
    """Bob's own mail answers an old notice, and every notice of the new ticket answers Bob's."""
    assert len(mailboxes.threads(BOB, ticket, follow_up)) == 1
