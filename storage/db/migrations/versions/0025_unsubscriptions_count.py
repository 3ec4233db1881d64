"""journal indexes: an unsubscription by mail counts among the mails that its author has written"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"

_INDEXES = (
    (
        "ix_journal_taken_author",
        ["mailbox_id", "author", "received_at"],
        "(verdict IN ('opened', 'commented', 'flagged') OR reason = 'unsubscribed')",
    ),
    (
        "ix_journal_recorded",
        ["mailbox_id", "received_at", "author"],
        (
            "verdict = 'recorded' AND reason <> 'unsubscribed'"
            " AND (network = '' OR reason = 'automatic_folded')"
        ),
    ),
)


def upgrade() -> None:
    for name, columns, condition in _INDEXES:
        where = sa.text(condition)
        op.drop_index(name, table_name="journal")
        op.create_index(name, "journal", columns, sqlite_where=where, postgresql_where=where)
