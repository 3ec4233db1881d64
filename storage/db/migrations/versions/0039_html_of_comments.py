"""HTML of comments: whether the mail of a comment has any"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    op.add_column("comment", sa.Column("has_html", sa.Boolean(), nullable=True))
