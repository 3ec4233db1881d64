"""What a staff person is notified of: which tickets they follow, and which notices they want."""

from __future__ import annotations

from rules.decision.change.facts import ChangeFacts
from rules.decision.effects import (
    ChangeRefused,
    Effect,
    Effects,
    PersonAdded,
    PresenceChanged,
    Resubscribed,
    Unsubscribed,
)
from rules.decision.staff_effects import NoticesPreferred
from rules.people import ParticipantKind, Presence, StaffNotices
from rules.sentence import Sentence, sentence
from rules.service.participants import Addition
from rules.ticket.changes import PreferNotices
from rules.ticket.model import Ticket


def follow(ticket: Ticket, facts: ChangeFacts) -> Effects | ChangeRefused:
    if (refused := _not_staff(facts)) is not None:
        return refused
    done = sentence("{address} follows #{ticket}", address=facts.actor, ticket=ticket.id)
    return Effects(followed_by(ticket, facts.actor, facts, audited=True), (done,))


def followed_by(
    ticket: Ticket, address: str, facts: ChangeFacts, *, audited: bool
) -> tuple[Effect, ...]:
    """What makes a staff person follow a ticket; nothing where they do, or are no staff person."""
    staff = next((each for each in facts.staff if each.address == address), None)
    if staff is None:
        return ()
    member = ticket.participant(address)
    if member is None:
        kind = ParticipantKind.FOLLOWER
        added = Addition(address, None, kind, Presence.ACTIVE, staff.language)
        return (PersonAdded(added),)
    if member.presence is not Presence.ACTIVE:
        return (PresenceChanged(address, member.presence, Presence.ACTIVE),)
    return (Resubscribed(address, audited=audited),) if member.muted else ()


def unfollow(ticket: Ticket, facts: ChangeFacts) -> Effects | ChangeRefused:
    if (refused := _not_staff(facts)) is not None:
        return refused
    member = ticket.participant(facts.actor)
    done: tuple[Sentence, ...] = (
        sentence("{address} does not follow #{ticket}", address=facts.actor, ticket=ticket.id),
    )
    if ticket.assignee == facts.actor:
        still = sentence("#{ticket} is still assigned to {address}, who is notified of it",
                         ticket=ticket.id, address=facts.actor)  # fmt: skip
        done = (*done, still)
    if member is None or member.presence is not Presence.ACTIVE or member.muted:
        return Effects(done=done)
    return Effects((Unsubscribed(member.id, member.address),), done)


def prefer_notices(change: PreferNotices, facts: ChangeFacts) -> Effects | ChangeRefused:
    if (refused := _not_staff(facts)) is not None:
        return refused
    done = preferred(facts.actor, change.notices)
    return Effects((NoticesPreferred(facts.actor, change.notices),), (done,))


def preferred(address: str, notices: StaffNotices) -> Sentence:
    """What it means, as a report."""
    match notices:
        case StaffNotices.ALL:
            return sentence("{address} is notified of all tickets", address=address)
        case StaffNotices.MINE:
            return sentence(
                "{address} is notified of tickets that are assigned to them or that they follow, "
                "and of alerts",
                address=address,
            )
        case StaffNotices.DIGEST:
            return sentence(
                "{address} gets a digest of what waits and what changed, once an hour, and alerts",
                address=address,
            )


def _not_staff(facts: ChangeFacts) -> ChangeRefused | None:
    if any(each.address == facts.actor for each in facts.staff):
        return None
    return ChangeRefused(
        sentence(
            "{name} is not a staff person of {mailbox}", name=facts.actor, mailbox=facts.mailbox
        )
    )
