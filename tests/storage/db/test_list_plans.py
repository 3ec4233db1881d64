"""Every list is read by an index, in its order: its time does not grow with the store."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, event

from storage.db.database import Database
from storage.db.ledger import open_ledger
from storage.registry import mailboxes
from tests.storage.db.listings import BY_OTHER_ORDERS, LISTS, SUPPORT, Listing

GROWING = ("audit", "comment", "journal", "mail", "notice", "participant", "ticket")
"""Tables with a row for each mail or more; the others have one for a person or a company."""
_SCAN = re.compile(rf"SCAN ({'|'.join(GROWING)})$|Seq Scan on ({'|'.join(GROWING)})\b")
_ALL_PEOPLE = "ix_participant_mailbox_id_address (mailbox_id=?)"
"""What SQLite does if it reads the participants of a whole mailbox."""
_SORT = re.compile(r"USE TEMP B-TREE FOR ORDER BY$|^(-> +)?Sort$")


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Iterator[Database]:
    # A new one: what other tests have left in PostgreSQL's statistics would decide on the plans.
    database = Database(request.getfixturevalue(f"{request.param}_stores").new())
    ledger = open_ledger(database)
    add = partial(mailboxes.add_mailbox, address=SUPPORT.address, policy=SUPPORT.policy)
    ledger.submit(add).result()
    ledger.close()
    yield database
    database.close()


def plans_of(listing: Listing, store: Database) -> list[str]:
    """The steps of all statements of a list, on PostgreSQL as they are in a full store."""
    asked: list[tuple[str, Any]] = []

    def note(*arguments: Any) -> None:
        asked.append(arguments[2:4])

    def plan(connection: Connection) -> list[str]:
        listing(connection)
        statements = [*asked]
        explain = "EXPLAIN QUERY PLAN" if store.is_sqlite else "EXPLAIN (COSTS OFF)"
        if not store.is_sqlite:
            for costly in ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
                connection.exec_driver_sql(f"SET LOCAL {costly} = off")
        rows = [
            row
            for statement, values in statements
            for row in connection.exec_driver_sql(f"{explain} {statement}", values)
        ]
        return [row[-1].strip() for row in rows]

    event.listen(store.engine, "before_cursor_execute", note)
    try:
        return store.read(plan)
    finally:
        event.remove(store.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_read_in_the_order_of_its_index(name: str, store: Database) -> None:
    listing, index = LISTS[name]
    steps = plans_of(listing, store)

    assert any(re.search(rf"\b{index}\b", step) for step in steps), steps
    assert not [step for step in steps if _SCAN.search(step) or _SORT.search(step)], steps


@pytest.mark.parametrize("name", BY_OTHER_ORDERS)
def test_a_list_in_another_order_scans_no_table(name: str, store: Database) -> None:
    steps = plans_of(BY_OTHER_ORDERS[name], store)

    assert not [step for step in steps if _SCAN.search(step) or _ALL_PEOPLE in step], steps
