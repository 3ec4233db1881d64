"""mail identities: a mail is recognised by what any of its signatures covers"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.db.columns import Number

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "mail_identity",
        sa.Column("mailbox_id", Number, nullable=False),
        sa.Column("identity", sa.String(64), nullable=False),
        sa.Column("mail", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("mailbox_id", "identity", name=op.f("pk_mail_identity")),
        sa.ForeignKeyConstraint(
            ["mailbox_id", "mail"],
            ["mail.mailbox_id", "mail.identity"],
            name=op.f("fk_mail_identity_mailbox_id_mail"),
            ondelete="CASCADE",
        ),
    )
