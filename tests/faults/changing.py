"""Merges and closes tickets while mail arrives, as staff would in a tool of theirs."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import text

from gateway import clock, policies
from rules.decision.effects import Effects
from rules.ticket.changes import Merge, SetStatus, Source
from rules.ticket.lifecycle import Status
from storage.db.database import Connection, Database
from storage.db.ledger import Conflict, Ledger, open_ledger
from storage.registry.mailboxes import mailbox_named
from storage.ticket.change import change_ticket
from storage.ticket.rows import ChangeContext

_OPEN = text(
    "SELECT id FROM ticket WHERE merged_into IS NULL AND status <> 'closed'"
    " ORDER BY updated_at DESC LIMIT 12"
)
_LATE = text(
    "SELECT c.id FROM comment c JOIN audit a ON a.ticket_id = c.ticket_id"
    " JOIN ticket t ON t.id = c.ticket_id"
    " WHERE (a.event = 'merged_into' OR (a.event = 'status_changed' AND a.became = 'closed'))"
    " AND t.status = 'closed' AND c.journal_id IS NOT NULL"
    " AND c.xmin::text = t.xmin::text AND c.xmin::text <> a.xmin::text"
)
"""The last transaction that wrote on a closed ticket wrote a comment, and did not close it."""


@dataclass
class Changed:
    merges: int = 0
    closes: int = 0


@contextmanager
def changing(store_url: str) -> Iterator[Changed]:
    """Change the latest tickets, again and again, in a thread."""
    database, changed, ending = Database(store_url), Changed(), threading.Event()
    ledger = open_ledger(database)
    thread = threading.Thread(target=_change, args=(database, ledger, changed, ending))
    thread.start()
    try:
        yield changed
    finally:
        ending.set()
        thread.join()
        ledger.close()
        database.close()


def _change(database: Database, ledger: Ledger, changed: Changed, ending: threading.Event) -> None:
    rng, policy = random.Random(1), policies.load(None)["default"]
    mailbox = database.read(lambda c: mailbox_named(c, None))
    while not ending.wait(0.02):
        found = database.read(lambda c: c.execute(_OPEN).scalars().all())
        if len(found) < 2:
            continue
        number, other = rng.sample(list(found), 2)
        merges = rng.random() < 0.5
        change = Merge(other) if merges else SetStatus(Status.CLOSED)
        context = ChangeContext(mailbox, "sam@help.example", Source.API, clock.now(), clock.new_id)

        def job(
            connection: Connection,
            by: ChangeContext = context,
            number: int = number,
            change: Merge | SetStatus = change,
        ) -> bool:
            done = change_ticket(connection, by, number, [change], policy, by_staff=True)
            return isinstance(done, Effects)

        try:
            done = ledger.submit(job).result()
        except Conflict:
            continue
        changed.merges += done and merges
        changed.closes += done and not merges


def late_comments(store_url: str) -> tuple[str, ...]:
    """Comments on tickets that were merged or closed before; only PostgreSQL records the order."""
    database = Database(store_url)
    try:
        return tuple(database.read(lambda c: [str(n) for n in c.execute(_LATE).scalars()]))
    finally:
        database.close()
