"""Fills a store with the history of many tickets, by bulk SQL.

It has customers and companies, one to four participants and one to three comments for each ticket,
each with its journal, mail and raw rows, a sent acknowledgement, and the journal rows of strangers.
Rows are dicts of named columns; a missing column has the default of its row class.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
from psycopg import sql
from pydantic_core import PydanticUndefined
from sqlalchemy import Connection, Table, insert
from sqlmodel import SQLModel

from gateway.clock import uuid7
from storage.db.database import Database
from storage.db.tables import (
    CommentRow,
    CompanyDomainRow,
    CompanyRow,
    JournalRow,
    MailRow,
    NoticeRow,
    ParticipantRow,
    PersonRow,
    RawMailRow,
    TicketRow,
    table,
)
from tests.bench.mail_generator import VOCABULARY
from tests.bench.targets import MAILBOX

BATCH = 5_000
"""The number of tickets that are built and written together."""
MIN_CUSTOMERS = 2_000
TICKETS_PER_CUSTOMER = 50
CUSTOMERS_PER_COMPANY = 10
STRANGERS = 0.3
"""Refused mails per ticket, each of which has a journal row."""
FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
BETWEEN_TICKETS = timedelta(seconds=60)
KINDS: tuple[type[SQLModel], ...] = (
    CompanyRow,
    CompanyDomainRow,
    PersonRow,
    TicketRow,
    ParticipantRow,
    JournalRow,
    RawMailRow,
    MailRow,
    CommentRow,
    NoticeRow,
)
"""The filled tables, parents first."""

Row = dict[str, object]
Rows = dict[type[SQLModel], list[Row]]
Write = Callable[[Table, Sequence[Row]], None]

TRACE = json.dumps(
    [
        ["duplicate", "identity 5d41402abc4b2a76", "new"],
        ["automatic", "headers and reverse-path", "a person's mail"],
        ["author", "From", "customer.1@company-1.example"],
        ["proof", "T2 by dkim:company-1.example", "proven well enough to continue"],
        ["sender", "customer.1@company-1.example, user", "may write"],
        ["known_ticket", "pointers to tickets", "none"],
        ["new_ticket", "claims no severity", "opens at Normal"],
    ]
)
PROOF = json.dumps({"aligned": True, "by": "dkim:company-1.example", "dmarc": "pass"})
_REQUEST: Row = {"verdict": "opened", "reason": "new_request"}
_ANSWER: Row = {"verdict": "commented", "reason": "known_message_id"}
_REFUSED: Row = {"verdict": "refused", "reason": "stranger", "ticket_id": None}
_BLOB = bytes(range(256))
"""In place of a compressed mail: only the index of its keys grows with the tickets."""


@dataclass(frozen=True, slots=True)
class Customer:
    id: int
    address: str
    company: int


def customers(tickets: int) -> list[Customer]:
    """The registered customers of a store with this number of tickets."""
    count = max(MIN_CUSTOMERS, tickets // TICKETS_PER_CUSTOMER)
    companies = [n // CUSTOMERS_PER_COMPANY + 1 for n in range(count)]
    return [
        Customer(n, f"customer.{n}@company-{company}.example", company)
        for n, company in enumerate(companies, 1)
    ]


def is_open(number: int) -> bool:
    """Whether a ticket is open; every second one is."""
    return number % 2 == 0


def registered(customers: Sequence[Customer], mailbox: int) -> Rows:
    """The rows of the customers and their companies."""
    companies = sorted({person.company for person in customers})
    return {
        CompanyRow: [{"id": n, "mailbox_id": mailbox, "name": f"Company {n}"} for n in companies],
        CompanyDomainRow: [
            {"mailbox_id": mailbox, "domain": f"company-{n}.example", "company_id": n}
            for n in companies
        ],
        PersonRow: [
            {
                "id": person.id,
                "mailbox_id": mailbox,
                "address": person.address,
                "domain": person.address.partition("@")[2],
                "name": f"Customer {person.id}",
                "role": "user",
                "company_id": person.company,
            }
            for person in customers
        ],
    }


class History:
    """Builds the rows of tickets; the same mailbox and customers give the same rows."""

    def __init__(self, mailbox: int, customers: Sequence[Customer]) -> None:
        self._mailbox = mailbox
        self._customers = customers
        self._rng = random.Random(len(customers))
        self._texts = [random_text(self._rng, 90) for _ in range(500)]
        self._participants, self._comments = itertools.count(1), itertools.count(1)

    def of(self, numbers: Sequence[int]) -> Rows:
        """All rows of these tickets by table, parents first."""
        rows: Rows = {kind: [] for kind in KINDS}
        for number in numbers:
            self._add(rows, number)
        return rows

    def _add(self, rows: Rows, number: int) -> None:
        rng = self._rng
        # A few customers write often, most rarely.
        index = int(len(self._customers) * rng.random() ** 2)
        requester, opened = self._customers[index], FIRST_DAY + number * BETWEEN_TICKETS
        subject = self._texts[number % len(self._texts)][:40]
        comments = rng.choices((1, 2, 3), (3, 2, 1))[0]
        domain = requester.address.partition("@")[2]
        ids = [f"<{number}.{rng.getrandbits(48):x}@{domain}>" for _ in range(comments)]
        rows[TicketRow].append(
            {
                "id": number,
                "mailbox_id": self._mailbox,
                "subject": subject,
                "status": "open" if is_open(number) else "closed",
                "severity": "Normal",
                "severity_source": "mail",
                "requester": requester.address,
                "company_id": requester.company,
                "opened_at": opened,
                "updated_at": opened + comments * BETWEEN_TICKETS,
                "message_id": ids[0],
            }
        )
        self._join(rows, number, index, opened)
        for nth, message_id in enumerate(ids):
            when = opened + nth * BETWEEN_TICKETS
            entry = self._journal(when, requester.address, subject, message_id)
            self._comment(rows, number, entry | (_ANSWER if nth else _REQUEST))
        self._acknowledge(rows, rows[JournalRow][-comments])
        if rng.random() < STRANGERS:
            stranger = f"somebody.{number}@elsewhere.example"
            entry = self._journal(opened, stranger, subject, f"<{number}@elsewhere.example>")
            rows[JournalRow].append(entry | _REFUSED)

    def _join(self, rows: Rows, number: int, index: int, opened: datetime) -> None:
        """The requester and up to three colleagues."""
        others = self._rng.choices((0, 1, 2, 3), (5, 3, 1, 1))[0]
        start = index - index % CUSTOMERS_PER_COMPANY
        colleagues = self._customers[start : start + CUSTOMERS_PER_COMPANY]
        members = [self._customers[index]]
        members += [p for p in self._rng.sample(colleagues, others) if p is not members[0]]
        rows[ParticipantRow] += [
            {
                "id": next(self._participants),
                "mailbox_id": self._mailbox,
                "ticket_id": number,
                "address": member.address,
                "person_id": member.id,
                "part": "user" if nth else "requester",
                "presence": "active",
                "joined_at": opened,
            }
            for nth, member in enumerate(members)
        ]

    def _comment(self, rows: Rows, number: int, entry: Row) -> None:
        """One mail of a ticket with its comment."""
        here = {"mailbox_id": self._mailbox, "ticket_id": number}
        digest = self._rng.randbytes(32).hex()
        rows[JournalRow].append(entry | here)
        rows[RawMailRow].append(
            {"mailbox_id": self._mailbox, "digest": digest, "size_bytes": 4000, "zstd": _BLOB}
        )
        rows[MailRow].append(
            here
            | {
                "identity": entry["identity"],
                "message_id": entry["message_id"],
                "journal_id": entry["id"],
                "answer": f"{entry['id']} filed as #{number}",
                "state": "filed",
                "raw_digest": digest,
                "author": entry["author"],
                "content": self._rng.randbytes(32).hex(),
            }
        )
        rows[CommentRow].append(
            here
            | {
                "id": next(self._comments),
                "journal_id": entry["id"],
                "author": entry["author"],
                "visibility": "public",
                "text": self._rng.choice(self._texts),
                "written_at": entry["received_at"],
            }
        )

    def _acknowledge(self, rows: Rows, cause: Row) -> None:
        when = cause["received_at"]
        assert isinstance(when, datetime)
        rows[NoticeRow].append(
            {
                "id": uuid7(when, self._rng.randbytes(10)),
                "mailbox_id": self._mailbox,
                "ticket_id": cause["ticket_id"],
                "kind": "acknowledgement",
                "address": cause["author"],
                "cause": cause["id"],
                "state": "sent",
                "created_at": when,
                "due_at": when,
                "attempts": 1,
                "sent_at": when,
            }
        )

    def _journal(self, when: datetime, author: str, subject: str, message_id: str) -> Row:
        return {
            "id": uuid7(when, self._rng.randbytes(10)),
            "mailbox_id": self._mailbox,
            "received_at": when,
            "peer": "192.0.2.7",
            "helo": "mail.example",
            "mail_from": author,
            "rcpt_tos": MAILBOX,
            "author": author,
            "subject": subject,
            "message_id": message_id,
            "identity": self._rng.randbytes(32).hex(),
            "size_bytes": 4000,
            "reply": "250 2.0.0 accepted",
            "trace": TRACE,
            "authentication": PROOF,
        }


def random_text(rng: random.Random, count: int) -> str:
    return " ".join(rng.choices(VOCABULARY, k=count))


def fill(database: Database, mailbox: int, tickets: int) -> int:
    """Write the history of this number of tickets into an empty store; the number of rows.

    A crash meanwhile would damage the store; afterwards it is sound.
    """
    registered_customers = customers(tickets)
    history = History(mailbox, registered_customers)
    tables = [table(kind) for kind in KINDS]
    written = 0
    with without_indexes(database, tables):
        opened = _sqlite(database) if database.is_sqlite else _postgres(database, tables)
        with opened as write:
            numbers = range(1, tickets + 1)
            batches = (history.of(numbers[n : n + BATCH]) for n in range(0, tickets, BATCH))
            for rows in itertools.chain([registered(registered_customers, mailbox)], batches):
                for kind, of_a_kind in rows.items():
                    shared = defaults(kind)
                    write(table(kind), [shared | row for row in of_a_kind])
                    written += len(of_a_kind)
    analyse(database)
    return written


def defaults(kind: type[SQLModel]) -> Row:
    """The default values of a row class that are not empty; a required time is the first day."""
    time_columns = [
        c.name for c in table(kind).c if c.type.python_type is datetime and not c.nullable
    ]
    fields = kind.model_fields.items()
    found = {name: each.get_default(call_default_factory=True) for name, each in fields}
    given = {n: value for n, value in found.items() if value not in (None, PydanticUndefined)}
    return dict.fromkeys(time_columns, FIRST_DAY) | given


@contextmanager
def without_indexes(database: Database, tables: Sequence[Table]) -> Iterator[None]:
    """Drop the indexes that no constraint needs, and create them again at the end."""
    indexes = [index for each in tables for index in each.indexes]
    with database.engine.begin() as connection:
        for index in indexes:
            index.drop(connection)
    yield
    with database.engine.begin() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("SET maintenance_work_mem = '512MB'")
        for index in indexes:
            index.create(connection)


def without_safety(connection: Connection) -> None:
    """Begin a transaction of SQLite that a crash would damage the store by."""
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "foreign_keys = OFF"):
        connection.exec_driver_sql(f"PRAGMA {pragma}")
    connection.exec_driver_sql("PRAGMA cache_size = -4000000")  # in KiB; the keys are random
    connection.exec_driver_sql("BEGIN")


@contextmanager
def _sqlite(database: Database) -> Iterator[Write]:
    with database.engine.connect() as connection:
        without_safety(connection)

        def write(into: Table, rows: Sequence[Row]) -> None:
            if rows:
                connection.execute(insert(into), rows)

        yield write
        connection.commit()
        connection.invalidate()  # this also restores the pragmas


@contextmanager
def _postgres(database: Database, tables: Sequence[Table]) -> Iterator[Write]:
    url = database.engine.url.set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        # The rows satisfy the foreign keys; checking each would take longer than everything else.
        connection.execute("SET session_replication_role = replica")

        def write(into: Table, rows: Sequence[Row]) -> None:
            if not rows:
                return
            names = list(rows[0])
            statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
                sql.Identifier(into.name), sql.SQL(", ").join(map(sql.Identifier, names))
            )
            with connection.cursor() as cursor, cursor.copy(statement) as copy:
                for row in rows:
                    copy.write_row([row[name] for name in names])

        yield write
        for each in tables:
            if "id" in each.c and each.c.id.autoincrement is True:
                connection.execute(
                    sql.SQL(
                        "SELECT setval(pg_get_serial_sequence({0}, 'id'), max(id)) FROM {1}"
                    ).format(sql.Literal(each.name), sql.Identifier(each.name))
                )


def analyse(database: Database) -> None:
    with database.engine.connect() as connection:
        if database.is_sqlite:
            connection.exec_driver_sql("ANALYZE")
            return
        raw = connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        connection.commit()
        raw.autocommit = True  # VACUUM cannot run in a transaction
        for command in ("SET statement_timeout = 0", "VACUUM ANALYZE", "CHECKPOINT"):
            raw.execute(command.encode())
        connection.invalidate()
