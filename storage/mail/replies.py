"""The saved replies that a mail names, among its facts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import Connection

from rules.facts import Facts
from storage.registry.saved_replies import replies_for


def with_replies(connection: Connection, facts: Facts, wanted: Collection[str] | None) -> Facts:
    """The facts with the replies of these names; nothing is read where none is asked for, or where
    the mail leads to no ticket."""
    if wanted is None or not facts.tickets:
        return facts
    tickets, now = facts.tickets.values(), facts.decided_at
    return replace(facts, replies=replies_for(connection, facts.mailbox, wanted, tickets, now))
