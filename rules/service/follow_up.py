"""What follows an answer of staff, and what the customer is asked once a request is resolved."""

from __future__ import annotations

from rules.policy import Policy
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind, NoticeOrder


def after_answer(ticket: Ticket, text: str, author: str, policy: Policy) -> tuple[NoticeOrder, ...]:
    """The notices, besides the comment's, that an answer of staff in public causes."""
    del ticket, text, author, policy
    return ()


def asked_on_resolve(ticket: Ticket, policy: Policy) -> tuple[NoticeOrder, ...]:
    """The request for feedback on a ticket that is resolved now."""
    requester = ticket.participant(ticket.requester)
    if not policy.feedback.ask or requester is None or not requester.is_notified:
        return ()
    return (NoticeOrder(NoticeKind.FEEDBACK, requester.address, requester.language),)
