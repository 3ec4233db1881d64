"""Which other nodes are dead, seen from one node by its own monotonic clock alone, and the signs of
life by which the others see that it is not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

BEAT_S = 2.0
"""How often a node that holds claims shows that it lives."""
DEAD_S = 10.0
"""A node whose beats have not changed for this long is dead."""
GAP_S = 5.0
"""After a pause of this length between two observations, all of them count from now on."""
FRESH_S = 5.0
"""A node that could not show life for this long begins no mail: others may take it for dead."""


@dataclass(slots=True)
class _Seen:
    beats: int
    since: float


@dataclass(slots=True)
class NodeWatch:
    """What one node has seen of the others."""

    monotonic: Callable[[], float] = time.monotonic
    _seen: dict[UUID, _Seen] = field(default_factory=dict)
    _last: float = float("-inf")

    def dead(self, beats: Mapping[UUID, int]) -> Mapping[UUID, int]:
        """Of the nodes that hold claims, those that are dead, with their last beats."""
        now = self.monotonic()
        if now - self._last > GAP_S:
            self._seen.clear()
        self._last = now
        for node in self._seen.keys() - beats.keys():
            del self._seen[node]
        for node, count in beats.items():
            seen = self._seen.get(node)
            if seen is None or seen.beats != count:
                self._seen[node] = _Seen(count, now)
        return {node: seen.beats for node, seen in self._seen.items() if now - seen.since >= DEAD_S}


@dataclass(slots=True)
class SignsOfLife:
    """Those that this node shows while it holds claims."""

    alive_at: float = float("-inf")
    """When it last did, by its monotonic clock."""
    lost: bool = False
    """Other nodes have taken this one for dead, and its claims over."""
    _beating: asyncio.Task[None] | None = None

    def begin(
        self, claimed_at: float, monotonic: Callable[[], float], beat: Callable[[], Awaitable[bool]]
    ) -> None:
        """A claim is a sign of life; those that follow are shown until `end`."""
        self.alive_at, self.lost = claimed_at, False
        if self._beating is None or self._beating.done():
            self._beating = asyncio.create_task(self._beat(monotonic, beat))

    async def end(self) -> None:
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.wait((self._beating,))
            self._beating = None

    def is_fresh(self, now: float) -> bool:
        """Whether no other node can take this one for dead yet."""
        return not self.lost and now - self.alive_at <= FRESH_S

    async def _beat(
        self, monotonic: Callable[[], float], beat: Callable[[], Awaitable[bool]]
    ) -> None:
        while not self.lost:
            await asyncio.sleep(BEAT_S)
            began = monotonic()
            with suppress(Exception):  # the next beat may succeed; until then nothing is begun
                self.lost = not await beat()
                self.alive_at = began
