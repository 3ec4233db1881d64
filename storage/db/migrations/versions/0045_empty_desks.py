"""empty desks: when it was last said that mail reaches nobody of the staff of a mailbox"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.db.columns import Number, UtcTimestamp

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    op.create_table(
        "empty_desk",
        sa.Column("mailbox_id", Number, autoincrement=False, nullable=False),
        sa.Column("last_at", UtcTimestamp(), nullable=False),
        sa.PrimaryKeyConstraint("mailbox_id", name=op.f("pk_empty_desk")),
    )
