"""A request whose answer is promised in hours that never come: it is filed, and staff read why."""

from __future__ import annotations

from dataclasses import replace

from rules.decision.model import OpenTicket
from rules.policy import CalendarSection, TierSection
from rules.ticket.notices import NoticeKind
from tests.rules.building import (
    ACME,
    ANN,
    SAM,
    World,
    a_mail,
    alerted_of,
    orders_of,
    person,
    policy_with,
)

WHY = "800 business hours never pass in the hours of clock.calendar of the policy default"
HOURS = CalendarSection(always=False, days=("mon",), opens="09:00", closes="09:01")
TIERS = (TierSection(name="standard", title="Standard"),)


def test_it_opens_without_a_due_time_and_staff_are_alerted() -> None:
    policy = policy_with("clock", calendar=HOURS)
    policy = policy.model_copy(update={"tiers": TIERS, "default_tier": "standard"})
    company = replace(ACME, targets={"first": {"Normal": "800 business hours"}})
    world = World(people=(person(ANN.address, company), SAM), policy=policy)

    decision = world.decide(a_mail())

    assert isinstance(decision.action, OpenTicket)
    assert (decision.action.clock, decision.action.endless) == (None, WHY)
    assert f"no due time: {WHY}" in decision.trace[-1].outcome
    (order,) = (o for o in orders_of(decision) if o.kind is NoticeKind.ALERT)
    assert (order.address, WHY in alerted_of(order)) == (SAM.address, True)
