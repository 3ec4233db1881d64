"""users of the console, their sessions, and links that work once"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.db.columns import UtcTimestamp

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    op.create_table(
        "console_user",
        sa.Column("address", sa.String(254), nullable=False),
        sa.Column("role", sa.String(8), nullable=False),
        sa.Column("language", sa.String(8), server_default="", nullable=False),
        sa.Column("password", sa.String(200), server_default="", nullable=False),
        sa.Column("invited_at", UtcTimestamp(), nullable=False),
        sa.CheckConstraint(
            "role IN ('viewer', 'agent', 'operator', 'admin')",
            name=op.f("ck_console_user_role_is_known"),
        ),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_console_user")),
    )
    _of_user("console_session", ("begun_at", "seen_at"))
    _of_user(
        "console_link",
        ("ends_at",),
        sa.Column("use", sa.String(8), nullable=False),
        sa.CheckConstraint(
            "use IN ('password', 'enter')", name=op.f("ck_console_link_use_is_known")
        ),
    )
    for name, column in (("console_session", "seen_at"), ("console_link", "ends_at")):
        op.create_index(op.f(f"ix_{name}_{column}"), name, [column])


def _of_user(name: str, times: tuple[str, ...], *more: sa.Column[str] | sa.CheckConstraint) -> None:
    op.create_table(
        name,
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("address", sa.String(254), nullable=False),
        *(sa.Column(each, UtcTimestamp(), nullable=False) for each in times),
        *more,
        sa.ForeignKeyConstraint(
            ["address"], ["console_user.address"], name=op.f(f"fk_{name}_address")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f(f"pk_{name}")),
    )
    op.create_index(op.f(f"ix_{name}_address"), name, ["address"])
