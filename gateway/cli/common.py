"""What all commands share: the store they work on, exit codes, and how they fail."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from gateway.config import model as configuration
from gateway.config.model import Config
from rules.validation.messages import InvalidFile
from storage.db.database import Connection, Database, NotUpgraded, StoreDown
from storage.db.ledger import Conflict, open_ledger
from storage.registry.errors import AlreadyExists, ImportRefused, InvalidValue, NotFound
from storage.ticket.changes import ChangeRefused

T = TypeVar("T")

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="The configuration file; ./postern.toml where there is one and none is named.",
        show_default=False,
    ),
]
MailboxOption = Annotated[
    str | None,
    typer.Option(help="The mailbox it belongs to; not needed where there is one only."),
]

WIDE = 1000
"""Columns of what is no terminal: a table that another program reads is never cut."""

console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDE)


def fail(code: int, message: str) -> NoReturn:
    """Say what is wrong and leave with an exit code of sysexits.h."""
    print(f"postern: {message}", file=sys.stderr)  # noqa: T201 - a command talks to its user
    raise typer.Exit(code)


@contextmanager
def failing_well() -> Iterator[None]:
    """Turns what is expected to go wrong into one clear message and a sysexits code."""
    try:
        yield
    except ImportRefused as error:
        fail(os.EX_DATAERR, str(error))
    except InvalidFile as error:
        fail(os.EX_CONFIG, str(error))
    except NotUpgraded as error:
        fail(os.EX_CONFIG, str(error))
    except (NotFound, AlreadyExists, InvalidValue, ChangeRefused) as error:
        fail(os.EX_DATAERR, str(error))
    except Conflict as error:
        fail(os.EX_TEMPFAIL, f"somebody else was first: {error}")
    except StoreDown as error:
        cause = getattr(error, "orig", None) or error  # SQLAlchemy adds a link to its manual
        fail(os.EX_UNAVAILABLE, f"the store does not answer: {cause} (see store.url)")


def account() -> str:
    """Who types, for the audit trail; in a container the user may have a number and no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def columns(*names: str) -> Table:
    """A table without lines."""
    table = Table(box=None, pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    return table


def load_config(path: Path | None) -> Config:
    return configuration.load(path)


def read(path: Path | None, query: Callable[[Connection], T]) -> T:
    """Run a query on the configured store."""
    with failing_well(), _database(path) as database:
        return database.read(query)


def write(path: Path | None, job: Callable[[Connection], T]) -> T:
    """Run a job on the configured store, all or nothing."""
    with failing_well(), _database(path) as database:
        ledger = open_ledger(database)
        try:
            return ledger.submit(job).result()
        finally:
            ledger.close()


@contextmanager
def _database(path: Path | None) -> Iterator[Database]:
    config = load_config(path)
    database = Database(config.store.url, connections=2)
    try:
        database.check_version()
        yield database
    finally:
        database.close()
