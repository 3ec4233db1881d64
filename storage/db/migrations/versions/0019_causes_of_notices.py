"""causes of notices: which mail or change caused an outgoing mail, and who tried it again"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

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
    "mail_retried",
)


def upgrade() -> None:
    with op.batch_alter_table("notice") as batch_op:
        for name, length in (("source", 10), ("actor", 254)):
            column = sa.Column(name, sa.String(length), server_default="", nullable=False)
            batch_op.add_column(column)
    caused = sa.text("cause IS NOT NULL")
    op.create_index(
        "ix_notice_cause", "notice", ["cause"], sqlite_where=caused, postgresql_where=caused
    )
    listed = ", ".join(f"'{event}'" for event in EVENTS)
    with op.batch_alter_table("audit") as batch_op:
        batch_op.drop_constraint(op.f("ck_audit_event_is_known"), type_="check")
        batch_op.create_check_constraint(op.f("ck_audit_event_is_known"), f"event IN ({listed})")
