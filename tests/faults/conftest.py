"""Stores with people enrolled, for servers that are about to suffer."""

from __future__ import annotations

import pytest

from tests.faults.reconciliation import enrol


@pytest.fixture
def enrolled(store_url: str) -> str:
    """The URL of a store, one for each kind, with a mailbox and its users."""
    return enrol(store_url)
