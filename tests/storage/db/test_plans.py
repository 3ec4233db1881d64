"""The cost of a mail stays flat: every lookup of the hot path uses an index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import Connection, event

from rules.mail import Mailbox
from storage.db.database import Database
from storage.db.statements import Statement
from storage.mail import facts, rates, room, traces
from storage.registry import lookup
from storage.ticket import change, lists, load
from storage.ticket.lists import CopiedTo, OfCompany, RequestedBy, Which

IDS = 3


def _statements(module: ModuleType) -> Iterator[tuple[str, Statement]]:
    for name, value in vars(module).items():
        if isinstance(value, Statement):
            yield name, value
        elif hasattr(value, "cache_info") and name.isupper():
            yield name, value(IDS)


HOT = {
    f"{module.__name__}.{name}": statement
    for module in (facts, rates, room, traces, lookup, load, change)
    for name, statement in _statements(module)
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database(f"sqlite:///{Path(tmp_path_factory.mktemp('plans'))}/store.db")
    database.upgrade()
    yield database
    database.close()


@pytest.mark.parametrize(
    "which", [RequestedBy("ann@acme.example"), CopiedTo("ann@acme.example"), OfCompany(7)], ids=str
)
def test_to_find_a_customers_tickets_no_others_are_read(which: Which, store: Database) -> None:
    """One portal's lists would else hold the readers of all: mail waits for them too."""
    asked: list[tuple[str, Any]] = []

    def note(*arguments: Any) -> None:
        asked.append(arguments[2:4])

    def plan(connection: Connection) -> list[str]:
        mailbox = Mailbox(1, "support@help.example", "default")
        asked.clear()
        lists.page(connection, mailbox, which, status=None, limit=10, before=None)
        return [
            step.detail
            for statement, values in [*asked]
            for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        ]

    event.listen(store.engine, "before_cursor_execute", note)
    try:
        steps = store.read(plan)
    finally:
        event.remove(store.engine, "before_cursor_execute", note)

    assert not [step for step in steps if "ix_ticket_mailbox_id" in step], steps


def test_the_hot_path_is_covered() -> None:
    assert {
        "storage.mail.traces._KNOWN",
        "storage.mail.traces._TRACES",
        "storage.registry.lookup._PEOPLE",
        "storage.ticket.load._TICKETS",
    } <= (HOT.keys())


@pytest.mark.parametrize("name", HOT)
def test_no_lookup_scans_a_whole_table(name: str, store: Database) -> None:
    plan = store.read(HOT[name].plan)

    assert plan
    assert not [step for step in plan if re.match(r"SCAN (?!CONSTANT|anon_)", step)], plan
    # A lookup by mailbox alone would read everything that the mailbox ever received.
    assert not [
        step
        for step in plan
        if re.search(r"\(mailbox_id=\?\)$", step) and "ix_person_staff" not in step
    ], plan
