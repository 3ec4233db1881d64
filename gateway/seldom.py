"""Lets the same event through once in a while, so that no client can flood the log."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

KEYS_KEPT = 1_000
"""The most events that are let through in one period."""


class Seldom:
    """Each key once in a period."""

    def __init__(self, period_s: float = 60, clock: Callable[[], float] = time.monotonic) -> None:
        self._period_s = period_s
        self._clock = clock
        self._at: OrderedDict[bytes, float] = OrderedDict()
        """When each key was let through; the oldest first."""

    def allows(self, key: bytes) -> bool:
        """Whether the key was not let through within the period."""
        now = self._clock()
        while self._at and next(iter(self._at.values())) <= now - self._period_s:
            self._at.popitem(last=False)
        if key in self._at or len(self._at) >= KEYS_KEPT:
            return False
        self._at[key] = now
        return True
