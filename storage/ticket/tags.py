"""Tags given and taken; `summaries` reads them."""

from __future__ import annotations

from typing import assert_never

from sqlalchemy import Connection, bindparam, delete

from rules.decision.staff_effects import TagAdded, TagRemoved
from rules.ticket.audit import AuditEvent
from storage.db.statements import compiled, compiled_insert
from storage.db.tables import TicketTagRow, table
from storage.ticket.rows import AuditEntry, ChangeContext, audit

_tag = table(TicketTagRow)
_ADD = compiled_insert(_tag, ignore_existing=True)
_REMOVE = compiled(
    delete(_tag).where(_tag.c.ticket_id == bindparam("ticket"), _tag.c.tag == bindparam("tag"))
)


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
