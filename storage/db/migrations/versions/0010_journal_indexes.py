"""journal indexes: refused mail in an author's name costs that author's next mail nothing"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_INDEXES = (
    (
        "ix_journal_taken_author",
        ["mailbox_id", "author", "received_at"],
        "verdict IN ('opened', 'commented', 'flagged')",
    ),
    (
        "ix_journal_waiting_identity",
        ["mailbox_id", "identity"],
        "verdict IN ('held', 'refused')",
    ),
)


def upgrade() -> None:
    op.drop_index("ix_journal_mailbox_id_author", table_name="journal")
    for name, columns, condition in _INDEXES:
        where = sa.text(condition)
        op.create_index(name, "journal", columns, sqlite_where=where, postgresql_where=where)
