"""identities by mail: those of a forgotten mail are deleted with it"""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_index("ix_mail_identity_mail", "mail_identity", ["mailbox_id", "mail"])
