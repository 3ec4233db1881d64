"""A ticket as the rules see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from rules.people import Participant
from rules.ticket.changes import Source
from rules.ticket.lifecycle import Status
from rules.ticket.sla import Clock
from rules.ticket.waiting import Waiting


@dataclass(frozen=True, slots=True)
class Ticket:
    id: int
    company: int | None
    participants: tuple[Participant, ...]
    status: Status = Status.OPEN
    status_at: datetime | None = None
    """When the status last changed."""
    requester: str = ""
    subject: str = ""
    severity: str = ""
    tier: str = ""
    """The tier in force when the ticket was opened."""
    targets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What the contract then in force promised besides the tier."""
    calendar: str = ""
    """The calendar then in force; empty for the policy's."""
    door: Source = Source.MAIL
    """Where it was opened."""
    clock: Clock | None = None
    waiting: Waiting | None = None
    """What its clock waits for; None where it has a clock, or nothing is promised."""
    missing: tuple[str, ...] = ()
    """Names of the facts that are missing from the request."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """The values extracted from its mails, by the policy's field names."""
    tags: tuple[str, ...] = ()
    snooze_until: datetime | None = None
    """Until when staff set it aside; None while nobody has."""
    critical: bool = False
    """Its severity is a critical one."""
    severity_claimed: str = ""
    """The level that was claimed last; empty for none."""
    critical_claimed: bool = False
    in_portal: bool = False
    """Its severity was set in the portal or by staff, not by a mail."""
    escalation_level: int = 0
    feedback_asked: bool = False
    """The request for feedback, or for a review, was sent."""
    staff_spoke: bool = False
    """Staff have written a public answer."""
    assignee: str = ""
    merged_into: int | None = None
    deleted: bool = False
    follow_up: int | None = None
    """The ticket that continues this one."""
    reopened: int = 0
    """How often it was reopened within the last hour."""
    success_manager: str = ""
    """The address of the company's success manager; empty where it has none."""
    updates_by: str = ""
    """`manager` if updates go by way of that person; empty if not."""
    critical_told_at: Mapping[str, datetime] = field(default_factory=dict)
    """When each address was last sent the critical channel about it within the hour."""
    critical_alerted_at: datetime | None = None
    """When a critical claim in a reply last alerted somebody, if that was within the hour."""
    alerted_from_within_at: datetime | None = None
    """The same of the claims of people on the ticket."""
    version: int = 0
    """Counts the transactions that have written on it: what is decided on it holds for this one."""
    sent: Mapping[str, int] = field(default_factory=dict)
    """How many notices about it were queued within the last hour, by address."""
    sent_since: Mapping[str, datetime] = field(default_factory=dict)
    """When the first of them was sent, by address."""
    summary_at: Mapping[str, datetime] = field(default_factory=dict)
    """When a summary of what a budget withheld was sent within the hour, or will be, by address."""

    @property
    def waits_for_portal(self) -> bool:
        """Whether its promise waits until the request is submitted in the portal."""
        return self.waiting is not None and self.waiting.portal

    @property
    def notified_customers(self) -> tuple[Participant, ...]:
        """Those who are notified of what is published on it, and are not staff."""
        return tuple(p for p in self.participants if p.is_notified and not p.is_staff)

    def stopped(self) -> Ticket:
        """The ticket without anything that falls due."""
        return replace(self, clock=None, waiting=None, snooze_until=None)

    def participant(self, address: str) -> Participant | None:
        return next((p for p in self.participants if p.address == address), None)

    def language_of(self, address: str) -> str:
        """The language of a participant; empty where it is not known."""
        member = self.participant(address)
        return member.language if member is not None else ""
