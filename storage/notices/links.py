"""What the signed links in notices show, and what they do.

A link says whose it is, never what he may do: that is looked up at each use. None comes back for
whoever may not see what the link is about, whatever the cause.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, select, update

from rules.mail import Mailbox
from rules.people import Participant, Presence
from rules.sender.tokens import Link
from rules.ticket.model import Ticket
from rules.ticket.visibility import Visibility
from storage.db.ledger import Conflict
from storage.db.tables import CommentRow, TicketRow, table
from storage.ticket import load, participants, write
from storage.ticket.write import ChangeContext, storable

_ticket, _comment = table(TicketRow), table(CommentRow)


@dataclass(frozen=True, slots=True)
class Proposal:
    """Somebody who was proposed for a ticket."""

    ticket: int
    subject: str
    address: str
    presence: Presence
    language: str = ""
    """Of the link's owner; empty where it is not known."""


class Decided(StrEnum):
    NOW = "now"
    BEFORE = "before"
    """By whomever; nothing was changed."""
    FULL = "full"
    """The ticket has as many people as it may have: still undecided."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Whether somebody is written to about a ticket."""

    ticket: int
    subject: str
    """Empty for somebody who is not on the ticket any more."""
    address: str
    notified: bool
    language: str = ""
    """As in a `Proposal`."""


class Rating(StrEnum):
    GOOD = "good"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What was said of the help that a ticket got."""

    ticket: int
    subject: str
    rating: Rating | None
    language: str = ""
    """As in a `Proposal`."""


def proposal(
    connection: Connection, mailbox: Mailbox, link: Link, now: datetime
) -> Proposal | None:
    """What an approval link asks; None unless its holder may decide now."""
    found = _present(connection, mailbox, link, now)
    return _proposal(*found, link) if found is not None else None


def decide(
    connection: Connection, hand: ChangeContext, link: Link, take_in: bool, per_ticket: int
) -> tuple[Proposal, Decided] | None:
    """Take a proposed person in or leave him out, once; None as for `proposal`.

    `per_ticket` is how many active people a ticket may have. Raises Conflict where somebody else
    settles it at the same moment.
    """
    found = _held(connection, hand, link)
    asked = _proposal(*found, link) if found is not None else None
    if found is None or asked is None:
        return None
    if asked.presence is not Presence.PENDING:
        return asked, Decided.BEFORE
    ticket, owner = found
    active = sum(p.presence is Presence.ACTIVE for p in ticket.participants)
    if take_in and active >= per_ticket:
        return asked, Decided.FULL
    became = Presence.ACTIVE if take_in else Presence.REMOVED
    by = replace(hand, actor=owner.address)
    if not participants.set_presence(
        connection, by, ticket.id, asked.address, Presence.PENDING, became
    ):
        raise Conflict(f"{asked.address} on #{ticket.id} is pending no more")
    return replace(asked, presence=became), Decided.NOW


def subscription(
    connection: Connection, mailbox: Mailbox, link: Link, now: datetime
) -> Subscription | None:
    """Whether the link's owner is written to about its ticket; None if he never was on it."""
    found = _owner(connection, mailbox, link, now)
    return _subscription(*found) if found is not None else None


def unsubscribe(
    connection: Connection, hand: ChangeContext, link: Link
) -> tuple[Subscription, bool] | None:
    """Write to the link's owner no more about its ticket; with False nothing was sent to him
    before either. None as for `subscription`."""
    found = _owner(connection, hand.mailbox, link, hand.now)
    if found is None:
        return None
    ticket, owner = found
    before, by = _subscription(ticket, owner), replace(hand, actor=owner.address)
    muted = before.notified and participants.unsubscribe(connection, by, ticket.id, owner.id)
    return replace(before, notified=False), muted


def opinion(connection: Connection, mailbox: Mailbox, link: Link, now: datetime) -> Opinion | None:
    """What was said so far; None unless the link's owner is on its ticket."""
    found = _present(connection, mailbox, link, now)
    return _opinion(connection, *found) if found is not None else None


def rate(
    connection: Connection, hand: ChangeContext, link: Link, rating: Rating, text: str
) -> Opinion | None:
    """Keep what the link's owner says of the help, in place of what was said before; None as for
    `opinion`.

    His words become a note for staff. The ticket's status stays. The same said again is one
    opinion.
    """
    found = _held(connection, hand, link)
    if found is None:
        return None
    ticket, owner = found
    before, by = _opinion(connection, ticket, owner), replace(hand, actor=owner.address)
    says_more = bool(text) and not _has_said(connection, owner.address, ticket.id, text)
    if before.rating is rating and not says_more:
        return before
    if says_more:
        _note(connection, by, ticket.id, text)
    connection.execute(update(_ticket).where(_ticket.c.id == ticket.id).values(rating=rating.value))
    write.touch(connection, by, ticket.id)
    was = before.rating.value if before.rating is not None else ""
    write.audit(connection, by, ticket.id, "feedback", was, rating.value, "")
    return replace(before, rating=rating)


def _owner(
    connection: Connection, mailbox: Mailbox, link: Link, now: datetime
) -> tuple[Ticket, Participant] | None:
    """The ticket of a link, or the one that it was merged into, and whose link it is there."""
    number, found = link.ticket, None
    for _ in range(load.HOPS):
        ticket = load.load(connection, mailbox, (number,), since=now).get(number)
        if ticket is None:
            break
        if found is None:
            owner = next((p for p in ticket.participants if p.id == link.participant), None)
        else:
            owner = ticket.participant(found[1].address)
        if owner is None:
            break
        found = ticket, owner
        if ticket.merged_into is None:
            break
        number = ticket.merged_into
    return found


def _present(
    connection: Connection, mailbox: Mailbox, link: Link, now: datetime
) -> tuple[Ticket, Participant] | None:
    """The same; None for an owner who may not read the ticket any more."""
    found = _owner(connection, mailbox, link, now)
    if found is None:
        return None
    ticket, owner = found
    may_read = owner.presence is Presence.ACTIVE and owner.reachable and not ticket.deleted
    return found if may_read else None


def _held(
    connection: Connection, hand: ChangeContext, link: Link
) -> tuple[Ticket, Participant] | None:
    """The same; of several who act on a ticket by its links at once, each sees what the one
    before him did."""
    found = _present(connection, hand.mailbox, link, hand.now)
    if found is None:
        return None
    this = select(_ticket.c.id).where(_ticket.c.id == found[0].id)
    connection.execute(this.with_for_update(key_share=True))
    return _present(connection, hand.mailbox, link, hand.now)


def _subscription(ticket: Ticket, owner: Participant) -> Subscription:
    is_on_it = owner.presence is Presence.ACTIVE and not ticket.deleted
    subject = ticket.subject if is_on_it and owner.reachable else ""
    told = is_on_it and not owner.muted
    return Subscription(ticket.id, subject, owner.address, told, owner.language)


def _proposal(ticket: Ticket, owner: Participant, link: Link) -> Proposal | None:
    proposed = ticket.participant(link.text)
    if proposed is None or not (owner.address == ticket.requester or owner.is_staff):
        return None
    return Proposal(ticket.id, ticket.subject, proposed.address, proposed.presence, owner.language)


def _opinion(connection: Connection, ticket: Ticket, owner: Participant) -> Opinion:
    kept = connection.execute(select(_ticket.c.rating).where(_ticket.c.id == ticket.id)).scalar()
    return Opinion(ticket.id, ticket.subject, Rating(kept) if kept else None, owner.language)


def _has_said(connection: Connection, author: str, ticket: int, text: str) -> bool:
    same = select(_comment.c.id).where(
        _comment.c.ticket_id == ticket,
        _comment.c.author == author,
        _comment.c.visibility == Visibility.NOTE.value,
        _comment.c.journal_id.is_(None),
        _comment.c.text == storable(text),
    )
    return connection.execute(same.limit(1)).first() is not None


def _note(connection: Connection, hand: ChangeContext, ticket: int, text: str) -> None:
    write.add_comment(
        connection,
        hand,
        ticket,
        Visibility.NOTE,
        hand.actor,
        text,
        degraded=None,
        attachments=(),
        written_at=hand.now,
        numbered=False,
    )
