"""Who on a ticket is not notified: for the trace of a mail, and for staff who write to nobody."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from rules.people import Participant, Presence
from rules.policy import Policy
from rules.sentence import Sentence, sentence
from rules.ticket.model import Ticket
from rules.ticket.visibility import Visibility

NAMED = 10
"""In one note; the number of the others is given."""


def unnotified(
    ticket: Ticket,
    *,
    author: str,
    direct: Collection[str],
    visibility: Visibility,
    policy: Policy,
) -> tuple[str, ...]:
    """The people on the ticket who are not notified of a comment, each with the reason.

    That nobody gets their own comment needs no note.
    """
    public = visibility is Visibility.PUBLIC
    customers = (p for p in ticket.participants if public and not p.is_staff)
    why = ((p.address, _why(p, direct)) for p in customers if p.address != author)
    found = [f"{address} ({reason})" for address, reason in why if reason]
    if policy.staff.notify == "none":
        found.append("staff (by policy)")
    return _note("not notified", found)


def _why(person: Participant, direct: Collection[str]) -> str:
    """Empty for somebody who is notified, and for somebody who has left."""
    if person.presence is Presence.REMOVED:
        return ""
    if person.presence is Presence.PENDING:
        return "proposed, not accepted yet"
    if not person.reachable:
        return "account closed, or mail to the address suspended"
    if person.muted:
        return "unsubscribed"
    return "in To or Cc of the mail itself" if person.address in direct else ""


def without_reader(ticket: Ticket, *, author: str, direct: Collection[str] = ()) -> Sentence | None:
    """What staff should know of a public comment of theirs that goes to no customer; None where it
    goes to any, or where no customer is on the ticket."""
    customers = [
        p
        for p in ticket.participants
        if not p.is_staff and p.presence is Presence.ACTIVE and p.address != author
    ]
    if not customers or any(p.is_notified or p.address in direct for p in customers):
        return None
    addresses = ", ".join(_names([p.address for p in customers]))
    return sentence(
        "your answer on #{ticket} is sent to no customer: {addresses} (unsubscribed, account "
        "closed, or mail to the address suspended)",
        ticket=ticket.id,
        addresses=addresses,
    )


def _note(what: str, found: Sequence[str]) -> tuple[str, ...]:
    return (f"{what}: {', '.join(_names(found))}",) if found else ()


def _names(found: Sequence[str]) -> Iterator[str]:
    yield from found[:NAMED]
    if len(found) > NAMED:
        yield f"{len(found) - NAMED} more"
