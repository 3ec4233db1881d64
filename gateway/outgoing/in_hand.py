"""The mails that a node has begun: what takes long continues, and keeps no other mail waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from gateway.outgoing import events

SLOW_S = 20.0
"""A mail that takes longer than this continues beside those that follow it."""


@dataclass(slots=True)
class InHand:
    """Mails that are written, handed over or recorded now, by the ids of their notices."""

    _tasks: dict[UUID, asyncio.Task[None]] = field(default_factory=dict)
    _beside: set[UUID] = field(default_factory=set)

    @property
    def notices(self) -> Sequence[UUID]:
        return tuple(self._tasks)

    async def send(self, notice: UUID, sending: Coroutine[Any, Any, None], beside: int) -> None:
        """Returns once a mail is settled, or takes long: then it continues, unless so many do
        already. If it is cancelled, the mail is cut off."""
        task = asyncio.create_task(sending)
        self._tasks[notice] = task
        task.add_done_callback(lambda _: self._settled(notice))
        try:
            await asyncio.wait((task,), timeout=SLOW_S)
            if not task.done() and len(self._beside) < beside:
                self._beside.add(notice)
                task.add_done_callback(_report)
                return
            await task
        except asyncio.CancelledError:
            await _cut(task)
            raise

    async def wait(self) -> None:
        """Until all are settled."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks.values()))

    async def cut(self) -> None:
        """Cut off those that are left."""
        for task in tuple(self._tasks.values()):
            await _cut(task)

    def _settled(self, notice: UUID) -> None:
        del self._tasks[notice]
        self._beside.discard(notice)


async def _cut(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait((task,))


def _report(task: asyncio.Task[None]) -> None:
    """What a bug did to a mail that nobody waits for any more."""
    if not task.cancelled() and (error := task.exception()) is not None:
        events.dispatcher_failed(error)
