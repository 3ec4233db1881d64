"""logins to the console: accounts of identity providers, and the networks that users log in from"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.db.columns import UtcTimestamp

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    op.create_table(
        "console_identity",
        sa.Column("issuer", sa.String(500), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("address", sa.String(254), nullable=False),
        sa.Column("linked_at", UtcTimestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["address"], ["console_user.address"], name=op.f("fk_console_identity_address")
        ),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_console_identity")),
        sa.UniqueConstraint("address", "issuer", name=op.f("uq_console_identity_address_issuer")),
    )
    op.create_table(
        "console_network",
        sa.Column("address", sa.String(254), nullable=False),
        sa.Column("network", sa.String(45), nullable=False),
        sa.Column("seen_at", UtcTimestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["address"], ["console_user.address"], name=op.f("fk_console_network_address")
        ),
        sa.PrimaryKeyConstraint("address", "network", name=op.f("pk_console_network")),
    )
    op.create_index(op.f("ix_console_network_seen_at"), "console_network", ["seen_at"])
