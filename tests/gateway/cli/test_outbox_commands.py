"""`postern outbox`: an operator lists outgoing mail and tries it again."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from typer.testing import CliRunner, Result

from gateway.cli.commands import app
from rules.mail import Mailbox
from rules.ticket.notices import NoticeState
from storage.db.database import Connection, Database
from storage.db.ledger import open_ledger
from storage.notices import direct, outbox, overview
from storage.registry import mailboxes
from tests.in_process import SUPPORT, enrolled_store
from tests.rules.building import NOON
from tests.stores import SqliteStores

WAITING, SENT, DEAD, ALSO_DEAD = (UUID(int=number) for number in range(1, 5))


@dataclass
class OutboxCommands:
    """A store with four invitations in their three states, and the command line on it."""

    url: str
    config: Path

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, ["outbox", *arguments, "--config", str(self.config)])

    def states(self) -> dict[UUID, NoticeState]:
        database = Database(self.url, connections=2)
        every = database.read(lambda c: overview.listing(c))
        database.close()
        return {each.id: each.state for each in every}


def fill(connection: Connection) -> None:
    mailbox: Mailbox = mailboxes.mailbox_named(connection, SUPPORT)
    for notice, name in zip((WAITING, SENT, DEAD, ALSO_DEAD), "abcd", strict=True):
        address = f"{name}@acme.example"
        direct.order_invitation(connection, mailbox, address, notice=notice, now=NOON)
    outbox.sent(connection, [SENT], NOON)
    for dead in (DEAD, ALSO_DEAD):
        outbox.give_up(connection, dead, "550 5.1.1 unknown \x1b[31m", hard=False, now=NOON)


@pytest.fixture
def commands(sqlite_stores: SqliteStores, tmp_path: Path) -> OutboxCommands:
    url = enrolled_store(sqlite_stores.new())
    database = Database(url, connections=2)
    ledger = open_ledger(database)
    ledger.submit(fill).result()
    ledger.close()
    database.close()
    config = tmp_path / "postern.toml"
    config.write_text(f'[store]\nurl = "{url}"\n')
    return OutboxCommands(url, config)


def test_the_list_shows_every_mail_and_counts_the_states(commands: OutboxCommands) -> None:
    done = commands.run("list")

    for address in ("a@acme.example", "b@acme.example", "c@acme.example", "d@acme.example"):
        assert address in done.output
    assert done.output.splitlines()[-1] == "1 due, 2 dead"


def test_the_list_can_show_only_dead_mails(commands: OutboxCommands) -> None:
    done = commands.run("list", "--dead")

    assert "c@acme.example" in done.output
    assert "a@acme.example" not in done.output
    assert "550 5.1.1 unknown" in done.output


def test_a_relays_reply_cannot_move_the_cursor(commands: OutboxCommands) -> None:
    assert "\x1b" not in commands.run("list").output + commands.run("show", str(DEAD)).output


def test_one_mail_is_shown_with_its_error(commands: OutboxCommands) -> None:
    output = commands.run("show", str(DEAD)).output

    assert "state     dead" in output
    assert "to        c@acme.example" in output
    assert "error     550 5.1.1 unknown" in output


def test_one_dead_mail_is_tried_again(commands: OutboxCommands) -> None:
    done = commands.run("retry", str(DEAD))

    assert (done.exit_code, done.output) == (0, "1 tried again\n")
    assert commands.states()[DEAD] is NoticeState.DUE
    assert commands.states()[ALSO_DEAD] is NoticeState.DEAD


def test_all_dead_mails_are_tried_again(commands: OutboxCommands) -> None:
    done = commands.run("retry", "--dead")

    assert (done.exit_code, done.output) == (0, "2 tried again\n")
    assert set(commands.states().values()) == {NoticeState.DUE, NoticeState.SENT}


def test_a_sent_mail_is_not_sent_again(commands: OutboxCommands) -> None:
    done = commands.run("retry", str(SENT), str(DEAD))

    assert done.exit_code == os.EX_DATAERR
    assert "1 tried again; 1 not, since only mails that are dead, or wait" in done.stderr
    assert commands.states()[SENT] is NoticeState.SENT


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("show", "nonsense"), os.EX_USAGE, "nonsense is not an id, or its beginning"),
        (("show", str(UUID(int=99))), os.EX_DATAERR, "`postern outbox list` shows"),
        (("retry",), os.EX_USAGE, "name ID … or --dead"),
        (("retry", str(DEAD), "--dead"), os.EX_USAGE, "name ID … or --dead"),
    ],
)
def test_wrong_usage_names_what_is_right(
    commands: OutboxCommands, arguments: tuple[str, ...], code: int, message: str
) -> None:
    done = commands.run(*arguments)

    assert done.exit_code == code
    assert message in done.stderr
