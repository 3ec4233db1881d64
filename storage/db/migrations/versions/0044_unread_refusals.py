"""unread refusals: mails that one mailbox refused while another took them, for its staff"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    # Plain ALTER TABLE: to recreate the journal would copy it.
    op.add_column(
        "journal", sa.Column("unread", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    unread = sa.text("unread")
    op.create_index(
        "ix_journal_unread",
        "journal",
        ["mailbox_id", "received_at"],
        sqlite_where=unread,
        postgresql_where=unread,
    )
