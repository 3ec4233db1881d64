"""The saved replies and the comments that a mail names, among its facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection

from rules.decision.change.facts import NeededFacts
from rules.facts import Facts
from rules.mail import Mail
from rules.mail.header import Author
from storage.registry.saved_replies import replies_for
from storage.ticket.change import known_comments
from storage.ticket.personal_digest import personal_digest

LATELY = timedelta(hours=24)
"""What changed since then is in a digest that somebody asks for."""


def with_named(connection: Connection, facts: Facts, needed: NeededFacts, mail: Mail) -> Facts:
    """The facts with what the commands name; nothing is read where they name nothing, or where the
    mail leads to no ticket."""
    if needed.comments:
        facts = _with_comments(connection, facts, needed.comments)
    author = mail.author.address if isinstance(mail.author, Author) else ""
    if needed.digest and facts.tickets and any(s.address == author for s in facts.staff):
        now = facts.decided_at
        found = personal_digest(connection, facts.mailbox, author, now, now - LATELY)
        facts = replace(facts, digest=found)
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
