"""What is committed to the embedded store gets into its file without the writer's doing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from storage.db.checkpoints import COMMITS, Checkpoints

WORDS = b"It does not print."


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def engine(path: Path) -> Iterator[Engine]:
    """Its connections leave the log as it is; those in the pool keep SQLite from tidying up."""
    engine = create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA wal_autocheckpoint = 0")

    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE comment (text TEXT)")
    yield engine
    engine.dispose()


def commit(engine: Engine, times: int) -> None:
    for _ in range(times):
        with engine.begin() as connection:
            connection.exec_driver_sql("INSERT INTO comment VALUES (?)", (WORDS.decode(),))


def test_after_some_commits_they_are_in_the_file(engine: Engine, path: Path) -> None:
    checkpoints = Checkpoints(engine)

    commit(engine, COMMITS)
    checkpoints.close()

    assert WORDS in path.read_bytes()


def test_a_few_commits_are_left_to_the_log(engine: Engine, path: Path) -> None:
    checkpoints = Checkpoints(engine)

    commit(engine, COMMITS - 1)
    checkpoints.close()

    assert WORDS not in path.read_bytes()
    assert WORDS in path.with_name("store.db-wal").read_bytes()


def test_a_reader_holds_up_neither_the_writer_nor_the_end(engine: Engine) -> None:
    checkpoints = Checkpoints(engine)
    with engine.connect() as reader:
        reader.exec_driver_sql("BEGIN")
        reader.exec_driver_sql("SELECT count(*) FROM comment").scalar_one()

        commit(engine, 3 * COMMITS)
        checkpoints.close()

        assert reader.exec_driver_sql("SELECT count(*) FROM comment").scalar_one() == 0
