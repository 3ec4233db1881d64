"""tickets of nobody: they are counted and listed however many others are open"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
UNASSIGNED = sa.text(
    "assignee = '' AND deleted_at IS NULL AND status <> 'resolved' AND status <> 'closed'"
)


def upgrade() -> None:
    op.create_index(
        "ix_ticket_unassigned",
        "ticket",
        ["mailbox_id", "status", "updated_at"],
        sqlite_where=UNASSIGNED,
        postgresql_where=UNASSIGNED,
    )
