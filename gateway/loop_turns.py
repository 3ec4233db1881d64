"""Turns in the event loop for work of up to some milliseconds that many mails need at once."""

from __future__ import annotations

import asyncio
from collections import deque


class LoopTurns:
    """Assigns the iterations of the event loop to waiting tasks, one each: to one client after the
    other, and in order for each.

    Otherwise the work of mails that arrive together would be done in one iteration, and all other
    tasks would wait for all of it; and a mail would wait for all those of one flood.
    """

    def __init__(self) -> None:
        self._waiting: dict[object, deque[asyncio.Future[None]]] = {}
        """By client; the one that was served longest ago is first."""
        self._taken = False
        """Whether this iteration is assigned."""

    async def wait(self, client: object) -> None:
        """Returns in an iteration that no other task has."""
        if self._taken:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(client, deque()).append(waiter)
            await waiter
        else:
            self._occupy()

    def _hand_over(self) -> None:
        while self._waiting:
            client = next(iter(self._waiting))
            mails = self._waiting.pop(client)
            waiter = mails.popleft()
            if mails:
                self._waiting[client] = mails
            if not waiter.done():  # cancelled
                waiter.set_result(None)
                self._occupy()
                return
        self._taken = False

    def _occupy(self) -> None:
        self._taken = True
        asyncio.get_running_loop().call_soon(self._hand_over)
