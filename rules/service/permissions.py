"""What a person may see of a ticket, and do to it, over the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from rules.mail.thanks import only_thanks
from rules.people import ParticipantKind, Person, Presence, Role
from rules.policy import Policy
from rules.ticket.changes import Change, Complete, SetAnySeverity, SetStatus, WriteComment
from rules.ticket.lifecycle import NEXT, Event, Status
from rules.ticket.model import Ticket
from rules.ticket.severity import Level
from rules.ticket.visibility import Visibility


class Access(StrEnum):
    """The access that a person has to a ticket."""

    STAFF = "staff"
    MEMBER = "member"
    """A customer who is on the ticket."""
    GUEST = "guest"
    """A customer of another company who is on the ticket as a guest."""
    COLLEAGUE = "colleague"
    """May read the ticket, since their company's tickets are shown to its people."""
    NONE = "none"
    """As if the ticket did not exist."""

    @property
    def is_on_ticket(self) -> bool:
        """Whether it is that of a customer who is on the ticket."""
        return self in (Access.MEMBER, Access.GUEST)


def access_of(person: Person, ticket: Ticket, policy: Policy) -> Access:
    """The access of an active person of the ticket's mailbox."""
    if ticket.deleted:
        return Access.NONE
    if person.role is Role.STAFF:
        return Access.STAFF
    member = ticket.participant(person.address)
    if member is not None and member.presence is Presence.ACTIVE:
        as_guest = member.part is ParticipantKind.GUEST and not _is_colleague(person, ticket)
        return Access.GUEST if as_guest else Access.MEMBER
    return Access.COLLEAGUE if is_open_to(person, ticket, policy) else Access.NONE


def is_open_to(person: Person, ticket: Ticket, policy: Policy) -> bool:
    """Whether a customer reads the ticket as a colleague, whether they are on it or not."""
    if person.company is None or not _is_colleague(person, ticket):
        return False
    return shows_tickets(person.company.visibility, policy)


def _is_colleague(person: Person, ticket: Ticket) -> bool:
    return person.company is not None and person.company.id == ticket.company


def shows_tickets(agreed: str, policy: Policy) -> bool:
    """Whether the people of a company read each other's tickets: as `agreed` with the company, else
    as the policy says."""
    return (agreed or policy.visibility) == "company"


def forbidden(change: Change, access: Access, policy: Policy) -> str:
    """Why a person may not make a change, as a message for them; empty where they may."""
    if access is Access.STAFF:
        return ""
    if not access.is_on_ticket:
        return "you may read this ticket; to comment or close it you must be on it"
    if access is Access.GUEST and _is_for_its_company(change):
        return (
            "you are a guest on this ticket: comment, escalate or reopen it; its own company sets "
            "its severity and closes it"
        )
    match change:
        case SetStatus(status=Status.PENDING):
            return "only staff may set a ticket to pending: it then waits for the customer"
        case SetAnySeverity() if not policy.severity.may_set(by_portal=True):
            return "under this policy only staff set the severity; give your reasons in a comment"
        case WriteComment(macro=macro) if macro:
            return "only staff may send saved replies"
        case WriteComment(visibility=visibility) if visibility is not Visibility.PUBLIC:
            return "only staff may write notes"
        case _ if change.staff_only:
            return f"only staff may {change.reads_as}"
        case _:
            return ""


def _is_for_its_company(change: Change) -> bool:
    """Whether a guest may not make a change that other customers may: they do no more in the portal
    than by mail."""
    match change:
        case SetStatus(status=status):
            return status is not Status.OPEN
        case SetAnySeverity() | Complete():
            return True
        case _:
            return False


def with_reopening(changes: Sequence[Change], ticket: Ticket, access: Access) -> Sequence[Change]:
    """The changes, with a change of status added where a customer's comment reopens the ticket.

    A comment reopens a ticket as a mail would. A comment on a closed ticket reopens nothing.
    """
    comment = next((c.text for c in changes if isinstance(c, WriteComment)), None)
    if comment is None or not access.is_on_ticket:
        return changes
    if any(isinstance(change, SetStatus) for change in changes):
        return changes
    event = Event.THANKED if only_thanks(comment) else Event.CUSTOMER_WROTE
    became = NEXT.get((ticket.status, event), ticket.status)
    return (*changes, SetStatus(became, "a comment")) if became is not ticket.status else changes


@dataclass(frozen=True, slots=True)
class RequestedSeverity:
    """The severity of a new ticket, and the one that the customer requested."""

    level: Level
    claimed: Level | None

    @property
    def name(self) -> str:
        return self.level.name

    @property
    def claimed_level(self) -> str | None:
        """The name of the level that the customer asked for."""
        return self.claimed.name if self.claimed is not None else None

    @property
    def critical_claimed(self) -> bool:
        """The customer requested a critical level and did not get one."""
        return self.claimed is not None and self.claimed.critical and not self.level.critical

    @property
    def claim(self) -> str:
        """The name of the level that the customer requested; empty where it is the level."""
        return self.claimed.name if self.claimed and self.claimed != self.level else ""


def opening_severity(wanted: Level | None, by_staff: bool, policy: Policy) -> RequestedSeverity:
    """The severity of a ticket opened over the API, where critical levels are allowed."""
    default = next(one for one in policy.levels if one.name == policy.severity.default)
    if wanted is None:
        return RequestedSeverity(default, None)
    if by_staff:
        return RequestedSeverity(wanted, None)
    takes_effect = policy.severity.may_set(by_portal=True)
    return RequestedSeverity(wanted if takes_effect else default, wanted)
