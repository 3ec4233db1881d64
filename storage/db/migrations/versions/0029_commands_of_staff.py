"""tags, snoozed and split tickets, saved replies, notice preferences, keys of repeated requests"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.db.columns import Number, UtcTimestamp

revision = "0029"
down_revision = "0028"

EVENTS = (
    "opened",
    "status_changed",
    "severity_changed",
    "assigned",
    "escalated",
    "person_added",
    "presence_changed",
    "unsubscribed",
    "resubscribed",
    "comment_published",
    "merged_into",
    "merged_from",
    "deleted",
    "sla_breached",
    "mail_retried",
    "feedback_given",
    "severity_claimed",
    "field_changed",
    "completed",
    "promise_began",
    "asked_again",
    "released",
    "tagged",
    "untagged",
    "requester_changed",
    "snoozed",
    "snooze_ended",
    "split_into",
    "split_from",
)


def upgrade() -> None:
    # Not in a batch: that would copy every ticket.
    op.add_column("ticket", sa.Column("snooze_until", UtcTimestamp(), nullable=True))
    op.add_column("ticket", sa.Column("split_from", Number, nullable=True))
    _index_of_some("snooze_until")
    _index_of_some("split_from")
    op.add_column("person", _text("notices", 8))
    op.create_table(
        "ticket_tag",
        sa.Column("mailbox_id", Number, nullable=False),
        sa.Column("ticket_id", Number, nullable=False),
        sa.Column("tag", sa.String(40), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_tag_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", "tag", name=op.f("pk_ticket_tag")),
    )
    op.create_index(
        "ix_ticket_tag_mailbox_id_tag", "ticket_tag", ["mailbox_id", "tag", "ticket_id"]
    )
    op.create_table(
        "saved_reply",
        sa.Column("mailbox_id", Number, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcTimestamp(), nullable=False),
        _text("changed_by", 254),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailbox.id"], name=op.f("fk_saved_reply_mailbox_id")
        ),
        sa.PrimaryKeyConstraint("mailbox_id", "name", "language", name=op.f("pk_saved_reply")),
    )
    op.create_table(
        "request_key",
        sa.Column("mailbox_id", Number, nullable=False),
        sa.Column("actor", sa.String(254), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("ticket_id", Number, nullable=False),
        sa.Column("made_at", UtcTimestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_request_key_ticket_id")
        ),
        sa.PrimaryKeyConstraint("mailbox_id", "actor", "key", name=op.f("pk_request_key")),
    )
    op.create_index(op.f("ix_request_key_made_at"), "request_key", ["made_at"])
    listed = ", ".join(f"'{event}'" for event in EVENTS)
    with op.batch_alter_table("audit") as batch_op:
        batch_op.drop_constraint(op.f("ck_audit_event_is_known"), type_="check")
        batch_op.create_check_constraint(op.f("ck_audit_event_is_known"), f"event IN ({listed})")


def _index_of_some(column: str) -> None:
    some = sa.text(f"{column} IS NOT NULL")
    op.create_index(
        f"ix_ticket_{column}", "ticket", [column], sqlite_where=some, postgresql_where=some
    )


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), server_default="", nullable=False)
