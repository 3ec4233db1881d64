"""The space that an embedded store no longer uses: given back to the file system, in small steps.

Deleted rows leave free pages, which later rows use. What is beyond `SPARE_PAGES` is given back.
PostgreSQL does the same by itself (autovacuum).
"""

from __future__ import annotations

import fcntl
from typing import Any

from sqlalchemy import Connection

from storage.db.database import Database

SPARE_PAGES = 1024
"""So many free pages stay for the next mails: 4 MiB."""
PAGES_AT_ONCE = 128
"""Half a MiB: a step takes a few milliseconds, and mail is filed between two steps."""


def spare_pages(connection: Connection) -> int:
    """How many free pages can be given back; 0 on PostgreSQL and in a file of an old store, which
    `compact` must convert first."""
    if connection.dialect.name != "sqlite" or _pragma(connection, "auto_vacuum") != 2:
        return 0
    return max(0, _pragma(connection, "freelist_count") - SPARE_PAGES)


def give_back(connection: Connection) -> int:
    """One step in a transaction; returns how many free pages remain to be given back."""
    driver: Any = connection.connection.driver_connection
    for _ in range(min(PAGES_AT_ONCE, spare_pages(connection))):
        # With a number it would stop after the first page too: each page is a row of the result,
        # and sqlite3 reads no further in a result without columns.
        driver.execute("PRAGMA incremental_vacuum(1)")
    return spare_pages(connection)


def compact(database: Database) -> None:
    """Write an embedded store anew without its free space, and let it give space back from now on.

    Mail waits for as long as it takes, and it needs as much free space as the store has.
    """
    if not database.is_sqlite or database.lock_file is None:
        return
    with database.lock_file.open("ab") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # released when the file is closed
        with database.engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.execute("PRAGMA auto_vacuum = INCREMENTAL")  # an old file takes it here
            driver.execute("VACUUM")
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _pragma(connection: Connection, name: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
