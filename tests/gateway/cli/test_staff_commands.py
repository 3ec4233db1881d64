"""`postern macros`, `postern staff notices`, and the verbs of staff of `postern tickets set`."""

from __future__ import annotations

import os

from tests.gateway.cli.planned import PLANNED, SAM, Planned

HERE = ("--mailbox", PLANNED)


def test_saved_replies_are_set_listed_and_removed(planned: Planned) -> None:
    assert planned.run("macros", "set", "Hi", "Hello {name}", *HERE).code == 0
    assert "hi" in planned.run("macros", "list", *HERE).out
    odd = planned.run("macros", "set", "odd", "Hello {you}", *HERE)
    assert (odd.code, "{name}" in odd.err) == (os.EX_DATAERR, True)
    assert planned.run("macros", "set", "none", *HERE).code == os.EX_USAGE
    assert planned.run("macros", "remove", "hi", *HERE).code == 0
    assert planned.run("macros", "remove", "hi", *HERE).code == os.EX_DATAERR


def test_a_saved_reply_is_shown_whole(planned: Planned) -> None:
    planned.run("macros", "set", "long", "Hello {name},\n" + "word " * 30 + "end", *HERE)

    assert "end" in planned.run("macros", "show", "LONG", *HERE).out
    unknown = planned.run("macros", "show", "lon", *HERE)
    assert (unknown.code, "did you mean long?" in unknown.err) == (os.EX_DATAERR, True)


def test_a_saved_reply_is_written_as_a_comment(planned: Planned) -> None:
    planned.run("macros", "set", "hi", "Hello from {me} on {ticket}", *HERE)
    number = str(planned.opened_ticket())

    without = planned.run("tickets", "set", number, "--macro", "hi")
    done = planned.run("tickets", "set", number, "--macro", "hi", "--note", "Ask", "--as", SAM)

    assert (without.code, "--as" in without.err) == (os.EX_USAGE, True)
    assert (done.code, "(note)" in done.out) == (0, True)
    shown = planned.run("tickets", "show", number).out
    assert f"on #{number}" in shown
    assert "Ask" in shown


def test_the_notices_of_a_staff_person_are_set(planned: Planned) -> None:
    planned.run("staff", "add", "tom@help.example", *HERE)

    done = planned.run("staff", "notices", "tom@help.example", "mine", *HERE)

    assert (done.code, "assigned to them" in done.out.replace("\n", " ")) == (0, True)
    assert planned.run("staff", "notices", "tom@help.example", "some", *HERE).code != 0
    assert planned.run("staff", "notices", "no@help.example", "all", *HERE).code == os.EX_DATAERR
