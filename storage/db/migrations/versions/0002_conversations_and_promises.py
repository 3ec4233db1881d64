"""conversations and promises: notices of every kind, audit, contracts, clocks"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.db.columns import Number, UtcTimestamp

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "bounced",
        sa.Column("mailbox_id", Number, nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("hard", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_at", UtcTimestamp(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("suspended_at", UtcTimestamp(), nullable=True),
        sa.PrimaryKeyConstraint("mailbox_id", "address", name=op.f("pk_bounced")),
    )
    op.create_table(
        "contract",
        sa.Column("id", Number, autoincrement=True, nullable=False),
        sa.Column("mailbox_id", Number, nullable=False),
        sa.Column("company_id", Number, nullable=False),
        sa.Column("tier", sa.String(length=40), nullable=False),
        sa.Column("starts_at", UtcTimestamp(), nullable=False),
        sa.Column("targets", sa.Text(), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_contract_company_id")
        ),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailbox.id"], name=op.f("fk_contract_mailbox_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract")),
        sa.UniqueConstraint(
            "company_id", "starts_at", name=op.f("uq_contract_company_id_starts_at")
        ),
    )
    op.create_table(
        "audit",
        sa.Column("id", Number, autoincrement=True, nullable=False),
        sa.Column("mailbox_id", Number, nullable=False),
        sa.Column("ticket_id", Number, nullable=False),
        sa.Column("at", UtcTimestamp(), nullable=False),
        sa.Column("actor", sa.String(length=254), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("what", sa.String(length=20), nullable=False),
        sa.Column("was", sa.Text(), nullable=False),
        sa.Column("became", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("journal_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "source IN ('mail', 'staff_mail', 'console', 'api', 'web', 'system')",
            name=op.f("ck_audit_source_is_known"),
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_audit_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index("ix_audit_ticket_id", ["ticket_id", "at"], unique=False)

    op.create_table(
        "thread_reference",
        sa.Column("mailbox_id", Number, nullable=False),
        sa.Column("message_id", sa.String(length=252), nullable=False),
        sa.Column("ticket_id", Number, nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_thread_reference_ticket_id")
        ),
        sa.PrimaryKeyConstraint(
            "mailbox_id", "message_id", "ticket_id", name=op.f("pk_thread_reference")
        ),
    )
    with op.batch_alter_table("comment", schema=None) as batch_op:
        batch_op.alter_column("journal_id", existing_type=sa.Uuid(), nullable=True)

    with op.batch_alter_table("company", schema=None) as batch_op:
        batch_op.add_column(sa.Column("account_team", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(
            sa.Column("success_manager", sa.String(length=254), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column("channel", sa.String(length=200), server_default="", nullable=False)
        )

    with op.batch_alter_table("journal", schema=None) as batch_op:
        batch_op.create_index(
            "ix_journal_mailbox_id_author", ["mailbox_id", "author", "received_at"], unique=False
        )
        batch_op.drop_index("ix_journal_mailbox_id_message_id")
        batch_op.drop_index("ix_journal_ticket_id")
        for name, columns in (
            ("ix_journal_uncommented_message_id", ["mailbox_id", "message_id"]),
            ("ix_journal_uncommented_ticket_id", ["ticket_id"]),
        ):
            batch_op.create_index(
                name,
                columns,
                unique=False,
                sqlite_where=sa.text("verdict NOT IN ('opened', 'commented')"),
                postgresql_where=sa.text("verdict NOT IN ('opened', 'commented')"),
            )

    with op.batch_alter_table("mail", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_mail_ticket_id"))

    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.add_column(sa.Column("comment_id", Number, nullable=True))
        batch_op.add_column(sa.Column("detail", sa.Text(), server_default="{}", nullable=False))
        batch_op.add_column(
            sa.Column("language", sa.String(length=8), server_default="", nullable=False)
        )
        batch_op.drop_index(batch_op.f("ix_notice_ticket_id"))
        batch_op.create_index(
            "ix_notice_ticket_id_created_at", ["ticket_id", "created_at"], unique=False
        )
        batch_op.drop_constraint(batch_op.f("fk_notice_participant_id"), type_="foreignkey")
        batch_op.drop_column("participant_id")

    with op.batch_alter_table("participant", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("muted", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.add_column(
            sa.Column("language", sa.String(length=8), server_default="", nullable=False)
        )

    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("language", sa.String(length=8), server_default="", nullable=False)
        )
        batch_op.create_index(
            "ix_person_staff",
            ["mailbox_id"],
            unique=False,
            sqlite_where=sa.text("role = 'staff'"),
            postgresql_where=sa.text("role = 'staff'"),
        )

    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("message_id", sa.String(length=252), server_default="", nullable=False)
        )
        batch_op.add_column(sa.Column("status_at", UtcTimestamp(), nullable=True))
        batch_op.add_column(sa.Column("merged_into", Number, nullable=True))
        batch_op.add_column(sa.Column("follows", Number, nullable=True))
        batch_op.add_column(sa.Column("deleted_at", UtcTimestamp(), nullable=True))
        batch_op.add_column(
            sa.Column("assignee", sa.String(length=254), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column("tier", sa.String(length=40), server_default="", nullable=False)
        )
        batch_op.add_column(sa.Column("targets", sa.Text(), server_default="{}", nullable=False))
        batch_op.add_column(sa.Column("fields", sa.Text(), server_default="{}", nullable=False))
        batch_op.add_column(sa.Column("missing", sa.Text(), server_default="[]", nullable=False))
        batch_op.add_column(
            sa.Column("escalation_level", sa.Integer(), server_default="0", nullable=False)
        )
        batch_op.add_column(sa.Column("first_due_at", UtcTimestamp(), nullable=True))
        batch_op.add_column(sa.Column("first_answered_at", UtcTimestamp(), nullable=True))
        batch_op.add_column(sa.Column("clock", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("due_at", UtcTimestamp(), nullable=True))
        batch_op.add_column(sa.Column("tell_at", UtcTimestamp(), nullable=True))
        batch_op.add_column(
            sa.Column("rating", sa.String(length=10), server_default="", nullable=False)
        )
        batch_op.create_index(
            "ix_ticket_tell_at",
            ["tell_at"],
            unique=False,
            sqlite_where=sa.text("tell_at IS NOT NULL"),
            postgresql_where=sa.text("tell_at IS NOT NULL"),
        )
        batch_op.create_index("ix_ticket_company_id", ["company_id"], unique=False)
        batch_op.create_index("uq_ticket_follows", ["follows"], unique=True)
