"""The store of a fault test: enrols its users, and compares it with what was acknowledged."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text

from gateway import clock
from rules.people import Role
from storage.db.database import Connection, Database
from storage.db.ledger import open_ledger
from storage.registry.companies import add_company
from storage.registry.mailboxes import add_mailbox, mailbox_named
from storage.registry.people import NewPerson, add_person
from storage.registry.signing_keys import add_key
from tests.faults.load_mails import MAILBOX, USERS, Acknowledgement

_FILED = text(
    "SELECT j.message_id, c.ticket_id FROM comment c JOIN journal j ON j.id = c.journal_id"
)
_EMPTY_TICKETS = text(
    "SELECT id FROM ticket WHERE id NOT IN (SELECT ticket_id FROM comment) ORDER BY id"
)
_INCOMPLETE = text(
    "SELECT m.message_id FROM mail m"
    " LEFT JOIN raw_mail r ON r.mailbox_id = m.mailbox_id AND r.digest = m.raw_digest"
    " LEFT JOIN comment c ON c.journal_id = m.journal_id AND c.ticket_id = m.ticket_id"
    " WHERE (r.digest IS NULL AND m.state <> 'discarded') OR c.id IS NULL"
)


def enrol(store_url: str) -> str:
    """Enrol one mailbox with one company and its users; returns the same URL."""
    database = Database(store_url, connections=1)
    ledger = open_ledger(database)
    try:
        ledger.submit(_enrol).result()
    finally:
        ledger.close()
        database.close()
    return store_url


def _enrol(connection: Connection) -> None:
    add_key(connection, b"a key for faults, 32 octets long", clock.now())
    add_mailbox(connection, MAILBOX, "default")
    mailbox = mailbox_named(connection, MAILBOX)
    add_company(connection, mailbox, "Acme", ["acme.example"])
    for address in USERS:
        add_person(connection, mailbox, NewPerson(address, "", Role.USER, "Acme"))


@dataclass(frozen=True, slots=True)
class Findings:
    """The faults of a store, each kind as a list of Message-IDs or descriptions."""

    lost: tuple[str, ...]
    """Acknowledged, but on no ticket."""
    duplicated: tuple[str, ...]
    """On more than one ticket, acknowledged or not."""
    commented_twice: tuple[str, ...]
    """With more than one comment on a ticket."""
    on_another_ticket: tuple[str, ...]
    """On another ticket than the one in the acknowledgement."""
    apart_from_parent: tuple[str, ...]
    """A reply that is not on the ticket of its parent."""
    incomplete: tuple[str, ...]
    """A mail without its raw bytes or its comment, or a ticket without a mail."""
    damaged: tuple[str, ...]
    """Faults that the database reports in its own files."""

    def faults(self) -> dict[str, tuple[str, ...]]:
        """The kinds with at least one fault."""
        lists = {name: getattr(self, name) for name in self.__slots__}
        return {name: found for name, found in lists.items() if found}


def reconcile(store_url: str, acknowledged: Mapping[str, Acknowledgement]) -> Findings:
    """Compare the acknowledged mails with the store, by SQL that is independent of the product."""
    database = Database(store_url, connections=1)
    try:
        return database.read(lambda connection: _compare(connection, acknowledged))
    finally:
        database.close()


def _compare(connection: Connection, acknowledged: Mapping[str, Acknowledgement]) -> Findings:
    tickets = tickets_by_mail(connection)
    acknowledged_tickets = {mail: a.ticket for mail, a in acknowledged.items() if mail in tickets}
    empty = [f"#{row.id}" for row in connection.execute(_EMPTY_TICKETS)]
    return Findings(
        lost=tuple(mail for mail in acknowledged if mail not in tickets),
        duplicated=tuple(mail for mail, counts in tickets.items() if len(counts) > 1),
        commented_twice=tuple(
            mail for mail, counts in tickets.items() if counts.total() > len(counts)
        ),
        on_another_ticket=tuple(
            mail for mail, ticket in acknowledged_tickets.items() if ticket not in tickets[mail]
        ),
        apart_from_parent=tuple(
            mail
            for mail, ticket in acknowledged_tickets.items()
            if (parent := acknowledged[mail].mail.in_reply_to)
            and ticket not in tickets.get(parent, ())
        ),
        incomplete=(*connection.scalars(_INCOMPLETE), *empty),
        damaged=_damage(connection),
    )


def tickets_by_mail(connection: Connection) -> dict[str, Counter[int]]:
    """For each Message-ID, the number of its comments on each ticket."""
    tickets: dict[str, Counter[int]] = defaultdict(Counter)
    for row in connection.execute(_FILED):
        tickets[row.message_id.strip("<>")][row.ticket_id] += 1
    return dict(tickets)


def _damage(connection: Connection) -> tuple[str, ...]:
    if connection.dialect.name != "sqlite":
        return ()  # PostgreSQL refuses to read damaged pages, which the queries above read
    found = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return (*(str(line) for line in found if line != "ok"), *(str(row) for row in dangling))
