"""The keys that sign reply addresses, links and Message-IDs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from rules.sender.tokens import Keys
from storage.db.tables import SigningKeyRow, table
from storage.registry.checks import insert_new
from storage.registry.errors import InvalidValue, NotFound

_key = table(SigningKeyRow)

MOST_KEYS = 255
"""A token names its key in one octet; ids begin with 1."""


def load_keys(connection: Connection) -> Keys:
    """The signing keys. Raises NotFound where `postern init` was never run."""
    rows = connection.execute(select(_key.c.id, _key.c.secret).order_by(_key.c.id)).all()
    if not rows:
        raise NotFound("there is no signing key: run `postern init`")
    return Keys(current=rows[-1].id, secrets={row.id: row.secret for row in rows})


def add_key(connection: Connection, secret: bytes, now: datetime) -> int:
    """Add a signing key and return its id; it signs from now on, older ones still verify.

    Raises InvalidValue where there are too many, and AlreadyExists where another process adds one
    at the same time.
    """
    ids = connection.execute(select(_key.c.id)).scalars().all()
    number = max(ids, default=0) + 1
    if number > MOST_KEYS:
        raise InvalidValue(
            "there are {number} signing keys already, the most that are possible", number=MOST_KEYS
        )
    row: dict[str, object] = {"id": number, "secret": secret, "created_at": now}
    return insert_new(connection, _key, row, f"signing key {number}")


def key_dates(connection: Connection) -> list[tuple[int, datetime]]:
    """The id and creation time of every signing key, the oldest first; the last one signs."""
    rows = connection.execute(select(_key.c.id, _key.c.created_at).order_by(_key.c.id))
    return [(row.id, row.created_at) for row in rows]
