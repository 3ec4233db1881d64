"""The form of a contract: the tier of a company from a day on, with times and hours of its own."""

from __future__ import annotations

import hashlib
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.web.console.registry_changes import NotAsked
from gateway.web.pages.forms import Form
from rules.policy import Policy
from rules.service.contracts import ContractFault, agreed_targets, first_day
from storage.registry.companies import CompanyAgreement, Contract
from storage.registry.errors import InvalidValue

KINDS = ("first", "ongoing")
"""Of the times that a contract may set: until the first answer, and until each further one."""


def zone_of(policy: Policy | None) -> ZoneInfo:
    """In which the days of contracts begin."""
    return ZoneInfo(policy.clock.calendar.zone if policy is not None else "UTC")


def contracts_shown(agreement: CompanyAgreement) -> str:
    """The contracts that a page shows, as its form carries them."""
    return hashlib.sha256(repr(agreement.contracts).encode()).hexdigest()[:16]


def contract_of(form: Form, policy: Policy, now: datetime) -> Contract:
    """What a form agrees on. Raises NotAsked, or InvalidValue with the reason of the rules."""
    day, calendar = form.get("starts", "").strip(), form.get("calendar", "")
    starts_at = first_day(day, policy) if day else now
    if starts_at is None:
        raise NotAsked("Please write the first day as 2026-07-01.")
    wanted = {
        kind: {
            name.removeprefix(f"{kind}."): span.strip()
            for name, span in form.items()
            if name.startswith(f"{kind}.") and span.strip()
        }
        for kind in KINDS
    }
    targets = agreed_targets(wanted, form.get("tier", ""), calendar, policy)
    if isinstance(targets, ContractFault):
        raise InvalidValue(targets.why.english, **targets.why.values)
    return Contract(form["tier"], starts_at, targets, calendar)
