"""What takes long and is for one reader is done one at a time, and the readers take turns.

Mail needs the threads that read the store, the processes that parse, and the interpreter: somebody
who opens many pages at once waits for themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeVar

from gateway import log
from gateway.in_time import STORE_S
from gateway.runtime import Runtime
from gateway.seldom import Seldom
from gateway.web.api.auth import ApiError
from gateway.web.api.turns import CallerTurns
from storage.db.database import Connection

T = TypeVar("T")


class TooManyReaders(ApiError):
    """The turn of a reader did not come in time."""

    def __init__(self) -> None:
        super().__init__(503, "too many tickets are being shown, try again later")


@dataclass(frozen=True, slots=True)
class Readers:
    """Who waits for one kind of reading. A reader is the address that a request is for."""

    runtime: Runtime
    turns: CallerTurns = field(default_factory=CallerTurns)
    seldom: Seldom = field(default_factory=Seldom)

    @asynccontextmanager
    async def turn(self, reader: str) -> AsyncIterator[None]:
        """A turn, until the end of the context. Raises TooManyReaders where it does not come."""
        await self._acquire(reader)
        try:
            yield
        finally:
            self.turns.release()

    async def read(self, query: Callable[[Connection], T], reader: str) -> T:
        """The result of a query that may take seconds. Raises TooManyReaders where its turn does
        not come in time."""
        await self._acquire(reader)
        loop, ended, begun = asyncio.get_running_loop(), False, False

        def end() -> None:
            nonlocal ended
            if not ended:
                ended = True
                self.turns.release()

        def shown(connection: Connection) -> T:
            nonlocal begun
            begun = True
            try:
                return query(connection)
            finally:  # also where nobody waits for it any more
                with suppress(RuntimeError):  # the loop is closed
                    loop.call_soon_threadsafe(end)

        try:
            return await self.runtime.read(shown)
        finally:
            if not begun:
                end()

    async def _acquire(self, reader: str) -> None:
        try:
            async with asyncio.timeout(STORE_S):
                await self.turns.acquire(reader)
        except TimeoutError:
            self.runtime.metrics.api_busy()
            if self.seldom.allows(reader.encode()):
                log.api_busy(reader)
            raise TooManyReaders from None
