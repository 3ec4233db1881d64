from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.gateway.web.console.desk import Desk, a_desk


@pytest_asyncio.fixture
async def desk(store_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with a_desk(store_url, tmp_path) as desk:
        yield desk
