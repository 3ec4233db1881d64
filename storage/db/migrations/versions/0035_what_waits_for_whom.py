"""what waits for whom: overdue tickets, those of a staff person, and critical claims by index"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
INDEXES = {
    "ix_ticket_due_at": (["mailbox_id", "due_at"], "due_at IS NOT NULL"),
    "ix_ticket_assignee": (["mailbox_id", "assignee", "updated_at"], "assignee <> ''"),
    "ix_ticket_claimed": (["mailbox_id", "status", "updated_at"], "critical_claimed"),
}


def upgrade() -> None:
    for name, (columns, condition) in INDEXES.items():
        where = sa.text(condition)
        op.create_index(name, "ticket", columns, sqlite_where=where, postgresql_where=where)
