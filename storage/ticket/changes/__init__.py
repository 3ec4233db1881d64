"""Makes changes to a ticket: all of them or none, each with its line in the audit trail.

Whoever changes a ticket otherwise than by a mail of a customer comes here: the API, the command
line, signed links, and staff by mail.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from sqlalchemy import Connection

from rules.policy import Policy
from rules.ticket.changes import (
    AddPerson,
    Assign,
    Change,
    Delete,
    Escalate,
    Merge,
    Publish,
    RemovePerson,
    Say,
    SetSeverity,
    SetStatus,
    SettlePerson,
    Workaround,
)
from rules.ticket.model import Ticket
from rules.ticket.visibility import Visibility
from storage.ticket.changes.case import Case, ChangeRefused, load
from storage.ticket.changes.membership import add_person, remove_person, settle_person
from storage.ticket.changes.state import (
    assign,
    delete,
    lower_for_workaround,
    merge,
    set_severity,
    set_status,
)
from storage.ticket.changes.talk import escalate, publish, say
from storage.ticket.write import ChangeContext

__all__ = ["ChangeRefused", "make"]


def make(
    connection: Connection,
    hand: ChangeContext,
    number: int,
    changes: Sequence[Change],
    policy: Policy,
    by_staff: bool,
    said: bool = False,
) -> tuple[str, ...]:
    """Make the changes in their order; returns what each did, in words. Raises ChangeRefused.

    `said`: a mail's public words go out with them.
    """
    said = said or any(isinstance(c, Say) and c.visibility is Visibility.PUBLIC for c in changes)
    case = Case(connection, hand, policy, by_staff, said)
    return tuple(_make(case, load(case, number), change) for change in changes)


def _make(case: Case, ticket: Ticket, change: Change) -> str:
    if ticket.merged_into is not None:
        raise ChangeRefused(f"#{ticket.id} was merged into #{ticket.merged_into}; change that one")
    match change:
        case SetStatus(status=status, why=why):
            return set_status(case, ticket, status, why)
        case SetSeverity(level=level, why=why):
            return set_severity(case, ticket, level, why)
        case Workaround(why=why):
            return lower_for_workaround(case, ticket, why)
        case Assign(address=address):
            return assign(case, ticket, address)
        case AddPerson(address=address):
            return add_person(case, ticket, address)
        case RemovePerson(address=address):
            return remove_person(case, ticket, address)
        case SettlePerson(address=address, take_in=take_in):
            return settle_person(case, ticket, address, take_in)
        case Say(text=text, visibility=visibility):
            return say(case, ticket, text, visibility)
        case Publish(comment=comment):
            return publish(case, ticket, comment)
        case Escalate(why=why):
            return escalate(case, ticket, why)
        case Merge(into=into):
            return merge(case, ticket, into)
        case Delete(why=why):
            return delete(case, ticket, why)
        case _:
            assert_never(change)
