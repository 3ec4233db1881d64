"""Two servers for each module, under the shipped policy that its `POLICY` names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.policies.launch import ClockedDesk, a_clocked_desk, a_desk
from tests.acceptance.policies.policy_server import Desk
from tests.stores import SqliteStores


@pytest.fixture(scope="module")
def desk(
    request: pytest.FixtureRequest,
    sqlite_stores: SqliteStores,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Desk]:
    """`postern serve`; every test brings a company and people of its own."""
    policy = str(request.module.POLICY)
    with a_desk(policy, tmp_path_factory.mktemp(policy), sqlite_stores.new()) as running:
        yield running


@pytest.fixture(scope="module")
def on_clock(
    request: pytest.FixtureRequest,
    sqlite_stores: SqliteStores,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ClockedDesk]:
    policy = str(request.module.POLICY)
    folder = tmp_path_factory.mktemp(f"{policy}-clocked")
    with a_clocked_desk(policy, folder, sqlite_stores.new()) as running:
        yield running


@pytest.fixture
def clocked(request: pytest.FixtureRequest, on_clock: ClockedDesk) -> ClockedDesk:
    """A server whose clock the test sets; it begins at the module's `NOW`."""
    on_clock.at(request.module.NOW)
    return on_clock
