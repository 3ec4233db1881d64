"""withheld notices: what a budget kept from whom, until a digest has named it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.db.columns import Number, UtcTimestamp

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_table(
        "withheld",
        sa.Column("mailbox_id", Number, nullable=False),
        sa.Column("ticket_id", Number, nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("number", sa.Integer(), server_default="0", nullable=False),
        sa.Column("since", UtcTimestamp(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_withheld_ticket_id")),
        sa.PrimaryKeyConstraint("mailbox_id", "ticket_id", "address", name=op.f("pk_withheld")),
    )
