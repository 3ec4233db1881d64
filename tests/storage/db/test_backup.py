"""A copy of a store that is written to meanwhile: whole, and readable by its owner only."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import insert

from storage.db.backup import back_up
from storage.db.database import Connection, Database
from storage.db.ledger import Ledger, open_ledger
from storage.db.tables import MailboxRow, table
from storage.registry.mailboxes import list_mailboxes
from tests.stores import SqliteStores

_mailbox = table(MailboxRow)


@pytest.fixture
def served(sqlite_stores: SqliteStores) -> Iterator[tuple[Database, Ledger]]:
    database = Database(sqlite_stores.new())
    ledger = open_ledger(database)
    yield database, ledger
    ledger.close()
    database.close()


def add(connection: Connection, number: int) -> None:
    row = {"address": f"m{number}@help.example", "policy": "default", "active": True}
    connection.execute(insert(_mailbox), row)


def count(path: Path) -> int:
    database = Database(f"sqlite:///{path}")
    try:
        database.check_version()
        return len(database.read(list_mailboxes))
    finally:
        database.close()


def test_it_has_all_that_was_committed_before(
    served: tuple[Database, Ledger], tmp_path: Path
) -> None:
    """Most of it is still in the log, where a copy of the file alone would miss it."""
    database, ledger = served
    for number in range(20):
        ledger.submit(partial(add, number=number)).result()
    later = [ledger.submit(partial(add, number=number)) for number in range(20, 60)]

    size = back_up(database, tmp_path / "copy.db")

    for each in later:
        each.result()
    assert count(tmp_path / "copy.db") >= 20
    assert size == (tmp_path / "copy.db").stat().st_size


def test_only_its_owner_can_read_it(served: tuple[Database, Ledger], tmp_path: Path) -> None:
    back_up(served[0], tmp_path / "copy.db")

    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600


def test_no_file_is_overwritten(served: tuple[Database, Ledger], tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("precious")

    with pytest.raises(FileExistsError):
        back_up(served[0], tmp_path / "copy.db")

    assert (tmp_path / "copy.db").read_text() == "precious"


def test_a_copy_that_cannot_be_written_leaves_nothing(
    served: tuple[Database, Ledger], tmp_path: Path
) -> None:
    with pytest.raises(OSError, match="No such file"):
        back_up(served[0], tmp_path / "missing" / "copy.db")

    assert list(tmp_path.iterdir()) == []
