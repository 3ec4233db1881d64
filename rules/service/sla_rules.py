"""What a policy promises for one ticket, and how events change the ticket's clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from rules.people import Company
from rules.policy import Policy, TierSection
from rules.sentence import Sentence, sentence
from rules.service import answers
from rules.service.calendars import calendar_of
from rules.ticket import sla
from rules.ticket.business_time import NeverPasses, parse_span
from rules.ticket.changes import Source
from rules.ticket.lifecycle import Status
from rules.ticket.model import Ticket
from rules.ticket.sla import Clock, Ended, Stage, Target
from rules.ticket.waiting import Beginning, Waiting

AgreedTargets = Mapping[str, Mapping[str, str]]
"""What a contract promises besides its tier: `first` and `ongoing`, spans by level."""


@dataclass(frozen=True, slots=True)
class ClockChange:
    """The new clock of a ticket."""

    clock: Clock | None
    """None where nothing is promised any longer."""
    ended: Ended | None = None
    """The promise that this change met or broke."""
    waiting: Waiting | None = None
    """What the clock waits for, if it has not begun."""
    began: Beginning | None = None
    """Why the clock that waited begins with this change."""


def tier_of(company: Company | None, policy: Policy) -> TierSection | None:
    """A company's tier, or the default one; None where the policy has no tiers."""
    return policy.tier(company.tier if company is not None else None)


def target(policy: Policy, tier: str, agreed: AgreedTargets, level: str) -> Target:
    """The promise for a severity: the contract's targets take precedence over the tier's."""
    section = policy.tier(tier or None)
    promised = section.target(level) if section is not None else Target(None, None)
    first = agreed.get("first", {}).get(level)
    ongoing = agreed.get("ongoing", {}).get(level)
    return Target(
        parse_span(first) if first else promised.first,
        parse_span(ongoing) if ongoing else promised.ongoing,
    )


def is_critical(policy: Policy, level: str) -> bool:
    """Whether the policy has this level, and it is critical."""
    return any(each.critical and each.name == level for each in policy.levels)


def started(
    policy: Policy, promised: Target, stage: Stage, at: datetime, calendar: str = ""
) -> Clock | None:
    """A clock that starts at `at`; None where nothing is promised.

    `calendar` is the ticket's own; empty for the policy's.
    """
    counted = calendar_of(policy, calendar)
    return sla.start(promised, at, counted, stage=stage, warn_fraction=policy.clock.warn_at)


def endless(
    policy: Policy, promised: Target, stage: Stage, calendar: str, at: datetime
) -> Sentence | None:
    """Why what is promised has no due time: it never passes in the hours that count. None where it
    does, or where nothing is promised."""
    span, counted = promised.span(stage), calendar_of(policy, calendar)
    if span is None or sla.start(promised, at, counted, stage=stage) is not None:
        return None
    if calendar in policy.named_calendars:
        return sentence(
            "{span} never pass in the hours of the calendar {calendar} of the policy {policy}",
            span=span,
            calendar=calendar,
            policy=policy.name,
        )
    return sentence(
        "{span} never pass in the hours of clock.calendar of the policy {policy}",
        span=span,
        policy=policy.name,
    )


def opened(
    policy: Policy, promised: Target, waiting: Waiting | None, at: datetime, calendar: str = ""
) -> Clock | None:
    """The clock of a new ticket; None where nothing is promised, or while the promise waits."""
    return None if waiting is not None else started(policy, promised, Stage.FIRST, at, calendar)


def still_missing(policy: Policy, ticket: Ticket, text: str) -> tuple[str, ...] | None:
    """The facts still missing after this text of a customer, quotes included, since an answer is
    read together with its question; None where that is unchanged."""
    facts, wordings = policy.completeness.facts, policy.wordings
    found = answers.answered(text, facts, ticket.missing, wordings)
    return tuple(name for name in ticket.missing if name not in found) if found else None


def completed(
    policy: Policy,
    ticket: Ticket,
    missing: tuple[str, ...] | None,
    at: datetime,
    became: Status | None = None,
) -> ClockChange | None:
    """The clock that waited for the request to be complete, if nothing is missing now; None if the
    clock stays as it is. What waits for the portal too waits on for that alone. `became` is the
    status to which the same text moves the ticket."""
    if missing != () or not _waits(policy, ticket):
        return None
    ticket = replace(ticket, status=became or ticket.status)
    if ticket.waiting is not None and ticket.waiting.portal:
        for_portal = replace(ticket.waiting, facts=False, ask_at=None)
        return ClockChange(None, waiting=for_portal)
    return begun(policy, ticket, Beginning.COMPLETE, at)


def accepted(policy: Policy, ticket: Ticket, at: datetime) -> ClockChange | None:
    """The clock that waited, when the request is declared complete, or submitted in the portal.
    None if it waited for neither."""
    if not _waits(policy, ticket):
        return None
    why = Beginning.ACCEPTED if ticket.waits_for_portal else Beginning.COMPLETE
    return begun(policy, ticket, why, at)


def begun(
    policy: Policy, ticket: Ticket, why: Beginning, at: datetime, level: str = ""
) -> ClockChange:
    """The first clock of a ticket that waited, for another severity if `level` is one."""
    promised = target(policy, ticket.tier, ticket.targets, level or ticket.severity)
    begins = started(policy, promised, Stage.FIRST, at, ticket.calendar)
    clock = _adjusted_to_status(policy, begins, ticket.status, at)
    return ClockChange(clock, began=why if clock is not None else None)


def _waits(policy: Policy, ticket: Ticket) -> bool:
    """Whether the promise has not begun. An incomplete request of an older version has no value for
    what it waits for."""
    if ticket.clock is not None or ticket.staff_spoke or ticket.status.is_over:
        return False
    incomplete = policy.clock.starts == "complete" and bool(ticket.missing)
    return ticket.waiting is not None or (incomplete and ticket.door is Source.MAIL)


def answered(policy: Policy, ticket: Ticket, at: datetime) -> ClockChange:
    """Staff have answered in public: the promise ends, and the next one begins.

    On a ticket that is over, none begins; on a pending one, the new clock may be paused.
    """
    promised = target(policy, ticket.tier, ticket.targets, ticket.severity)
    calendar = calendar_of(policy, ticket.calendar)
    ended, following = sla.answered(
        ticket.clock, promised, at, calendar, warn_fraction=policy.clock.warn_at
    )
    clock = _adjusted_to_status(policy, following, ticket.status, at)
    waited = clock is not None and ticket.waiting is not None
    return ClockChange(clock, ended, began=Beginning.ACCEPTED if waited else None)


def status_changed(policy: Policy, ticket: Ticket, became: Status, at: datetime) -> ClockChange:
    """The clock after a change of status."""
    clock = ticket.clock
    if became.is_over:
        return ClockChange(None, sla.stopped(clock, at) if clock is not None else None)
    if ticket.status.is_over:
        promised = target(policy, ticket.tier, ticket.targets, ticket.severity)
        begins = started(policy, promised, Stage.ONGOING, at, ticket.calendar)
        return ClockChange(_adjusted_to_status(policy, begins, became, at))
    if clock is None or not policy.clock.pauses_while_pending:
        return ClockChange(clock, waiting=ticket.waiting)
    if became is Status.PENDING:
        return ClockChange(sla.paused(clock, at))
    try:
        return ClockChange(sla.resumed(clock, at, calendar_of(policy, ticket.calendar)))
    except NeverPasses:
        return ClockChange(None)


def retargeted(policy: Policy, ticket: Ticket, level: str, at: datetime) -> ClockChange:
    """The clock after a change of severity, which changes the promise.

    Where nothing was promised before, the promise for the new severity begins now; where it waits,
    only that of a critical level does.
    """
    promised = target(policy, ticket.tier, ticket.targets, level)
    if ticket.clock is not None:
        calendar, fraction = calendar_of(policy, ticket.calendar), policy.clock.warn_at
        return ClockChange(
            sla.retargeted(ticket.clock, promised, at, calendar, warn_fraction=fraction)
        )
    if _waits(policy, ticket):
        if is_critical(policy, level):
            return begun(policy, ticket, Beginning.CRITICAL, at, level)
        return ClockChange(None, waiting=ticket.waiting)
    stage = Stage.ONGOING if ticket.staff_spoke else Stage.FIRST
    begins = started(policy, promised, stage, at, ticket.calendar)
    return ClockChange(_adjusted_to_status(policy, begins, ticket.status, at))


def _adjusted_to_status(
    policy: Policy, clock: Clock | None, status: Status, at: datetime
) -> Clock | None:
    """A clock that begins now, as the ticket's status requires: running, paused, or None."""
    if clock is None or status.is_over:
        return None
    waits = status is Status.PENDING and policy.clock.pauses_while_pending
    return sla.paused(clock, at) if waits else clock
