"""digests: what of the queues has been named to staff, and when; releases in the audit trail"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.db.columns import Number, UtcTimestamp

revision = "0017"
down_revision = "0016"

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
    "released",
)


def upgrade() -> None:
    op.create_table(
        "announced",
        sa.Column("mailbox_id", Number, nullable=False),
        sa.Column("queue", sa.String(length=10), nullable=False),
        sa.Column("item", sa.Uuid(), nullable=False),
        sa.Column("announced_at", UtcTimestamp(), nullable=False),
        sa.PrimaryKeyConstraint("mailbox_id", "queue", "item", name=op.f("pk_announced")),
    )
    op.create_index("ix_announced_announced_at", "announced", ["announced_at"])
    op.create_table(
        "digest",
        sa.Column("mailbox_id", Number, autoincrement=False, nullable=False),
        sa.Column("last_at", UtcTimestamp(), nullable=False),
        sa.PrimaryKeyConstraint("mailbox_id", name=op.f("pk_digest")),
    )
    flagged = sa.text("visibility = 'private'")
    op.create_index(
        "ix_comment_flagged",
        "comment",
        ["mailbox_id", "written_at"],
        sqlite_where=flagged,
        postgresql_where=flagged,
    )
    listed = ", ".join(f"'{event}'" for event in EVENTS)
    with op.batch_alter_table("audit") as batch_op:
        batch_op.drop_constraint(op.f("ck_audit_event_is_known"), type_="check")
        batch_op.create_check_constraint(op.f("ck_audit_event_is_known"), f"event IN ({listed})")
