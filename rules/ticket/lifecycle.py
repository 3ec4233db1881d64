"""The life cycle of a ticket as a table, and what a reply does to a closed one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType


class Status(StrEnum):
    OPEN = "open"
    PENDING = "pending"
    """Waiting for the customer."""
    RESOLVED = "resolved"
    """Answered; a reply reopens it for a while."""
    CLOSED = "closed"
    """Over; a reply opens a follow-up ticket."""

    @property
    def is_over(self) -> bool:
        return self in (Status.RESOLVED, Status.CLOSED)


class Event(StrEnum):
    CUSTOMER_WROTE = "customer_wrote"
    """A person who may comment wrote more than thanks; machines do not count."""
    THANKED = "thanked"
    STAFF_WROTE = "staff_wrote"
    REOPEN = "reopen"
    ASK_CUSTOMER = "ask_customer"
    RESOLVE = "resolve"
    CLOSE = "close"


NEXT: Mapping[tuple[Status, Event], Status] = MappingProxyType(
    {
        (Status.OPEN, Event.CUSTOMER_WROTE): Status.OPEN,
        (Status.OPEN, Event.THANKED): Status.OPEN,
        (Status.OPEN, Event.STAFF_WROTE): Status.OPEN,
        (Status.OPEN, Event.REOPEN): Status.OPEN,
        (Status.OPEN, Event.ASK_CUSTOMER): Status.PENDING,
        (Status.OPEN, Event.RESOLVE): Status.RESOLVED,
        (Status.OPEN, Event.CLOSE): Status.CLOSED,
        (Status.PENDING, Event.CUSTOMER_WROTE): Status.OPEN,
        (Status.PENDING, Event.THANKED): Status.PENDING,
        (Status.PENDING, Event.STAFF_WROTE): Status.PENDING,
        (Status.PENDING, Event.REOPEN): Status.OPEN,
        (Status.PENDING, Event.ASK_CUSTOMER): Status.PENDING,
        (Status.PENDING, Event.RESOLVE): Status.RESOLVED,
        (Status.PENDING, Event.CLOSE): Status.CLOSED,
        (Status.RESOLVED, Event.CUSTOMER_WROTE): Status.OPEN,
        (Status.RESOLVED, Event.THANKED): Status.RESOLVED,
        (Status.RESOLVED, Event.STAFF_WROTE): Status.RESOLVED,
        (Status.RESOLVED, Event.REOPEN): Status.OPEN,
        (Status.RESOLVED, Event.ASK_CUSTOMER): Status.PENDING,
        (Status.RESOLVED, Event.RESOLVE): Status.RESOLVED,
        (Status.RESOLVED, Event.CLOSE): Status.CLOSED,
        (Status.CLOSED, Event.THANKED): Status.CLOSED,
        (Status.CLOSED, Event.STAFF_WROTE): Status.CLOSED,
        (Status.CLOSED, Event.REOPEN): Status.OPEN,
        (Status.CLOSED, Event.CLOSE): Status.CLOSED,
    }
)
"""Pairs that cannot occur are left out. A customer's reply to a closed ticket goes to its
follow-up; a closed ticket is reopened before it can be resolved or pending."""

EVENT_TO: Mapping[Status, Event] = MappingProxyType(
    {
        Status.OPEN: Event.REOPEN,
        Status.PENDING: Event.ASK_CUSTOMER,
        Status.RESOLVED: Event.RESOLVE,
        Status.CLOSED: Event.CLOSE,
    }
)
"""The event by which staff set a status."""


def is_past_reopening(
    status: Status, since: datetime | None, now: datetime, reopen_days: int
) -> bool:
    """Whether a reply goes to a follow-up: the ticket is closed, or was resolved too long ago."""
    if status is Status.CLOSED:
        return True
    if status is not Status.RESOLVED or since is None:
        return False
    return now - since >= timedelta(days=reopen_days)
