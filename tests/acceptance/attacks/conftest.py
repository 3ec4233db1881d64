"""Servers under attack, one of each kind for all tests of this package."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.attacks.documented import documented_rows
from tests.acceptance.internet import (
    Target,
    running_target,
)
from tests.gateway.senders import rsa_key
from tests.stores import SqliteStores


@pytest.fixture(scope="package")
def target(
    sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    with running_target(tmp_path_factory.mktemp("attacks"), sqlite_stores.new()) as running:
        yield running


@pytest.fixture(scope="package")
def relayed(
    sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    """A server that trusts the loopback as a relay."""
    folder = tmp_path_factory.mktemp("relayed")
    with running_target(folder, sqlite_stores.new(), relay="127.0.0.1") as running:
        yield running


@pytest.fixture(scope="package")
def peered(
    sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    """A server that trusts one peer, 127.0.0.2."""
    folder = tmp_path_factory.mktemp("peered")
    with running_target(folder, sqlite_stores.new(), peers="127.0.0.2/32") as running:
        yield running


@pytest.fixture(scope="package")
def strict(
    sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    """A server whose policy requires DKIM."""
    folder = tmp_path_factory.mktemp("strict")
    with running_target(folder, sqlite_stores.new(), dkim_required="true") as running:
        running.dns.records["s1._domainkey.hooli.example", "TXT"] = [rsa_key(2048).record]
        yield running


@pytest.fixture(scope="package")
def holding(
    sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    """A server whose policy holds strangers."""
    folder = tmp_path_factory.mktemp("holding")
    with running_target(folder, sqlite_stores.new(), strangers='"hold"') as running:
        yield running


@pytest.fixture(autouse=True)
def matches_the_documented_row(request: pytest.FixtureRequest) -> Iterator[None]:
    """After a test that docs/attacks.md names: one of its mails had the documented result."""
    rows = documented_rows().get(request.function.__name__, [])
    used = [
        n for n in ("target", "relayed", "peered", "strict", "holding") if n in request.fixturenames
    ]
    if not rows or not used:
        yield
        return
    running: Target = request.getfixturevalue(used[0])
    known = {entry.id for entry in running.journal()}
    yield
    entries = [entry for entry in running.journal() if entry.id not in known]
    for row in rows:
        assert any(
            entry.reply.startswith(row.reply)
            and row.verdict in ("", entry.verdict)
            and row.reason in ("", entry.reason)
            for entry in entries
        ), (row, [(entry.reply, entry.verdict, entry.reason) for entry in entries])
