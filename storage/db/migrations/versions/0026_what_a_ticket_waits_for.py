"""what a ticket waits for, its calendar, and its door; what is agreed with a company"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.db.columns import UtcTimestamp

revision = "0026"
down_revision = "0025"

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
    "mail_retried",
    "feedback_given",
    "severity_claimed",
    "field_changed",
    "completed",
    "promise_began",
    "asked_again",
    "released",
)


def upgrade() -> None:
    # Not in a batch: that would copy every ticket, for the default of the flag.
    op.add_column("ticket", _text("waiting"))
    op.add_column("ticket", _text("calendar", 40))
    op.add_column("ticket", _text("door", 10))
    op.add_column("ticket", sa.Column("escalated_at", UtcTimestamp(), nullable=True))
    flag: sa.Column[bool] = sa.Column(
        "feedback_asked", sa.Boolean(), server_default=sa.false(), nullable=False
    )
    op.add_column("ticket", flag)
    op.add_column("company", _text("visibility", 8))
    op.add_column("company", _text("updates_by", 8))
    op.add_column("contract", _text("calendar", 40))
    listed = ", ".join(f"'{event}'" for event in EVENTS)
    with op.batch_alter_table("audit") as batch_op:
        batch_op.drop_constraint(op.f("ck_audit_event_is_known"), type_="check")
        batch_op.create_check_constraint(op.f("ck_audit_event_is_known"), f"event IN ({listed})")


def _text(name: str, length: int | None = None) -> sa.Column[str]:
    kind = sa.Text() if length is None else sa.String(length)
    return sa.Column(name, kind, server_default="", nullable=False)
