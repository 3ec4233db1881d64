"""Notices that comments and follow-ups have in common."""

from __future__ import annotations

from rules.decision.case import Case
from rules.mail.language import author_language
from rules.service import notifications
from rules.service.participants import Addition
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind, NoticeOrder, ReceiptPayload


def receipt(case: Case, ticket: Ticket, payload: ReceiptPayload) -> NoticeOrder:
    """The result of a command, for the sender alone."""
    address = case.sender.address
    language = ticket.language_of(address) or author_language(case.mail.header)
    return NoticeOrder(NoticeKind.RECEIPT, address, language, payload)


def approval_request(
    case: Case, ticket: Ticket, additions: tuple[Addition, ...]
) -> tuple[NoticeOrder, ...]:
    """Asks the requester to decide on the proposed people, unless they get no notices."""
    requester = ticket.participant(ticket.requester)
    if requester is None or not requester.is_notified:
        return ()
    requests = notifications.approval_requests(requester.address, requester.language, additions)
    return notifications.within_budget(requests, ticket, case.policy)
