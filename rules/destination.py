"""Where mail for a ticket goes now, and whose reply addresses lead there."""

from __future__ import annotations

from collections.abc import Iterator

from rules.facts import Facts
from rules.people import Participant, Presence
from rules.policy import Policy
from rules.sender.tokens import ReplyToken
from rules.ticket.lifecycle import is_past_reopening
from rules.ticket.model import Ticket


def destination(number: int, facts: Facts, policy: Policy) -> Ticket | None:
    """The ticket that mail for a number goes to now; None where there is none, or a circle."""
    last = None
    for ticket in _way(number, facts, policy):
        last = ticket
    stays = last is not None and not last.deleted and _next(last, facts, policy) is None
    return last if stays else None


def is_over(ticket: Ticket, facts: Facts, policy: Policy) -> bool:
    """Whether a reply to the ticket begins a new one."""
    return is_past_reopening(
        ticket.status, ticket.status_at, facts.decided_at, policy.lifecycle.reopen_days
    )


def token_holder(token: ReplyToken, facts: Facts, policy: Policy) -> Participant | None:
    """The participant that a token was given to; None, so that it counts as no token, once they
    were removed from its ticket or from one that mail for it passes on its way."""
    ticket = facts.tickets.get(token.ticket)
    if ticket is None:
        return None
    holder = next((p for p in ticket.participants if p.id == token.participant), None)
    if holder is None:
        return None
    there = (one.participant(holder.address) for one in _way(token.ticket, facts, policy))
    removed = any(p is not None and p.presence is Presence.REMOVED for p in there)
    return None if removed else holder


def _way(number: int, facts: Facts, policy: Policy) -> Iterator[Ticket]:
    """The ticket of a number, and those that mail for it is passed on to; each of them once."""
    passed: set[int] = set()
    following: int | None = number
    while following is not None and following not in passed:
        passed.add(following)
        ticket = facts.tickets.get(following)
        if ticket is None:
            return
        yield ticket
        following = _next(ticket, facts, policy)


def _next(ticket: Ticket, facts: Facts, policy: Policy) -> int | None:
    """A merged ticket leads to the one it was merged into, a closed one to its follow-up, a deleted
    one nowhere."""
    if ticket.deleted:
        return None
    if ticket.merged_into is not None:
        return ticket.merged_into
    is_followed = ticket.follow_up is not None and is_over(ticket, facts, policy)
    return ticket.follow_up if is_followed else None
