"""What somebody may see of a ticket, and do to it, over the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from rules.mail.thanks import only_thanks
from rules.people import Person, Presence, Role
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
from rules.ticket.lifecycle import NEXT, Event, Status
from rules.ticket.model import Ticket
from rules.ticket.severity import Level
from rules.ticket.visibility import Visibility


class Access(StrEnum):
    """How near somebody is to a ticket."""

    STAFF = "staff"
    MEMBER = "member"
    """A customer who is on it."""
    COLLEAGUE = "colleague"
    """Reads it, since the policy shows a company its tickets."""
    NONE = "none"
    """As if the ticket did not exist."""


def access(person: Person, ticket: Ticket, policy: Policy) -> Access:
    """What an active person of the ticket's mailbox has of it."""
    if ticket.deleted:
        return Access.NONE
    if person.role is Role.STAFF:
        return Access.STAFF
    member = ticket.participant(person.address)
    if member is not None and member.presence is Presence.ACTIVE:
        return Access.MEMBER
    at_home = person.company is not None and person.company.id == ticket.company
    return Access.COLLEAGUE if at_home and policy.visibility == "company" else Access.NONE


def forbidden(change: Change, reach: Access, policy: Policy) -> str:
    """Why somebody may not make a change, in words for him; empty where he may."""
    if reach is Access.STAFF:
        return ""
    if reach is not Access.MEMBER:
        return "you may read this ticket; to comment or close it you must be on it"
    match change:
        case SetStatus(status=Status.PENDING):
            return "only staff set a ticket to pending: it waits for the customer then"
        case SetSeverity() if not policy.severity.customers_may_set:
            return "the support team sets the severity here (policy); say why in a comment"
        case Say(visibility=visibility) if visibility is not Visibility.PUBLIC:
            return "only staff write notes"
        case SetStatus() | SetSeverity() | Say() | Escalate() | AddPerson():
            return ""
        case Workaround() | Assign() | RemovePerson() | SettlePerson():
            return f"only staff may do this: {_NAMES[type(change)]}"
        case Publish() | Merge() | Delete():
            return f"only staff may do this: {_NAMES[type(change)]}"
        case _:
            assert_never(change)


_NAMES: dict[type, str] = {
    Workaround: "note a workaround",
    Assign: "assign a ticket",
    RemovePerson: "take people off",
    SettlePerson: "decide on proposed people",
    Publish: "publish a comment",
    Merge: "merge tickets",
    Delete: "delete a ticket",
}


def with_reopening(changes: Sequence[Change], ticket: Ticket, reach: Access) -> Sequence[Change]:
    """The changes, and one of status where a customer's words reopen his ticket as his mail would.

    Words on a closed ticket reopen nothing.
    """
    said = next((c.text for c in changes if isinstance(c, Say)), None)
    if said is None or reach is not Access.MEMBER:
        return changes
    if any(isinstance(change, SetStatus) for change in changes):
        return changes
    event = Event.THANKED if only_thanks(said) else Event.CUSTOMER_WROTE
    became = NEXT.get((ticket.status, event), ticket.status)
    return (*changes, SetStatus(became, "a comment")) if became is not ticket.status else changes


@dataclass(frozen=True, slots=True)
class RequestedSeverity:
    """The severity of a new ticket, and what its customer had asked for."""

    level: Level
    claimed: Level | None

    @property
    def critical_claimed(self) -> bool:
        """He asked for a critical level and did not get one."""
        return self.claimed is not None and self.claimed.critical and not self.level.critical

    @property
    def beside(self) -> str:
        """What stands behind the level where he asked for another."""
        differs = self.claimed is not None and self.claimed != self.level
        return f"; he says {self.claimed.name}" if self.claimed and differs else ""


def opening_severity(wanted: Level | None, by_staff: bool, policy: Policy) -> RequestedSeverity:
    """The severity of a ticket that is opened over the API: critical ones may be."""
    default = next(one for one in policy.levels if one.name == policy.severity.default)
    if wanted is None:
        return RequestedSeverity(default, None)
    if by_staff:
        return RequestedSeverity(wanted, None)
    return RequestedSeverity(wanted if policy.severity.customers_may_set else default, wanted)
