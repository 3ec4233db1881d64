"""Fixtures for every test: each storage test runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from storage.db.database import Database
from tests.stores import PostgresStores, SqliteStores, postgres

# How long an example takes says how busy the machine is; a test of time measures CPU time itself.
settings.register_profile("postern", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("postern")


@pytest.fixture(scope="session")
def sqlite_stores(tmp_path_factory: pytest.TempPathFactory) -> SqliteStores:
    return SqliteStores(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres_stores() -> Iterator[PostgresStores]:
    with postgres() as stores:
        yield stores


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty, upgraded store."""
    stores: SqliteStores | PostgresStores = request.getfixturevalue(f"{request.param}_stores")
    return stores.new()


@pytest.fixture
def database(store_url: str) -> Iterator[Database]:
    opened = Database(store_url, connections=4)
    yield opened
    opened.close()
