"""what the relay refuses: recipients in a row, which blame the relay rather than their addresses"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.db.columns import UtcTimestamp

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    op.create_table(
        "relay_refusal",
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.String(254), nullable=False),
        sa.Column("at", UtcTimestamp(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("given_up", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("counted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("accepted_since", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_relay_refusal")),
    )
