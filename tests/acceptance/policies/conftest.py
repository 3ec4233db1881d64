"""Two servers for each test module, under the shipped policy that its `POLICY` names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.policies.launch import (
    ClockedPolicyServer,
    running_clocked_server,
    running_policy_server,
)
from tests.acceptance.policies.policy_server import PolicyServer
from tests.stores import SqliteStores


@pytest.fixture(scope="module")
def server(
    request: pytest.FixtureRequest,
    sqlite_stores: SqliteStores,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[PolicyServer]:
    """A `postern serve`; each test adds its own company and people."""
    policy = str(request.module.POLICY)
    with running_policy_server(
        policy, tmp_path_factory.mktemp(policy), sqlite_stores.new()
    ) as running:
        yield running


@pytest.fixture(scope="module")
def clocked_server(
    request: pytest.FixtureRequest,
    sqlite_stores: SqliteStores,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ClockedPolicyServer]:
    policy = str(request.module.POLICY)
    folder = tmp_path_factory.mktemp(f"{policy}-clocked")
    with running_clocked_server(policy, folder, sqlite_stores.new()) as running:
        yield running


@pytest.fixture
def clocked(
    request: pytest.FixtureRequest, clocked_server: ClockedPolicyServer
) -> ClockedPolicyServer:
    """A server whose clock the test sets; it starts at the module's `NOW`."""
    clocked_server.set_clock(request.module.NOW)
    return clocked_server
