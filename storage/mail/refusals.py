"""Refused mails that are only counted, by client network and hour; `refusal_counts` counts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, or_, select, tuple_

from storage.db.tables import RefusalsRow, table

FORGOTTEN_AT_ONCE = 1000
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

_refusals = table(RefusalsRow)


@dataclass(frozen=True, slots=True)
class Refusals:
    """Mails from one network within one hour that have no row in the journal."""

    network: str
    """Or the IPv6 /32, for what is beyond its number of rows."""
    hour: datetime
    journaled: int
    """Mails of that hour that have one."""
    counted: int


def counted_since(connection: Connection, since: datetime) -> Sequence[Refusals]:
    """The hours in which mail was only counted, the oldest first."""
    query = (
        select(_refusals)
        .where(_refusals.c.hour > since - HOUR, _refusals.c.counted > 0)
        .order_by(_refusals.c.hour, _refusals.c.counted.desc(), _refusals.c.network)
    )
    return [
        Refusals(row.network, row.hour, row.journaled, row.counted)
        for row in connection.execute(query)
    ]


def forget(connection: Connection, now: datetime, keep: timedelta) -> int:
    """Delete old counts, some at a time; returns how many.

    A count without mails beyond the quota is needed for a day only.
    """
    old = (
        select(_refusals.c.network, _refusals.c.hour)
        .where(
            or_(
                _refusals.c.hour < now - keep,
                (_refusals.c.counted == 0) & (_refusals.c.hour < now - DAY - HOUR),
            )
        )
        .limit(FORGOTTEN_AT_ONCE)
    )
    key = tuple_(_refusals.c.network, _refusals.c.hour)
    return connection.execute(delete(_refusals).where(key.in_(old))).rowcount
