"""A participant wants no more mail about a ticket."""

from __future__ import annotations

from rules.decision.case import Case, Finding
from rules.decision.model import Reason, Unsubscribe
from rules.facts import Participant, Ticket
from rules.ticket.notices import NoticeKind, NoticeOrder, ReceiptText


def unsubscribe(case: Case, ticket: Ticket, member: Participant, saw: str) -> Finding:
    """He stays on the ticket, and is told once that he is written to no more; a machine is not."""
    detail = (("saying", ReceiptText.LEFT.value),)
    receipt = NoticeOrder(NoticeKind.RECEIPT, member.address, member.language, detail)
    orders = (receipt,) if case.automatic is None and not member.muted else ()
    leave = Unsubscribe(ticket.id, member.id, member.address, orders)
    return Finding(saw, f"leaves #{ticket.id}", leave, Reason.UNSUBSCRIBED)
