"""The full store has rows for every list that is measured in it."""

from __future__ import annotations

import pytest

from gateway import clock
from storage.db.database import Database
from tests.bench import full_store
from tests.storage.db.listings import BY_OTHER_ORDERS, LISTS

EMPTY = frozenset({"those of them of a status", "those of a status that none has"})


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_every_list_finds_something_in_a_full_store(
    kind: str, request: pytest.FixtureRequest
) -> None:
    database = Database(request.getfixturevalue(f"{kind}_stores").new())
    full_store.fill(database, 2_000, clock.now())
    lists = {name: listing for name, (listing, _) in LISTS.items()} | dict(BY_OTHER_ORDERS)
    found = {name: database.read(listing) for name, listing in lists.items()}
    database.close()

    assert {name for name, result in found.items() if not _size(result)} == EMPTY


def _size(result: object) -> object:
    for name in ("tickets", "lines", "number", "open", "by_time"):
        result = getattr(result, name, result)
    return any(result.values()) if isinstance(result, dict) else result
