"""What all commands share: the configuration, the store, and how errors end a command."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import typer

from gateway.cli.expected_errors import described
from gateway.cli.terminal import say_error
from gateway.config import model as configuration
from gateway.config.model import CONFIG_VARIABLE, Config
from storage.db.database import Connection, Database
from storage.db.ledger import open_ledger

T = TypeVar("T")

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar=CONFIG_VARIABLE,
        help="The configuration file. Default: ./postern.toml, if it exists.",
        show_default=False,
    ),
]
MailboxOption = Annotated[
    str | None, typer.Option(help="The mailbox; required if there are several.")
]


def fail(code: int, message: str) -> NoReturn:
    """Print an error and end the command with an exit code of sysexits.h."""
    say_error(f"postern: {message}")
    raise typer.Exit(code)


@contextmanager
def exit_on_error() -> Iterator[None]:
    """Turns each expected error into one clear message and an exit code of sysexits.h."""
    try:
        yield
    except typer.Exit:
        raise
    except Exception as error:
        if (expected := described(error)) is None:
            raise
        fail(*expected)


def account() -> str:
    """The account that runs the command, for the audit trail; `uid N` if it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # in a container the account may have no name
        return f"uid {os.getuid()}"


def load_config(path: Path | None) -> Config:
    return configuration.load(path)


def read(path: Path | None, query: Callable[[Connection], T]) -> T:
    """Run a query on the configured store."""
    with exit_on_error(), opened(path) as database:
        return database.read(query)


def write(path: Path | None, job: Callable[[Connection], T]) -> T:
    """Run a job on the configured store, all or nothing."""
    with exit_on_error(), opened(path) as database:
        ledger = open_ledger(database)
        try:
            return ledger.submit(job).result()
        finally:
            ledger.close()


@contextmanager
def opened(path: Path | None) -> Iterator[Database]:
    """The configured store, closed at the end; raises NotUpgraded if it has another version."""
    config = load_config(path)
    database = Database(config.store.url, connections=2)
    try:
        database.check_version()
        yield database
    finally:
        database.close()
