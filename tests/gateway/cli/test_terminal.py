"""Whatever strangers wrote, no command hands it to the terminal as it is."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from gateway.cli.commands import ENTRIES
from gateway.cli.listed import loaded
from gateway.cli.terminal import SafeConsole
from tests.gateway.cli.command_line import CommandLine

HOSTILE = (
    "\x1b]8;;https://evil.example\x07\x1b[2J\x9b31m[link=https://evil.example]A[/link][/red]"
    "\u202e\u2028\u200b\u2066\r\n#1faked\t\x7f\U000e0041"
)
STORED = {
    "ticket": ("subject", "requester", "severity", "severity_claimed", "assignee", "tier"),
    "participant": ("address",),
    "comment": ("author", "text", "degraded", "proof"),
    "attachment": ("name", "content_type"),
    "audit": ("actor", "reason"),
    "journal": ("helo", "mail_from", "rcpt_tos", "author", "subject", "message_id", "reply"),
    "notice": ("address", "last_error"),
    "bounced": ("address", "why"),
    "person": ("address", "name"),
    "company": ("name", "account_team", "success_manager", "channel"),
    "company_domain": ("domain",),
    "api_token": ("name",),
    "saved_reply": ("text",),
}
"""Every column with a text of strangers, or of somebody who copied it from them."""
WALKED = (
    "tail",
    "tail --json",
    "refusals",
    "explain JOURNAL",
    "explain JOURNAL --json",
    "ticket 1",
    "tickets",
    "tickets list",
    "tickets show 1",
    "held list",
    "held show HELD",
    "outbox list",
    "outbox show NOTICE",
    "suppression list",
    "mailbox list",
    "company list",
    "company show COMPANY",
    "user list",
    "staff list",
    "token list",
    "macros list",
    "macros show MACRO",
    "key list",
    "console list",
    "policy list",
)
OF_FILES = (
    "check",
    "db backup",
    "doctor",
    "policy show",
    "policy explain",
    "policy validate",
    "policy backtest",
)
"""What they print comes from files of the operator, or is tested with its own command."""
CHANGING = re.compile(
    "serve|init|pipe|add|invite|remove|set|release|discard|retry|new|deactivate|activate|policy|tier"
    "|team|manager|channel|language|notices|import|compact|upgrade|lists|updates|reload"
)


@pytest.fixture
def hostile(demo: CommandLine) -> CommandLine:
    """The demo with a ticket, a held mail and an outgoing one, all of whose texts are hostile."""
    mail = b"From: %b\r\nTo: support@help.example\r\nSubject: x\r\n\r\nHello\r\n"
    assert demo.pipe(mail % b"ann@acme.example", "ann@acme.example").code == 0
    assert demo.pipe(mail % b"new@acme.example", "new@acme.example").code == 0
    assert demo.run("token", "add", "portal").code == 0
    assert demo.run("macros", "set", "hi", "Hello").code == 0
    assert demo.run("tickets", "set", "1", "--status", "pending", "--why", "x").code == 0
    with demo.opened() as database, database.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO bounced (mailbox_id, address, hard, why, suspended_at, last_at)"
            " SELECT 1, 'x', 2, 'x', at, at FROM audit LIMIT 1"
        )
        connection.exec_driver_sql(
            "UPDATE ticket SET fields = ?, missing = ?",
            (json.dumps({HOSTILE: HOSTILE}), json.dumps([HOSTILE])),
        )
        trace = json.dumps([[HOSTILE, HOSTILE, HOSTILE]])
        connection.exec_driver_sql("UPDATE journal SET trace = ?", (trace,))
        for table, columns in STORED.items():
            for column in columns:
                connection.exec_driver_sql(f"UPDATE {table} SET {column} = ? || rowid", (HOSTILE,))
    return demo


def test_no_command_prints_a_stored_text_as_it_is(hostile: CommandLine) -> None:
    for command in WALKED:
        done = hostile.run(*arguments(hostile, command))

        assert done.code == 0, (command, done.err)
        assert unsafe_in(done.out + done.err) == set(), command
        assert "\n#1faked" not in done.out, command
        if "--json" in command:
            assert all(json.loads(line) for line in done.out.splitlines())


def test_an_error_that_quotes_a_text_escapes_it(hostile: CommandLine) -> None:
    for command in (("outbox", "show"), ("user", "deactivate"), ("company", "show")):
        done = hostile.run(*command, HOSTILE)

        assert done.code != 0
        assert unsafe_in(done.out + done.err) == set(), command


def test_the_doctor_escapes_what_a_mail_says(demo: CommandLine, tmp_path: Path) -> None:
    hostile = HOSTILE.replace("\n", "").encode("utf-8", "replace")
    names = (b"Received", b"X-Original-From", b"List-Id", b"Authentication-Results", b"Subject")
    fields = b"".join(name + b": " + hostile + b"\r\n" for name in names)
    mail = tmp_path / "hostile.eml"
    mail.write_bytes(fields + b"From: Ann " + hostile + b" <ann@acme.example>\r\n\r\nHello\r\n")

    done = demo.run("doctor", "--mail", str(mail), "--rcpt", "support@help.example")

    assert "support@help.example" in done.out
    assert unsafe_in(done.out + done.err) == set()


def test_every_command_that_reads_the_store_is_walked() -> None:
    walked = {re.sub(r" [A-Z0-9]+| --json", "", command) for command in WALKED}
    reading = {
        name
        for name in commands()
        if name not in OF_FILES and not CHANGING.fullmatch(name.split()[-1])
    }

    assert reading <= walked


def test_only_one_module_writes_to_the_terminal() -> None:
    folder = Path(__file__).parents[3] / "gateway" / "cli"
    writes = re.compile(r"(?<![\w.'{])print\((?!s\.)|sys\.stdout|typer\.echo|Console\(|\.secho")

    found = [p.name for p in folder.glob("*.py") if writes.search(p.read_text(encoding="utf-8"))]

    assert found == ["terminal.py"]


def test_the_console_escapes_whatever_it_is_given() -> None:
    console = SafeConsole(force_terminal=True, width=400, markup=False, emoji=False)
    table = Table(HOSTILE)
    table.add_row(HOSTILE, Text(HOSTILE))
    with console.capture() as captured:
        console.print(HOSTILE, Text(HOSTILE, style="bold"), table)

    shown = re.sub(r"\x1b\[[0-9;]*m", "", captured.get())
    assert unsafe_in(shown) == set()
    assert "[link=https://evil.example]A[/link]" in shown


def unsafe_in(text: str) -> set[str]:
    return {c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")}


def arguments(line: CommandLine, command: str) -> list[str]:
    """The words of a command, with the ids of what is in the store."""
    found = {
        "JOURNAL": "SELECT id FROM journal WHERE ticket_id = 1",
        "HELD": "SELECT journal_id FROM mail WHERE state = 'held'",
        "NOTICE": "SELECT id FROM notice",
        "COMPANY": "SELECT name FROM company WHERE id = 1",
        "MACRO": "SELECT name FROM saved_reply",
    }

    def read(word: str) -> str:
        if word not in found:
            return word
        query = found[word]
        value = line.read(lambda c: c.exec_driver_sql(query).scalar())
        return str(value)

    return [read(word) for word in command.split()]


def commands() -> Iterator[str]:
    """Every command, with the names of its groups."""

    def walk(command: object, names: tuple[str, ...]) -> Iterator[str]:
        inner = getattr(command, "commands", None)
        if inner is None:
            yield " ".join(names)
            return
        for name, each in inner.items():
            yield from walk(each, (*names, name))

    for entry in ENTRIES:
        yield from walk(loaded(entry), (entry.name,))
