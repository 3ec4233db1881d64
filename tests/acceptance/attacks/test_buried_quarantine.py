"""A flood of held mail hides nothing and fills nothing."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator

import pytest

from tests.acceptance.attacks.attack import HELD
from tests.acceptance.internet import (
    EVE,
    Target,
    a_mail,
    genuine_mail,
    running_target,
    with_from,
)
from tests.stores import SqliteStores

NEW = "new@acme.example"
ROOM, FLOOD = 5, 9


@pytest.fixture(scope="module")
def flooded(
    sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    """A server that holds strangers, five of each network, and got nine from this one."""
    folder = tmp_path_factory.mktemp("flooded")
    limits = {"strangers": '"hold"', "per_network": str(ROOM), "per_sender": "2"}
    with running_target(folder, sqlite_stores.new(), **limits) as running:
        for number in range(FLOOD):
            running.send(with_from(f"From: {EVE}\r\nFrom: x{number}@y.example"))
        yield running


def test_a_network_can_have_only_so_many_mails_held(flooded: Target) -> None:
    reasons = [entry.reason for entry in flooded.journal()[:FLOOD]]

    assert reasons == ["from_ambiguous"] * ROOM + ["quarantine_full"] * (FLOOD - ROOM)
    assert flooded.journal()[FLOOD - 1].reply.startswith("452 4.3.1")


def test_the_mail_of_a_customer_is_held_all_the_same_and_listed_first(flooded: Target) -> None:
    code, text = flooded.send(genuine_mail(NEW), NEW)

    assert f"{code} {text}".startswith(HELD)
    lines = flooded.postern.run("held", "list").stdout.splitlines()
    assert NEW in lines[0]
    # Of the flood, three mails and how many more there are.
    assert len(lines) == 1 + 3 + 1
    assert f"and {ROOM - 3} more from_ambiguous of 127.0.0.0/24" in lines[-1]
    of_flood = flooded.postern.run("held", "list", "--sender", "127.0.0.0/24").stdout
    assert len(of_flood.splitlines()) == ROOM
    assert len(flooded.postern.run("held", "list", "--all").stdout.splitlines()) == ROOM + 1


def test_one_proven_sender_can_have_only_so_many_mails_held(flooded: Target) -> None:
    other = "other@acme.example"

    for _ in range(3):
        flooded.send(genuine_mail(other), other)

    assert [entry.reason for entry in flooded.journal()[-3:]] == [
        "not_enrolled",
        "not_enrolled",
        "quarantine_full",
    ]


def test_what_finds_no_room_is_counted_and_logged(flooded: Target) -> None:
    flooded.send(a_mail("somebody@nowhere.example"))

    with urllib.request.urlopen(f"{flooded.postern.http}/metrics") as answer:
        metrics = answer.read().decode()
    assert 'postern_mails_total{reason="quarantine_full",verdict="deferred"}' in metrics
    assert "postern_held_oldest_seconds" in metrics
