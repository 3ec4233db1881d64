"""who is known to have brought an id: no author whom nothing proves, and none of what is recorded

0020 named the author of every mail, and so did the code until it asked for a proof.
"""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"

CLEARED = """UPDATE mail SET author = '' WHERE author <> '' AND NOT EXISTS (
    SELECT 1 FROM journal
    WHERE journal.id = mail.journal_id
        AND journal.verdict IN ('opened', 'commented', 'flagged')
        AND journal.reason <> 'foreign_pointer'
        AND {proven}
)"""
"""A mail without a journal row as well: nothing shows who wrote it."""


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        proven = "json_extract(journal.authentication, '$.aligned') = 1"
    else:
        proven = "journal.authentication::json ->> 'aligned' = 'true'"
    op.execute(CLEARED.format(proven=proven))
