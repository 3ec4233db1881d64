"""A participant unsubscribes from a ticket by mail."""

from __future__ import annotations

from rules.decision.case import Case, Ruling
from rules.decision.model import EndSubscription, Reason
from rules.people import Participant
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind, NoticeOrder, ReceiptPayload, ReceiptText


def unsubscribe(
    case: Case, ticket: Ticket, member: Participant, saw: str, conflict: tuple[str, ...]
) -> Ruling:
    """They stay on the ticket and get one last mail that confirms it; automatic mail gets none."""
    payload = ReceiptPayload(ReceiptText.LEFT)
    receipt = NoticeOrder(NoticeKind.RECEIPT, member.address, member.language, payload)
    orders = (receipt,) if not case.by_machine and not member.muted else ()
    ending = EndSubscription(ticket.id, member.id, member.address, orders)
    return Ruling(saw, ending, Reason.UNSUBSCRIBED, (f"unsubscribed from #{ticket.id}", *conflict))
