"""The clock, and ids made from it: UUIDv7 (RFC 9562 §5.7), which sort by time."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

Clock = Callable[[], datetime]
NewId = Callable[[], UUID]
PRECISE_S = 1.0
"""A reading that took longer than this is too imprecise to replace an earlier one."""


def now() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(UTC)


class StoreClock:
    """The clock of a database server, which all nodes on it share, as last read.

    In between it runs on by the monotonic clock, so that a jump of the system's clock has no effect
    on due times. Until it is first set it is the system's.
    """

    def __init__(
        self, monotonic: Callable[[], float] = time.monotonic, before: Clock = now
    ) -> None:
        self._monotonic = monotonic
        self._before = before
        self._read: tuple[datetime, float] | None = None

    def __call__(self) -> datetime:
        if self._read is None:
            return self._before()
        read, at = self._read
        return read + timedelta(seconds=self._monotonic() - at)

    async def follow(self, read: Callable[[], Awaitable[datetime | None]]) -> None:
        """Read the server's clock; None where the store has none of its own."""
        asked = self._monotonic()
        found = await read()
        answered = self._monotonic()
        if found is not None and (self._read is None or answered - asked < PRECISE_S):
            self._read = (found, (asked + answered) / 2)


def new_id() -> UUID:
    """A new id from the clock and the system's random numbers."""
    return uuid7(now(), os.urandom(10))


def uuid7(at: datetime, random: bytes) -> UUID:
    """48 bits of Unix time in ms, the version, the variant, and 74 bits of ten random octets."""
    milliseconds = int(at.timestamp() * 1000)
    value = milliseconds << 80 | int.from_bytes(random, "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)
