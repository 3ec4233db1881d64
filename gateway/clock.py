"""Ids that others see: UUIDv7 (RFC 9562 §5.7), so that rows written together lie together."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

Clock = Callable[[], datetime]
NewId = Callable[[], UUID]


def now() -> datetime:
    """The time of day, aware, in UTC."""
    return datetime.now(UTC)


def new_id() -> UUID:
    """An id from the clock and the system's random numbers."""
    return uuid7(now(), os.urandom(10))


def uuid7(moment: datetime, random: bytes) -> UUID:
    """48 bits of Unix time in ms, then version, variant and 74 random bits out of ten octets."""
    milliseconds = int(moment.timestamp() * 1000)
    value = milliseconds << 80 | int.from_bytes(random, "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)
