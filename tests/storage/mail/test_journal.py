"""The journal as operators query it: by a mail's id, and by its ticket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, event

from storage.db.database import Database
from storage.mail import journal
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
    """SQLite's query plan of the statements of a read."""
    seen: list[tuple[str, Any]] = []

    def note(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:
        seen.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    database.read(read)
    event.remove(database.engine, "before_cursor_execute", note)

    def explain(connection: Connection) -> list[str]:
        return [
            str(step.detail)
            for statement, parameters in seen
            if statement.startswith("SELECT")
            for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
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
