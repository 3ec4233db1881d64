"""audit events: an event's name and its values, instead of prose that was read back as data"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.db.columns import Number

revision = "0004"
down_revision = "0003"

BATCH = 1000
EVENTS = (
    "opened",
    "status_changed",
    "severity_changed",
    "assigned",
    "escalated",
    "person_added",
    "presence_changed",
    "unsubscribed",
    "resubscribed",
    "comment_published",
    "merged_into",
    "merged_from",
    "deleted",
    "sla_breached",
    "feedback_given",
)
SAME_VALUES = {
    "status": "status_changed",
    "severity": "severity_changed",
    "assignee": "assigned",
    "escalation": "escalated",
    "feedback": "feedback_given",
}
"""Old names whose values stay as they are; `opened` and `deleted` keep their names too."""
PRESENCES = ("active", "pending", "removed")

_audit = sa.table(
    "audit",
    sa.column("id", Number),
    sa.column("event", sa.String),
    sa.column("subject", sa.Text),
    sa.column("was", sa.Text),
    sa.column("became", sa.Text),
)


def upgrade() -> None:
    with op.batch_alter_table("audit") as batch_op:
        batch_op.alter_column("what", new_column_name="event", existing_type=sa.String(20))
        batch_op.alter_column("why", new_column_name="reason", existing_type=sa.Text())
        batch_op.add_column(sa.Column("subject", sa.Text(), server_default="", nullable=False))
    connection = op.get_bind()
    for old, new in SAME_VALUES.items():
        connection.execute(sa.update(_audit).where(_audit.c.event == old).values(event=new))
    _convert(connection)
    listed = ", ".join(f"'{event}'" for event in EVENTS)
    with op.batch_alter_table("audit") as batch_op:
        batch_op.create_check_constraint(op.f("ck_audit_event_is_known"), f"event IN ({listed})")


def _convert(connection: sa.Connection) -> None:
    """The rows whose values held more than one thing, in batches by their id."""
    convert = sa.update(_audit).where(_audit.c.id == sa.bindparam("row_id"))
    last = 0
    while True:
        rows = connection.execute(
            sa.select(_audit)
            .where(
                _audit.c.event.in_(("participant", "merged", "comment", "sla")), _audit.c.id > last
            )
            .order_by(_audit.c.id)
            .limit(BATCH)
        ).all()
        if not rows:
            return
        values = [event_of(row.event, row.was, row.became) for row in rows]
        ids = [{"row_id": row.id} for row in rows]
        connection.execute(convert, [one | value for one, value in zip(ids, values, strict=True)])
        last = rows[-1].id


def event_of(what: str, was: str, became: str) -> dict[str, str]:
    """An old row as an event and its values."""
    match what:
        case "participant":
            return _participant(was, became)
        case "merged":
            direction, _, number = became.rpartition("#")
            event = "merged_into" if direction.startswith("into") else "merged_from"
            return {"event": event, "subject": number, "was": "", "became": ""}
        case "comment":
            return {
                "event": "comment_published",
                "subject": became.partition(" ")[0],
                "was": "private",
                "became": "public",
            }
        case "sla":
            return {"event": "sla_breached", "subject": was, "was": "", "became": ""}
        case _:
            raise ValueError(f"an unknown line of the audit trail: {what}")


def _participant(was: str, became: str) -> dict[str, str]:
    address, _, state = became.partition(" ")
    if became == "unsubscribed":
        return {"event": "unsubscribed", "subject": was, "was": "", "became": ""}
    if was == f"{address} unsubscribed":
        return {"event": "resubscribed", "subject": address, "was": "", "became": ""}
    event = "presence_changed" if was in PRESENCES else "person_added"
    return {"event": event, "subject": address, "was": was, "became": state}
