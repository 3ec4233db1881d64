from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from argon2 import PasswordHasher

from gateway.web.console import sessions
from tests.gateway.web.console.desk import Desk, a_desk


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are hashed at the least cost, or most of the time of these tests were for it;
    `test_passwords.py` has the hasher of the program."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(sessions, "_hasher", cheap)
    monkeypatch.setattr(sessions, "_OF_NOBODY", sessions.hash_of_nobody(cheap))


@pytest_asyncio.fixture
async def desk(store_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with a_desk(store_url, tmp_path) as desk:
        yield desk
