"""people who wait: those on whom nobody has decided yet, by index"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    where = sa.text("presence = 'pending'")
    op.create_index(
        "ix_participant_proposed",
        "participant",
        ["mailbox_id", "joined_at"],
        sqlite_where=where,
        postgresql_where=where,
    )
