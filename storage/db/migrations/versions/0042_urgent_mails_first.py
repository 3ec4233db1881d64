"""urgent mails first: they are found however many others are due"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
URGENT = sa.text(
    "state = 'due' AND kind IN "
    "('alert', 'critical_channel', 'escalation', 'sla_breach', 'sla_warning')"
)


def upgrade() -> None:
    op.create_index(
        "ix_notice_urgent", "notice", ["due_at"], sqlite_where=URGENT, postgresql_where=URGENT
    )
