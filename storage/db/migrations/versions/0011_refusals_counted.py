"""refusals counted: mail of which nothing is kept, by client network and hour"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.db.columns import UtcTimestamp

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "refusals",
        sa.Column("network", sa.String(length=43), nullable=False),
        sa.Column("hour", UtcTimestamp(), nullable=False),
        sa.Column("journaled", sa.Integer(), server_default="0", nullable=False),
        sa.Column("counted", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("network", "hour", name=op.f("pk_refusals")),
    )
