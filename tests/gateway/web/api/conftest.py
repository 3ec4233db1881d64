"""The sites that the tests of the ticket API run against."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.gateway.web.api.site import Site, enrolled, serving
from tests.stores import SqliteStores


@pytest.fixture(scope="session")
def template(sqlite_stores: SqliteStores) -> Path:
    """A store with everybody in it, to be copied."""
    return Path(enrolled(sqlite_stores.new()).removeprefix("sqlite:///"))


@pytest_asyncio.fixture
async def site(template: Path, tmp_path: Path) -> AsyncIterator[Site]:
    store = shutil.copy(template, tmp_path / "store.db")
    async with serving(f"sqlite:///{store}", tmp_path) as site:
        yield site


@pytest_asyncio.fixture
async def either(store_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    """The same site on both kinds of store."""
    async with serving(enrolled(store_url), tmp_path) as site:
        yield site
