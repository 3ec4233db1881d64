"""Fixtures for every test: each storage test runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from storage.db.database import Database
from tests.compiled_apart import import_tests
from tests.compiled_once import compile_once
from tests.examples import examples
from tests.kept_logger import forget_logger, log_plainly
from tests.longest_first import LongestFirst, rank
from tests.stores import PostgresStores, SqliteStores, postgres

# How long an example takes says how busy the machine is; a test of time measures CPU time itself.
settings.register_profile(
    "postern",
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("postern")
compile_once()
log_plainly()
# Python's default of 700 would search what a test makes several times while it runs.
gc.set_threshold(20_000, 20, 50)


def pytest_sessionstart(session: pytest.Session) -> None:
    """A worker that is going to collect all tests imports them first."""
    config = session.config
    if (worker := os.environ.get("PYTEST_XDIST_WORKER")) is None:
        return
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        number = int(worker.removeprefix("gw"))
        import_tests(number, int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: rank(item.nodeid))


def pytest_collection_finish() -> None:
    """The collected tests are millions of objects that stay: each full collection of garbage would
    look at them again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)  # the mutants run without xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LongestFirst | None:
    """The scheduler of `--dist loadfile`, which is that of `make test`."""
    if config.option.dist != "loadfile":
        return None
    config.option.loadscopereorder = False
    return LongestFirst(config, log)


@pytest.fixture(autouse=True)
def _logger_of_its_own() -> Iterator[None]:
    """A test may run a command in this process, whose logger is configured and kept: the next test
    on the same worker, whichever it is, could not capture what is logged."""
    yield
    forget_logger()


@pytest.fixture(scope="session")
def sqlite_stores(tmp_path_factory: pytest.TempPathFactory) -> SqliteStores:
    return SqliteStores(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres_stores() -> Iterator[PostgresStores]:
    with postgres() as stores:
        yield stores


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty, upgraded store."""
    stores: SqliteStores | PostgresStores = request.getfixturevalue(f"{request.param}_stores")
    with stores.lent() as url:
        yield url


@pytest.fixture
def database(store_url: str) -> Iterator[Database]:
    opened = Database(store_url, connections=4)
    yield opened
    opened.close()
