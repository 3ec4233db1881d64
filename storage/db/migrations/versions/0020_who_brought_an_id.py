"""who brought an id: the author of each mail that has a Message-ID, or names it on its ticket"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

OF_THE_MAIL = """UPDATE mail SET author = (
    SELECT journal.author FROM journal WHERE journal.id = mail.journal_id
) WHERE EXISTS (SELECT 1 FROM journal WHERE journal.id = mail.journal_id)"""
OF_THE_TICKET = """UPDATE thread_reference SET author = (
    SELECT ticket.requester FROM ticket WHERE ticket.id = thread_reference.ticket_id
)"""


def upgrade() -> None:
    for name in ("mail", "thread_reference"):
        with op.batch_alter_table(name) as batch_op:
            batch_op.add_column(
                sa.Column("author", sa.String(length=254), server_default="", nullable=False)
            )
    op.execute(OF_THE_MAIL)
    op.execute(OF_THE_TICKET)
    op.drop_index("ix_mail_message_id", table_name="mail")
    op.create_index(
        "ix_mail_message_id", "mail", ["mailbox_id", "message_id", "ticket_id", "author"]
    )
