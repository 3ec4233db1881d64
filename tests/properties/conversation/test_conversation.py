"""Whatever is written in whatever order: nobody reads or writes more than they may."""

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
from tests.examples import examples
from tests.properties.conversation.conversation import Conversation
from tests.properties.conversation.people import enrol
from tests.properties.conversation.pipeline import Pipeline, enrolled_store, open_store, transact
from tests.stores import PostgresStores, SqliteStores

ORDINARY = settings(
    max_examples=examples(15),
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
"""600 steps."""
LONG = settings(ORDINARY, max_examples=2500)
"""100,000 steps."""


def check_invariants(open_pipeline: Callable[[Policy], Pipeline], how_long: settings) -> None:
    performed: Counter[str] = Counter()
    # The function accepts any callable, but its annotation demands a class.
    make: Any = partial(Conversation, open_pipeline, performed)
    run_state_machine_as_test(make, settings=how_long)
    for step, times in performed.most_common():
        print(f"{times:6} {step}")


def on_sqlite(stores: SqliteStores) -> Callable[[Policy], Pipeline]:
    """Each conversation runs in a copy of the same file."""
    template = Path(enrolled_store(stores.new()).removeprefix("sqlite:///"))
    path = template.with_suffix(".used")

    def open_pipeline(policy: Policy) -> Pipeline:
        for old in path.parent.glob(f"{path.name}*"):
            old.unlink()
        shutil.copy(template, path)
        return Pipeline(open_store(f"sqlite:///{path}"), policy)

    return open_pipeline


def on_postgres(stores: PostgresStores) -> Callable[[Policy], Pipeline]:
    """All conversations use one database, emptied each time: to create one takes a second."""
    url = stores.new()
    tables = ", ".join(table.name for table in metadata.sorted_tables)

    def open_pipeline(policy: Policy) -> Pipeline:
        database = open_store(url)

        transact(database, lambda c: c.exec_driver_sql(f"TRUNCATE {tables} RESTART IDENTITY"))
        transact(database, enrol)
        return Pipeline(database, policy)

    return open_pipeline


@pytest.mark.timeout(300)  # for a busy machine
def test_every_invariant_holds(sqlite_stores: SqliteStores) -> None:
    check_invariants(on_sqlite(sqlite_stores), ORDINARY)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_every_invariant_holds_in_long_conversations(sqlite_stores: SqliteStores) -> None:
    check_invariants(on_sqlite(sqlite_stores), LONG)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_every_invariant_holds_on_postgres(postgres_stores: PostgresStores) -> None:
    check_invariants(on_postgres(postgres_stores), settings(LONG, max_examples=1000))
