"""Changes to the state of a ticket: its status, its severity, its assignee, its deletion."""

from __future__ import annotations

from datetime import UTC

from rules.decision.change.facts import ChangeFacts
from rules.decision.change.preferences import followed_by
from rules.decision.effects import (
    Assigned,
    ChangeRefused,
    Deleted,
    Effect,
    Effects,
    FeedbackAsked,
    SeverityChanged,
    StatusChanged,
    clock_effects,
    notified,
)
from rules.decision.staff_effects import Snoozed
from rules.mail.addresses import normalise
from rules.policy import Policy
from rules.sentence import Sentence, sentence
from rules.service import notifications, sla_rules
from rules.service.follow_up import asked_on_resolve
from rules.service.limits import (
    SEVERITY_CHANGES,
    NoticeBudget,
    may_reopen,
    severity_may_change_at,
)
from rules.ticket.changes import (
    Assign,
    Assignee,
    Delete,
    SetAnySeverity,
    SetSeverity,
    SetStatus,
    Workaround,
)
from rules.ticket.lifecycle import EVENT_TO, NEXT, Status
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeOrder
from rules.ticket.payloads import StatusPayload
from rules.ticket.reasons import kept_internal, spoken
from rules.ticket.severity import Level
from rules.ticket.workaround import lowered


def set_status(
    ticket: Ticket, change: SetStatus, facts: ChangeFacts, policy: Policy
) -> Effects | ChangeRefused:
    became = NEXT.get((ticket.status, EVENT_TO[change.status]))
    if became is None:
        return ChangeRefused(
            sentence(
                "#{ticket} is {status}; reopen it before you set it to {new_status}",
                ticket=ticket.id,
                status=ticket.status,
                new_status=change.status,
            )
        )
    if became is ticket.status:
        already = sentence("#{ticket} is already {status}", ticket=ticket.id, status=became)
        return Effects(done=(already,))
    reopens = ticket.status.is_over and not became.is_over
    most = policy.budgets.reopens_per_hour
    if reopens and not facts.by_staff and not may_reopen(ticket.reopened, most):
        stays = sentence(
            "#{ticket} was reopened {most} times within the hour; its status stays",
            ticket=ticket.id,
            most=most,
        )
        kept = facts.published and ticket.status is not Status.CLOSED  # the comment is
        return Effects(done=(stays,)) if kept else ChangeRefused(stays)
    clock = sla_rules.status_changed(policy, ticket, became, facts.at)
    reasons = spoken(change.reason, by_staff=facts.by_staff)
    rows: tuple[Effect, ...] = (
        StatusChanged(ticket.status, became, reasons.internal),
        *clock_effects(clock),
    )
    if became.is_over and ticket.snooze_until is not None:
        rows = (*rows, Snoozed(ticket.snooze_until, None, f"#{ticket.id} is {became}"))
    if policy.notices.status and not facts.published:
        orders = notifications.status_change(
            ticket,
            StatusPayload("status", ticket.status.value, became.value, reasons.public),
            policy,
            by_staff=facts.by_staff,
        )
        rows = (*rows, *notified(orders))
    asked = asked_on_resolve(ticket, policy) if became is Status.RESOLVED else ()
    if asked:
        within = _within_budget(asked, ticket, facts, policy)
        sent = (FeedbackAsked(),) if any(not order.withheld for order in within) else ()
        rows = (*rows, *sent, *notified(within))
    done = sentence("#{ticket} is now {status}", ticket=ticket.id, status=became)
    return Effects(rows, (done, *kept_internal(reasons)))


def _within_budget(
    orders: tuple[NoticeOrder, ...], ticket: Ticket, facts: ChangeFacts, policy: Policy
) -> tuple[NoticeOrder, ...]:
    budget = NoticeBudget.STAFF if facts.by_staff else NoticeBudget.CUSTOMERS
    return notifications.within_budget(orders, ticket, policy, budget)


def set_severity(
    ticket: Ticket, change: SetSeverity, facts: ChangeFacts, policy: Policy
) -> Effects | ChangeRefused:
    level = next(each for each in policy.levels if each.name == change.severity.name)
    return _change_severity(ticket, level, change.reason, facts, policy)


def set_any_severity(
    ticket: Ticket, change: SetAnySeverity, facts: ChangeFacts, policy: Policy
) -> Effects | ChangeRefused:
    level = next((each for each in policy.levels if each.has_name(change.level)), None)
    if level is None:
        return ChangeRefused(unknown_severity(change.level, policy))
    return _change_severity(ticket, level, change.reason, facts, policy)


def unknown_severity(written: str, policy: Policy) -> Sentence:
    known = ", ".join(level.name for level in policy.levels)
    return sentence(
        "there is no severity {severity}; expected one of: {known}", severity=written, known=known
    )


def workaround(
    ticket: Ticket, change: Workaround, facts: ChangeFacts, policy: Policy
) -> Effects | ChangeRefused:
    if not policy.severity.workaround_lowers:
        return ChangeRefused(sentence("a workaround does not change the severity here (policy)"))
    if not any(level.has_name(ticket.severity) for level in policy.levels):
        return ChangeRefused(
            sentence(
                "#{ticket} is {severity}, which the policy does not have any more: set the "
                "severity first",
                ticket=ticket.id,
                severity=ticket.severity,
            )
        )
    lower = lowered(ticket.severity, policy.levels)
    if lower is None:
        return ChangeRefused(
            sentence(
                "#{ticket} is {severity}: there is nothing lower",
                ticket=ticket.id,
                severity=ticket.severity,
            )
        )
    level = next(each for each in policy.levels if each.name == lower)
    reason = change.reason or "a workaround exists"
    return _change_severity(ticket, level, reason, facts, policy, workaround=True)


def _change_severity(
    ticket: Ticket,
    level: Level,
    reason: str,
    facts: ChangeFacts,
    policy: Policy,
    *,
    workaround: bool = False,
) -> Effects | ChangeRefused:
    if level.critical and not facts.may_be_critical:
        # The type of a mail's severity cannot be critical; its value is checked again here.
        return ChangeRefused(
            sentence(
                "no mail makes a ticket {severity}; use the API or the command line",
                severity=level.name,
            )
        )
    if not facts.is_request:
        return ChangeRefused(sentence("a link or a clock cannot change the severity"))
    if level.name == ticket.severity:
        already = sentence("#{ticket} is already {severity}", ticket=ticket.id, severity=level.name)
        return Effects(done=(already,))
    again = None if facts.by_staff else severity_may_change_at(facts.severity_changes, facts.at)
    if again is not None:
        return ChangeRefused(
            sentence(
                "{address} has changed the severity of #{ticket} {most} times within the hour; "
                "try again after {time} UTC",
                address=facts.actor,
                ticket=ticket.id,
                most=SEVERITY_CHANGES,
                time=f"{again.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
            )
        )
    # What staff set, and what is critical, leaves no claim open: no escalation waits for it.
    claimed = ticket.critical_claimed and not (level.critical or facts.by_staff)
    clock = sla_rules.retargeted(policy, ticket, level.name, facts.at)
    reasons = spoken(reason, by_staff=facts.by_staff)
    rows: tuple[Effect, ...] = (
        SeverityChanged(ticket.severity, level.name, level.critical, claimed, reasons.internal),
        *clock_effects(clock),
    )
    if level.critical:
        what = sentence(
            "#{ticket} is {severity} now: {reason}",
            ticket=ticket.id,
            severity=level.name,
            reason=reasons.internal,
        )
        orders = notifications.alert_of_change(facts, what, policy)
        alerts = notifications.within_budget(orders, ticket, policy, NoticeBudget.CRITICAL)
        rows = (*rows, *notified(alerts))
    if policy.notices.severity:
        orders = notifications.status_change(
            ticket,
            StatusPayload("severity", ticket.severity, level.name, reasons.public, workaround),
            policy,
            by_staff=facts.by_staff,
        )
        rows = (*rows, *notified(orders))
    done = sentence("#{ticket} is now {severity}", ticket=ticket.id, severity=level.name)
    return Effects(rows, (done, *kept_internal(reasons)))


def assign(ticket: Ticket, change: Assign, facts: ChangeFacts) -> Effects | ChangeRefused:
    match change.to:
        case Assignee.NOBODY:
            done = sentence("#{ticket} is assigned to nobody", ticket=ticket.id)
            return Effects((Assigned(ticket.assignee, became=""),), (done,))
        case Assignee.ME:
            wanted = facts.actor
        case str(wanted):
            pass
    found = _staff_called(wanted, facts)
    if len(found) > 1:
        return ChangeRefused(
            sentence(
                "{name} may be {addresses}; write the address",
                name=wanted,
                addresses=" or ".join(found),
            )
        )
    if not found:
        return ChangeRefused(
            sentence(
                "{name} is not a staff person of {mailbox}", name=wanted, mailbox=facts.mailbox
            )
        )
    said = [sentence("#{ticket} is assigned to {assignee}", ticket=ticket.id, assignee=found[0])]
    if found[0] in facts.unreachable:
        said.append(
            sentence(
                "no mail about it is sent to {assignee}: the address is suppressed, mail bounced",
                assignee=found[0],
            )
        )
    follows = followed_by(ticket, found[0], facts, audited=False)
    return Effects((Assigned(ticket.assignee, found[0]), *follows), tuple(said))


def _staff_called(wanted: str, facts: ChangeFacts) -> list[str]:
    """The staff with this address, name, or local part of an address."""
    name, address = wanted.strip().casefold(), normalise(wanted)
    return [
        person.address
        for person in facts.staff
        if address == person.address
        or name in (person.name.casefold(), person.address.rpartition("@")[0].casefold())
    ]


def delete(ticket: Ticket, change: Delete) -> Effects:
    done = sentence("#{ticket} is deleted", ticket=ticket.id)
    return Effects((Deleted(change.reason),), (done,))
