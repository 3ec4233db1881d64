"""Which other nodes are dead: seen from one node, by its own monotonic clock alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
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
