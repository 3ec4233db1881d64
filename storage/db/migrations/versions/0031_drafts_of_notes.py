"""drafts of notes: which flagged comments of staff were sent to their note address"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    op.add_column(
        "comment",
        sa.Column("meant_as_note", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
