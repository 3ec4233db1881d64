"""The severity of a ticket that another becomes part of, and the claims that it takes over.

A critical ticket stays critical when it becomes part of a lesser one: that one is raised to its
level. As no mail makes a ticket critical, no merge by mail does. Of two ordinary levels the other
ticket keeps its own, and the report says so.
"""

from __future__ import annotations

from dataclasses import replace

from rules.decision.change.facts import ChangeFacts
from rules.decision.effects import (
    ChangeRefused,
    ClaimMade,
    Effect,
    Effects,
    SeverityChanged,
    clock_effects,
    notified,
)
from rules.policy import Policy
from rules.sentence import sentence
from rules.service import notifications, sla_rules
from rules.ticket.model import Ticket
from rules.ticket.payloads import StatusPayload
from rules.ticket.severity import Level


def merged_severity(
    ticket: Ticket, into: Ticket, facts: ChangeFacts, policy: Policy
) -> Effects | ChangeRefused:
    """What a merge changes on `into`, as the effects on that ticket."""
    level = _critical_level(ticket, policy)
    other = _critical_level(into, policy)
    if level is not None and (other is None or other.rank < level.rank):
        if not facts.may_be_critical:
            return ChangeRefused(
                sentence(
                    "#{ticket} is {severity}, and no mail makes #{into} so; merge #{into} into "
                    "#{ticket} instead, or merge them over the API or the command line",
                    ticket=ticket.id,
                    into=into.id,
                    severity=level.name,
                )
            )
        return _raised(ticket, into, level, facts, policy)
    claims = _claims(ticket, into, policy)
    if _rank(ticket.severity, policy) <= _rank(into.severity, policy) or level is not None:
        return Effects(claims)
    stays = sentence(
        "#{into} stays {severity}; #{ticket} was {was}",
        into=into.id,
        severity=into.severity,
        ticket=ticket.id,
        was=ticket.severity,
    )
    return Effects(claims, (stays,))


def _raised(
    ticket: Ticket, into: Ticket, level: Level, facts: ChangeFacts, policy: Policy
) -> Effects:
    """The other ticket becomes as critical as this one: its people and the person on call are
    notified as of any such change."""
    clock = sla_rules.retargeted(policy, into, level.name, facts.at)
    rows: tuple[Effect, ...] = (
        SeverityChanged(into.severity, level.name, True, False, f"#{ticket.id} was merged into it"),
        *clock_effects(clock),
        *_claims(ticket, replace(into, critical=True, critical_claimed=False), policy),
    )
    what = sentence(
        "#{into} is {severity} now: #{ticket}, which was, is part of it",
        into=into.id,
        severity=level.name,
        ticket=ticket.id,
    )
    orders = notifications.alert_of_change(facts, what, policy)
    if policy.notices.severity:
        payload = StatusPayload("severity", into.severity, level.name)
        orders += notifications.status_change(into, payload, policy, by_staff=facts.by_staff)
    done = sentence(
        "#{into} is {severity} now, as #{ticket} was",
        into=into.id,
        severity=level.name,
        ticket=ticket.id,
    )
    return Effects((*rows, *notified(orders)), (done,))


def _claims(ticket: Ticket, into: Ticket, policy: Policy) -> tuple[Effect, ...]:
    """The claim that is carried over: the severer of both. One that is critical stays open until
    staff have judged it, unless the other ticket is critical."""
    claim = into.severity_claimed
    if _rank(ticket.severity_claimed, policy) > _rank(claim, policy):
        claim = ticket.severity_claimed
    critical = into.critical_claimed or (ticket.critical_claimed and not into.critical)
    if claim == into.severity_claimed and critical == into.critical_claimed:
        return ()
    return (ClaimMade(f"#{ticket.id}", into.severity_claimed, claim, critical),)


def _critical_level(ticket: Ticket, policy: Policy) -> Level | None:
    """The level of a critical ticket; None for any other. Under a policy that has no such critical
    level any more, the lowest that is critical."""
    if not ticket.critical:
        return None
    critical = [level for level in policy.levels if level.critical]
    same = (level for level in critical if level.name == ticket.severity)
    return next(same, min(critical, key=lambda level: level.rank))


def _rank(name: str, policy: Policy) -> int:
    """The rank of a level; below all for none, and for one that the policy does not have."""
    return next((level.rank for level in policy.levels if level.name == name), -1)
