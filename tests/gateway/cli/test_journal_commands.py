"""`postern tail`, `explain`, `tickets` and `ticket` after some mails."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from typing import Any

import pytest

from tests.gateway.cli.command_line import (
    ANNS_MAIL,
    BOBS_MAIL,
    CommandLine,
    Filed,
)


def test_tail_shows_every_mail_oldest_first(filed: Filed) -> None:
    lines = filed.demo.run("tail").out.splitlines()

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
        ("--reason new_request", ["opened", "opened"]),
        ("--reason stranger --verdict opened", []),
        ("--mailbox SUPPORT@help.example --since 1h", ["opened", "duplicate", "refused", "opened"]),
        ("--mailbox sales@help.example", []),
        ("--since 1h -n 1", ["opened"]),
        ("--since 2199-01-01", []),
    ],
)
def test_tail_filters_mails(filed: Filed, options: str, verdicts: list[str]) -> None:
    lines = filed.demo.run("tail", *options.split()).out.splitlines()

    assert [line.split()[2] for line in lines] == verdicts


def test_a_time_that_tail_cannot_read_is_wrong_usage(filed: Filed) -> None:
    done = filed.demo.run("tail", "--since", "yesterday")

    assert (done.code, "--since yesterday: write 30m" in done.err) == (os.EX_USAGE, True)


def test_tail_as_json_is_one_object_a_line(filed: Filed) -> None:
    lines = filed.demo.run("tail", "--json", "--verdict", "opened").out.splitlines()

    entries: list[dict[str, Any]] = [json.loads(line) for line in lines]
    assert entries[0]["id"] == filed.journal_id
    assert entries[0]["author"] == "ann@acme.example"
    assert entries[0]["reply"] == filed.opened.err.strip()
    assert entries[0]["trace"][0]["check"] == "duplicate"


def test_explain_lists_the_mails_that_went_out_because_of_a_mail(filed: Filed) -> None:
    done = filed.demo.run("explain", filed.journal_id).out
    mails = json.loads(filed.demo.run("explain", "--json", filed.journal_id).out)["mails"]

    assert "acknowledgement to ann@acme.example, due " in done
    assert {(each["kind"], each["to"]) for each in mails} >= {
        ("acknowledgement", "ann@acme.example"),
        ("new_ticket", "sam@help.example"),
    }
    assert all(each["id"] in done for each in mails)


def test_the_outbox_is_filtered_by_ticket_and_address(filed: Filed) -> None:
    ofs = filed.demo.run("outbox", "list", "--ticket", "1", "--to", "Ann@acme.example").out

    assert "acknowledgement" in ofs
    assert "#1" in ofs
    assert "sam@help.example" not in ofs
    assert "#2" not in ofs
    none = filed.demo.run("outbox", "list", "--to", "nobody@acme.example").out
    assert none.startswith("no such outgoing mail\n")


def test_the_outbox_shows_a_mail_as_its_reader_gets_it_without_their_secrets(filed: Filed) -> None:
    mails = json.loads(filed.demo.run("explain", "--json", filed.journal_id).out)["mails"]
    (mail,) = [each for each in mails if each["kind"] == "new_ticket"]

    done = filed.demo.run("outbox", "show", mail["id"])

    assert "Between two floors, since noon." in done.out
    assert f"caused by mail {filed.journal_id}" in done.out
    assert "support@help.example" in done.out
    assert "support+" not in done.out


def test_tail_escapes_a_senders_control_characters(filed: Filed) -> None:
    line = filed.demo.run("tail", "--ticket", "2").out

    assert "Red alert" in line
    assert "\x1b" not in line


def test_tail_of_an_unknown_verdict_lists_the_known_ones(filed: Filed) -> None:
    done = filed.demo.run("tail", "--verdict", "opend")

    assert done.code != 0
    assert "opened" in done.err


def test_tail_follows_until_it_is_interrupted(demo: CommandLine) -> None:
    assert demo.pipe(ANNS_MAIL, "ann@acme.example").code == 0
    command = ["tail", "--follow", "--json", "--config", str(demo.config)]
    with subprocess.Popen(
        [sys.executable, "-m", "gateway", *command], stdout=subprocess.PIPE, text=True
    ) as following:
        try:
            assert following.stdout is not None
            assert json.loads(following.stdout.readline())["message_id"] == "<lift@client.example>"
            assert demo.pipe(BOBS_MAIL, "bob@acme.example").code == 0
            assert json.loads(following.stdout.readline())["message_id"] == "<alert@client.example>"
            following.send_signal(signal.SIGINT)
            assert following.wait(30) == 0
        finally:
            following.kill()


def test_explain_shows_a_mail_check_by_check(filed: Filed) -> None:
    done = filed.demo.run("explain", filed.journal_id)

    assert done.code == 0
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
        assert part in done.out


@pytest.mark.parametrize("name", ["<lift@client.example>", "lift@client.example"])
def test_explain_finds_every_mail_of_a_message_id(filed: Filed, name: str) -> None:
    lines = filed.demo.run("explain", "--json", name).out.splitlines()

    found = [json.loads(line) for line in lines]
    assert [each["verdict"] for each in found] == ["opened", "duplicate"]
    results = "Authentication-Results: localhost; none (peer:127.0.0.1)"
    assert {each["authentication_results"] for each in found} == {results}


def test_the_beginning_of_an_id_is_enough_if_it_is_of_one_only(filed: Filed) -> None:
    whole = filed.demo.run("explain", filed.journal_id)
    short = filed.demo.run("explain", filed.journal_id[:-2])
    several = filed.demo.run("explain", filed.journal_id[:6])

    assert short.out == whole.out
    assert (several.code, "several ids begin with" in several.err) == (os.EX_USAGE, True)


def test_explain_of_an_unknown_mail_names_the_command_that_lists_them(filed: Filed) -> None:
    done = filed.demo.run("explain", "<nothing@client.example>")

    assert done.code == os.EX_DATAERR
    assert "`postern tail`" in done.err


def test_tickets_lists_the_last_ones_first(filed: Filed) -> None:
    lines = filed.demo.run("tickets").out.splitlines()

    assert [line.split()[:4] for line in lines] == [
        ["#2", "open", "Normal", "bob@acme.example"],
        ["#1", "open", "Normal", "ann@acme.example"],
    ]
    assert len(filed.demo.run("tickets", "--lines", "1").out.splitlines()) == 1
    assert filed.demo.run("tickets", "--status", "closed").out == ""


def test_ticket_shows_its_requester_and_comments(filed: Filed) -> None:
    out = filed.demo.run("ticket", "1").out

    assert "The lift is stuck" in out
    assert re.search(r"requester\s*ann@acme\.example", out)
    assert "Between two floors, since noon." in out


def test_a_ticket_that_does_not_exist_is_named(filed: Filed) -> None:
    done = filed.demo.run("ticket", "99")

    assert done.code == os.EX_DATAERR
    assert "no ticket #99" in done.err
