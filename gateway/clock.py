"""The system's clock, and ids made from it: UUIDv7 (RFC 9562 §5.7), which sort by time."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

Clock = Callable[[], datetime]
NewId = Callable[[], UUID]


def now() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(UTC)


def new_id() -> UUID:
    """A new id from the clock and the system's random numbers."""
    return uuid7(now(), os.urandom(10))


def uuid7(time: datetime, random: bytes) -> UUID:
    """48 bits of Unix time in ms, the version, the variant, and 74 bits of ten random octets."""
    milliseconds = int(time.timestamp() * 1000)
    value = milliseconds << 80 | int.from_bytes(random, "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)
