"""Stores with enrolled users, for the servers of the fault tests."""

from __future__ import annotations

import pytest

from tests.faults.reconciliation import enrol


@pytest.fixture
def enrolled(store_url: str) -> str:
    """The URL of a store with a mailbox and its users, on each kind of database."""
    return enrol(store_url)
