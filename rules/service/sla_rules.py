"""What a policy promises for one ticket, and what becomes of its clock as things happen on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from rules.people import Company
from rules.policy import Policy, TierSection
from rules.service.completeness import missing
from rules.ticket import sla
from rules.ticket.business_time import parse_span
from rules.ticket.lifecycle import Status
from rules.ticket.model import Ticket
from rules.ticket.sla import Clock, Ended, Stage, Target

AgreedTargets = Mapping[str, Mapping[str, str]]
"""What a contract promises beside its tier: `first` and `ongoing`, spans by level."""


@dataclass(frozen=True, slots=True)
class ClockChange:
    """The clock of a ticket from now on."""

    clock: Clock | None
    """None where nothing is promised any more."""
    ended: Ended | None = None
    """The promise that was met or broken now."""


def tier_of(company: Company | None, policy: Policy) -> TierSection | None:
    """A company's tier, or the default one; None where the policy has no tiers."""
    return policy.tier(company.tier if company is not None else None)


def target(policy: Policy, tier: str, agreed: AgreedTargets, level: str) -> Target:
    """The promise for a severity: the contract's own words go before those of its tier."""
    section = policy.tier(tier or None)
    promised = section.target(level) if section is not None else Target(None, None)
    first = agreed.get("first", {}).get(level)
    ongoing = agreed.get("ongoing", {}).get(level)
    return Target(
        parse_span(first) if first else promised.first,
        parse_span(ongoing) if ongoing else promised.ongoing,
    )


def begun(policy: Policy, promised: Target, stage: Stage, at: datetime) -> Clock | None:
    """A clock that runs from now on; None where nothing is promised."""
    return sla.start(promised, at, policy.calendar, stage=stage, warn_fraction=policy.clock.warn_at)


def opened(policy: Policy, promised: Target, lacks: tuple[str, ...], at: datetime) -> Clock | None:
    """The clock of a new ticket; None also while the request is not complete, if that matters."""
    waits = policy.clock.starts == "complete" and bool(lacks)
    return None if waits else begun(policy, promised, Stage.FIRST, at)


def still_missing(policy: Policy, ticket: Ticket, said: str) -> tuple[str, ...] | None:
    """What a request lacks after these words of a customer; None where that is as before."""
    if not ticket.missing:
        return None
    lacks = missing(said, policy.completeness.facts)
    still = tuple(name for name in ticket.missing if name in lacks)
    return still if still != ticket.missing else None


def completed(
    policy: Policy, ticket: Ticket, lacks: tuple[str, ...] | None, at: datetime
) -> ClockChange | None:
    """The clock that waited for the request to be complete, if it is that now."""
    waits = policy.clock.starts == "complete" and ticket.clock is None and not ticket.staff_spoke
    if lacks != () or not waits or ticket.status.is_over:
        return None
    promised = target(policy, ticket.tier, ticket.targets, ticket.severity)
    return ClockChange(begun(policy, promised, Stage.FIRST, at))


def answered(policy: Policy, ticket: Ticket, at: datetime) -> ClockChange:
    """Staff have answered in public: the promise is met, and the next one begins.

    On a ticket that is over none begins, and on one that waits for the customer it stands.
    """
    promised = target(policy, ticket.tier, ticket.targets, ticket.severity)
    ended, following = sla.answered(
        ticket.clock, promised, at, policy.calendar, warn_fraction=policy.clock.warn_at
    )
    return ClockChange(_as_status_says(policy, following, ticket.status, at), ended)


def moved(
    policy: Policy,
    promised: Target,
    clock: Clock | None,
    was: Status,
    became: Status,
    at: datetime,
) -> ClockChange:
    """What a change of status does to the clock."""
    if became.is_over:
        return ClockChange(None, sla.stopped(clock, at) if clock is not None else None)
    if was.is_over:
        begins = begun(policy, promised, Stage.ONGOING, at)
        return ClockChange(_as_status_says(policy, begins, became, at))
    if clock is None or not policy.clock.pauses_while_pending:
        return ClockChange(clock)
    if became is Status.PENDING:
        return ClockChange(sla.paused(clock, at))
    return ClockChange(sla.resumed(clock, at, policy.calendar))


def retargeted(policy: Policy, ticket: Ticket, level: str, at: datetime) -> ClockChange:
    """The ticket's severity changes, and with it what is promised.

    Where nothing was promised before, the promise of the new severity begins now.
    """
    promised = target(policy, ticket.tier, ticket.targets, level)
    if ticket.clock is not None:
        fraction = policy.clock.warn_at
        return ClockChange(
            sla.retargeted(ticket.clock, promised, at, policy.calendar, warn_fraction=fraction)
        )
    if policy.clock.starts == "complete" and ticket.missing and not ticket.staff_spoke:
        return ClockChange(None)
    stage = Stage.ONGOING if ticket.staff_spoke else Stage.FIRST
    begins = begun(policy, promised, stage, at)
    return ClockChange(_as_status_says(policy, begins, ticket.status, at))


def _as_status_says(
    policy: Policy, clock: Clock | None, status: Status, at: datetime
) -> Clock | None:
    """A clock that begins now, as the ticket's status has it run, stand or be none."""
    if clock is None or status.is_over:
        return None
    waits = status is Status.PENDING and policy.clock.pauses_while_pending
    return sla.paused(clock, at) if waits else clock
