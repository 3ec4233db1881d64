"""The transaction of a mail: gather → decide → apply."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from rules.decision.decide import decide
from rules.decision.model import Decision
from rules.decision.receipt import Receipt
from rules.mail import BodyNeeded
from storage.mail.apply import Entry, apply
from storage.mail.facts import gather


def file(connection: Connection, entries: Sequence[Entry]) -> list[Receipt]:
    """Decide and write the entries of a mail, one after the other.

    Raises like `apply`.
    """
    return [
        apply(connection, entry, decision_on(connection, entry), entry.considered.policy)
        for entry in entries
    ]


def preview(connection: Connection, entries: Sequence[Entry]) -> list[tuple[Entry, Decision]]:
    """Each entry with the decision on it; nothing is written."""
    return [(entry, decision_on(connection, entry)) for entry in entries]


def needs_body(connection: Connection, entries: Sequence[Entry]) -> bool:
    """Whether the decision on an entry depends on the body of the mail, or keeps its text.

    As far as it is known now: `file` decides again.
    """
    try:
        return any(decision_on(connection, entry).keeps_text for entry in entries)
    except BodyNeeded:
        return True


def decision_on(connection: Connection, entry: Entry) -> Decision:
    """The decision on a mail in one mailbox, by what is known there now."""
    considered = entry.considered
    return decide(considered.mail, gather(connection, considered, entry.attempt), considered.policy)
