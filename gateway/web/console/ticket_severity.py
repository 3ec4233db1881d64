"""The severity of a ticket, and where it comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.web.console.ticket_history import HistoryEntry
from gateway.web.console.words import Say
from rules.policy import Policy
from rules.ticket.audit import AuditEvent
from rules.ticket.severity import Level
from storage.ticket.views import AuditView, TicketView


@dataclass(frozen=True, slots=True)
class ShownSeverity:
    """The severity of a ticket, and where it comes from."""

    name: str
    meaning: str
    is_critical: bool
    set_by: HistoryEntry | None
    """The last change; None where it is as the ticket was opened."""
    claim: HistoryEntry | None
    """The last claim in a later mail."""
    claimed: str
    critical_claimed: bool
    why: str
    """Why it was opened at this level; empty where that is not known, or staff set it since."""


def severity_of(
    view: TicketView,
    shown: Callable[[AuditView], HistoryEntry],
    policy: Policy | None,
    say: Say,
) -> ShownSeverity:
    """The severity; `shown` makes a line of an entry of the history."""
    last = {entry.event: entry for entry in view.history}
    changed, claim = last.get(AuditEvent.SEVERITY_CHANGED), last.get(AuditEvent.SEVERITY_CLAIMED)
    summary = view.summary
    levels: Mapping[str, Level] = {}
    if policy is not None:
        levels = {level.name: level for level in policy.levels}
    level = levels.get(summary.severity)
    return ShownSeverity(
        name=summary.severity,
        meaning=level.meaning if level is not None else "",
        is_critical=level is not None and level.critical,
        set_by=shown(changed) if changed is not None else None,
        claim=shown(claim) if claim is not None else None,
        claimed=summary.severity_claimed or "",
        critical_claimed=summary.critical_claimed,
        why=_opened_at(view, policy, say) if policy is not None else "",
    )


def _opened_at(view: TicketView, policy: Policy, say: Say) -> str:
    """Why a ticket has the severity at which it was opened, by the policy in force."""
    events = {each.event for each in view.history}
    if events & {AuditEvent.SEVERITY_CHANGED, AuditEvent.SEVERITY_CLAIMED}:
        return ""
    rules, summary = policy.severity, view.summary
    claimed = summary.severity_claimed or ""
    if not claimed and summary.severity == rules.default:
        return say(
            "The request names no severity, and {level} is the default.", level=rules.default
        )
    if claimed == summary.severity:
        return say("The request names it.")
    if claimed and summary.severity == rules.ceiling and rules.may_set(by_portal=False):
        return say("{level} is the highest that a mail sets.", level=rules.ceiling)
    if claimed and not rules.may_set(by_portal=False):
        return say("Customers do not set the severity by mail.")
    return ""
