"""A running Postern with the demo enrolled, on each store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.support_server import SupportServer, running_support_server
from tests.running import Postern, initialised, serving, write_config
from tests.stores import PostgresStores, SqliteStores


@pytest.fixture
def demo(store_url: str, tmp_path: Path) -> Iterator[Postern]:
    """A server for one test, with no mail filed yet."""
    config = write_config(tmp_path, store_url)
    initialised(config, "--demo")
    with serving(config) as running:
        yield running


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SupportServer]:
    """One server for all tests of a session; each test adds its own people and mails."""
    stores: SqliteStores | PostgresStores = request.getfixturevalue(f"{request.param}_stores")
    with running_support_server(tmp_path_factory.mktemp("server"), stores.new()) as running:
        yield running
