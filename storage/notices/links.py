"""What the signed links in notices show, and what they do.

A link names its owner, never their rights: those are looked up at each use. The answer is
None for a person who may not see what the link is about, whatever the cause.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, select

from rules.decision.change.comments import TEXT_LEFT_OUT
from rules.decision.effects import ChangeRefused, Effects, Rated
from rules.mail import Mailbox
from rules.people import Participant, Presence
from rules.policy import Policy
from rules.sender.tokens import Link
from rules.ticket.audit import AuditEvent
from rules.ticket.changes import (
    Change,
    Rate,
    Rating,
    SetStatus,
    SettlePerson,
    Source,
    Unsubscribe,
)
from rules.ticket.lifecycle import Status
from rules.ticket.model import Ticket
from storage.db.tables import AuditRow, TicketRow, table
from storage.ticket import load
from storage.ticket.change import change_loaded
from storage.ticket.rows import ChangeContext

OVER_FOR = timedelta(days=30)
"""After a ticket was resolved or closed for so long, links for feedback and to reopen it end."""

_ticket, _audit = table(TicketRow), table(AuditRow)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A person who was proposed for a ticket."""

    ticket: int
    subject: str
    address: str
    presence: Presence
    owner: str = ""
    """In whose name the link decides."""
    language: str = ""
    """Of the link's owner; empty where it is not known."""


class Decided(StrEnum):
    NOW = "now"
    BEFORE = "before"
    """By anybody; nothing was changed."""
    FULL = "full"
    """The ticket has as many people as it may have; the person is still pending."""
    MOVED = "moved"
    """The ticket that was shown is part of another one now; nothing was changed."""


@dataclass(frozen=True, slots=True)
class _Found:
    """Where a link leads."""

    ticket: Ticket
    owner: Participant
    path: tuple[int, ...]
    """The ticket of the link, and each that the one before was merged into."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Whether a person gets mail about a ticket."""

    ticket: int
    subject: str
    """Empty for a person who is no longer on the ticket."""
    address: str
    notified: bool
    language: str = ""
    """As in a `Proposal`."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """The feedback on the help with a ticket."""

    ticket: int
    subject: str
    rating: Rating | None
    owner: str = ""
    """In whose name the link rates."""
    language: str = ""
    """As in a `Proposal`."""
    text_kept: bool = True
    """False if the text of a rating was left out, since its owner has written enough."""
    audited: bool = True
    """False if the rating was changed so often that only the last one is kept."""
    ended: bool = False
    """The ticket was over for so long that it takes no feedback any more."""
    moved: bool = False
    """Nothing was kept: the ticket that was shown is part of this one now."""


@dataclass(frozen=True, slots=True)
class Reopening:
    """A ticket that a staff person may reopen."""

    ticket: int
    subject: str
    over: bool
    """It is resolved or closed."""
    ended: bool
    """It was over for so long that the link reopens it no more."""
    was: int
    """The ticket of the link."""
    merged_into: int | None
    """The ticket that this one is part of now; then the link reopens nothing."""
    owner: str
    """In whose name the link reopens it."""
    language: str


def proposal(
    connection: Connection, mailbox: Mailbox, link: Link, now: datetime
) -> Proposal | None:
    """What an approval link asks; None unless its holder may decide now."""
    found = _present(connection, mailbox, link, now)
    return _proposal(connection, found, link) if found is not None else None


def decide(
    connection: Connection,
    context: ChangeContext,
    link: Link,
    accept: bool,
    shown: int,
    policy: Policy,
) -> tuple[Proposal, Decided] | None:
    """Accept or decline a proposed person on the ticket that was shown, once; None as for
    `proposal`.

    Raises Conflict if somebody else decides at the same time.
    """
    found = _locked(connection, context, link)
    proposed = _proposal(connection, found, link) if found is not None else None
    if found is None or proposed is None:
        return None
    if proposed.presence is not Presence.PENDING:
        return proposed, Decided.BEFORE
    if proposed.ticket != shown:
        return proposed, Decided.MOVED
    settled = SettlePerson(proposed.address, accept)
    if isinstance(_change(connection, context, found, settled, policy), ChangeRefused):
        return proposed, Decided.FULL
    became = Presence.ACTIVE if accept else Presence.REMOVED
    return replace(proposed, presence=became), Decided.NOW


def subscription(
    connection: Connection, mailbox: Mailbox, link: Link, now: datetime
) -> Subscription | None:
    """Whether the link's owner gets mail about its ticket; None if they were never on it."""
    found = _owner(connection, mailbox, link, now)
    return _subscription(found.ticket, found.owner) if found is not None else None


def unsubscribe(
    connection: Connection, context: ChangeContext, link: Link, policy: Policy
) -> tuple[Subscription, bool] | None:
    """Stop the mail about a ticket to the link's owner; False if they got none before either.

    None as for `subscription`.
    """
    found = _owner(connection, context.mailbox, link, context.now)
    if found is None:
        return None
    before = _subscription(found.ticket, found.owner)
    if before.notified:
        _change(connection, context, found, Unsubscribe(), policy)
    return replace(before, notified=False), before.notified


def reopening(
    connection: Connection, mailbox: Mailbox, link: Link, now: datetime
) -> Reopening | None:
    """The ticket of a link to reopen it; None unless the link's owner is staff and on it."""
    found = _present(connection, mailbox, link, now)
    if found is None or not found.owner.is_staff:
        return None
    return _reopening(found, now)


def reopen(
    connection: Connection, context: ChangeContext, link: Link, policy: Policy
) -> tuple[Reopening, bool] | None:
    """Reopen the ticket; False if nothing is done: it is open already, it is part of another one,
    or the link has ended. None as for `reopening`."""
    found = _locked(connection, context, link)
    if found is None or not found.owner.is_staff:
        return None
    view = _reopening(found, context.now)
    reopens = view.over and not view.ended and view.merged_into is None
    if reopens:
        _change(connection, context, found, SetStatus(Status.OPEN), policy)
    return view, reopens


def _reopening(found: _Found, now: datetime) -> Reopening:
    ticket, owner = found.ticket, found.owner
    into = ticket.merged_into
    if into is None and len(found.path) > 1:
        into = ticket.id
    return Reopening(
        ticket=ticket.id,
        subject=ticket.subject,
        over=ticket.status.is_over,
        ended=_is_long_over(ticket, now),
        was=found.path[0],
        merged_into=into,
        owner=owner.address,
        language=owner.language,
    )


def opinion(connection: Connection, mailbox: Mailbox, link: Link, now: datetime) -> Opinion | None:
    """The feedback so far; None unless the link's owner is on its ticket.

    None as well once that was merged into a ticket of somebody else: its feedback is that person's.
    """
    found = _present(connection, mailbox, link, now)
    if found is None or not _may_rate(found):
        return None
    return _opinion(connection, found.ticket, found.owner, now)


def rate(
    connection: Connection,
    context: ChangeContext,
    link: Link,
    given: Rate,
    shown: int,
    policy: Policy,
) -> Opinion | None:
    """Keep the feedback of the link's owner on the ticket that was shown, in place of an earlier
    one; None as for `opinion`. Nothing is kept once the link has ended.

    Its text becomes a note for staff. The ticket's status stays. The same feedback again changes
    nothing.
    """
    found = _locked(connection, context, link)
    if found is None or not _may_rate(found):
        return None
    before = _opinion(connection, found.ticket, found.owner, context.now)
    if before.ended:
        return before
    if before.ticket != shown:
        return replace(before, moved=True)
    made = _change(connection, context, found, given, policy)
    kept = not (isinstance(made, Effects) and TEXT_LEFT_OUT in made.done)
    rows = made.rows if isinstance(made, Effects) else ()
    audited = all(row.audited for row in rows if isinstance(row, Rated))
    return replace(before, rating=given.rating, text_kept=kept, audited=audited)


def _may_rate(found: _Found) -> bool:
    """Whether the ticket is the link's own, or the owner's all the same."""
    return len(found.path) == 1 or found.owner.address == found.ticket.requester


def _change(
    connection: Connection,
    context: ChangeContext,
    found: _Found,
    change: Change,
    policy: Policy,
) -> Effects | ChangeRefused:
    """A change by the link's owner; the effects, or why it was refused."""
    owner = found.owner
    by = replace(context, actor=owner.address)
    return change_loaded(connection, by, found.ticket, [change], policy, by_staff=owner.is_staff)


def _owner(connection: Connection, mailbox: Mailbox, link: Link, now: datetime) -> _Found | None:
    """The ticket of a link, or the last of those that it was merged into, and its owner there."""
    number, found = link.ticket, None
    path: tuple[int, ...] = ()
    for _ in range(load.HOPS):
        ticket = load.load(connection, mailbox, (number,), since=now).get(number)
        if ticket is None:
            break
        if found is None:
            owner = next((p for p in ticket.participants if p.id == link.participant), None)
        else:
            owner = ticket.participant(found.owner.address)
        if owner is None:
            break
        path = (*path, ticket.id)
        found = _Found(ticket, owner, path)
        if ticket.merged_into is None:
            break
        number = ticket.merged_into
    return found


def _present(connection: Connection, mailbox: Mailbox, link: Link, now: datetime) -> _Found | None:
    """The same; None for an owner who may no longer read the ticket."""
    found = _owner(connection, mailbox, link, now)
    if found is None:
        return None
    ticket, owner = found.ticket, found.owner
    may_read = owner.presence is Presence.ACTIVE and owner.reachable and not ticket.deleted
    return found if may_read else None


def place(
    connection: Connection, mailbox: Mailbox, link: Link, now: datetime
) -> tuple[Ticket, Participant, tuple[int, ...]] | None:
    """The ticket where a link's owner reads it now, the owner, and the tickets on the way there;
    None for an owner who may no longer read it."""
    found = _present(connection, mailbox, link, now)
    return (found.ticket, found.owner, found.path) if found is not None else None


def _locked(connection: Connection, context: ChangeContext, link: Link) -> _Found | None:
    """The same; of several people who use a ticket's links at once, each sees what the one
    before did."""
    found = _present(connection, context.mailbox, link, context.now)
    if found is None:
        return None
    this = select(_ticket.c.id).where(_ticket.c.id == found.ticket.id)
    connection.execute(this.with_for_update(key_share=True))
    return _present(connection, context.mailbox, link, context.now)


def _subscription(ticket: Ticket, owner: Participant) -> Subscription:
    is_on_it = owner.presence is Presence.ACTIVE and not ticket.deleted
    subject = ticket.subject if is_on_it and owner.reachable else ""
    return Subscription(
        ticket=ticket.id,
        subject=subject,
        address=owner.address,
        notified=is_on_it and not owner.muted,
        language=owner.language,
    )


def _proposal(connection: Connection, found: _Found, link: Link) -> Proposal | None:
    """None also for a link that was used before: a person who is proposed again needs another."""
    ticket, owner = found.ticket, found.owner
    proposed = ticket.participant(link.text)
    if proposed is None or not (owner.address == ticket.requester or owner.is_staff):
        return None
    pending = proposed.presence is Presence.PENDING
    if pending and _was_used(connection, found.path, owner, proposed):
        return None
    return Proposal(
        ticket=ticket.id,
        subject=ticket.subject,
        address=proposed.address,
        presence=proposed.presence,
        owner=owner.address,
        language=owner.language,
    )


def _was_used(
    connection: Connection, tickets: Collection[int], owner: Participant, proposed: Participant
) -> bool:
    """Whether the owner has decided on this person by a link already, on any of these tickets."""
    decided = select(_audit.c.id).where(
        _audit.c.ticket_id.in_(tickets),
        _audit.c.event == AuditEvent.PRESENCE_CHANGED.value,
        _audit.c.source == Source.WEB.value,
        _audit.c.actor == owner.address,
        _audit.c.subject == proposed.address,
        _audit.c.was == Presence.PENDING.value,
    )
    return connection.execute(decided.limit(1)).first() is not None


def _opinion(connection: Connection, ticket: Ticket, owner: Participant, now: datetime) -> Opinion:
    kept = connection.execute(select(_ticket.c.rating).where(_ticket.c.id == ticket.id)).scalar()
    rating = Rating(kept) if kept else None
    ended = _is_long_over(ticket, now)
    return Opinion(ticket.id, ticket.subject, rating, owner.address, owner.language, ended=ended)


def _is_long_over(ticket: Ticket, now: datetime) -> bool:
    over_at = ticket.status_at if ticket.status.is_over else None
    return over_at is not None and now - over_at >= OVER_FOR
