"""What is read of a ticket: values for the command line and the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from rules.sentence import Sentence
from rules.ticket.audit import AuditEvent, audit_text
from rules.ticket.sla import Clock
from storage.ticket.summaries import TicketSummary


@dataclass(frozen=True, slots=True)
class TicketDetails:
    """The values of a ticket that lists do not show."""

    tier: str
    calendar: str
    """That its due times count by; empty for the policy's own."""
    targets: Mapping[str, Mapping[str, str]]
    """What the contract of its company promises besides its tier."""
    channel: str
    """The way of contact that the company prefers."""
    fields: Mapping[str, str]
    missing: tuple[str, ...]
    waits_for: str
    """What its clock waits for, `portal` or `facts`; empty where it waits for nothing."""
    escalation_level: int
    first_due_at: datetime | None
    first_answered_at: datetime | None
    clock: Clock | None
    """None where nothing is promised, the promise waits or the ticket is over."""
    status_at: datetime | None
    """When the status last changed; None while it is the first."""
    follows: int | None
    split_from: int | None
    rating: str
    deleted: bool
    version: int
    """Counts the transactions that have written on it: what changed meanwhile has another one."""


@dataclass(frozen=True, slots=True)
class AttachmentView:
    id: int
    name: str
    content_type: str
    size_bytes: int
    part: str


@dataclass(frozen=True, slots=True)
class CommentView:
    """One comment on a ticket."""

    id: int
    journal_id: UUID | None
    """The mail that it came by; None if it was written over the API or on the console."""
    author: str
    by_staff: bool
    visibility: str
    subject: str
    """Of its mail, where it says something besides the ticket's subject."""
    text: str
    """Its beginning: what is read of it, and one character more if there is more."""
    text_left_out: bool
    """The comments after it have as much text as a view has; `text` is empty."""
    degraded: str | None
    charset_guessed: bool
    """Some of the text may be wrong, because its character set was not declared."""
    has_html: bool
    """Its mail may have HTML: it is not known of comments from before this was stored."""
    written_at: datetime
    proof: str
    """How its author is proven; empty if it was not recorded."""
    reason: str
    """Why its mail was filed as it was; empty if it came by none."""
    folded_as: str | None
    """Of a folded comment that a person may have written: its visibility otherwise."""
    is_feedback: bool
    """A customer's, on the help that was given."""
    attachments: tuple[AttachmentView, ...]
    files_left_out: bool
    """It has more files than `attachments`."""


@dataclass(frozen=True, slots=True)
class ParticipantView:
    id: int
    address: str
    part: str
    presence: str
    suspended: bool = False
    """They receive no more mail, because it bounces."""
    muted: bool = False
    """They have unsubscribed, and receive no more mail about the ticket."""


@dataclass(frozen=True, slots=True)
class AuditView:
    """One line of the audit trail."""

    event: AuditEvent
    at: datetime
    actor: str
    source: str
    subject: str
    was: str
    became: str
    reason: str
    journal_id: UUID | None = None
    """Of the mail that it came by; None where it came by none."""

    @property
    def text(self) -> Sentence:
        """The event as a sentence."""
        return audit_text(self.event, self.subject, self.was, self.became)


@dataclass(frozen=True, slots=True)
class TicketView:
    """A ticket with its people, its comments and its history."""

    summary: TicketSummary
    details: TicketDetails
    members: tuple[ParticipantView, ...]
    comments: tuple[CommentView, ...]
    history: tuple[AuditView, ...]
    """The oldest first."""
