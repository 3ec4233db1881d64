"""Whatever is written in whatever order: nobody reads or says what is not his to."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from rules.policy import Policy
from storage.db.tables import metadata
from tests.properties.conversation.conversation import Conversation
from tests.properties.conversation.people import enrol
from tests.properties.conversation.pipeline import Gate, enrolled, open_store, transact
from tests.stores import PostgresStores, SqliteStores

ORDINARY = settings(
    max_examples=55,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
"""2,200 steps."""
LONG = settings(ORDINARY, max_examples=2500)
"""100,000 steps."""


def hold(open_gate: Callable[[Policy], Gate], how: settings) -> None:
    acted: Counter[str] = Counter()
    # It takes whatever makes a machine, and says that it must be a class.
    make: Any = partial(Conversation, open_gate, acted)
    run_state_machine_as_test(make, settings=how)
    for what, times in acted.most_common():
        print(f"{times:6} {what}")


def on_sqlite(stores: SqliteStores) -> Callable[[Policy], Gate]:
    """Each conversation in a copy of the same file."""
    template = Path(enrolled(stores.new()).removeprefix("sqlite:///"))
    path = template.with_suffix(".used")

    def open_gate(policy: Policy) -> Gate:
        for old in path.parent.glob(f"{path.name}*"):
            old.unlink()
        shutil.copy(template, path)
        return Gate(open_store(f"sqlite:///{path}"), policy)

    return open_gate


def on_postgres(stores: PostgresStores) -> Callable[[Policy], Gate]:
    """Each conversation in the same database, emptied: a new one takes a second."""
    url = stores.new()
    tables = ", ".join(table.name for table in metadata.sorted_tables)

    def open_gate(policy: Policy) -> Gate:
        database = open_store(url)

        transact(database, lambda c: c.exec_driver_sql(f"TRUNCATE {tables} RESTART IDENTITY"))
        transact(database, enrol)
        return Gate(database, policy)

    return open_gate


@pytest.mark.timeout(300)  # a busy machine
def test_every_law_holds(sqlite_stores: SqliteStores) -> None:
    hold(on_sqlite(sqlite_stores), ORDINARY)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_every_law_holds_for_long(sqlite_stores: SqliteStores) -> None:
    hold(on_sqlite(sqlite_stores), LONG)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_every_law_holds_on_postgres(postgres_stores: PostgresStores) -> None:
    hold(on_postgres(postgres_stores), settings(LONG, max_examples=1000))
