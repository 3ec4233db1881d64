"""what is kept: references to raw mails, the network of each client, the octets that were stored"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_mail = sa.table("mail", sa.column("mailbox_id"), sa.column("raw_digest"))
_raw = sa.table("raw_mail", sa.column("mailbox_id"), sa.column("digest"), sa.column("refs"))


def upgrade() -> None:
    # Plain ALTER TABLE: to recreate these tables would copy all mails.
    op.add_column("raw_mail", sa.Column("refs", sa.Integer(), server_default="1", nullable=False))
    op.add_column("journal", sa.Column("network", sa.String(43), server_default="", nullable=False))
    op.add_column(
        "journal", sa.Column("kept_bytes", sa.Integer(), server_default="0", nullable=False)
    )
    counted = sa.text("network <> ''")
    op.create_index(
        "ix_journal_network",
        "journal",
        ["network", "received_at", "kept_bytes"],
        sqlite_where=counted,
        postgresql_where=counted,
    )
    shared = (
        sa.select(_mail.c.mailbox_id, _mail.c.raw_digest, sa.func.count().label("refs"))
        .group_by(_mail.c.mailbox_id, _mail.c.raw_digest)
        .having(sa.func.count() > 1)
    )
    connection = op.get_bind()
    for row in connection.execute(shared).all():
        connection.execute(
            sa.update(_raw)
            .where(_raw.c.mailbox_id == row.mailbox_id, _raw.c.digest == row.raw_digest)
            .values(refs=row.refs)
        )
