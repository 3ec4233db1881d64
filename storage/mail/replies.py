"""The saved replies and the comments that a mail names, among its facts."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from rules.decision.change.facts import NeededFacts
from rules.facts import Facts
from storage.registry.saved_replies import replies_for
from storage.ticket.change import known_comments


def with_named(connection: Connection, facts: Facts, needed: NeededFacts) -> Facts:
    """The facts with what the commands name; nothing is read where they name nothing, or where the
    mail leads to no ticket."""
    if needed.comments:
        facts = _with_comments(connection, facts, needed.comments)
    if needed.replies is None or not facts.tickets:
        return facts
    tickets, now = facts.tickets.values(), facts.decided_at
    return replace(
        facts, replies=replies_for(connection, facts.mailbox, needed.replies, tickets, now)
    )


def _with_comments(connection: Connection, facts: Facts, wanted: frozenset[int]) -> Facts:
    """The facts with the comments of these numbers on the tickets that the mail leads to."""
    found = {n: known_comments(connection, n, t, wanted) for n, t in facts.tickets.items()}
    return replace(facts, comments=found)
