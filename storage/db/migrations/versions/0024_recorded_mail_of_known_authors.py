"""recorded mail of known authors: it counts against their budgets and those of their domain"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
KNOWN = sa.text("verdict = 'recorded' AND (network = '' OR reason = 'automatic_folded')")


def upgrade() -> None:
    op.create_index(
        "ix_journal_recorded",
        "journal",
        ["mailbox_id", "received_at", "author"],
        sqlite_where=KNOWN,
        postgresql_where=KNOWN,
    )
