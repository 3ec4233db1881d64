"""tickets of an assignee by status: to count the open ones reads none of those that are over"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
COLUMNS = ["mailbox_id", "assignee", "status", "updated_at"]


def upgrade() -> None:
    op.drop_index("ix_ticket_assignee", table_name="ticket")
    where = sa.text("assignee <> '' AND deleted_at IS NULL")
    op.create_index(
        "ix_ticket_assignee", "ticket", COLUMNS, sqlite_where=where, postgresql_where=where
    )
