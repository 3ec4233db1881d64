"""What a budget withholds is sent once, together, when the hour has room again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from rules.service.limits import HOUR
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind, NoticeOrder
from rules.ticket.payloads import MorePayload

SHOWN = 20
"""Comments in one mail, the latest; of more, the number is given."""
EXAMINED = 16 * 1024
"""Characters of a comment that are read to show the beginning of its own words."""
OWN_COMMENTS = 10
"""Somebody who is known to have written so many on the ticket within the hour before answers as
fast as they are sent mail: they get no summary, since a machine would begin again."""
SUMMARIES = (NoticeKind.MORE, NoticeKind.STAFF_MORE, NoticeKind.MANAGER_MORE)


def summaries(
    withheld: Iterable[NoticeOrder], ticket: Ticket, since: datetime, now: datetime
) -> tuple[NoticeOrder, ...]:
    """For each reader from whom something is withheld, and for whom no summary waits: one that is
    sent when the first of the mails of this hour is an hour old, and an hour after the last one.

    Receipts are not among them: they go only to a person who writes more than is answered.
    """
    return tuple(_each(withheld, ticket, since, now))


def _each(
    withheld: Iterable[NoticeOrder], ticket: Ticket, since: datetime, now: datetime
) -> Iterator[NoticeOrder]:
    readers = {o.address: o for o in withheld if o.kind is not NoticeKind.RECEIPT}
    for address, order in readers.items():
        person, last = ticket.participant(address), ticket.summary_at.get(address)
        to_manager = order.kind is NoticeKind.NEXT_STEPS
        if person is None and order.subscription is None and not to_manager:
            continue  # an outside contact, who is not on the ticket
        if last is not None and last > now:
            continue
        by_staff = order.subscription is not None or (person is not None and person.is_staff)
        first = min(ticket.sent_since.get(address, now), now)
        kind = NoticeKind.STAFF_MORE if by_staff else NoticeKind.MORE
        yield NoticeOrder(
            NoticeKind.MANAGER_MORE if to_manager else kind,
            address,
            order.language,
            MorePayload(since.isoformat()),
            subscription=order.subscription,
            due_at=max(first, last or first) + HOUR,
        )


def answers_as_it_is_sent(own_comments: int) -> bool:
    """Whether a reader wrote so much on the ticket within the hour that a machine may do it."""
    return own_comments >= OWN_COMMENTS
