"""Ids that are named by their beginning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, select

SHORTEST = 6
"""Hexadecimal digits: the beginning of a UUIDv7 is the time, and 6 are four hours of mails."""
_ALL = 32


def named(
    connection: Connection, column: ColumnElement[UUID], text: str, *conditions: ColumnElement[bool]
) -> Sequence[UUID] | None:
    """Up to two ids that begin with a text, hyphens aside; None if it is no beginning of an id.

    Ids are looked up in the order of their index. `conditions` restrict whose ids are looked at.
    """
    digits = text.replace("-", "").lower()
    if not SHORTEST <= len(digits) <= _ALL or set(digits) - set("0123456789abcdef"):
        return None
    lowest, highest = UUID(digits.ljust(_ALL, "0")), UUID(digits.ljust(_ALL, "f"))
    query = select(column).where(column.between(lowest, highest), *conditions).limit(2)
    found: Any = connection.execute(query).scalars()
    return list(found)
