"""A running Postern with the demo enrolled, on each store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.support_server import Desk, a_running_desk
from tests.running import Postern, initialised, serving, write_config
from tests.stores import PostgresStores, SqliteStores


@pytest.fixture
def demo(store_url: str, tmp_path: Path) -> Iterator[Postern]:
    """A server of the test's own, where nothing was filed yet."""
    config = write_config(tmp_path, store_url)
    initialised(config, "--demo")
    with serving(config) as running:
        yield running


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def desk(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    """One server for all tests of a session: each brings people and mails of its own."""
    stores: SqliteStores | PostgresStores = request.getfixturevalue(f"{request.param}_stores")
    with a_running_desk(tmp_path_factory.mktemp("desk"), stores.new()) as running:
        yield running
