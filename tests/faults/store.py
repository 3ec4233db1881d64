"""What the fault tests know of a store: who is enrolled, and what a reconciliation finds in it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text

from gateway import clock
from rules.people import Role
from storage.db.database import Connection, Database
from storage.db.ledger import open_ledger
from storage.registry import companies, mailboxes, people, signing_keys
from storage.registry.people import NewPerson
from tests.faults.letters import MAILBOX, USERS, Acknowledgement

_FILED = text(
    "SELECT j.message_id, c.ticket_id FROM comment c JOIN journal j ON j.id = c.journal_id"
)
_EMPTY_TICKETS = text(
    "SELECT id FROM ticket WHERE id NOT IN (SELECT ticket_id FROM comment) ORDER BY id"
)
_HALF_WRITTEN = text(
    "SELECT m.message_id FROM mail m"
    " LEFT JOIN raw_mail r ON r.mailbox_id = m.mailbox_id AND r.digest = m.raw_digest"
    " LEFT JOIN comment c ON c.journal_id = m.journal_id AND c.ticket_id = m.ticket_id"
    " WHERE r.digest IS NULL OR c.id IS NULL"
)


def enrol(store_url: str) -> str:
    """Enrol one mailbox with one company and its users; gives the URL back."""
    database = Database(store_url, connections=1)
    ledger = open_ledger(database)
    try:
        ledger.submit(_enrol).result()
    finally:
        ledger.close()
        database.close()
    return store_url


def _enrol(connection: Connection) -> None:
    signing_keys.add_key(connection, b"a key for faults, 32 octets long", clock.now())
    mailboxes.add_mailbox(connection, MAILBOX, "default")
    mailbox = mailboxes.mailbox_named(connection, MAILBOX)
    companies.add_company(connection, mailbox, "Acme", ["acme.example"])
    for address in USERS:
        people.add_person(connection, mailbox, NewPerson(address, "", Role.USER, "Acme"))


@dataclass(frozen=True, slots=True)
class Findings:
    """What a store owes to those who were promised something; each a list of what is wrong."""

    lost: tuple[str, ...]
    """Acknowledged, but on no ticket."""
    doubled: tuple[str, ...]
    """On more than one ticket, acknowledged or not."""
    commented_twice: tuple[str, ...]
    """More than one comment for one mail."""
    elsewhere: tuple[str, ...]
    """On another ticket than the one that the reply named."""
    astray: tuple[str, ...]
    """A reply that is not on the ticket of what it replies to."""
    half_written: tuple[str, ...]
    """A mail without its raw bytes or its comment, or a ticket without a mail."""
    damaged: tuple[str, ...]
    """What the database says of its own files."""

    def faults(self) -> dict[str, tuple[str, ...]]:
        """Only what is wrong; empty if nothing is."""
        lists = {name: getattr(self, name) for name in self.__slots__}
        return {name: found for name, found in lists.items() if found}


def reconcile(store_url: str, acknowledged: Mapping[str, Acknowledgement]) -> Findings:
    """Compare what was promised with what the store holds, by SQL of our own."""
    database = Database(store_url, connections=1)
    try:
        return database.read(lambda connection: _compare(connection, acknowledged))
    finally:
        database.close()


def _compare(connection: Connection, acknowledged: Mapping[str, Acknowledgement]) -> Findings:
    tickets = tickets_by_mail(connection)
    promised = {mail: a.ticket for mail, a in acknowledged.items() if mail in tickets}
    empty = [f"#{row.id}" for row in connection.execute(_EMPTY_TICKETS)]
    return Findings(
        lost=tuple(mail for mail in acknowledged if mail not in tickets),
        doubled=tuple(mail for mail, on in tickets.items() if len(on) > 1),
        commented_twice=tuple(mail for mail, on in tickets.items() if on.total() > len(on)),
        elsewhere=tuple(mail for mail, ticket in promised.items() if ticket not in tickets[mail]),
        astray=tuple(
            mail
            for mail, ticket in promised.items()
            if (parent := acknowledged[mail].letter.answers)
            and ticket not in tickets.get(parent, ())
        ),
        half_written=(*connection.scalars(_HALF_WRITTEN), *empty),
        damaged=_damage(connection),
    )


def tickets_by_mail(connection: Connection) -> dict[str, Counter[int]]:
    """For each Message-ID, how many comments it is on which tickets."""
    tickets: dict[str, Counter[int]] = defaultdict(Counter)
    for row in connection.execute(_FILED):
        tickets[row.message_id.strip("<>")][row.ticket_id] += 1
    return dict(tickets)


def _damage(connection: Connection) -> tuple[str, ...]:
    if connection.dialect.name != "sqlite":
        return ()  # PostgreSQL refuses to read a damaged page, and these queries read them
    found = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return (*(str(line) for line in found if line != "ok"), *(str(row) for row in dangling))
