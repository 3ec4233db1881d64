"""Fills a store by SQL as a desk leaves it after some years, and with what makes lists slow.

A tenth of the tickets are of one customer, with a colleague copied to all of them; another tenth
are open and one agent's; the first of five mailboxes has most of them. Every rare state has rows.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from gateway.cli.server import ensure_key
from rules.people import Role
from rules.ticket.waiting import Waiting
from storage.db.database import Database
from storage.db.ledger import open_ledger
from storage.db.tables import (
    CompanyDomainRow,
    CompanyRow,
    ParticipantRow,
    PersonRow,
    TicketRow,
    TicketTagRow,
    metadata,
)
from storage.registry import mailboxes, people, saved_replies
from storage.registry.people import NewPerson
from storage.ticket import clocks
from tests.bench import full_store_mails, ticket_history
from tests.bench.sql_rows import DAY, TEXTS, Dialect, SqlRows
from tests.storage.db.listings import ANN, BEN, FREQUENT, RARE, SAM, SUPPORT

MAILBOXES = 5
REPLY = "reset"
"""The name of a saved reply."""
WORDS = 30
BETWEEN = timedelta(seconds=26)
"""Tickets: so a million are of the last three hundred days."""


def fill(database: Database, tickets: int, now: datetime) -> None:
    """Fill an empty store. A crash meanwhile would damage it; afterwards it is sound."""
    database.upgrade()
    _register(database, now)
    with (
        ticket_history.without_indexes(database, list(metadata.tables.values())),
        database.engine.connect() as connection,
    ):
        if database.is_sqlite:
            ticket_history.without_safety(connection)
        else:
            connection.exec_driver_sql("SET statement_timeout = 0")
        rows = SqlRows(connection, Dialect(is_sqlite=database.is_sqlite), now)
        _add_numbers(rows, tickets)
        _add_customers(rows, max(100, tickets // 50))
        _add_tickets(rows, tickets, max(100, tickets // 50))
        _add_participants(rows)
        full_store_mails.add(rows)
        if not database.is_sqlite:
            _finish_postgres(rows)
        connection.commit()
        connection.invalidate()  # this also restores the settings
    if not database.is_sqlite:  # under the program, SQLite has no statistics
        ticket_history.analyse(database)


def _register(database: Database, now: datetime) -> None:
    """What is few: written by the program."""
    addresses = [SUPPORT.address, *(f"desk{n}@help.example" for n in range(2, MAILBOXES + 1))]

    def register(connection: Connection) -> None:
        ensure_key(connection)
        for address in addresses:
            mailboxes.add_mailbox(connection, address, SUPPORT.policy)
            mailbox = mailboxes.mailbox_named(connection, address)
            people.add_person(connection, mailbox, NewPerson(SAM, "Sam", Role.STAFF, None))
            saved_replies.set_reply(connection, mailbox, REPLY, "", "Hello {name}", by=SAM, now=now)

    ledger = open_ledger(database)
    ledger.submit(register).result()
    ledger.close()


def _add_numbers(rows: SqlRows, tickets: int) -> None:
    """The tables `numbers`, with the `i` of each ticket, and `texts`."""
    rows.run("CREATE TEMPORARY TABLE texts (n bigint, words text)")
    rng = random.Random(1)
    words = [f"printer {ticket_history.random_text(rng, WORDS)}" for _ in range(TEXTS)]
    rows.connection.execute(
        text("INSERT INTO texts VALUES (:n, :words)"),
        [{"n": n, "words": each} for n, each in enumerate(words)],
    )
    rows.run(
        "CREATE TEMPORARY TABLE numbers AS WITH RECURSIVE n(i) AS (SELECT CAST(1 AS bigint) "
        f"UNION ALL SELECT i + 1 FROM n WHERE i < {tickets}) SELECT i FROM n"
    )
    if not rows.sql.is_sqlite:
        rows.run("ANALYZE numbers, texts")
        rows.run("DROP INDEX ix_comment_words")
        # The rows satisfy the foreign keys; checking each would take longer than everything else.
        rows.run("SET session_replication_role = replica")


def _add_customers(rows: SqlRows, customers: int) -> None:
    """Ten of each company; the odd companies are the first mailbox's."""
    companies = f"numbers WHERE i <= {customers // 10}"
    desk = f"CASE WHEN i % 2 = 1 THEN 1 ELSE 2 + i / 2 % {MAILBOXES - 1} END"
    company = {"id": "i", "mailbox_id": desk, "name": "'Company ' || i", "visibility": "'company'"}
    rows.add(CompanyRow, companies, company)
    domain = "CASE WHEN i = 1 THEN 'a.example' ELSE 'company-' || i || '.example' END"
    domains = {"mailbox_id": desk, "domain": domain, "company_id": "i"}
    rows.add(CompanyDomainRow, companies, domains)
    rows.add(
        PersonRow,
        "numbers JOIN company_domain AS d ON d.company_id = (i + 9) / 10 "
        f"WHERE i <= {customers} ORDER BY i",
        {
            "id": "i + 1000",
            "mailbox_id": "d.mailbox_id",
            "company_id": "d.company_id",
            "domain": "d.domain",
            "name": "'Customer ' || i",
            "role": "'user'",
            "address": f"CASE i WHEN 1 THEN '{ANN}' WHEN 2 THEN '{BEN}' "
            "ELSE 'customer.' || i || '@' || d.domain END",
        },
    )


def _add_tickets(rows: SqlRows, tickets: int, customers: int) -> None:
    """The last digits of its number decide what a ticket is; those with a 3 are open, and of people
    of the first mailbox."""
    time = rows.sql.time
    person = (
        f"CASE i % 10 WHEN 0 THEN 1 WHEN 3 THEN 3 + i * 7919 % ({customers} / 20) * 20 "
        f"ELSE 3 + i * 7919 % {customers - 2} END"
    )
    opened = f"({rows.present} - ({tickets} - i) * {BETWEEN // timedelta(microseconds=1)})"
    snoozed = time(f"{rows.present} + {30 * DAY}")
    portal = clocks.columns(None, Waiting(rows.now, portal=True))["waiting"]
    rows.add(
        TicketRow,
        f"numbers JOIN person AS p ON p.id = 1000 + {person} JOIN texts ON n = i % {TEXTS} "
        "ORDER BY i",
        {
            "id": "i",
            "mailbox_id": "p.mailbox_id",
            "subject": "substr(words, 9, 40)",
            "status": "CASE WHEN i % 10 = 3 OR i % 200 = 0 OR i % 100 = 1 THEN 'open' "
            "WHEN i % 100 = 5 THEN 'pending' WHEN i % 10 = 5 THEN 'resolved' ELSE 'closed' END",
            "severity": "CASE WHEN i % 50 = 3 THEN 'Low' ELSE 'Normal' END",
            "severity_source": "'mail'",
            "severity_claimed": "CASE WHEN i % 1000 = 13 THEN 'Critical' END",
            "critical_claimed": "i % 1000 = 13",
            "requester": "p.address",
            "company_id": "p.company_id",
            "opened_at": time(opened),
            "updated_at": time(f"{opened} + i % 3600 * 1000000"),
            "message_id": "'<' || i || '@' || p.domain || '>'",
            "assignee": f"CASE WHEN i % 10 IN (3, 4) THEN '{SAM}' ELSE '' END",
            "first_answered_at": time(f"{opened} + 3600000000"),
            "due_at": f"CASE WHEN i % 40 = 3 THEN {time(f'{opened} + {DAY // 12}')} END",
            "snooze_until": f"CASE WHEN i % 1000 = 23 THEN {snoozed} END",
            "waiting": f"CASE WHEN i % 5000 = 21 THEN '{portal}' ELSE '' END",
        },
    )
    for tag, condition in ((FREQUENT, "id % 20 = 3"), (RARE, "id % 1000 = 3")):
        tagged = {"mailbox_id": "mailbox_id", "ticket_id": "id", "tag": f"'{tag}'"}
        rows.add(TicketTagRow, f"ticket WHERE {condition}", tagged)


def _add_participants(rows: SqlRows) -> None:
    """The requester, a colleague on a third of the tickets, and a few who wait."""
    requester = "ticket AS t JOIN person AS p "
    requester += "ON p.mailbox_id = t.mailbox_id AND p.address = t.requester"
    colleague = requester.replace("AS p", "AS r").replace("p.", "r.")
    colleague += " JOIN person AS p ON p.id = r.id + 1 AND p.company_id = r.company_id"
    shared = {
        "mailbox_id": "t.mailbox_id",
        "ticket_id": "t.id",
        "address": "p.address",
        "person_id": "p.id",
        "joined_at": "t.opened_at",
        "presence": "'active'",
    }
    rows.add(ParticipantRow, requester, shared | {"part": "'requester'"})
    copied = f"{colleague} WHERE t.id % 3 = 1 OR t.id % 10 = 0"
    rows.add(ParticipantRow, copied, shared | {"part": "'user'"})
    waits = shared | {
        "address": "'guest.' || t.id || '@elsewhere.example'",
        "person_id": "NULL",
        "part": "'guest'",
        "presence": "'pending'",
    }
    rows.add(ParticipantRow, f"{requester} WHERE t.id % 2000 = 3", waits)


def _finish_postgres(rows: SqlRows) -> None:
    """Make the index of words again; the next row of a table is numbered after those with numbers
    of their own."""
    rows.run("SET maintenance_work_mem = '512MB'")
    rows.run("CREATE INDEX ix_comment_words ON comment_words USING gin (words)")
    for name in ("company", "person", "ticket"):
        of_name = f"pg_get_serial_sequence('{name}', 'id')"
        rows.run(f"SELECT setval({of_name}, max(id)) FROM {name}")
