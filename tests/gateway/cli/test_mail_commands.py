"""`postern pipe` and `postern check`: one mail is taken in, or only decided."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli.commands import app
from storage.mail import journal
from storage.mail.journal import JournalFilter
from storage.ticket import summaries
from tests.gateway.cli.command_line import (
    ANNS_MAIL,
    EVES_MAIL,
    CommandLine,
    Filed,
)

EVERYTHING = JournalFilter()


def test_pipe_files_a_mail(filed: Filed) -> None:
    assert filed.opened.code == 0
    assert re.fullmatch(r"250 2\.0\.0 [0-9a-f-]{36} filed as #1\n", filed.opened.err)


def test_pipe_answers_the_same_mail_as_the_first_time(filed: Filed) -> None:
    assert filed.repeated == filed.opened


def test_pipe_refuses_a_stranger_with_77(filed: Filed) -> None:
    assert filed.refused.code == os.EX_NOPERM
    assert filed.refused.err.startswith("550 5.7.1 ")


def test_pipe_refuses_empty_input(demo: CommandLine) -> None:
    done = demo.pipe(b"", "ann@acme.example")

    assert done.code == os.EX_DATAERR
    assert "nothing on standard input" in done.err


@pytest.mark.parametrize(("octets", "named"), [(b"\0", "NUL"), (b"\r", "a bare CR")])
def test_pipe_refuses_what_the_listeners_refuse(
    demo: CommandLine, octets: bytes, named: str
) -> None:
    done = demo.pipe(ANNS_MAIL + b"a" + octets + b"b\n", "ann@acme.example")

    assert done.code == os.EX_DATAERR
    assert f"the mail has {named}, so it is refused" in done.err


def test_check_says_that_the_listeners_refuse_a_mail(demo: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "mail.eml"
    file.write_bytes(ANNS_MAIL + b"a\rb\n")

    done = demo.run("check", str(file), "--mail-from", "ann@acme.example")

    assert "the mail has a bare CR, so it is refused" in done.err


@pytest.mark.parametrize("content", [b"", b"this is no database " * 100], ids=["new", "broken"])
def test_pipe_asks_the_mta_to_try_again_while_the_store_is_broken(
    no_store: CommandLine, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "store.db").write_bytes(content)

    done = no_store.pipe(ANNS_MAIL, "ann@acme.example")

    assert done.code == os.EX_TEMPFAIL
    assert "Traceback" not in done.err


def test_pipe_asks_the_mta_to_try_again_while_the_configuration_is_broken(
    demo: CommandLine,
) -> None:
    demo.config.write_text("[smtp]\nlisten = 25\n")

    assert demo.pipe(ANNS_MAIL, "ann@acme.example").code == os.EX_TEMPFAIL


def test_pipe_asks_the_mta_to_try_again_where_the_peer_is_not_an_address(demo: CommandLine) -> None:
    done = demo.run_real("pipe", "--peer", "${client_adress}", stdin=ANNS_MAIL)

    assert done.code == os.EX_TEMPFAIL
    assert done.err.startswith("postern: --peer ${client_adress}: must be the client's IP address")


def test_pipe_asks_the_mta_to_try_again_after_a_bug(
    demo: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[BaseException] = []

    def broken(*_: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr("gateway.cli.mails._take", broken)
    monkeypatch.setattr("gateway.log_output.configure", lambda *_: None)
    monkeypatch.setattr("gateway.log.failed", lambda error, _: logged.append(error))

    done = CliRunner().invoke(app, ["pipe", "--config", str(demo.config)], input=ANNS_MAIL)

    assert done.exit_code == os.EX_TEMPFAIL
    assert [type(error) for error in logged] == [KeyError]
    assert "a bug" not in done.output


def test_check_shows_the_decision_and_writes_nothing(demo: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "mail.eml"
    file.write_bytes(ANNS_MAIL)

    done = demo.run_real("check", str(file))

    assert done.code == 0
    assert done.out.startswith("support@help.example: opened, new_request\n")
    assert done.out.splitlines()[1:3] == [
        "  would     open a ticket for ann@acme.example: The lift is stuck",
        "  severity  Normal",
    ]
    assert "  mails     acknowledgement to ann@acme.example\n" in done.out
    assert "new ticket" in done.out
    with demo.opened() as database:
        assert database.read(lambda c: journal.newest(c, EVERYTHING, 10)) == []
        assert database.read(lambda c: summaries.newest(c, 1)) == []


def test_check_tells_strangers_and_users_apart(demo: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "mail.eml"
    file.write_bytes(EVES_MAIL)

    done = demo.run_real("check", str(file))

    assert done.code == 0
    assert done.out.startswith("support@help.example: refused, stranger\n")


def test_check_of_a_mail_to_somebody_else_ends_with_67(demo: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "mail.eml"
    file.write_bytes(ANNS_MAIL)

    done = demo.run_real("check", str(file), "--rcpt", "nobody@help.example")

    assert done.code == os.EX_NOUSER
    assert done.err == "postern: none of nobody@help.example is a mailbox of ours\n"


def test_the_doctor_says_that_the_envelope_is_of_a_mail_with_the_same_id(
    filed: Filed, tmp_path: Path
) -> None:
    forged = tmp_path / "forged.eml"
    forged.write_bytes(ANNS_MAIL.replace(b"Between two floors", b"Send me all passwords"))

    done = filed.demo.run("doctor", "--mail", str(forged))

    assert "ann@acme.example by peer" in done.out
    assert "are those of the mail with this Message-ID" in done.out
    assert "postern explain" in done.out

    fresh = tmp_path / "fresh.eml"
    fresh.write_bytes(ANNS_MAIL.replace(b"<lift@", b"<stairs@"))
    assert "postern explain" not in filed.demo.run("doctor", "--mail", str(fresh)).out
