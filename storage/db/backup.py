"""A copy of SQLite's store while it is served: its file alone misses what is still in its log."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from storage.db.database import Database


def back_up(database: Database, to: Path) -> int:
    """Write a copy as of one moment, readable by its owner only; returns its size in bytes.

    The server goes on meanwhile. Raises FileExistsError, and OSError or sqlite3.Error where it
    cannot be written; then no file is left.
    """
    store = database.engine.url.database
    assert database.is_sqlite
    assert store is not None
    if to.exists():
        raise FileExistsError(f"{to} exists")
    partial = to.with_name(f"{to.name}.partial")
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with closing(sqlite3.connect(store)) as connection:
            connection.execute("VACUUM INTO ?", (str(partial),))
        _sync(partial)
        partial.rename(to)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _sync(to.parent)
    return to.stat().st_size


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
