"""The tags of a ticket as rows."""

from __future__ import annotations

from typing import Any, assert_never

from sqlalchemy import Connection, Select, bindparam, delete, func, literal_column, select

from rules.decision.staff_effects import TagAdded, TagRemoved
from rules.ticket.audit import AuditEvent
from storage.db.statements import compiled, compiled_insert
from storage.db.tables import TicketRow, TicketTagRow, table
from storage.ticket.rows import AuditEntry, ChangeContext, audit

_ticket, _tag = table(TicketRow), table(TicketTagRow)
_SPACE: Any = literal_column("' '")
_ADD = compiled_insert(_tag, ignore_existing=True)
_REMOVE = compiled(
    delete(_tag).where(_tag.c.ticket_id == bindparam("ticket"), _tag.c.tag == bindparam("tag"))
)
TAGS = (
    select(func.aggregate_strings(_tag.c.tag, _SPACE))
    .where(_tag.c.ticket_id == _ticket.c.id)
    .correlate(_ticket)
    .scalar_subquery()
    .label("tags")
)
"""All tags of a ticket, separated by spaces; a tag has none."""


def tagged(tag: str) -> Select[tuple[int]]:
    """The tickets with a tag, of all mailboxes."""
    return select(_tag.c.ticket_id).where(_tag.c.tag == tag)


def read(tags: str | None) -> tuple[str, ...]:
    """The tags of a row."""
    return tuple(sorted((tags or "").split()))


def change_tags(
    connection: Connection, context: ChangeContext, ticket: int, effect: TagAdded | TagRemoved
) -> None:
    """Write the effect, with its line in the audit trail."""
    match effect:
        case TagAdded(tag=tag):
            row = {"mailbox_id": context.mailbox.id, "ticket_id": ticket, "tag": tag}
            _ADD.run(connection, row)
            event = AuditEvent.TAGGED
        case TagRemoved(tag=tag):
            _REMOVE.run(connection, {"ticket": ticket, "tag": tag})
            event = AuditEvent.UNTAGGED
        case _:
            assert_never(effect)
    audit(connection, context, ticket, AuditEntry(event, tag))
