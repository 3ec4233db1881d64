"""subjects of comments: what a reply says in its subject is kept with it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    with op.batch_alter_table("comment") as batch_op:
        batch_op.add_column(sa.Column("subject", sa.Text(), server_default="", nullable=False))
