"""The command line, each command as an operator types it, on a real SQLite store.

Most run inside this process, which is fast; those that start the machinery of the gateway (`pipe`,
`check`, `tail -f`) run as the real command.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from gateway.cli.main import app
from rules.sender.tokens import is_loop_mark, loop_mark
from storage.db.database import Database
from storage.mail import journal
from storage.mail.journal import JournalFilter
from storage.registry import api_tokens, signing_keys
from storage.ticket import read
from tests import running
from tests.stores import PostgresStores, SqliteStores

EVERYTHING = JournalFilter()
USAGE = 64
"""EX_USAGE of sysexits.h, as `postern --help` promises."""

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
class Said:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Desk:
    """A configuration, with the commands that work on it."""

    config: Path
    store_url: str

    def run(self, *arguments: str) -> Said:
        """A command inside this process."""
        result = CliRunner().invoke(app, [*arguments, "--config", str(self.config)])
        unexpected = result.exception
        if unexpected is not None and not isinstance(unexpected, SystemExit):
            raise unexpected
        return Said(result.exit_code, result.stdout, result.stderr)

    def run_real(self, *arguments: str, stdin: bytes | None = None) -> Said:
        """A command as a process of its own."""
        done = running.postern(*arguments, "--config", str(self.config), stdin=stdin)
        return Said(done.returncode, done.stdout, done.stderr)

    def pipe(self, mail: bytes, mail_from: str) -> Said:
        return self.run_real("pipe", "--mail-from", mail_from, stdin=mail)

    @contextmanager
    def opened(self) -> Iterator[Database]:
        database = Database(self.store_url)
        try:
            yield database
        finally:
            database.close()


def a_desk(folder: Path, store_url: str) -> Desk:
    return Desk(running.write_config(folder, store_url), store_url)


@pytest.fixture
def empty(tmp_path: Path) -> Desk:
    """A configuration whose store does not exist yet."""
    return a_desk(tmp_path, f"sqlite:///{tmp_path}/store.db")


@pytest.fixture
def desk(tmp_path: Path, sqlite_stores: SqliteStores) -> Desk:
    """The demo, with nothing filed yet."""
    made = a_desk(tmp_path, sqlite_stores.new())
    assert made.run("init", "--demo").code == 0
    return made


@dataclass(frozen=True)
class Filed:
    """A desk that has taken some mails through `postern pipe`, and how each command ended."""

    desk: Desk
    opened: Said
    repeated: Said
    refused: Said
    coloured: Said

    @property
    def journal_id(self) -> str:
        """Of the mail that opened the first ticket."""
        return self.opened.err.split()[2]


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory, sqlite_stores: SqliteStores) -> Filed:
    desk = a_desk(tmp_path_factory.mktemp("filed"), sqlite_stores.new())
    assert desk.run("init", "--demo").code == 0
    return Filed(
        desk,
        opened=desk.pipe(ANNS_MAIL, "ann@acme.example"),
        repeated=desk.pipe(ANNS_MAIL, "ann@acme.example"),
        refused=desk.pipe(EVES_MAIL, "eve@evil.example"),
        coloured=desk.pipe(BOBS_MAIL, "bob@acme.example"),
    )


# init


def test_init_makes_the_store_and_a_second_init_finds_it(empty: Desk) -> None:
    first, second = empty.run("init"), empty.run("init")

    assert (first.code, first.out) == (0, f"The store is ready: {empty.store_url}\n")
    assert (second.code, second.out) == (0, f"The store is up to date: {empty.store_url}\n")


def test_the_demo_shows_its_token_once(empty: Desk) -> None:
    first, second = empty.run("init", "--demo"), empty.run("init", "--demo")

    found = re.search(r"shown this once: ([\w-]{40,})$", first.out, re.MULTILINE)
    assert found is not None
    with empty.opened() as database:
        assert database.read(lambda c: api_tokens.api_token_scope(c, found[1])) == "mails"
    assert (second.code, len(second.out.splitlines())) == (0, 1)


def test_the_demo_enrols_its_people(desk: Desk) -> None:
    assert desk.run("mailbox", "list").out == "support@help.example  default\n"
    assert re.findall(r"\S+@\S+", desk.run("user", "list").out) == [
        "ann@acme.example",
        "bob@acme.example",
        "gil@globex.example",
    ]
    assert re.findall(r"\S+@\S+", desk.run("staff", "list").out) == ["sam@help.example"]


def test_the_password_of_the_store_is_never_shown(
    tmp_path: Path, postgres_stores: PostgresStores
) -> None:
    with_password = re.sub(r"//(\w+):?\w*@", r"//\1:sesame@", postgres_stores.empty())
    assert ":sesame@" in with_password
    desk = a_desk(tmp_path, with_password)

    for said in (desk.run("init"), desk.run("db", "upgrade")):
        assert said.code == 0
        assert "sesame" not in said.out + said.err


def test_db_upgrade_twice_changes_nothing(empty: Desk) -> None:
    said = f"The store is up to date: {empty.store_url}\n"

    assert empty.run("db", "upgrade") == Said(0, said, "")
    assert empty.run("db", "upgrade") == Said(0, said, "")


def test_a_store_that_was_never_made_is_a_matter_of_configuration(empty: Desk) -> None:
    said = empty.run("tickets")

    assert said.code == os.EX_CONFIG
    assert f"there is no store yet at sqlite:///{empty.config.parent}/store.db" in said.err
    assert "run `postern init`" in said.err


def test_a_broken_store_is_unavailable(empty: Desk, tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"this is no database " * 100)

    said = empty.run("tickets")

    assert said.code == os.EX_UNAVAILABLE
    assert (
        said.err == "postern: the store does not answer: file is not a database (see store.url)\n"
    )


# who is registered


def test_a_company_is_added_listed_and_suspended(desk: Desk) -> None:
    added = desk.run("company", "add", "Umbra", "--domain", "umbra.example", "--domain", "u.test")
    assert added == Said(0, "Umbra is registered.\n", "")
    assert re.search(r"Umbra\s+u\.test umbra\.example\s+active", desk.run("company", "list").out)

    assert desk.run("company", "deactivate", "Umbra") == Said(0, "Umbra is suspended.\n", "")
    assert re.search(r"Umbra\s+.*suspended", desk.run("company", "list").out)


def test_a_user_is_added_listed_and_deactivated(desk: Desk) -> None:
    added = desk.run("user", "add", "Zoe@Acme.example", "--company", "Acme", "--name", "Zoe")
    assert added.code == 0
    assert re.search(r"zoe@acme\.example\s+Zoe\s+Acme\s+active", desk.run("user", "list").out)

    assert desk.run("user", "deactivate", "zoe@acme.example").code == 0
    assert re.search(r"zoe@acme\.example\s.*deactivated", desk.run("user", "list").out)


def test_staff_are_added_listed_and_deactivated(desk: Desk) -> None:
    assert desk.run("staff", "add", "tess@help.example", "--name", "Tess").code == 0
    assert re.search(r"tess@help\.example\s+Tess\s+active", desk.run("staff", "list").out)

    assert desk.run("staff", "deactivate", "tess@help.example").code == 0
    assert re.search(r"tess@help\.example\s.*deactivated", desk.run("staff", "list").out)


def test_a_user_cannot_be_deactivated_as_staff(desk: Desk) -> None:
    said = desk.run("staff", "deactivate", "ann@acme.example")

    assert said == Said(os.EX_DATAERR, "", "postern: no staff ann@acme.example\n")


def test_a_mailbox_is_added_listed_and_deactivated(desk: Desk) -> None:
    assert desk.run("mailbox", "add", "sales@help.example").code == 0
    assert "sales@help.example  default\n" in desk.run("mailbox", "list").out

    assert desk.run("mailbox", "deactivate", "sales@help.example").code == 0
    assert "sales@help.example" not in desk.run("mailbox", "list").out


def test_with_two_mailboxes_a_command_asks_for_one(desk: Desk) -> None:
    desk.run("mailbox", "add", "sales@help.example")

    said = desk.run("user", "list")

    assert said.code == os.EX_DATAERR
    assert "name one with --mailbox: sales@help.example, support@help.example" in said.err
    assert desk.run("user", "list", "--mailbox", "sales@help.example").code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("company add Acme", os.EX_DATAERR, "Acme is registered already"),
        ("company add New --domain gmail.com", os.EX_DATAERR, "gmail.com is a free mail provider"),
        ("company add New --domain \u0430cme.example", os.EX_DATAERR, "mixes scripts"),
        ("user add x@\u0430cme.example --company Acme --anywhere", os.EX_DATAERR, "mixes scripts"),
        ("staff add x@\u0430cme.example", os.EX_DATAERR, "mixes scripts"),
        ("company domain add Acme gmail.com", os.EX_DATAERR, "gmail.com is a free mail provider"),
        ("company domain add Acme \u0430cme.example", os.EX_DATAERR, "mixes scripts"),
        ("company domain add Acme globex.example", os.EX_DATAERR, "is registered already"),
        ("company domain add Nobody n.example", os.EX_DATAERR, "no company 'Nobody'"),
        ("company domain remove Acme globex.example", os.EX_DATAERR, "no domain of Acme; its"),
        ("company domain remove Acme @", os.EX_DATAERR, "its domains are: acme.example"),
        ("company deactivate Nobody", os.EX_DATAERR, "no company 'Nobody'"),
        ("user add x@acme.example --company Acne", os.EX_DATAERR, "there are: Acme, Globex"),
        ("user add ann@acme.example --company Acme", os.EX_DATAERR, "is registered already"),
        ("user add nowhere --company Acme", os.EX_DATAERR, "nowhere is no mail address"),
        ("user deactivate x@acme.example", os.EX_DATAERR, "no user x@acme.example"),
        ("mailbox add support@help.example", os.EX_DATAERR, "is registered already"),
        ("mailbox add a@b.example --policy defualt", os.EX_CONFIG, "did you mean default?"),
        ("mailbox policy support@help.example wekka", os.EX_CONFIG, "did you mean weka?"),
        ("mailbox policy nobody@help.example weka", os.EX_DATAERR, "no mailbox nobody@help"),
        ("token remove nobodys", os.EX_DATAERR, "no token 'nobodys'; there are: demo"),
        ("mailbox deactivate nobody@help.example", os.EX_DATAERR, "no mailbox nobody@help.example"),
        ("user list --mailbox no@help.example", os.EX_DATAERR, "there are: support@help.example"),
    ],
)
def test_what_cannot_be_registered_is_said(
    desk: Desk, arguments: str, code: int, message: str
) -> None:
    said = desk.run(*arguments.split())

    assert said.code == code
    assert said.err.startswith("postern: ")
    assert message in said.err


def test_a_company_with_one_bad_domain_is_not_registered(desk: Desk) -> None:
    said = desk.run("company", "add", "Umbra", "--domain", "umbra.example", "--domain", "no domain")

    assert said.code == os.EX_DATAERR
    assert "Umbra" not in desk.run("company", "list").out


def test_a_company_gets_and_loses_a_domain(desk: Desk) -> None:
    added = desk.run("company", "domain", "add", "Acme", "Acme.test", "acme.org")
    assert added == Said(0, "Acme: domains acme.example acme.org acme.test\n", "")
    assert desk.run("user", "add", "zoe@acme.test", "--company", "Acme").code == 0

    removed = desk.run("company", "domain", "remove", "Acme", "ACME.test", "acme.org")

    assert removed == Said(0, "Acme: domains acme.example\n", "")
    assert desk.run("user", "add", "zed@acme.test", "--company", "Acme").code == os.EX_DATAERR
    assert re.search(r"zoe@acme\.test\s+.*active", desk.run("user", "list").out)


@pytest.mark.parametrize("change", [("add", "acme.org", "@"), ("remove", "acme.example", "no.org")])
def test_of_several_domains_with_a_bad_one_none_is_changed(
    desk: Desk, change: tuple[str, ...]
) -> None:
    how, *domains = change

    assert desk.run("company", "domain", how, "Acme", *domains).code == os.EX_DATAERR

    assert re.search(r"Acme +acme\.example +active", desk.run("company", "list").out)


def test_a_new_key_signs_and_the_one_before_it_is_still_read(desk: Desk) -> None:
    with desk.opened() as database:
        before = database.read(signing_keys.load_keys)
        token = loop_mark(before)

        said = desk.run("key", "add")

        assert said == Said(0, "Key 2 signs from now on. The keys before it are still read.\n", "")
        after = database.read(signing_keys.load_keys)
    assert loop_mark(after) != token
    assert is_loop_mark(after, token)
    listed = [line.split() for line in desk.run("key", "list").out.splitlines()[1:]]
    assert [(line[0], line[3:]) for line in listed] == [("1", ["is", "read"]), ("2", ["signs"])]


def test_a_token_stands_alone_on_its_line_and_works(desk: Desk) -> None:
    said = desk.run("token", "add", "monitoring")

    assert re.fullmatch(r"[\w-]{43}\n", said.out)
    with desk.opened() as database:
        assert database.read(lambda c: api_tokens.api_token_scope(c, said.out.strip())) == "mails"


def test_a_token_is_listed_and_revoked(desk: Desk) -> None:
    token = desk.run("token", "add", "portal", "--scope", "portal").out.strip()
    assert re.search(r"^portal +portal +20\d\d-", desk.run("token", "list").out, re.MULTILINE)

    assert desk.run("token", "remove", "portal") == Said(0, "1 removed.\n", "")

    assert "portal" not in desk.run("token", "list").out
    with desk.opened() as database:
        assert database.read(lambda c: api_tokens.api_token_scope(c, token)) is None


def test_a_mailbox_is_put_under_another_policy(desk: Desk) -> None:
    said = "Mail for support@help.example is taken under the policy weka.\n"

    assert desk.run("mailbox", "policy", "support@help.example", "weka") == Said(0, said, "")

    assert desk.run("mailbox", "list").out == "support@help.example  weka\n"


# users import


def test_a_file_of_users_is_imported(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    file.write_text(
        "\ufeffAddress;Company;Name;Machine\r\n"
        "zoe@acme.example;Acme;Zoë;\r\n"
        "\r\n"
        "robot@globex.example;Globex;;yes\r\n",
        encoding="utf-8",
    )

    assert desk.run("users", "import", str(file)) == Said(0, "2 users registered.\n", "")
    listed = desk.run("user", "list").out
    assert re.search(r"zoe@acme\.example\s+Zoë\s+Acme", listed)
    assert "robot@globex.example" in listed


def test_of_a_file_with_one_bad_row_nothing_is_imported(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    file.write_text("address,company\nzoe@acme.example,Acme\nyan@acme.example,Acne\n")

    said = desk.run("users", "import", str(file))

    assert said.err == f"postern: {file}: line 3: no company 'Acne'; there are: Acme, Globex\n"
    assert "zoe@acme.example" not in desk.run("user", "list").out
    assert said.code == os.EX_DATAERR


def test_a_file_of_users_that_are_there_already_is_refused(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    file.write_text("address,company\nann@acme.example,Acme\n")

    said = desk.run("users", "import", str(file))

    assert said.err == f"postern: {file}: line 2: ann@acme.example is registered already\n"
    assert said.code == os.EX_DATAERR


# pipe


def test_pipe_files_a_mail(filed: Filed) -> None:
    assert filed.opened.code == 0
    assert re.fullmatch(r"250 2\.0\.0 [0-9a-f-]{36} filed as #1\n", filed.opened.err)


def test_pipe_answers_the_same_mail_as_the_first_time(filed: Filed) -> None:
    assert filed.repeated == filed.opened


def test_pipe_refuses_a_stranger_with_77(filed: Filed) -> None:
    assert filed.refused.code == os.EX_NOPERM
    assert filed.refused.err.startswith("550 5.7.1 ")


def test_pipe_without_a_mail_says_so(desk: Desk) -> None:
    said = desk.pipe(b"", "ann@acme.example")

    assert said.code == os.EX_DATAERR
    assert "nothing on standard input" in said.err


@pytest.mark.parametrize("content", [b"", b"this is no database " * 100], ids=["new", "broken"])
def test_pipe_asks_the_mta_to_try_again_while_the_store_is_broken(
    empty: Desk, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "store.db").write_bytes(content)

    said = empty.pipe(ANNS_MAIL, "ann@acme.example")

    assert said.code == os.EX_TEMPFAIL
    assert "Traceback" not in said.err


def test_pipe_asks_the_mta_to_try_again_while_the_configuration_is_broken(desk: Desk) -> None:
    desk.config.write_text("[smtp]\nlisten = 25\n")

    assert desk.pipe(ANNS_MAIL, "ann@acme.example").code == os.EX_TEMPFAIL


def test_pipe_asks_the_mta_to_try_again_where_the_peer_is_no_address(desk: Desk) -> None:
    said = desk.run_real("pipe", "--peer", "${client_adress}", stdin=ANNS_MAIL)

    assert said.code == os.EX_TEMPFAIL
    assert said.err.startswith("postern: --peer ${client_adress}: write the client's IP address")


def test_pipe_asks_the_mta_to_try_again_after_a_bug(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[BaseException] = []

    def broken(*_: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr("gateway.cli.mails._take", broken)
    monkeypatch.setattr("gateway.log.configure", lambda *_: None)
    monkeypatch.setattr("gateway.log.failed", lambda error, _: logged.append(error))

    said = CliRunner().invoke(app, ["pipe", "--config", str(desk.config)], input=ANNS_MAIL)

    assert said.exit_code == os.EX_TEMPFAIL
    assert [type(error) for error in logged] == [KeyError]
    assert "a bug" not in said.output


# tail


def test_tail_shows_every_mail_oldest_first(filed: Filed) -> None:
    lines = filed.desk.run("tail").out.splitlines()

    assert [line.split()[2:5] for line in lines] == [
        ["opened", "new_request", "#1"],
        ["duplicate", "seen_before", "#1"],
        ["refused", "stranger", "-"],
        ["opened", "new_request", "#2"],
    ]


@pytest.mark.parametrize(
    ("options", "verdicts"),
    [
        ("--verdict duplicate", ["duplicate"]),
        ("--verdict held", []),
        ("--sender EVE@evil.example", ["refused"]),
        ("--ticket 1", ["opened", "duplicate"]),
        ("--ticket 1 --verdict opened", ["opened"]),
        ("--lines 2", ["refused", "opened"]),
    ],
)
def test_tail_shows_what_is_asked_for(filed: Filed, options: str, verdicts: list[str]) -> None:
    lines = filed.desk.run("tail", *options.split()).out.splitlines()

    assert [line.split()[2] for line in lines] == verdicts


def test_tail_as_json_is_one_object_a_line(filed: Filed) -> None:
    lines = filed.desk.run("tail", "--json", "--verdict", "opened").out.splitlines()

    entries: list[dict[str, Any]] = [json.loads(line) for line in lines]
    assert entries[0]["id"] == filed.journal_id
    assert entries[0]["author"] == "ann@acme.example"
    assert entries[0]["reply"] == filed.opened.err.strip()
    assert entries[0]["trace"][0]["check"] == "duplicate"


def test_tail_keeps_a_senders_control_characters_from_the_terminal(filed: Filed) -> None:
    line = filed.desk.run("tail", "--ticket", "2").out

    assert "Red alert" in line
    assert "\x1b" not in line


def test_tail_of_an_unknown_verdict_lists_the_known_ones(filed: Filed) -> None:
    said = filed.desk.run("tail", "--verdict", "opend")

    assert said.code != 0
    assert "opened" in said.err


def test_tail_follows_until_it_is_interrupted(desk: Desk) -> None:
    assert desk.pipe(ANNS_MAIL, "ann@acme.example").code == 0
    command = ["tail", "--follow", "--json", "--config", str(desk.config)]
    with subprocess.Popen(
        [sys.executable, "-m", "gateway", *command], stdout=subprocess.PIPE, text=True
    ) as following:
        try:
            assert following.stdout is not None
            assert json.loads(following.stdout.readline())["message_id"] == "<lift@client.example>"
            assert desk.pipe(BOBS_MAIL, "bob@acme.example").code == 0
            assert json.loads(following.stdout.readline())["message_id"] == "<alert@client.example>"
            following.send_signal(signal.SIGINT)
            assert following.wait(30) == 0
        finally:
            following.kill()


# explain


def test_explain_shows_a_mail_check_by_check(filed: Filed) -> None:
    said = filed.desk.run("explain", filed.journal_id)

    assert said.code == 0
    for part in (
        "ann@acme.example",
        "<ann@acme.example> to support@help.example",
        "<lift@client.example>",
        filed.opened.err.strip(),
        "1. duplicate",
        "  header    Authentication-Results: localhost;\n",
        "  header     none (peer:127.0.0.1)\n",
        "opens at Normal",
    ):
        assert part in said.out


@pytest.mark.parametrize("name", ["<lift@client.example>", "lift@client.example"])
def test_explain_finds_every_mail_of_a_message_id(filed: Filed, name: str) -> None:
    lines = filed.desk.run("explain", "--json", name).out.splitlines()

    found = [json.loads(line) for line in lines]
    assert [each["verdict"] for each in found] == ["opened", "duplicate"]
    results = "Authentication-Results: localhost; none (peer:127.0.0.1)"
    assert {each["authentication_results"] for each in found} == {results}


def test_explain_of_an_unknown_mail_says_where_to_look(filed: Filed) -> None:
    said = filed.desk.run("explain", "<nothing@client.example>")

    assert said.code == os.EX_DATAERR
    assert "`postern tail`" in said.err


# check


def test_check_says_what_would_be_and_writes_nothing(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "mail.eml"
    file.write_bytes(ANNS_MAIL)

    said = desk.run_real("check", str(file))

    assert said.code == 0
    assert said.out.startswith("support@help.example: opened, new_request\n")
    assert said.out.splitlines()[1:3] == [
        "  would     open a ticket for ann@acme.example: The lift is stuck",
        "  severity  Normal",
    ]
    assert "  mails     acknowledgement to ann@acme.example\n" in said.out
    assert "new ticket" in said.out
    with desk.opened() as database:
        assert database.read(lambda c: journal.newest(c, EVERYTHING, 10)) == []
        assert database.read(lambda c: read.newest(c, 1)) == []


def test_check_tells_a_stranger_from_a_user(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "mail.eml"
    file.write_bytes(EVES_MAIL)

    said = desk.run_real("check", str(file))

    assert said.code == 0
    assert said.out.startswith("support@help.example: refused, stranger\n")


def test_check_of_a_mail_to_somebody_else_ends_with_67(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "mail.eml"
    file.write_bytes(ANNS_MAIL)

    said = desk.run_real("check", str(file), "--rcpt", "nobody@help.example")

    assert said.code == os.EX_NOUSER
    assert said.err == "postern: none of nobody@help.example is a mailbox of ours\n"


# tickets


def test_tickets_lists_the_last_ones_first(filed: Filed) -> None:
    lines = filed.desk.run("tickets").out.splitlines()

    assert [line.split()[:4] for line in lines] == [
        ["#2", "open", "Normal", "bob@acme.example"],
        ["#1", "open", "Normal", "ann@acme.example"],
    ]
    assert len(filed.desk.run("tickets", "--lines", "1").out.splitlines()) == 1
    assert filed.desk.run("tickets", "--status", "closed").out == ""


def test_ticket_shows_all_that_is_on_it(filed: Filed) -> None:
    out = filed.desk.run("ticket", "1").out

    assert "The lift is stuck" in out
    assert re.search(r"requester\s*ann@acme\.example", out)
    assert "Between two floors, since noon." in out


def test_a_ticket_that_does_not_exist_is_said(filed: Filed) -> None:
    said = filed.desk.run("ticket", "99")

    assert said.code == os.EX_DATAERR
    assert "no ticket #99" in said.err


# usage


def every_command(group: TyperGroup, *path: str) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from every_command(command, *path, name)
        else:
            yield (*path, name)


ROOT = typer.main.get_command(app)
assert isinstance(ROOT, TyperGroup)


@pytest.mark.parametrize("command", list(every_command(ROOT)), ids=" ".join)
def test_every_command_explains_itself(command: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*command, "--help"], prog_name="postern")

    usage, sentence = re.split(r"\n\s*\n", result.stdout.strip())[:2]
    assert result.exit_code == 0
    assert usage.startswith(f"Usage: postern {' '.join(command)} ")
    assert sentence.strip().endswith(".")


@pytest.mark.parametrize("arguments", ["sreve", "serve --prot 25"])
def test_wrong_usage_ends_with_64(arguments: str) -> None:
    done = running.postern(*arguments.split())

    assert "--help" in done.stderr
    assert done.returncode == USAGE
