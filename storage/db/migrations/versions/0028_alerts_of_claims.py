"""alerts of claims: which mails are the alerts of replies that claim to be critical"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    with op.batch_alter_table("notice") as batch_op:
        batch_op.add_column(sa.Column("claim", sa.String(7), server_default="", nullable=False))
    # They were known by this text of theirs, and count for an hour.
    notice = sa.table("notice", sa.column("kind"), sa.column("detail"), sa.column("claim"))
    outside = notice.c.detail.like('%"outside": "True"%')
    op.execute(
        notice.update()
        .where(notice.c.kind == "alert", notice.c.detail.like('%"claimed": "True"%'))
        .values(claim=sa.case((outside, "outside"), else_="inside"))
    )
