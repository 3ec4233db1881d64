"""Strangers at two listeners: one faces the world, the other is behind a relay."""

from __future__ import annotations

import os
import smtplib
from collections.abc import Iterator

import pytest

from gateway.config.model import load
from storage.db.database import Database
from storage.mail import journal
from tests.acceptance.support_server import SUPPORT, a_mail, free_port
from tests.running import Postern, initialised, serving, write_config
from tests.stores import SqliteStores

STRANGER = "eve@elsewhere.example"


@pytest.fixture(scope="module")
def lmtp() -> int:
    return free_port()


@pytest.fixture(scope="module")
def running(
    sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory, lmtp: int
) -> Iterator[Postern]:
    """SMTP takes mail from the world, LMTP from our own MTA, which would bounce refused mail."""
    listener = f'[lmtp]\nlisten = "127.0.0.1:{lmtp}"\nstrangers = "hold"\n'
    limits = "[limits]\nrefusal_s = 0.1\n"
    folder = tmp_path_factory.mktemp("strangers")
    config = write_config(folder, sqlite_stores.new(), listener + limits)
    initialised(config, "--demo")
    with serving(config) as server:
        yield server


def last_reason(running: Postern) -> str:
    """The reason in the journal for the last mail."""
    database = Database(load(running.config).store.url)
    try:
        (last,) = database.read(lambda c: journal.newest(c, journal.JournalFilter(), 1))
    finally:
        database.close()
    return str(last.reason)


def test_a_listener_without_a_setting_refuses_strangers_by_the_policy(running: Postern) -> None:
    code, _ = running.send(a_mail(STRANGER), STRANGER, SUPPORT)

    assert (code, last_reason(running)) == (550, "stranger")


def test_a_listener_that_holds_strangers_accepts_their_mail(running: Postern, lmtp: int) -> None:
    with smtplib.LMTP("127.0.0.1", lmtp, timeout=30) as client:
        assert client.sendmail(STRANGER, [SUPPORT], a_mail(STRANGER)) == {}

    assert last_reason(running) == "stranger_relayed"
    assert STRANGER in running.run("held", "list").stdout


@pytest.mark.parametrize(
    ("options", "code", "expected"),
    [
        ((), os.EX_NOPERM, "stranger"),
        (("--strangers", "refuse"), os.EX_NOPERM, "stranger"),
        (("--strangers", "hold"), os.EX_OK, "stranger_relayed"),
    ],
)
def test_an_option_of_pipe_decides_what_happens_to_strangers(
    running: Postern, options: tuple[str, ...], code: int, expected: str
) -> None:
    done = running.run("pipe", "--mail-from", STRANGER, *options, stdin=a_mail(STRANGER))

    assert (done.returncode, last_reason(running)) == (code, expected)
