"""What `postern tickets show` prints of a ticket above its comments."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from gateway import clock
from rules.policy import Policy
from rules.service import sla_rules
from rules.ticket.lifecycle import Status
from rules.ticket.sla import Stage
from storage.ticket.views import TicketView


def _calendar(ticket: TicketView, policy: Policy | None) -> str:
    """By which hours its due times count; empty where nothing is promised."""
    name = ticket.details.calendar
    if policy is None:
        return name
    if not name:
        return "[clock.calendar]" if policy.tiers else ""
    return name if name in policy.named_calendars else f"{name} (unknown: [clock.calendar] counts)"


def _unknown_due(ticket: TicketView, policy: Policy | None) -> str:
    """Why it has no due time although an answer is promised; empty for any other ticket."""
    summary, details = ticket.summary, ticket.details
    if policy is None or details.waits_for or Status(summary.status).is_over:
        return ""
    promised = sla_rules.target(policy, details.tier, details.targets, summary.severity)
    stage = Stage.ONGOING if details.first_answered_at is not None else Stage.FIRST
    why = sla_rules.endless(policy, promised, stage, details.calendar, clock.now())
    return f"unknown: {why}" if why else ""


def facts_of(ticket: TicketView, policy: Policy | None) -> Iterator[tuple[str, str]]:
    """Labels with values; what does not apply is left out."""
    summary, details = ticket.summary, ticket.details
    tier = policy.tier(details.tier) if policy is not None else None
    facts = (
        ("deleted", "yes" if details.deleted else ""),
        ("claimed", summary.severity_claimed),
        ("mentions", f"#{summary.mentions}" if summary.mentions else ""),
        ("split", f"from #{details.split_from}" if details.split_from else ""),
        ("follows", f"#{details.follows}" if details.follows else ""),
        ("merged", f"into #{summary.merged_into}" if summary.merged_into else ""),
        ("company", summary.company),
        ("tier", details.tier),
        ("phone", (tier.phone if tier is not None else None) or ""),
        ("calendar", _calendar(ticket, policy)),
        ("channel", details.channel),
        ("assignee", summary.assignee),
        ("tags", " ".join(summary.tags)),
        ("snoozed", f"until {_time(summary.snooze_until)}" if summary.snooze_until else ""),
        ("due", _time(summary.due_at) or _unknown_due(ticket, policy)),
        ("answered", _time(details.first_answered_at)),
        ("escalated", f"to level {details.escalation_level}" if details.escalation_level else ""),
        ("missing", ", ".join(details.missing)),
        ("waits", f"for {details.waits_for}" if details.waits_for else ""),
        ("rating", details.rating),
        *details.fields.items(),
    )
    return ((label, value) for label, value in facts if value)


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at is not None else ""
