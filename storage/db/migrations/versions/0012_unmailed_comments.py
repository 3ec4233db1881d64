"""unmailed comments: those of one author over the API are counted"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    unmailed = sa.text("journal_id IS NULL")
    op.create_index(
        "ix_comment_unmailed_author",
        "comment",
        ["mailbox_id", "author", "written_at"],
        sqlite_where=unmailed,
        postgresql_where=unmailed,
    )
