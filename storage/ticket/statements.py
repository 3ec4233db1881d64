"""The statements that write a ticket's rows, each guarded by the state that was decided on."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BindParameter, bindparam, func, select, update

from rules.people import Presence
from rules.ticket.visibility import Visibility
from storage.db.statements import compiled, compiled_insert
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

TOUCH = compiled(update(_ticket).where(_THIS).values(updated_at=_NOW))
CHANGE_STATUS = compiled(
    update(_ticket)
    .where(_THIS, _ticket.c.status == bindparam("was"))
    .values(status=bindparam("became"), status_at=_NOW, updated_at=_NOW)
    .returning(_ticket.c.id)
)
CHANGE_SEVERITY = compiled(
    update(_ticket)
    .where(_THIS, _ticket.c.severity == bindparam("was"))
    .values(
        severity=bindparam("became"),
        severity_source=bindparam("source"),
        critical=bindparam("is_critical"),
        critical_claimed=bindparam("is_claimed"),
        updated_at=_NOW,
    )
    .returning(_ticket.c.id)
)
ASSIGN = compiled(
    update(_ticket)
    .where(_THIS, _ticket.c.assignee == bindparam("was"))
    .values(assignee=bindparam("became"), updated_at=_NOW)
    .returning(_ticket.c.id)
)
ESCALATE = compiled(
    update(_ticket)
    .where(_THIS, _ticket.c.escalation_level == bindparam("was"))
    .values(escalation_level=bindparam("became"), updated_at=_NOW)
    .returning(_ticket.c.id)
)
# Both rows are locked, in one order: two merges at once cannot make each lead to the other.
LOCK_FOR_MERGE = compiled(
    select(_ticket.c.id)
    .where(
        _ticket.c.id.in_((bindparam("ticket"), bindparam("into"))),
        _ticket.c.merged_into.is_(None),
        _ticket.c.deleted_at.is_(None),
    )
    .order_by(_ticket.c.id)
    .with_for_update()
)
MERGE = compiled(
    update(_ticket)
    .where(_THIS, _ticket.c.merged_into.is_(None))
    .values(
        merged_into=bindparam("into"),
        status=bindparam("closed"),
        status_at=_NOW,
        updated_at=_NOW,
        clock="",
        due_at=None,
        tell_at=None,
    )
    .returning(_ticket.c.id)
)
DELETE = compiled(
    update(_ticket)
    .where(_THIS, _ticket.c.deleted_at.is_(None))
    .values(deleted_at=_NOW, clock="", due_at=None, tell_at=None)
    .returning(_ticket.c.id)
)
SAVE_CLOCK = compiled(
    update(_ticket)
    .where(_THIS)
    .values(
        clock=bindparam("new_clock"),
        due_at=bindparam("new_due_at"),
        tell_at=bindparam("new_tell_at"),
        first_due_at=func.coalesce(_ticket.c.first_due_at, bindparam("first_due", type_=_TIME)),
        first_answered_at=func.coalesce(
            _ticket.c.first_answered_at, bindparam("first_answer", type_=_TIME)
        ),
    )
)
REPORT_OVERDUE = compiled(
    update(_ticket)
    .where(_THIS, _ticket.c.tell_at == bindparam("was"))
    .values(clock=bindparam("new_clock"), tell_at=bindparam("new_tell_at"))
    .returning(_ticket.c.id)
)
SET_MISSING = compiled(update(_ticket).where(_THIS).values(missing=bindparam("still_missing")))
FIELDS = compiled(select(_ticket.c.fields).where(_THIS).with_for_update())
KEEP_FIELDS = compiled(update(_ticket).where(_THIS).values(fields=bindparam("kept")))
RATE = compiled(
    update(_ticket)
    .where(_THIS, _ticket.c.rating == bindparam("was"))
    .values(rating=bindparam("became"))
    .returning(_ticket.c.id)
)

PUBLISH = compiled(
    update(_comment)
    .where(
        _comment.c.id == bindparam("comment"),
        _comment.c.ticket_id == bindparam("ticket"),
        _comment.c.visibility == Visibility.PRIVATE.value,
    )
    .values(visibility=Visibility.PUBLIC.value)
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
