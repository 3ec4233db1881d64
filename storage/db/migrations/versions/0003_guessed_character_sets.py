"""guessed character sets: a mark on comments whose text may be wrong here and there"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    with op.batch_alter_table("comment") as batch_op:
        batch_op.add_column(
            sa.Column("charset_guessed", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
