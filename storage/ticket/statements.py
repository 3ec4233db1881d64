"""The statements that write a ticket's rows, each guarded by the state that was decided on."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, bindparam, func, select, update

from rules.people import Presence
from storage.db.statements import Statement, compiled, compiled_insert
from storage.db.tables import (
    AttachmentRow,
    AuditRow,
    CommentRow,
    NoticeRow,
    ParticipantRow,
    TicketRow,
    table,
)

_ticket, _participant, _comment = table(TicketRow), table(ParticipantRow), table(CommentRow)
_THIS = _ticket.c.id == bindparam("ticket")
_NOW: BindParameter[Any] = bindparam("now")
# Within COALESCE a parameter does not get the type of its column by itself.
_TIME = _ticket.c.due_at.type

# The only row that the unique indexes can refuse is a second follow-up to one ticket.
OPEN = compiled_insert(table(TicketRow), "id", ignore_existing=True)
JOIN = compiled_insert(table(ParticipantRow), ignore_existing=True)
ADD = compiled_insert(table(ParticipantRow), "id", ignore_existing=True)
COMMENT = compiled_insert(table(CommentRow))
# The number is returned only if needed: on PostgreSQL each one costs a round trip.
NUMBERED_COMMENT = compiled_insert(table(CommentRow), "id")
ATTACHMENT = compiled_insert(table(AttachmentRow))
NOTICE = compiled_insert(table(NoticeRow))
AUDIT = compiled_insert(table(AuditRow))


NOW_OR_NEVER = ("first_due_at", "first_answered_at")
"""A time that is set once: a value that is there stays."""


@lru_cache(maxsize=256)
def change(set_: frozenset[str], was: frozenset[str], guarded: bool) -> Statement:
    """Sets columns of a ticket to `new_…` if each column in `was` has the value `was_…`.

    It always raises the version; if `guarded`, only from `version`.
    """
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in set_}
    for name in set_.intersection(NOW_OR_NEVER):
        new = bindparam(f"new_{name}", type_=_TIME)
        values[name] = func.coalesce(_ticket.c[name], new)
    unchanged = [
        _ticket.c[name].is_not_distinct_from(bindparam(f"was_{name}", type_=_ticket.c[name].type))
        for name in sorted(was)
    ]
    version = [_ticket.c.version == bindparam("version")] if guarded else []
    return compiled(
        update(_ticket)
        .where(_THIS, *unchanged, *version)
        .values({"version": _ticket.c.version + 1, **values})
        .returning(_ticket.c.id)
    )


# Both rows are locked, in one order: two merges at once cannot make each lead to the other.
LOCK_FOR_MERGE = compiled(
    select(_ticket.c.id, _ticket.c.version)
    .where(
        _ticket.c.id.in_((bindparam("ticket"), bindparam("into"))),
        _ticket.c.merged_into.is_(None),
        _ticket.c.deleted_at.is_(None),
    )
    .order_by(_ticket.c.id)
    .with_for_update()
)
# Locked until the commit: what was read of it holds for what is written beside it.
UNCHANGED = compiled(
    select(_ticket.c.id)
    .where(_THIS, _ticket.c.version == bindparam("version"))
    .with_for_update(key_share=True)
)
FIELDS = compiled(select(_ticket.c.fields).where(_THIS).with_for_update())

PUBLISH = compiled(
    update(_comment)
    .where(
        _comment.c.id == bindparam("comment"),
        _comment.c.ticket_id == bindparam("on"),
        _comment.c.visibility == bindparam("was"),
    )
    .values(visibility=bindparam("became"), folded_as=None, ticket_id=bindparam("ticket"))
    .returning(_comment.c.id)
)

UNSUBSCRIBE = compiled(
    update(_participant)
    .where(
        _participant.c.id == bindparam("participant"),
        _participant.c.ticket_id == bindparam("ticket"),
        _participant.c.presence == Presence.ACTIVE.value,
        ~_participant.c.muted,
    )
    .values(muted=True)
    .returning(_participant.c.address)
)
RESUBSCRIBE = compiled(
    update(_participant)
    .where(
        _participant.c.ticket_id == bindparam("ticket"),
        _participant.c.address == bindparam("address"),
        _participant.c.muted,
    )
    .values(muted=False)
    .returning(_participant.c.id)
)
SET_PART = compiled(
    update(_participant)
    .where(
        _participant.c.ticket_id == bindparam("ticket"),
        _participant.c.address == bindparam("address"),
    )
    .values(part=bindparam("became"))
    .returning(_participant.c.id)
)
SET_PRESENCE = compiled(
    update(_participant)
    .where(
        _participant.c.ticket_id == bindparam("ticket"),
        _participant.c.address == bindparam("address"),
        _participant.c.presence == bindparam("was"),
    )
    # A person who is accepted sees the ticket from now on.
    .values(presence=bindparam("became"), joined_at=_NOW, muted=False)
    .returning(_participant.c.id)
)
