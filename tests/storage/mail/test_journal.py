"""The journal as operators query it: by a mail's id, and by its ticket."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, select

from rules.sender.authentication import Authentication, Evidence, Result, SignedScope, from_dict
from rules.service.limits import BUSY
from storage.db.database import Database
from storage.db.tables import JournalRow, table
from storage.mail import journal, quarantine
from storage.mail.facts import gather
from storage.mail.filing import file
from storage.mail.journal import JournalEntry, JournalFilter
from tests.rules.building import ANN, a_mail
from tests.storage.shop import Shop, opened
from tests.stores import SqliteStores

T = TypeVar("T")
STRANGER = "somebody@elsewhere.example"


def verdicts(entries: list[JournalEntry]) -> list[str]:
    return [entry.verdict for entry in entries]


def find(shop: Shop, name: str) -> list[JournalEntry]:
    return shop.database.read(lambda c: list(journal.find(c, name)))


def of_ticket(shop: Shop, number: int) -> list[JournalEntry]:
    return shop.database.read(lambda c: journal.newest(c, JournalFilter(ticket=number), 10))


def test_a_mail_is_found_by_its_message_id_whatever_its_verdict(shop: Shop) -> None:
    shop.take(a_mail(ANN.address, message_id="<filed@client.example>"))
    shop.take(a_mail(STRANGER, message_id="<refused@client.example>"))

    assert verdicts(find(shop, "<filed@client.example>")) == ["opened"]
    assert verdicts(find(shop, "refused@client.example")) == ["refused"]
    assert find(shop, "<never@client.example>") == []


def test_a_mail_is_found_by_the_id_of_its_journal_row(shop: Shop) -> None:
    receipt = shop.take(a_mail(ANN.address))

    assert [entry.id for entry in find(shop, str(receipt.journal_id))] == [receipt.journal_id]


def test_the_rows_of_a_ticket_are_all_the_mails_on_it_and_no_others(shop: Shop) -> None:
    first = "<1@client.example>"
    number = opened(shop.take(a_mail(ANN.address, message_id=first)))
    shop.take(a_mail(ANN.address, message_id="<2@client.example>", in_reply_to=(first,)))
    shop.take(
        a_mail(
            ANN.address,
            message_id="<3@client.example>",
            in_reply_to=(first,),
            auto_submitted="auto-replied",
        )
    )
    shop.take(a_mail(ANN.address, message_id="<4@client.example>"))

    assert verdicts(of_ticket(shop, number)) == ["opened", "commented", "recorded"]


def plan(database: Database, read: Callable[[Connection], T]) -> list[str]:
    """SQLite's query plan of the statements of a read, with the values that they had."""

    def explain(connection: Connection) -> list[str]:
        driver: Any = connection.connection.driver_connection
        statements: list[str] = []
        driver.set_trace_callback(statements.append)
        read(connection)
        driver.set_trace_callback(None)
        return [
            str(step.detail)
            for statement in statements
            if statement.startswith("SELECT")
            for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")
        ]

    return database.read(explain)


@pytest.mark.parametrize(
    "read",
    [
        lambda c: journal.find(c, "<1@client.example>"),
        lambda c: journal.newest(c, JournalFilter(ticket=1), 10),
    ],
)
def test_no_search_scans_the_whole_journal(
    read: Callable[[Connection], object], sqlite_stores: SqliteStores
) -> None:
    database = Database(sqlite_stores.new())

    steps = plan(database, read)

    assert [step for step in steps if "SEARCH journal" in step]
    assert not [step for step in steps if "SCAN journal" in step]
    database.close()


RECIPIENTS = tuple(f"support+{'a' * 50}{n:04}@help.example" for n in range(100))
LONG = "x" * 5000
WORDY = Authentication(
    aligned=True,
    by="dkim:elsewhere.example",
    evidence=(Evidence("dkim", Result.FAIL, "d" * 253, LONG),) * 50,
    warnings=(LONG,) * 50,
    signed_scope=SignedScope("f" * 64, ("x-long-name",) * 500),
)


def a_row_of(shop: Shop, author: str) -> Any:
    """The journal row of a mail with a hundred recipients and everything else long."""
    entry = shop.entry(a_mail(author, subject=LONG, message_id=f"<{LONG}>"), proof=WORDY)
    envelope = replace(entry.considered.envelope, rcpt_tos=RECIPIENTS, helo=LONG, mail_from=LONG)
    considered = replace(entry.considered, envelope=envelope)
    shop.write(lambda c: file(c, [replace(entry, considered=considered)]))
    return shop.database.read(lambda c: c.execute(select(table(JournalRow))).one())


def test_the_row_of_a_refused_mail_is_small_whatever_its_sender_wrote(shop: Shop) -> None:
    row = a_row_of(shop, STRANGER)

    assert row.verdict == "refused"
    assert sum(len(value) for value in row if isinstance(value, str)) < 4 * 1024
    shown = row.rcpt_tos.split()
    assert shown[-1] == f"+{100 - len(shown) + 1}"
    assert tuple(shown[:-1]) == RECIPIENTS[: len(shown) - 1]
    (entry,) = shop.database.read(lambda c: journal.newest(c, JournalFilter(), 10))
    assert from_dict(entry.authentication).by == WORDY.by


def test_the_row_of_a_held_mail_has_all_that_its_release_needs(shop: Shop) -> None:
    row = a_row_of(shop, "new@acme.example")

    assert row.verdict == "held"
    assert tuple(row.rcpt_tos.split()) == RECIPIENTS
    assert from_dict(json.loads(row.authentication)).signed_scope == WORDY.signed_scope


def test_no_mail_pays_for_what_was_refused_in_its_authors_name(shop: Shop) -> None:
    """Anybody can have any number of mails refused in the name of any author."""
    if not shop.database.is_sqlite:
        pytest.skip("PostgreSQL chooses its plans by the size of the tables")
    entry = shop.entry(a_mail(ANN.address))

    gathered = plan(shop.database, lambda c: gather(c, entry.considered, entry.attempt))
    enrolled = plan(
        shop.database, lambda c: quarantine.enrolled_meanwhile(c, entry.attempt.came_at)
    )

    steps = [step for step in (*gathered, *enrolled) if "journal" in step or "again" in step]
    by_author = [step for step in steps if "author" in step]
    assert by_author
    assert all("ix_journal_taken_author" in step for step in by_author)
    assert [step for step in steps if "again USING INDEX ix_journal_waiting_identity" in step]
    assert not [step for step in steps if "SCAN journal" in step or "SCAN again" in step]


@pytest.mark.parametrize("author", [ANN.address, "new@acme.example"])
def test_automatic_mail_does_not_pay_for_what_anybody_sent_in_its_authors_name(
    shop: Shop, author: str
) -> None:
    if not shop.database.is_sqlite:
        pytest.skip("PostgreSQL chooses its plans by the size of the tables")
    for _ in range(BUSY):
        shop.take(a_mail(ANN.address, auto_submitted="auto-replied"), mail_from="")
    entry = shop.entry(a_mail(author, auto_submitted="auto-generated"))

    steps = plan(shop.database, lambda c: gather(c, entry.considered, entry.attempt))

    recorded = [step for step in steps if "ix_journal_recorded" in step]
    assert len(recorded) == 2  # of the author, and of their domain
    assert all("received_at>?" in step for step in recorded)
    assert not [step for step in steps if "SCAN journal" in step]
