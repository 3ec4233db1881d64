"""Commits to the embedded store reach its file without the writer's help."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from storage.db.checkpoints import COMMITS, Checkpoints

TEXT = b"It does not print."


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def engine(path: Path) -> Iterator[Engine]:
    """An engine whose connections leave the log alone; pooled ones keep SQLite from removing it."""
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
            connection.exec_driver_sql("INSERT INTO comment VALUES (?)", (TEXT.decode(),))


def test_after_a_number_of_commits_they_are_in_the_file(engine: Engine, path: Path) -> None:
    checkpoints = Checkpoints(engine)

    commit(engine, COMMITS)
    checkpoints.close()

    assert TEXT in path.read_bytes()


def test_a_few_commits_stay_in_the_log(engine: Engine, path: Path) -> None:
    checkpoints = Checkpoints(engine)

    commit(engine, COMMITS - 1)
    checkpoints.close()

    assert TEXT not in path.read_bytes()
    assert TEXT in path.with_name("store.db-wal").read_bytes()


def test_a_reader_blocks_neither_the_writer_nor_the_close(engine: Engine) -> None:
    checkpoints = Checkpoints(engine)
    with engine.connect() as reader:
        reader.exec_driver_sql("BEGIN")
        reader.exec_driver_sql("SELECT count(*) FROM comment").scalar_one()

        commit(engine, 3 * COMMITS)
        checkpoints.close()

        assert reader.exec_driver_sql("SELECT count(*) FROM comment").scalar_one() == 0
