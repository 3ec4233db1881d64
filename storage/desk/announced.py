"""What digests have named, and how long an entry waits that none has."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_

from rules.service.digests import REMEMBERED_FOR
from rules.ticket.desk import Queue
from storage.db.tables import AnnouncedRow, table

_announced = table(AnnouncedRow)


def is_announced(mailbox: Any, queue: Queue, item: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a digest has named an entry of a mailbox, which is a column or an id."""
    return exists().where(
        _announced.c.mailbox_id == mailbox,
        _announced.c.queue == queue.value,
        _announced.c.item == item,
    )


def still_waits(
    at: ColumnElement[datetime],
    lasts: timedelta,
    now: datetime,
    is_named: ColumnElement[bool],
) -> ColumnElement[bool]:
    """Whether an entry that came at a time is in its queue still: what is over by itself after a
    while is not over before a digest has named it, as long as it is known which were named."""
    return and_(at > now - REMEMBERED_FOR, or_(at > now - lasts, ~is_named))
