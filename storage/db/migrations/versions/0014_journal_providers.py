"""journal providers: mail that anybody can send counts against the IPv6 /32 of its client"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    # Plain ALTER TABLE: to recreate the journal would copy it.
    op.add_column(
        "journal", sa.Column("provider", sa.String(43), server_default="", nullable=False)
    )
    counted = sa.text("provider <> ''")
    op.create_index(
        "ix_journal_provider",
        "journal",
        ["provider", "received_at"],
        sqlite_where=counted,
        postgresql_where=counted,
    )
