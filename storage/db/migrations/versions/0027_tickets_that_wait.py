"""tickets that wait: an index of those whose clock has not begun"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
WAITS = sa.text("waiting <> ''")


def upgrade() -> None:
    op.create_index(
        "ix_ticket_waiting",
        "ticket",
        ["mailbox_id", "opened_at"],
        sqlite_where=WAITS,
        postgresql_where=WAITS,
    )
