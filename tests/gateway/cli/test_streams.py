"""Commands in surroundings that lack something: characters, a stream, room for a number."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import preloaded
from tests.gateway.cli.command_line import ANNS_MAIL, CommandLine, command_line
from tests.stores import PostgresStores

ARROW = "The lift → the roof"


def in_a_shell(
    demo: CommandLine, command: str, stdin: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Run a command as a shell does; `command` may close its streams."""
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" -m gateway {command}', sys.executable],
        input=stdin,
        capture_output=True,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
        cwd=demo.config.parent,
    )


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_the_words_of_a_stranger_end_no_command_on_a_terminal_without_their_letters(
    demo: CommandLine, encoding: str
) -> None:
    demo.pipe(ANNS_MAIL.replace(b"The lift is stuck", ARROW.encode()), "ann@acme.example")

    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    for command in ("tickets", "ticket 1", "tail", "tail --json"):
        arguments = [*command.split(), "--config", str(demo.config)]
        done = preloaded.finished(arguments, environment, b"", timeout_s=120)
        assert (done.returncode, rb"The lift \u2192 the roof" in done.stdout) == (0, True), command


def test_nor_does_it_end_a_command_that_a_shell_has_started(demo: CommandLine) -> None:
    demo.pipe(ANNS_MAIL.replace(b"The lift is stuck", ARROW.encode()), "ann@acme.example")

    done = in_a_shell(demo, "tickets", PYTHONIOENCODING="latin-1")

    assert (done.returncode, rb"The lift \u2192 the roof" in done.stdout) == (0, True)


def test_a_mail_is_taken_although_the_mta_has_closed_what_we_write_to(demo: CommandLine) -> None:
    options = "--peer 127.0.0.1 --mail-from ann@acme.example"

    closed = in_a_shell(demo, f"pipe {options} >&- 2>&-", ANNS_MAIL)

    assert closed.returncode == 0
    assert "The lift is stuck" in demo.run("tickets").out


def test_without_a_standard_input_there_is_no_mail(demo: CommandLine) -> None:
    done = in_a_shell(demo, "pipe --peer 127.0.0.1 <&-")

    assert (done.returncode, b"nothing on standard input" in done.stderr) == (os.EX_DATAERR, True)


@pytest.mark.parametrize(
    "command",
    [
        "ticket 99999999999999999999",
        "tickets -n 99999999999999999999",
        "tickets set 99999999999999999999 --status open",
        "outbox list --ticket 99999999999999999999",
        "tail -n 99999999999999999999",
    ],
)
def test_a_number_that_the_store_cannot_hold_is_wrong_usage(
    demo: CommandLine, command: str
) -> None:
    done = demo.run(*command.split())

    assert done.code == os.EX_USAGE
    assert "a number is larger than the store can hold" in done.err


def test_it_is_so_on_postgresql_too(tmp_path: Path, postgres_stores: PostgresStores) -> None:
    done = command_line(tmp_path, postgres_stores.new()).run("ticket", "99999999999999999999")

    assert (done.code, "larger than the store can hold" in done.err) == (os.EX_USAGE, True)


@pytest.mark.parametrize("command", ["token remove", "company add"])
def test_an_argument_that_is_not_utf_8_is_wrong_usage(demo: CommandLine, command: str) -> None:
    done = demo.run(*command.split(), "a\udcff")

    assert (done.code, r"'a\udcff' is not UTF-8" in done.err) == (os.EX_USAGE, True)


def test_a_status_that_does_not_exist_is_wrong_usage(demo: CommandLine) -> None:
    done = demo.run("tickets", "--status", "opne")

    assert (done.code, "'open', 'pending', 'resolved', 'closed'" in done.err) == (2, True)


def test_what_an_interrupted_backup_left_is_named(demo: CommandLine, tmp_path: Path) -> None:
    partial = tmp_path / "copy.db.partial"
    partial.touch()

    done = demo.run("db", "backup", str(tmp_path / "copy.db"))

    assert done.code == os.EX_CANTCREAT
    assert f"{partial}: a backup that is running, or was interrupted, has left it" in done.err
