"""Runs the migrations on the connection that `storage.db.database.Database.upgrade` passes."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import BigInteger, Connection

from storage.db.columns import UtcTimestamp
from storage.db.tables import metadata


def render_type(kind: str, item: Any, _: Any) -> str | Literal[False]:
    """Our own column types by name, so that a generated migration reads like the tables."""
    if kind == "type" and isinstance(item, UtcTimestamp):
        return "UtcTimestamp()"
    if kind == "type" and isinstance(item, BigInteger):
        return "Number"
    return False


connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters tables by copying them
    render_item=render_type,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
