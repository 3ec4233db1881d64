"""`postern held release` with its options."""

from __future__ import annotations

import os
import re

import pytest

from tests.gateway.cli.command_line import ANNS_MAIL, CommandLine

NEW = "new@acme.example"
NEWS_MAIL = ANNS_MAIL.replace(b"Ann <ann@acme.example>", NEW.encode())


@pytest.fixture
def held(demo: CommandLine) -> str:
    """The id of a held mail of a colleague who is not registered."""
    assert demo.pipe(NEWS_MAIL, NEW).code == 0
    found = re.search(r"[0-9a-f-]{36}", demo.run("held", "list").out)
    assert found is not None
    return found[0]


def test_nobody_is_registered_for_a_mail_that_stays_held(demo: CommandLine, held: str) -> None:
    failed = demo.run("held", "release", held, "--enrol", "--onto", "99")

    assert (failed.code, "still held" in failed.err) == (os.EX_DATAERR, True)
    assert NEW not in demo.run("user", "list").out
    assert held in demo.run("held", "list").out


def test_what_a_release_does_is_shown_and_why_it_does_nothing(demo: CommandLine, held: str) -> None:
    shown = demo.run("held", "show", held).out
    failed = demo.run("held", "release", held, "--onto", "99")

    assert "If you release it, it opens a request. A release that does not register" in shown
    assert (
        "still held. No ticket has the number onto which it was released. See `postern"
        in failed.err
    )


def test_the_author_is_registered_with_the_release(demo: CommandLine, held: str) -> None:
    assert demo.run("held", "release", held, "--enrol").out == "opened as #1\n"
    assert NEW in demo.run("user", "list").out


def test_a_mail_is_filed_under_nobody_but_the_author_that_it_names(
    demo: CommandLine, held: str
) -> None:
    failed = demo.run("held", "release", held, "--author", "ann@acme.example")

    assert (failed.code, f"names its author, {NEW}" in failed.err) == (os.EX_USAGE, True)
    assert held in demo.run("held", "list").out


def test_nobody_of_an_unknown_domain_is_registered(demo: CommandLine, held: str) -> None:
    demo.run("company", "domain", "remove", "Acme", "acme.example")

    failed = demo.run("held", "release", held, "--enrol")

    assert (failed.code, "no active company owns" in failed.err) == (os.EX_DATAERR, True)
    assert held in demo.run("held", "list").out


def test_the_author_of_a_mail_that_proves_nobody_is_not_registered(demo: CommandLine) -> None:
    two = NEWS_MAIL.replace(NEW.encode(), f"{NEW}, eva@acme.example".encode())
    assert demo.pipe(two, NEW).code == 0
    listed = demo.run("held", "list").out
    found = re.search(r"[0-9a-f-]{36}", listed)
    assert found is not None

    failed = demo.run("held", "release", found[0], "--enrol", "--author", NEW)

    assert (failed.code, "held as from_ambiguous" in failed.err) == (os.EX_DATAERR, True)
    assert NEW not in demo.run("user", "list").out
    assert demo.run("held", "list").out == listed
