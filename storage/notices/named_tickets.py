"""Late acknowledgements: one to an address waits at a time, and names further tickets, as they are
when it is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from rules.mail import Mailbox
from rules.ticket.notice_payloads import as_stored, from_stored
from rules.ticket.notices import NoticeKind, NoticeOrder, NoticeState
from rules.ticket.payloads import AcknowledgementPayload
from storage.db.ledger import Conflict
from storage.db.statements import compiled
from storage.db.tables import NoticeRow, TicketRow, table

_notice, _ticket = table(NoticeRow), table(TicketRow)
_NUMBER = re.compile(r"#(\d+)")

# Compiled, since a mail is written inside `pipelined`.
_WAITING = compiled(
    select(_notice.c.id, _notice.c.detail)
    .where(
        _notice.c.mailbox_id == bindparam("mailbox"),
        _notice.c.address == bindparam("to"),
        _notice.c.kind == bindparam("of"),
        _notice.c.created_at == bindparam("at"),
        _notice.c.state == NoticeState.DUE.value,
        _notice.c.claimed_by.is_(None),
    )
    .with_for_update()
)
# All who would order a late acknowledgement to an address lock the same row: there is one, since
# only an earlier acknowledgement makes a further one late.
_LAST = compiled(
    select(_notice.c.id)
    .where(
        _notice.c.mailbox_id == bindparam("mailbox"),
        _notice.c.address == bindparam("to"),
        _notice.c.kind == NoticeKind.ACKNOWLEDGEMENT.value,
    )
    .order_by(_notice.c.created_at.desc())
    .limit(1)
    .with_for_update()
)
# A statement of its own: on PostgreSQL it sees what was committed while the one above waited.
_WAITS = compiled(
    select(_notice.c.id).where(
        _notice.c.mailbox_id == bindparam("mailbox"),
        _notice.c.address == bindparam("to"),
        _notice.c.kind == NoticeKind.ACKNOWLEDGEMENT.value,
        _notice.c.created_at > bindparam("now"),
        _notice.c.state == NoticeState.DUE.value,
        _notice.c.claimed_by.is_(None),
    )
)
_NAME = compiled(
    update(_notice).where(_notice.c.id == bindparam("notice")).values(detail=bindparam("now"))
)


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


def require_none_waits(
    connection: Connection, mailbox: Mailbox, orders: Iterable[NoticeOrder], now: datetime
) -> None:
    """Before a late acknowledgement is ordered: of two at once, the second names its ticket in the
    first. Raises Conflict if one waits, which was ordered since the facts were read."""
    acknowledged = NoticeKind.ACKNOWLEDGEMENT
    for order in orders:
        if order.kind is not acknowledged or order.due_at is None:
            continue
        to = {"mailbox": mailbox.id, "to": order.address}
        locked = _LAST.submit(connection, **to)
        waits = _WAITS.submit(connection, now=now, **to)
        locked()
        if waits():
            raise Conflict(f"an acknowledgement to {order.address} was ordered meanwhile")


def name_with(
    connection: Connection, mailbox: Mailbox, address: str, at: datetime, ticket: str
) -> None:
    """Name a further ticket in the acknowledgement to an address that is sent `at`. Raises Conflict
    if it does not wait any more."""
    kind = NoticeKind.ACKNOWLEDGEMENT.value
    found = _WAITING.rows(connection, mailbox=mailbox.id, to=address, of=kind, at=at)
    if not found:
        raise Conflict(f"the acknowledgement to {address} was sent meanwhile")
    payload = from_stored(AcknowledgementPayload, json.loads(found[0].detail))
    named = replace(payload, also=(*payload.also, ticket))
    detail = json.dumps(as_stored(named), ensure_ascii=False)
    _NAME.run(connection, {"notice": found[0].id, "now": detail})


def _number_in(named: str) -> int:
    found = _NUMBER.match(named)
    return int(found[1]) if found else 0


def _tickets(connection: Connection, named: Iterable[str]) -> Mapping[int, Any]:
    numbers = {number for each in named if (number := _number_in(each))}
    query = select(_ticket.c.id, _ticket.c.deleted_at, _ticket.c.merged_into)
    return {row.id: row for row in connection.execute(query.where(_ticket.c.id.in_(numbers)))}
