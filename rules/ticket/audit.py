"""The audit trail as data: what happened to a ticket, as an event's name and its values.

Events are worded where they are shown. `subject` is what the event is about, besides the ticket: an
address, a comment's number, another ticket's number or a stage of the SLA clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from rules.sentence import Sentence, sentence


class AuditEvent(StrEnum):
    """Each event documents what `subject`, `was` and `became` hold; those not named are empty."""

    OPENED = "opened"
    """became: the severity. Only for tickets opened by the API."""
    STATUS_CHANGED = "status_changed"
    """was, became: a status."""
    SEVERITY_CHANGED = "severity_changed"
    """was, became: a level's name."""
    ASSIGNED = "assigned"
    """was, became: the address of a staff person, or empty."""
    ESCALATED = "escalated"
    """subject: the address of the person who was notified, or `desk`; empty in old entries. was,
    became: a level of the escalation, from 0; the same where it was asked again."""
    PERSON_ADDED = "person_added"
    """subject: an address. became: a presence."""
    PRESENCE_CHANGED = "presence_changed"
    """subject: an address. was, became: a presence."""
    UNSUBSCRIBED = "unsubscribed"
    """subject: an address."""
    RESUBSCRIBED = "resubscribed"
    """subject: an address."""
    COMMENT_PUBLISHED = "comment_published"
    """subject: a comment's number."""
    MERGED_INTO = "merged_into"
    """subject: the number of the ticket that this one became part of."""
    MERGED_FROM = "merged_from"
    """subject: the number of the ticket that became part of this one."""
    DELETED = "deleted"
    SLA_BREACHED = "sla_breached"
    """subject: the stage of the clock."""
    MAIL_RETRIED = "mail_retried"
    """subject: the address of an outgoing mail that was dead, or waited for a further attempt.
    became: the kind of the mail."""
    FEEDBACK_GIVEN = "feedback_given"
    """was, became: a rating; was is empty for the first."""
    SEVERITY_CLAIMED = "severity_claimed"
    """subject: who claims it, or `#7` for a ticket that was merged into this one. was, became: a
    level's name, or empty."""
    FIELD_CHANGED = "field_changed"
    """subject: the name of a field. was, became: its value, or empty."""
    COMPLETED = "completed"
    """Declared complete. subject: the names of the facts that were missing, or empty."""
    PROMISE_BEGAN = "promise_began"
    """subject: why the clock that waited began: a `Beginning`."""
    ASKED_AGAIN = "asked_again"
    """subject: the names of the facts that the requester was asked for once more."""
    RELEASED = "released"
    """subject: the author of a held mail. was: the reason for which it was held."""
    TAGGED = "tagged"
    """subject: a tag."""
    UNTAGGED = "untagged"
    """subject: a tag."""
    REQUESTER_CHANGED = "requester_changed"
    """was, became: an address."""
    SNOOZED = "snoozed"
    """was, became: until when, in UTC; was is empty if it was not snoozed."""
    SNOOZE_ENDED = "snooze_ended"
    """was: until when it was snoozed, in UTC."""
    SPLIT_INTO = "split_into"
    """subject: the number of the ticket that was made out of this one's text."""
    SPLIT_FROM = "split_from"
    """subject: the number of the ticket out of whose text this one was made."""


TEXTS: Mapping[AuditEvent, str] = MappingProxyType(
    {
        AuditEvent.OPENED: "opened at {became}",
        AuditEvent.STATUS_CHANGED: "status: {was} → {became}",
        AuditEvent.SEVERITY_CHANGED: "severity: {was} → {became}",
        AuditEvent.ASSIGNED: "assignee: {was} → {became}",
        AuditEvent.ESCALATED: "escalation: level {was} → {became}",
        AuditEvent.PERSON_ADDED: "{subject} added, {became}",
        AuditEvent.PRESENCE_CHANGED: "{subject}: {was} → {became}",
        AuditEvent.UNSUBSCRIBED: "{subject} unsubscribed",
        AuditEvent.RESUBSCRIBED: "{subject} gets mail again",
        AuditEvent.COMMENT_PUBLISHED: "comment {subject} published",
        AuditEvent.MERGED_INTO: "merged into #{subject}",
        AuditEvent.MERGED_FROM: "#{subject} merged into this ticket",
        AuditEvent.DELETED: "deleted",
        AuditEvent.SLA_BREACHED: "SLA breached: {subject} response",
        AuditEvent.MAIL_RETRIED: "mail to {subject} tried again: {became}",
        AuditEvent.FEEDBACK_GIVEN: "feedback: {became}",
        AuditEvent.SEVERITY_CLAIMED: "{subject} claims {became}",
        AuditEvent.FIELD_CHANGED: "{subject}: {was} → {became}",
        AuditEvent.COMPLETED: "declared complete; missing: {subject}",
        AuditEvent.PROMISE_BEGAN: "the time to answer begins: {subject}",
        AuditEvent.ASKED_AGAIN: "asked again for: {subject}",
        AuditEvent.RELEASED: "email of {subject} released from quarantine, held as {was}",
        AuditEvent.TAGGED: "tag {subject} added",
        AuditEvent.UNTAGGED: "tag {subject} removed",
        AuditEvent.REQUESTER_CHANGED: "requester: {was} → {became}",
        AuditEvent.SNOOZED: "snoozed until {became}",
        AuditEvent.SNOOZE_ENDED: "snooze until {was} ended",
        AuditEvent.SPLIT_INTO: "#{subject} was split off",
        AuditEvent.SPLIT_FROM: "split off from #{subject}",
    }
)
NOTIFIED = ", {subject} notified"
"""Of an escalation of which it is known who was notified."""
NOBODY, NOTHING = "nobody", "nothing"
"""These stand for an empty value."""


def audit_text(event: AuditEvent, subject: str, was: str, became: str) -> Sentence:
    """An event of the audit trail, worded; `nobody` or `nothing` stands for an empty value."""
    empty = NOBODY if event is AuditEvent.ASSIGNED else NOTHING
    values = {"subject": subject or empty, "was": was or empty, "became": became or empty}
    text = TEXTS[event]
    if event is AuditEvent.ESCALATED and subject:
        text += NOTIFIED
    return sentence(text, **values)
