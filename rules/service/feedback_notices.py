"""The mails to staff about a customer's feedback on the help."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rules.people import Staff
from rules.policy import Policy
from rules.service import notifications
from rules.service.limits import NoticeBudget
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeOrder
from rules.ticket.payloads import NewCommentPayload
from rules.ticket.visibility import Visibility


def as_feedback(order: NoticeOrder, rating: str = "") -> NoticeOrder:
    """The notice of a comment that is feedback; any other order as it is."""
    if not isinstance(order.payload, NewCommentPayload):
        return order
    return replace(order, payload=replace(order.payload, feedback=True, rating=rating))


def given_with_rating(
    ticket: Ticket, author: str, rating: str, staff: Iterable[Staff], policy: Policy
) -> tuple[NoticeOrder, ...]:
    """The notices of the text that somebody gives with a rating, by a link."""
    orders = notifications.for_comment(
        ticket,
        author=author,
        visibility=Visibility.NOTE,
        staff=staff,
        policy=policy,
        budget=NoticeBudget.WAITING,
    )
    return tuple(as_feedback(each, rating) for each in orders)
