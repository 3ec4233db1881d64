"""room for all scopes in a token: their names have 43 characters, and the column had 40"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    with op.batch_alter_table("api_token") as batch_op:
        batch_op.alter_column(
            "scope", existing_type=sa.String(40), type_=sa.String(80), existing_nullable=False
        )
