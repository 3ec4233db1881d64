"""the first tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.db.columns import Number, UtcTimestamp

revision = "0001"
down_revision = None


def upgrade() -> None:

    op.create_table(
        "api_token",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("scope", sa.String(length=40), nullable=False),
        sa.Column("created_at", UtcTimestamp(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_api_token")),
    )
    op.create_table(
        "deferral",
        sa.Column("mailbox_id", Number, nullable=False),
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.Column("since", UtcTimestamp(), nullable=False),
        sa.PrimaryKeyConstraint("mailbox_id", "identity", name=op.f("pk_deferral")),
    )
    with op.batch_alter_table("deferral", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_deferral_since"), ["since"], unique=False)

    op.create_table(
        "journal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mailbox_id", Number, nullable=False),
        sa.Column("received_at", UtcTimestamp(), nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("ticket_id", Number, nullable=True),
        sa.Column("peer", sa.String(length=45), nullable=False),
        sa.Column("helo", sa.String(length=255), nullable=False),
        sa.Column("mail_from", sa.String(length=320), nullable=False),
        sa.Column("rcpt_tos", sa.Text(), nullable=False),
        sa.Column("author", sa.String(length=254), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("message_id", sa.String(length=252), nullable=False),
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("reply", sa.String(length=500), nullable=False),
        sa.Column("trace", sa.Text(), nullable=False),
        sa.Column("authentication", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal")),
    )
    with op.batch_alter_table("journal", schema=None) as batch_op:
        batch_op.create_index(
            "ix_journal_mailbox_id_message_id", ["mailbox_id", "message_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_journal_received_at"), ["received_at"], unique=False)
        batch_op.create_index("ix_journal_ticket_id", ["ticket_id"], unique=False)

    op.create_table(
        "mailbox",
        sa.Column("id", Number, autoincrement=True, nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("policy", sa.String(length=40), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailbox")),
        sa.UniqueConstraint("address", name=op.f("uq_mailbox_address")),
    )
    op.create_table(
        "raw_mail",
        sa.Column("mailbox_id", Number, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("zstd", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("mailbox_id", "digest", name=op.f("pk_raw_mail")),
    )
    op.create_table(
        "signing_key",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcTimestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_key")),
    )
    op.create_table(
        "company",
        sa.Column("id", Number, autoincrement=True, nullable=False),
        sa.Column("mailbox_id", Number, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailbox.id"], name=op.f("fk_company_mailbox_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company")),
        sa.UniqueConstraint("mailbox_id", "name", name=op.f("uq_company_mailbox_id_name")),
    )
    op.create_table(
        "company_domain",
        sa.Column("mailbox_id", Number, nullable=False),
        sa.Column("domain", sa.String(length=253), nullable=False),
        sa.Column("company_id", Number, nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_company_domain_company_id")
        ),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailbox.id"], name=op.f("fk_company_domain_mailbox_id")
        ),
        sa.PrimaryKeyConstraint("mailbox_id", "domain", name=op.f("pk_company_domain")),
    )
    with op.batch_alter_table("company_domain", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_company_domain_company_id"), ["company_id"], unique=False
        )

    op.create_table(
        "person",
        sa.Column("id", Number, autoincrement=True, nullable=False),
        sa.Column("mailbox_id", Number, nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("domain", sa.String(length=253), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("company_id", Number, nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("machine", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "role = 'staff' OR company_id IS NOT NULL", name=op.f("ck_person_user_has_a_company")
        ),
        sa.CheckConstraint("role IN ('user', 'staff')", name=op.f("ck_person_role_is_known")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_person_company_id")),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailbox.id"], name=op.f("fk_person_mailbox_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("mailbox_id", "address", name=op.f("uq_person_mailbox_id_address")),
    )
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_person_company_id"), ["company_id"], unique=False)
        batch_op.create_index("ix_person_mailbox_id_domain", ["mailbox_id", "domain"], unique=False)

    op.create_table(
        "ticket",
        sa.Column("id", Number, autoincrement=True, nullable=False),
        sa.Column("mailbox_id", Number, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("severity", sa.String(length=40), nullable=False),
        sa.Column("severity_source", sa.String(length=10), nullable=False),
        sa.Column("critical", sa.Boolean(), nullable=False),
        sa.Column("severity_claimed", sa.String(length=40), nullable=True),
        sa.Column("critical_claimed", sa.Boolean(), nullable=False),
        sa.Column("requester", sa.String(length=254), nullable=False),
        sa.Column("company_id", Number, nullable=True),
        sa.Column("mentions", Number, nullable=True),
        sa.Column("opened_at", UtcTimestamp(), nullable=False),
        sa.Column("updated_at", UtcTimestamp(), nullable=False),
        sa.CheckConstraint(
            "NOT critical OR severity_source IN ('console', 'api')",
            name=op.f("ck_ticket_mail_is_never_critical"),
        ),
        sa.CheckConstraint(
            "severity_source IN ('mail', 'staff_mail', 'console', 'api')",
            name=op.f("ck_ticket_severity_source_is_known"),
        ),
        sa.CheckConstraint(
            "status IN ('open', 'pending', 'resolved', 'closed')",
            name=op.f("ck_ticket_status_is_known"),
        ),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_ticket_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.create_index(
            "ix_ticket_mailbox_id_updated_at", ["mailbox_id", "updated_at"], unique=False
        )

    op.create_table(
        "comment",
        sa.Column("id", Number, autoincrement=True, nullable=False),
        sa.Column("mailbox_id", Number, nullable=False),
        sa.Column("ticket_id", Number, nullable=False),
        sa.Column("journal_id", sa.Uuid(), nullable=False),
        sa.Column("author", sa.String(length=254), nullable=False),
        sa.Column("visibility", sa.String(length=8), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("degraded", sa.String(length=200), nullable=True),
        sa.Column("written_at", UtcTimestamp(), nullable=False),
        sa.CheckConstraint(
            "visibility IN ('public', 'private', 'note', 'folded')",
            name=op.f("ck_comment_visibility_is_known"),
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_comment_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comment")),
    )
    with op.batch_alter_table("comment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_comment_ticket_id"), ["ticket_id"], unique=False)

    op.create_table(
        "mail",
        sa.Column("mailbox_id", Number, nullable=False),
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.Column("journal_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.String(length=252), nullable=False),
        sa.Column("ticket_id", Number, nullable=True),
        sa.Column("answer", sa.String(length=500), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("raw_digest", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "state IN ('filed', 'held', 'discarded')", name=op.f("ck_mail_state_is_known")
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_mail_ticket_id")),
        sa.PrimaryKeyConstraint("mailbox_id", "identity", name=op.f("pk_mail")),
        sa.UniqueConstraint("journal_id", name=op.f("uq_mail_journal_id")),
    )
    with op.batch_alter_table("mail", schema=None) as batch_op:
        batch_op.create_index(
            "ix_mail_held",
            ["mailbox_id", "journal_id"],
            unique=False,
            sqlite_where=sa.text("state = 'held'"),
            postgresql_where=sa.text("state = 'held'"),
        )
        batch_op.create_index(
            "ix_mail_mailbox_id_message_id", ["mailbox_id", "message_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_mail_ticket_id"), ["ticket_id"], unique=False)

    op.create_table(
        "participant",
        sa.Column("id", Number, autoincrement=True, nullable=False),
        sa.Column("mailbox_id", Number, nullable=False),
        sa.Column("ticket_id", Number, nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("person_id", Number, nullable=True),
        sa.Column("part", sa.String(length=10), nullable=False),
        sa.Column("presence", sa.String(length=8), nullable=False),
        sa.Column("joined_at", UtcTimestamp(), nullable=False),
        sa.CheckConstraint(
            "part IN ('requester', 'user', 'guest', 'follower')",
            name=op.f("ck_participant_part_is_known"),
        ),
        sa.CheckConstraint(
            "presence IN ('active', 'pending', 'removed')",
            name=op.f("ck_participant_presence_is_known"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_participant_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_participant_ticket_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_participant")),
        sa.UniqueConstraint("ticket_id", "address", name=op.f("uq_participant_ticket_id_address")),
    )
    with op.batch_alter_table("participant", schema=None) as batch_op:
        batch_op.create_index(
            "ix_participant_mailbox_id_address", ["mailbox_id", "address"], unique=False
        )

    op.create_table(
        "attachment",
        sa.Column("id", Number, autoincrement=True, nullable=False),
        sa.Column("mailbox_id", Number, nullable=False),
        sa.Column("comment_id", Number, nullable=False),
        sa.Column("part", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("content_type", sa.String(length=127), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("content_id", sa.String(length=252), nullable=False),
        sa.Column("inline", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["comment_id"], ["comment.id"], name=op.f("fk_attachment_comment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
    )
    with op.batch_alter_table("attachment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attachment_comment_id"), ["comment_id"], unique=False)

    op.create_table(
        "notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mailbox_id", Number, nullable=False),
        sa.Column("ticket_id", Number, nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("participant_id", Number, nullable=True),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("cause", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(length=5), nullable=False),
        sa.Column("created_at", UtcTimestamp(), nullable=False),
        sa.Column("due_at", UtcTimestamp(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("sent_at", UtcTimestamp(), nullable=True),
        sa.CheckConstraint(
            "state IN ('due', 'sent', 'dead')", name=op.f("ck_notice_state_is_known")
        ),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["participant.id"], name=op.f("fk_notice_participant_id")
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_notice_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.create_index(
            "ix_notice_mailbox_id_address_kind",
            ["mailbox_id", "address", "kind", "created_at"],
            unique=False,
        )
        batch_op.create_index("ix_notice_state_due_at", ["state", "due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_notice_ticket_id"), ["ticket_id"], unique=False)
