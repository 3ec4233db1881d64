"""Bodies of requests in which something happens between their first part and their last."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest


@dataclass
class Asked:
    """Notices when the server has looked up who sends a request."""

    happened: asyncio.Event = field(default_factory=asyncio.Event)

    def watch(self, patched: pytest.MonkeyPatch, module: object, name: str) -> None:
        """Whenever this function of a module, which runs in any thread, has given its result."""
        loop, look_up = asyncio.get_running_loop(), getattr(module, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            found = look_up(*args, **kwargs)
            loop.call_soon_threadsafe(self.happened.set)
            return found

        patched.setattr(module, name, watched)

    async def body(
        self, content: bytes, meanwhile: Callable[[], Awaitable[object]]
    ) -> AsyncIterator[bytes]:
        """Its last octet comes after what happens meanwhile."""
        self.happened.clear()
        yield content[:-1]
        await asyncio.wait_for(self.happened.wait(), 10)
        await meanwhile()
        yield content[-1:]
