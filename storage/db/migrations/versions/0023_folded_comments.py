"""folded comments: what those would have been that a person may have written"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
WAITS = sa.text("folded_as IS NOT NULL")


def upgrade() -> None:
    with op.batch_alter_table("comment") as batch_op:
        batch_op.add_column(sa.Column("folded_as", sa.String(length=8), nullable=True))
    op.create_index(
        "ix_comment_folded",
        "comment",
        ["mailbox_id", "author", "written_at"],
        sqlite_where=WAITS,
        postgresql_where=WAITS,
    )
