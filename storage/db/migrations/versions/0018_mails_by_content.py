"""mails by content: a copy that came by another route is recognised"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    with op.batch_alter_table("mail") as batch_op:
        batch_op.add_column(sa.Column("content", sa.String(64), server_default="", nullable=False))
    known = sa.text("content <> ''")
    op.create_index(
        "uq_mail_content",
        "mail",
        ["mailbox_id", "content"],
        unique=True,
        sqlite_where=known,
        postgresql_where=known,
    )
