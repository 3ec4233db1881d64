"""What the promise of a request waits for, and what is due while it waits.

A request waits for facts that are missing from it, if the policy starts the clock of complete
requests only; and for its submission in the portal, if the policy promises nothing to a mail. It
waits for facts for a time: the requester is asked once more, and then the promise begins with what
is there. Nothing but an act of a person ends the wait for the portal.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from rules.policy import Policy
from rules.ticket.business_time import (
    ALWAYS,
    Calendar,
    add_business_seconds,
    business_seconds,
    due,
    parse_span,
)
from rules.ticket.changes import CRITICAL_SOURCES, Source
from rules.ticket.waiting import Waiting


class WaitingEvent(StrEnum):
    """What is due while a request waits."""

    ASK = "ask"
    """The requester is asked once more for what is missing."""
    BEGIN = "begin"
    """The policy's time is over: the promise begins."""


def opened_waiting(
    policy: Policy,
    calendar: Calendar,
    missing: tuple[str, ...],
    source: Source,
    at: datetime,
    *,
    critical: bool,
) -> Waiting | None:
    """What a new request waits for; None if its promise begins at once, as that of a critical one,
    and of any that comes by the portal, does. Staff who open one by mail accept it."""
    if critical or source in CRITICAL_SOURCES:
        return None
    facts = policy.clock.starts == "complete" and bool(missing)
    portal = policy.requests_by_mail == "without_promise" and source is Source.MAIL
    if not (facts or portal):
        return None
    if not facts:
        return Waiting(since=at, portal=True)
    span = parse_span(policy.clock.longest_wait)
    until = due(at, span, calendar)
    ask_at = _asked_again_at(policy, at, until, calendar if span.business else ALWAYS)
    return Waiting(
        since=at,
        facts=True,
        portal=portal,
        ask_at=ask_at if ask_at < until else None,
        until=None if portal else until,
    )


def _asked_again_at(policy: Policy, at: datetime, until: datetime, calendar: Calendar) -> datetime:
    after = policy.completeness.ask_again_after
    if after is not None:
        return due(at, parse_span(after), calendar)
    return add_business_seconds(at, business_seconds(at, until, calendar) / 2, calendar)


def event(waiting: Waiting, at: datetime) -> WaitingEvent | None:
    """What is due at this time. Where both are, the promise begins, and nobody is asked."""
    if waiting.until is not None and waiting.until <= at:
        return WaitingEvent.BEGIN
    if waiting.ask_at is not None and waiting.ask_at <= at:
        return WaitingEvent.ASK
    return None
