"""lists by index: each list is read in its order, and nothing besides it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
DEAD = sa.text("state NOT IN ('due', 'sent')")


def upgrade() -> None:
    op.create_index("ix_ticket_status", "ticket", ["mailbox_id", "status", "updated_at"])
    op.create_index("ix_ticket_requester", "ticket", ["requester", "updated_at"])
    op.create_index("ix_ticket_company", "ticket", ["company_id", "updated_at"])
    op.drop_index("ix_ticket_company_id", table_name="ticket")
    op.create_index("ix_journal_verdict", "journal", ["verdict", "reason", "received_at"])
    op.create_index("ix_notice_created_at", "notice", ["created_at"])
    op.create_index(
        "ix_notice_dead", "notice", ["created_at"], sqlite_where=DEAD, postgresql_where=DEAD
    )
