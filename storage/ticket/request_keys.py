"""Requests over the API that carry a key, so that a repeat gets the first answer.

A key is written in the transaction that does what the request asks for: either both are committed
or neither is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, tuple_

from rules.mail import Mailbox
from storage.db.ledger import Conflict
from storage.db.statements import compiled_insert
from storage.db.tables import RequestKeyRow, table

KEPT_FOR = timedelta(days=7)
"""At least. A program that could not reach us over a weekend may repeat what it sent before."""
FORGOTTEN_AT_ONCE = 500

_key = table(RequestKeyRow)
_ID = (_key.c.mailbox_id, _key.c.actor, _key.c.key)
_KEEP = compiled_insert(_key, "key", ignore_existing=True)


@dataclass(frozen=True, slots=True)
class RequestKey:
    """The key that a program has given to a request."""

    actor: str
    """For whom it acts: two people may use the same key."""
    key: str
    digest: str
    """SHA-256 in hex of what the request asks for."""


@dataclass(frozen=True, slots=True)
class EarlierAnswer:
    """What came of the first request with a key."""

    ticket: int
    effects: tuple[str, ...]
    """The sentences that report its changes; none where it opened the ticket."""
    same: bool
    """Whether that request asked for the same."""


def earlier_answer(
    connection: Connection, mailbox: Mailbox, key: RequestKey
) -> EarlierAnswer | None:
    """The answer to the first request with this key; None where this is the first."""
    row = connection.execute(
        select(_key.c.digest, _key.c.ticket_id, _key.c.effects).where(
            _key.c.mailbox_id == mailbox.id, _key.c.actor == key.actor, _key.c.key == key.key
        )
    ).one_or_none()
    if row is None:
        return None
    return EarlierAnswer(row.ticket_id, tuple(json.loads(row.effects)), row.digest == key.digest)


def keep(
    connection: Connection,
    mailbox: Mailbox,
    key: RequestKey,
    ticket: int,
    effects: Sequence[str],
    now: datetime,
) -> None:
    """Write what came of the first request with a key.

    Raises Conflict if another transaction has committed that key meanwhile: this one must be rolled
    back, and run again it finds the answer. One that is still in progress is waited for.
    """
    row = {
        "mailbox_id": mailbox.id,
        "actor": key.actor,
        "key": key.key,
        "digest": key.digest,
        "ticket_id": ticket,
        "effects": json.dumps(list(effects), ensure_ascii=False),
        "made_at": now,
    }
    if not _KEEP.rows(connection, **row):
        raise Conflict("the same request was answered meanwhile; send it again")


def forget(connection: Connection, now: datetime) -> int:
    """Delete keys that are older than `KEPT_FOR`, `FORGOTTEN_AT_ONCE` at most; returns how many."""
    old = select(*_ID).where(_key.c.made_at < now - KEPT_FOR).limit(FORGOTTEN_AT_ONCE)
    return connection.execute(delete(_key).where(tuple_(*_ID).in_(old))).rowcount
