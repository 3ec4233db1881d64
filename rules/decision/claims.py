"""A claim of severity in a reply: what it does, and who is notified of it."""

from __future__ import annotations

from dataclasses import dataclass

from rules.decision.case import Case
from rules.decision.effects import ClaimMade
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeOrder
from rules.ticket.visibility import Visibility


@dataclass(frozen=True, slots=True)
class Heard:
    """What a reply claims."""

    effect: ClaimMade | None = None
    """None where nothing is claimed, or where the claim has no effect on the ticket."""
    orders: tuple[NoticeOrder, ...] = ()
    notes: tuple[str, ...] = ()
    """For the trace."""


def heard_in_reply(case: Case, ticket: Ticket, visibility: Visibility) -> Heard:
    """What a customer's comment of this visibility claims."""
    del case, ticket, visibility
    return Heard()
