"""A mailbox without parser and network: mails as values, decided and filed in a real store."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Connection, func, select, update

from rules.decision.considered import Attempt, Received, consider
from rules.decision.effects import ChangeRefused, Effects
from rules.decision.model import Decision
from rules.decision.receipt import Receipt
from rules.facts import Facts
from rules.mail import Delivery, Envelope, Mail, Mailbox
from rules.people import Participant
from rules.policy import Policy
from rules.sender.authentication import Authentication
from rules.sender.tokens import Purpose, ReplyToken, reply_address, return_path
from rules.ticket.changes import Change, Source
from rules.ticket.model import Ticket
from storage.db import raw_mail
from storage.db.database import Database
from storage.db.ledger import Ledger
from storage.db.tables import ParticipantRow, TicketRow, table
from storage.mail.apply import Entry
from storage.mail.facts import gather
from storage.mail.filing import decision_on, file
from storage.notices import overview
from storage.notices.overview import NoticeSummary
from storage.ticket import load
from storage.ticket.change import change_ticket
from storage.ticket.rows import ChangeContext
from tests.rules.building import KEYS, NOON, PROVEN, SUPPORT, default_policy

T = TypeVar("T")
_ticket, _participant = table(TicketRow), table(ParticipantRow)


def new_ids(first: int = 1000) -> Callable[[], UUID]:
    numbers = itertools.count(first)
    return lambda: UUID(int=next(numbers))


@dataclass
class Shop:
    """A mailbox and its people at noon; every mail that it takes is a different one."""

    database: Database
    ledger: Ledger
    mailbox: Mailbox
    policy: Policy = field(default_factory=default_policy)
    new_id: Callable[[], UUID] = field(default_factory=new_ids)

    def take(self, mail: Mail, to: str = SUPPORT, **circumstances: Any) -> Receipt:
        """Decide on a mail and file it in one transaction, as the gateway does."""
        entry = self.entry(mail, to, **circumstances)

        def job(connection: Connection) -> Receipt:
            (receipt,) = file(connection, [entry])
            return receipt

        return self.write(job)

    def entry(
        self,
        mail: Mail,
        to: str = SUPPORT,
        at: datetime = NOON,
        proof: Authentication = PROVEN,
        mail_from: str = "x@client.example",
    ) -> Entry:
        journal_id = self.new_id()
        raw = str(journal_id).encode()
        envelope = Envelope("127.0.0.1", "", False, mail_from, (to,))
        received = Received(
            mail=replace(mail, identity=f"{journal_id.int:064x}"),
            envelope=envelope,
            mailbox=self.mailbox,
            authentication=proof,
            first_authentication=proof,
            read_bounces=lambda: mail.bounces,
            came_at=at,
        )
        return Entry(
            journal_id=journal_id,
            considered=consider(
                received, keys=KEYS, own_addresses=frozenset({SUPPORT}), policy=self.policy
            ),
            attempt=Attempt(at, at),
            delivery=Delivery(envelope, raw),
            compressed=raw_mail.compress(raw),
            new_id=self.new_id,
        )

    def facts(self, connection: Connection, entry: Entry) -> Facts:
        return gather(connection, entry.considered, entry.attempt)

    def decide(self, connection: Connection, entry: Entry) -> Decision:
        return decision_on(connection, entry)

    def known_of(self, mail: Mail, to: str = SUPPORT, at: datetime = NOON) -> Facts:
        """The facts that the store gives the rules about a mail."""
        return self.database.read(lambda c: self.facts(c, self.entry(mail, to, at)))

    def write(self, job: Callable[[Connection], T]) -> T:
        return self.ledger.submit(job).result()

    def context(self, at: datetime = NOON) -> ChangeContext:
        return ChangeContext(self.mailbox, "sam@help.example", Source.CONSOLE, at, self.new_id)

    def change(
        self,
        number: int,
        *changes: Change,
        by_staff: bool = True,
        context: ChangeContext | None = None,
    ) -> Effects | ChangeRefused:
        """Have changes decided and written."""
        by = context or self.context()
        return self.write(
            lambda c: change_ticket(c, by, number, changes, self.policy, by_staff=by_staff)
        )

    def refusal(self, number: int, *changes: Change, context: ChangeContext | None = None) -> str:
        """Why changes by staff are refused."""
        refused = self.change(number, *changes, context=context)
        assert isinstance(refused, ChangeRefused), refused
        return str(refused.why)

    def set(self, number: int, **values: object) -> None:
        """Change a ticket's row directly, past the rules."""
        self.write(
            lambda c: c.execute(update(_ticket).where(_ticket.c.id == number).values(**values))
        )

    def set_participant(self, number: int, address: str, **values: object) -> None:
        here = (_participant.c.ticket_id == number) & (_participant.c.address == address)
        self.write(lambda c: c.execute(update(_participant).where(here).values(**values)))

    def ticket(self, number: int, at: datetime = NOON) -> Ticket:
        since = at - timedelta(hours=1)
        found: Mapping[int, Ticket] = self.database.read(
            lambda c: load.load(c, self.mailbox, [number], since)
        )
        return found[number]

    def member(self, number: int, address: str) -> Participant:
        found = self.ticket(number).participant(address)
        assert found is not None, f"{address} is not on #{number}"
        return found

    def token(self, number: int, address: str, purpose: Purpose = Purpose.REPLY) -> str:
        """The reply address of a participant."""
        held = ReplyToken(number, self.member(number, address).id, purpose)
        return reply_address(KEYS, self.mailbox.id, SUPPORT, held)

    def notices(self, address: str | None = None) -> list[NoticeSummary]:
        """The notices queued so far, to one recipient or to all."""
        every = self.database.read(lambda c: overview.listing(c))
        return [notice for notice in every if address in (None, notice.address)]

    def return_path(self, notice: UUID) -> str:
        return return_path(KEYS, self.mailbox.id, SUPPORT, notice)

    def count(self, row: Any, **values: object) -> int:
        """The number of rows of a table with these values."""
        here = table(row)
        query = select(func.count()).select_from(here)
        for name, value in values.items():
            query = query.where(here.c[name] == value)
        return self.database.read(lambda c: c.execute(query).scalar_one())


def opened(receipt: Receipt) -> int:
    """The number of the ticket that a mail went to."""
    assert receipt.ticket is not None
    return receipt.ticket
