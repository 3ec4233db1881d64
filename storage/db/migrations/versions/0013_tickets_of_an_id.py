"""tickets of an id: of the mails with a Message-ID those on the oldest tickets are found first"""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_index("ix_mail_message_id", "mail", ["mailbox_id", "message_id", "ticket_id"])
    op.drop_index("ix_mail_mailbox_id_message_id", table_name="mail")
