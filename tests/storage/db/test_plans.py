"""The cost of a mail stays flat: every lookup of the hot path uses an index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from storage.db.database import Database
from storage.db.statements import Statement
from storage.mail import facts, rates, room, traces
from storage.registry import lookup
from storage.ticket import load

IDS = 3


def _statements(module: ModuleType) -> Iterator[tuple[str, Statement]]:
    for name, value in vars(module).items():
        if isinstance(value, Statement):
            yield name, value
        elif hasattr(value, "cache_info") and name.isupper():
            yield name, value(IDS)


HOT = {
    f"{module.__name__}.{name}": statement
    for module in (facts, rates, room, traces, lookup, load)
    for name, statement in _statements(module)
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database(f"sqlite:///{Path(tmp_path_factory.mktemp('plans'))}/store.db")
    database.upgrade()
    yield database
    database.close()


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
