"""nodes and claims: which node sends a notice, and whether it lives"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "node",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("beats", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_node")),
    )
    with op.batch_alter_table("notice") as batch_op:
        batch_op.add_column(sa.Column("claimed_by", sa.Uuid(), nullable=True))
    held = sa.text("claimed_by IS NOT NULL")
    op.create_index(
        "ix_notice_claimed_by", "notice", ["claimed_by"], sqlite_where=held, postgresql_where=held
    )
