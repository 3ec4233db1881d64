"""The further tickets that a late acknowledgement names, as they are when it is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select, update

from rules.ticket.notice_payloads import as_stored
from rules.ticket.notices import AcknowledgementPayload
from storage.db.tables import NoticeRow, TicketRow, table

_notice, _ticket = table(NoticeRow), table(TicketRow)
_NUMBER = re.compile(r"#(\d+)")


def item(ticket: int, subject: str) -> str:
    """A ticket as an acknowledgement names it."""
    return f"#{ticket}: {' '.join(subject.split())}"


def as_they_are(connection: Connection, named: Sequence[str]) -> tuple[str, ...]:
    """Without those that are deleted; what was merged names the ticket that it is part of."""
    found = _tickets(connection, named)
    also: list[str] = []
    for each in named:
        ticket = found.get(_number_in(each))
        if ticket is None:  # of another version
            also.append(each)
        elif ticket.deleted_at is None and ticket.merged_into is not None:
            also.append(_NUMBER.sub(rf"#\1 → #{ticket.merged_into}", each, count=1))
        elif ticket.deleted_at is None:
            also.append(each)
    return tuple(also)


def hand_on(connection: Connection, notice: Row[Any], payload: AcknowledgementPayload) -> bool:
    """The acknowledgement of a ticket that is deleted becomes that of the first that it names
    besides; False if none is left."""
    found = _tickets(connection, payload.also)
    alive = [
        each
        for each in payload.also
        if (ticket := found.get(_number_in(each))) is not None and ticket.deleted_at is None
    ]
    if not alive:
        return False
    left = AcknowledgementPayload(also=tuple(alive[1:]))
    values = {
        "ticket_id": _number_in(alive[0]),
        "detail": json.dumps(as_stored(left), ensure_ascii=False),
        "claimed_by": None,
    }
    connection.execute(update(_notice).where(_notice.c.id == notice.id).values(values))
    return True


def _number_in(named: str) -> int:
    found = _NUMBER.match(named)
    return int(found[1]) if found else 0


def _tickets(connection: Connection, named: Iterable[str]) -> Mapping[int, Any]:
    numbers = {number for each in named if (number := _number_in(each))}
    query = select(_ticket.c.id, _ticket.c.deleted_at, _ticket.c.merged_into)
    return {row.id: row for row in connection.execute(query.where(_ticket.c.id.in_(numbers)))}
