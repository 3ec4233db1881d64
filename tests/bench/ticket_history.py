"""Fills a store with the history of many tickets, by bulk SQL.

People and companies, one to four participants and one to three comments a ticket, each with its
journal, mail and raw rows, an acknowledgement that was sent, and the journal rows of strangers.
Rows are dicts of named columns; what they leave out has the default of its row class.
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
from sqlalchemy import Table, insert
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
"""Tickets that are made, written and forgotten together."""
FEWEST_PEOPLE = 2_000
TICKETS_OF_A_PERSON = 50
PEOPLE_OF_A_COMPANY = 10
STRANGERS = 0.3
"""Refused mails for each ticket: they leave a journal row."""
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
"""What is filled, parents first."""

Row = dict[str, object]
Rows = dict[type[SQLModel], list[Row]]
Write = Callable[[Table, Sequence[Row]], None]

_TRACE = json.dumps(
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
_PROOF = json.dumps({"aligned": True, "by": "dkim:company-1.example", "dmarc": "pass"})
_REQUEST: Row = {"verdict": "opened", "reason": "new_request"}
_ANSWER: Row = {"verdict": "commented", "reason": "known_message_id"}
_REFUSED: Row = {"verdict": "refused", "reason": "stranger", "ticket_id": None}
_BLOB = bytes(range(256))
"""Stands for a compressed mail: what grows with the tickets is the tree of its keys."""


@dataclass(frozen=True, slots=True)
class Person:
    id: int
    address: str
    company: int


def people(tickets: int) -> list[Person]:
    """All who are registered in a store of so many tickets."""
    count = max(FEWEST_PEOPLE, tickets // TICKETS_OF_A_PERSON)
    companies = [n // PEOPLE_OF_A_COMPANY + 1 for n in range(count)]
    return [
        Person(n, f"customer.{n}@company-{company}.example", company)
        for n, company in enumerate(companies, 1)
    ]


def is_open(number: int) -> bool:
    """Whether a ticket is: every second one."""
    return number % 2 == 0


def registered(everybody: Sequence[Person], mailbox: int) -> Rows:
    """The rows of the people and their companies."""
    companies = sorted({person.company for person in everybody})
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
            for person in everybody
        ],
    }


class History:
    """Makes the rows of tickets, one after the other: the same for the same mailbox and people."""

    def __init__(self, mailbox: int, everybody: Sequence[Person]) -> None:
        self._mailbox = mailbox
        self._people = everybody
        self._chance = random.Random(len(everybody))
        self._texts = [words(self._chance, 90) for _ in range(500)]
        self._participants, self._comments = itertools.count(1), itertools.count(1)

    def of(self, numbers: Sequence[int]) -> Rows:
        """Everything about these tickets, by table, parents first."""
        rows: Rows = {kind: [] for kind in KINDS}
        for number in numbers:
            self._add(rows, number)
        return rows

    def _add(self, rows: Rows, number: int) -> None:
        chance = self._chance
        # Some write often, most hardly ever.
        place = int(len(self._people) * chance.random() ** 2)
        requester, opened = self._people[place], FIRST_DAY + number * BETWEEN_TICKETS
        subject = self._texts[number % len(self._texts)][:40]
        comments = chance.choices((1, 2, 3), (3, 2, 1))[0]
        domain = requester.address.partition("@")[2]
        ids = [f"<{number}.{chance.getrandbits(48):x}@{domain}>" for _ in range(comments)]
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
        self._join(rows, number, place, opened)
        for nth, message_id in enumerate(ids):
            when = opened + nth * BETWEEN_TICKETS
            entry = self._journal(when, requester.address, subject, message_id)
            self._comment(rows, number, entry | (_ANSWER if nth else _REQUEST))
        self._acknowledge(rows, rows[JournalRow][-comments])
        if chance.random() < STRANGERS:
            stranger = f"somebody.{number}@elsewhere.example"
            entry = self._journal(opened, stranger, subject, f"<{number}@elsewhere.example>")
            rows[JournalRow].append(entry | _REFUSED)

    def _join(self, rows: Rows, number: int, place: int, opened: datetime) -> None:
        """The requester and up to three colleagues."""
        others = self._chance.choices((0, 1, 2, 3), (5, 3, 1, 1))[0]
        start = place - place % PEOPLE_OF_A_COMPANY
        colleagues = self._people[start : start + PEOPLE_OF_A_COMPANY]
        members = [self._people[place]]
        members += [p for p in self._chance.sample(colleagues, others) if p is not members[0]]
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
        """One mail of a ticket, and what was made of it."""
        here = {"mailbox_id": self._mailbox, "ticket_id": number}
        digest = self._chance.randbytes(32).hex()
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
            }
        )
        rows[CommentRow].append(
            here
            | {
                "id": next(self._comments),
                "journal_id": entry["id"],
                "author": entry["author"],
                "visibility": "public",
                "text": self._chance.choice(self._texts),
                "written_at": entry["received_at"],
            }
        )

    def _acknowledge(self, rows: Rows, cause: Row) -> None:
        when = cause["received_at"]
        assert isinstance(when, datetime)
        rows[NoticeRow].append(
            {
                "id": uuid7(when, self._chance.randbytes(10)),
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
            "id": uuid7(when, self._chance.randbytes(10)),
            "mailbox_id": self._mailbox,
            "received_at": when,
            "peer": "192.0.2.7",
            "helo": "mail.example",
            "mail_from": author,
            "rcpt_tos": MAILBOX,
            "author": author,
            "subject": subject,
            "message_id": message_id,
            "identity": self._chance.randbytes(32).hex(),
            "size_bytes": 4000,
            "reply": "250 2.0.0 accepted",
            "trace": _TRACE,
            "authentication": _PROOF,
        }


def words(chance: random.Random, count: int) -> str:
    return " ".join(chance.choices(VOCABULARY, k=count))


def fill(database: Database, mailbox: int, tickets: int) -> int:
    """Write the history of so many tickets into a store without any; the number of rows.

    The store is not safe from a crash meanwhile, and in good order afterwards.
    """
    everybody = people(tickets)
    history = History(mailbox, everybody)
    tables = [table(kind) for kind in KINDS]
    written = 0
    with _without_indexes(database, tables):
        opened = _sqlite(database) if database.is_sqlite else _postgres(database, tables)
        with opened as write:
            numbers = range(1, tickets + 1)
            batches = (history.of(numbers[n : n + BATCH]) for n in range(0, tickets, BATCH))
            for rows in itertools.chain([registered(everybody, mailbox)], batches):
                for kind, of_a_kind in rows.items():
                    defaults = _defaults(kind)
                    write(table(kind), [defaults | row for row in of_a_kind])
                    written += len(of_a_kind)
    _analyse(database)
    return written


def _defaults(kind: type[SQLModel]) -> Row:
    """What a row of a class has without being told, but for what is then empty.

    A moment that must be there is the first day.
    """
    moments = [c.name for c in table(kind).c if c.type.python_type is datetime and not c.nullable]
    fields = kind.model_fields.items()
    found = {name: each.get_default(call_default_factory=True) for name, each in fields}
    told = {n: value for n, value in found.items() if value not in (None, PydanticUndefined)}
    return dict.fromkeys(moments, FIRST_DAY) | told


@contextmanager
def _without_indexes(database: Database, tables: Sequence[Table]) -> Iterator[None]:
    """Indexes that no constraint needs are dropped, and made at the end."""
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


@contextmanager
def _sqlite(database: Database) -> Iterator[Write]:
    with database.engine.connect() as connection:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "foreign_keys = OFF"):
            connection.exec_driver_sql(f"PRAGMA {pragma}")
        connection.exec_driver_sql("PRAGMA cache_size = -4000000")  # KiB: the keys are random
        connection.exec_driver_sql("BEGIN")

        def write(into: Table, rows: Sequence[Row]) -> None:
            if rows:
                connection.execute(insert(into), rows)

        yield write
        connection.commit()
        connection.invalidate()  # and with it what was turned off


@contextmanager
def _postgres(database: Database, tables: Sequence[Table]) -> Iterator[Write]:
    url = database.engine.url.set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        # Foreign keys hold as the rows are made; to check each would take longer than all else.
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


def _analyse(database: Database) -> None:
    with database.engine.connect() as connection:
        if database.is_sqlite:
            connection.exec_driver_sql("ANALYZE")
            return
        raw = connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        connection.commit()
        raw.autocommit = True  # VACUUM runs in no transaction
        for command in ("VACUUM ANALYZE", "CHECKPOINT"):
            raw.execute(command.encode())
        connection.invalidate()
