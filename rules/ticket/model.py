"""A ticket as the rules see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from rules.people import Participant
from rules.ticket.lifecycle import Status
from rules.ticket.sla import Clock


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
    """In force when the ticket arrived."""
    targets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What the contract in force then promised beside the tier."""
    clock: Clock | None = None
    missing: tuple[str, ...] = ()
    """Names of the facts that the request lacks."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """What was lifted out of its words, by the policy's names."""
    critical_claimed: bool = False
    in_portal: bool = False
    """Its severity was set in the portal or at the desk, and not by a mail."""
    escalation_level: int = 0
    staff_spoke: bool = False
    """Staff have answered in public."""
    assignee: str = ""
    merged_into: int | None = None
    deleted: bool = False
    follow_up: int | None = None
    """The ticket that goes on from this one."""
    reopened: int = 0
    """How often within the last hour."""
    sent: Mapping[str, int] = field(default_factory=dict)
    """How many notices about it were ordered for an address within the last hour."""

    def participant(self, address: str) -> Participant | None:
        return next((p for p in self.participants if p.address == address), None)

    def language_of(self, address: str) -> str:
        """Empty where nothing tells."""
        member = self.participant(address)
        return member.language if member is not None else ""
