"""`postern init`, `db` and `key`: a store is created, upgraded and given keys."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url

from rules.sender.tokens import is_loop_mark, loop_mark
from storage.registry import api_tokens, signing_keys
from storage.registry.api_tokens import ApiToken
from tests.gateway.cli.command_line import (
    CommandLine,
    Output,
    command_line,
    run,
)
from tests.stores import PostgresStores


def test_init_creates_the_store_and_a_second_init_finds_it(no_store: CommandLine) -> None:
    first, second = no_store.run("init"), no_store.run("init")

    assert (first.code, first.out) == (0, f"The store is ready: {no_store.store_url}\n")
    assert (second.code, second.out) == (0, f"The store is up to date: {no_store.store_url}\n")


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = command_line(tmp_path, f"sqlite:///{tmp_path}/file/store.db").run("init")

    assert done.code == os.EX_CANTCREAT
    assert done.err == (
        f"postern: the folder {tmp_path}/file cannot be made: File exists (see store.url)\n"
    )


def test_a_variable_names_the_configuration(
    no_store: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTERN_CONFIG", str(no_store.config))

    assert run("init").out == f"The store is ready: {no_store.store_url}\n"


def test_the_demo_shows_its_token_once(no_store: CommandLine) -> None:
    first, second = no_store.run("init", "--demo"), no_store.run("init", "--demo")

    found = re.search(r"shown only once: ([\w-]{40,})$", first.out, re.MULTILINE)
    assert found is not None
    with no_store.opened() as database:
        token = database.read(lambda c: api_tokens.find_api_token(c, found[1]))
    assert token == ApiToken("demo", "mails")
    assert (second.code, len(second.out.splitlines())) == (0, 1)


def test_the_demo_registers_its_people(demo: CommandLine) -> None:
    assert demo.run("mailbox", "list").out == "support@help.example  default\n"
    assert re.findall(r"\S+@\S+", demo.run("user", "list").out) == [
        "ann@acme.example",
        "bob@acme.example",
        "gil@globex.example",
    ]
    assert re.findall(r"\S+@\S+", demo.run("staff", "list").out) == ["sam@help.example"]


def test_the_password_of_the_store_is_never_shown(
    tmp_path: Path, postgres_stores: PostgresStores
) -> None:
    with_password = re.sub(r"//(\w+):?\w*@", r"//\1:sesame@", postgres_stores.empty())
    assert ":sesame@" in with_password
    line = command_line(tmp_path, with_password)

    for done in (line.run("init"), line.run("db", "upgrade")):
        assert done.code == 0
        assert "sesame" not in done.out + done.err


def test_db_upgrade_twice_changes_nothing(no_store: CommandLine) -> None:
    done = f"The store is up to date: {no_store.store_url}\n"

    assert no_store.run("db", "upgrade") == Output(0, done, "")
    assert no_store.run("db", "upgrade") == Output(0, done, "")


@pytest.mark.parametrize("command", ["tickets", "held list", "tail", "mailbox list"])
def test_a_command_that_reads_does_not_wait_for_a_writer(demo: CommandLine, command: str) -> None:
    """The writer is in the middle of its transaction until the command has ended."""
    path = make_url(demo.store_url).database
    assert path is not None
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE mailbox SET policy = 'another'")
        done = demo.run_real(*command.split())
        writer.execute("ROLLBACK")
    assert (done.code, done.err) == (0, "")


def test_a_store_that_does_not_exist_is_a_configuration_error(no_store: CommandLine) -> None:
    done = no_store.run("tickets")

    assert done.code == os.EX_CONFIG
    assert f"no store exists at sqlite:///{no_store.config.parent}/store.db" in done.err
    assert "run `postern init`" in done.err


def test_a_broken_store_is_unavailable(no_store: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"this is no database " * 100)

    done = no_store.run("tickets")

    assert done.code == os.EX_UNAVAILABLE
    assert (
        done.err == "postern: the store does not answer: file is not a database (see store.url)\n"
    )


def test_a_new_key_signs_and_the_older_one_still_verifies(demo: CommandLine) -> None:
    with demo.opened() as database:
        before = database.read(signing_keys.load_keys)
        token = loop_mark(before)

        done = demo.run("key", "add")

        assert done == Output(0, "Key 2 signs from now on. Older keys still verify.\n", "")
        after = database.read(signing_keys.load_keys)
    assert loop_mark(after) != token
    assert is_loop_mark(after, token)
    listed = [line.split() for line in demo.run("key", "list").out.splitlines()[1:]]
    assert [(line[0], line[3:]) for line in listed] == [("1", ["verifies"]), ("2", ["signs"])]


def test_compact_rewrites_a_store_and_keeps_its_rows(demo: CommandLine) -> None:
    done = demo.run("db", "compact")

    assert (done.code, done.out) == (0, f"The store is compact: {demo.store_url}\n")
    assert demo.run("mailbox", "list").out == "support@help.example  default\n"
    with demo.opened() as database:
        assert database.read(lambda c: c.exec_driver_sql("PRAGMA auto_vacuum").scalar_one()) == 2


def test_postgres_needs_no_compacting(tmp_path: Path, postgres_stores: PostgresStores) -> None:
    store = command_line(tmp_path, postgres_stores.new())

    done = store.run("db", "compact")

    assert done.code == os.EX_USAGE
    assert "VACUUM FULL" in done.err
