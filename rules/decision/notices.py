"""Outgoing mails that a comment and a follow-up have in common."""

from __future__ import annotations

from rules.decision.case import Case
from rules.mail.language import author_language
from rules.service import notifications
from rules.service.participants import Addition
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind, NoticeOrder, ReceiptPayload


def receipt(case: Case, ticket: Ticket, payload: ReceiptPayload) -> NoticeOrder:
    """What became of a command, to the sender alone."""
    address = case.sender.address
    language = ticket.language_of(address) or author_language(case.mail.header)
    return NoticeOrder(NoticeKind.RECEIPT, address, language, payload)


def approval_request(
    case: Case, ticket: Ticket, additions: tuple[Addition, ...]
) -> tuple[NoticeOrder, ...]:
    """The requester decides on the people who were proposed, as long as they can be asked."""
    requester = ticket.participant(ticket.requester)
    if requester is None or not requester.is_notified:
        return ()
    asked = notifications.approval_requests(requester.address, requester.language, additions)
    return notifications.within_budget(asked, ticket, case.policy)
