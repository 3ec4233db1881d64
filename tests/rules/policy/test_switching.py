"""Which open tickets have something that another policy does not, and what becomes of them."""

from __future__ import annotations

from dataclasses import replace

from gateway import policies
from rules.policy.switching import Left, TicketTerms, orphans

SHIPPED = policies.load(None)
AIVEN, STAKATER = SHIPPED["aiven"], SHIPPED["stakater"]
TICKET = TicketTerms(
    number=7,
    severity=STAKATER.levels[0].name,
    tier=STAKATER.tiers[0].name,
    calendar="",
    escalation_level=0,
    fields=(),
    missing=(),
)


def test_nothing_is_left_by_the_policy_of_the_ticket() -> None:
    missing = tuple(fact.name for fact in STAKATER.completeness.facts)
    ticket = replace(TICKET, missing=missing, escalation_level=len(STAKATER.escalation.levels))

    assert orphans([ticket], STAKATER) == ()


def test_each_part_that_is_gone_is_named_with_its_tickets() -> None:
    ticket = replace(
        TICKET,
        severity="Blocker",
        tier="platinum",
        calendar="gulf",
        escalation_level=9,
        fields=("vessel",),
        missing=("tonnage",),
    )

    found = orphans([ticket, replace(ticket, number=3), replace(TICKET, number=5)], STAKATER)

    assert [(each.left, each.name, each.tickets) for each in found] == [
        (Left.LEVEL, "Blocker", (3, 7)),
        (Left.TIER, "platinum", (3, 7)),
        (Left.CALENDAR, "gulf", (3, 7)),
        (Left.ESCALATION, "9", (3, 7)),
        (Left.FIELD, "vessel", (3, 7)),
        (Left.FACT, "tonnage", (3, 7)),
    ]


def test_the_text_counts_the_tickets_and_names_the_first() -> None:
    many = [replace(TICKET, number=number, severity="Blocker") for number in range(1, 8)]

    (one,) = orphans(many[:1], STAKATER)
    (several,) = orphans(many, STAKATER)

    assert str(one) == (
        '1 open ticket is at the level "Blocker" (#1): due times that run stay, and no further '
        "answer is promised until staff set another severity: Critical, High, Medium, Low."
    )
    assert str(several).startswith(
        '7 open tickets are at the level "Blocker" (#1, #2, #3, #4, #5, …): '
    )


def test_an_alias_of_a_level_is_not_its_name() -> None:
    alias = STAKATER.levels[0].aliases[0]

    (found,) = orphans([replace(TICKET, severity=alias)], STAKATER)

    assert (found.left, found.name) == (Left.LEVEL, alias)


def test_a_tier_without_a_successor_promises_nothing() -> None:
    without = STAKATER.model_copy(update={"tiers": (), "default_tier": None})

    (with_default,) = orphans([replace(TICKET, tier="platinum")], STAKATER)
    (with_none,) = orphans([TICKET], without)

    assert STAKATER.tiers[0].title in with_default.becomes
    assert "no further answer is promised" in with_none.becomes
