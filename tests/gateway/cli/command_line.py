"""The command line on one configuration, as an operator types it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from typer.testing import CliRunner

from gateway.cli.commands import app
from storage.db.database import Connection, Database
from storage.db.ledger import open_ledger
from tests import running
from tests.kept_logger import forget_logger

T = TypeVar("T")

WIDE = {"COLUMNS": "200"}
"""A terminal that cuts no line of ours."""

ANNS_MAIL = b"""\
From: Ann <ann@acme.example>
To: support@help.example
Subject: The lift is stuck
Message-ID: <lift@client.example>

Between two floors, since noon.
"""
BOBS_MAIL = b"""\
From: bob@acme.example
To: support@help.example
Subject: =?utf-8?q?=1B[31mRed_alert?=
Message-ID: <alert@client.example>

Everything blinks.
"""
EVES_MAIL = b"""\
From: eve@evil.example
To: support@help.example
Subject: Let me in
Message-ID: <door@evil.example>

Please.
"""


@dataclass(frozen=True)
class Output:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class CommandLine:
    """A configuration, the commands that work on it, and the store behind them."""

    config: Path
    store_url: str

    def run(self, *arguments: str) -> Output:
        """Run a command inside this process."""
        return run(*arguments, "--config", str(self.config))

    def run_real(self, *arguments: str, stdin: bytes | None = None) -> Output:
        """Run a command as a process of its own."""
        done = running.postern(*arguments, "--config", str(self.config), stdin=stdin)
        return Output(done.returncode, done.stdout, done.stderr)

    def pipe(self, mail: bytes, mail_from: str) -> Output:
        return self.run_real("pipe", "--peer", "127.0.0.1", "--mail-from", mail_from, stdin=mail)

    @contextmanager
    def opened(self) -> Iterator[Database]:
        database = Database(self.store_url)
        try:
            yield database
        finally:
            database.close()

    def read(self, query: Callable[[Connection], T]) -> T:
        with self.opened() as database:
            return database.read(query)

    def write(self, job: Callable[[Connection], T]) -> T:
        with self.opened() as database:
            ledger = open_ledger(database)
            try:
                return ledger.submit(job).result()
            finally:
                ledger.close()


def run(*arguments: str) -> Output:
    """Run a command without a configuration inside this process."""
    result = CliRunner().invoke(app, list(arguments), env=WIDE)
    forget_logger()
    unexpected = result.exception
    if unexpected is not None and not isinstance(unexpected, SystemExit):
        raise unexpected
    return Output(result.exit_code, result.stdout, result.stderr)


def command_line(folder: Path, store_url: str, extra: str = "") -> CommandLine:
    """The command line with a new configuration in a folder."""
    return CommandLine(running.write_config(folder, store_url, extra), store_url)


@dataclass(frozen=True)
class Filed:
    """The demo after some mails through `postern pipe`, and how each command ended."""

    demo: CommandLine
    opened: Output
    repeated: Output
    refused: Output
    coloured: Output

    @property
    def journal_id(self) -> str:
        """Of the mail that opened the first ticket."""
        return self.opened.err.split()[2]
