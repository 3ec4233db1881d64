"""Turns at what only one request may do at a time: the callers take turns."""

from __future__ import annotations

import asyncio
from collections import deque


class CallerTurns:
    """One turn at a time: it goes from caller to caller, and in order for each.

    Otherwise one user of a portal who opens many tickets at once would keep all others waiting.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        """By caller; the one whose turn is next comes first."""
        self._taken = False

    async def acquire(self, caller: str) -> None:
        """Returns when it is the turn of the caller, who gives it back with `release`."""
        if not self._taken:
            self._taken = True
            return
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(caller, deque()).append(granted)
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():  # granted at the same time
                self.release()
            raise

    def release(self) -> None:
        """The turn of the next caller who still waits begins."""
        while self._waiting:
            caller = next(iter(self._waiting))
            requests = self._waiting.pop(caller)
            granted = requests.popleft()
            if requests:
                self._waiting[caller] = requests  # behind all others
            if not granted.done():
                granted.set_result(None)
                return
        self._taken = False
