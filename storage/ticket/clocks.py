"""The clock of a ticket as columns of its row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, update

from rules.service.sla_rules import ClockChange
from rules.ticket.business_time import parse_span
from rules.ticket.sla import Clock, SlaEvent, Stage
from storage.db.statements import compiled
from storage.db.tables import TicketRow, table
from storage.ticket import write
from storage.ticket.write import ChangeContext

_ticket = table(TicketRow)
# Within COALESCE a parameter takes no type from its column by itself.
_MOMENT = _ticket.c.due_at.type
_SET = compiled(
    update(_ticket)
    .where(_ticket.c.id == bindparam("ticket"))
    .values(
        clock=bindparam("new_clock"),
        due_at=bindparam("new_due_at"),
        tell_at=bindparam("new_tell_at"),
        first_due_at=func.coalesce(_ticket.c.first_due_at, bindparam("first_due", type_=_MOMENT)),
        first_answered_at=func.coalesce(
            _ticket.c.first_answered_at, bindparam("first_answer", type_=_MOMENT)
        ),
    )
)


def columns(clock: Clock | None) -> Mapping[str, Any]:
    """The columns of a ticket's row that hold its clock."""
    standing = clock is None or clock.paused_at is not None
    return {
        "clock": _dump(clock),
        "due_at": clock.due_at if clock is not None and not standing else None,
        "tell_at": clock.notify_at if clock is not None else None,
    }


def save_clock(
    connection: Connection,
    hand: ChangeContext,
    ticket: int,
    ticking: ClockChange,
    answered_at: datetime | None = None,
) -> None:
    """Keep a ticket's clock as it is from now on; `answered_at` where staff have answered.

    A promise that ends too late before anybody was told goes into the history here.
    """
    ended = ticking.ended
    if ended is not None and ended.breached and not ended.notified:
        write.audit(connection, hand, ticket, "sla", ended.stage.value, "breached", "")
    held = columns(ticking.clock)
    is_first = ticking.clock is not None and ticking.clock.stage is Stage.FIRST
    _SET.run(
        connection,
        {
            "ticket": ticket,
            "new_clock": held["clock"],
            "new_due_at": held["due_at"],
            "new_tell_at": held["tell_at"],
            "first_due": ticking.clock.due_at if ticking.clock is not None and is_first else None,
            "first_answer": answered_at,
        },
    )


def read(text: str) -> Clock | None:
    """The clock of a row."""
    if not text:
        return None
    kept = json.loads(text)
    return Clock(
        stage=Stage(kept["stage"]),
        span=parse_span(kept["span"]),
        started_at=datetime.fromisoformat(kept["started_at"]),
        due_at=datetime.fromisoformat(kept["due_at"]),
        warn_at=datetime.fromisoformat(kept["warn_at"]),
        notified=SlaEvent(kept["told"]) if kept["told"] else None,
        paused_at=datetime.fromisoformat(kept["paused_at"]) if kept["paused_at"] else None,
        waited_s=kept["waited_s"],
        waited_business_s=kept["waited_business_s"],
    )


def _dump(clock: Clock | None) -> str:
    if clock is None:
        return ""
    return json.dumps(
        {
            "stage": clock.stage.value,
            "span": str(clock.span),
            "started_at": clock.started_at.isoformat(),
            "due_at": clock.due_at.isoformat(),
            "warn_at": clock.warn_at.isoformat(),
            "told": clock.notified.value if clock.notified is not None else "",
            "paused_at": clock.paused_at.isoformat() if clock.paused_at is not None else "",
            "waited_s": clock.waited_s,
            "waited_business_s": clock.waited_business_s,
        }
    )
