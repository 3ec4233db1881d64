"""The rows of the people on a ticket: who joins it, leaves it, or is notified of it no more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_never

from sqlalchemy import Connection

from rules.decision.effects import PersonAdded, PresenceChanged, Resubscribed, Unsubscribed
from rules.decision.staff_effects import RequesterChanged
from rules.people import ParticipantKind
from rules.service.participants import Addition
from rules.ticket.audit import AuditEvent
from storage.db.ledger import Conflict
from storage.ticket import statements as sql
from storage.ticket.rows import AuditEntry, ChangeContext, add_participants, audit, participant_row


def change_people(
    connection: Connection,
    context: ChangeContext,
    ticket: int,
    effect: PersonAdded | PresenceChanged | RequesterChanged | Unsubscribed | Resubscribed,
) -> None:
    """Write the effect, with its line in the audit trail. Raises Conflict."""
    match effect:
        case PersonAdded(addition=addition):
            added = sql.ADD.rows(connection, **participant_row(context, ticket, addition))
            require(added, f"{addition.address} was added to #{ticket} meanwhile")
            became = addition.presence.value
            entry = AuditEntry(AuditEvent.PERSON_ADDED, addition.address, became=became)
        case PresenceChanged(address=address, was=was, became=presence):
            _set_presence(connection, context, ticket, effect)
            entry = AuditEntry(
                AuditEvent.PRESENCE_CHANGED, address, was=was.value, became=presence.value
            )
        case RequesterChanged(was=before, became=requester, left_as=left_as):
            sql.SET_PART.rows(connection, ticket=ticket, address=before, became=left_as.value)
            part = ParticipantKind.REQUESTER.value
            rows = sql.SET_PART.rows(connection, ticket=ticket, address=requester, became=part)
            require(rows, f"{requester} is no longer on #{ticket}")
            entry = AuditEntry(AuditEvent.REQUESTER_CHANGED, was=before, became=requester)
        case Unsubscribed(participant=participant, address=address):
            rows = sql.UNSUBSCRIBE.rows(connection, participant=participant, ticket=ticket)
            if not rows:
                return  # they have unsubscribed meanwhile: nothing is left to do
            entry = AuditEntry(AuditEvent.UNSUBSCRIBED, address)
        case Resubscribed(address=address, audited=audited):
            rows = sql.RESUBSCRIBE.rows(connection, ticket=ticket, address=address)
            if not rows or not audited:
                return
            entry = AuditEntry(AuditEvent.RESUBSCRIBED, address)
        case _:
            assert_never(effect)
    audit(connection, context, ticket, entry)


def name_people(
    connection: Connection, context: ChangeContext, ticket: int, additions: Sequence[Addition]
) -> None:
    """Add the people whom a mail or a request names, with a line each in the audit trail. It has
    who named them, and the mail."""
    add_participants(connection, context, ticket, additions)
    for addition in additions:
        became = addition.presence.value
        entry = AuditEntry(AuditEvent.PERSON_ADDED, addition.address, became=became)
        audit(connection, context, ticket, entry)


def _set_presence(
    connection: Connection, context: ChangeContext, ticket: int, change: PresenceChanged
) -> None:
    changed = sql.SET_PRESENCE.rows(
        connection,
        ticket=ticket,
        address=change.address,
        was=change.was.value,
        became=change.became.value,
        now=context.now,
    )
    require(changed, f"{change.address} is no longer {change.was} on #{ticket}")


def require(changed: Any, why: str) -> None:
    """Raise Conflict if a statement has changed nothing: another transaction was first."""
    if not changed:
        raise Conflict(why)
