"""repeated requests: what the first request with a key reported"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    effects = sa.Column("effects", sa.Text(), server_default="[]", nullable=False)
    op.add_column("request_key", effects)
