"""files over the API: where those of a comment are that came by no mail"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    digest = sa.Column("files_digest", sa.String(64), server_default="", nullable=False)
    op.add_column("comment", digest)
