"""Which calendar counts for a ticket."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from rules.policy import parse
from rules.service.calendars import calendar_in_force, calendar_of, zone_of
from tests.rules.policy.test_policy import without

POLICY = parse(
    f"""
default_tier = "standard"
{without("clock.calendar")}
[clock.calendar]
always = false
zone = "Europe/Berlin"
[[calendars]]
name = "gulf"
always = false
zone = "Asia/Dubai"
[[calendars]]
name = "night"
zone = "Asia/Tokyo"
[[tiers]]
name = "standard"
title = "Standard"
[[tiers]]
name = "gold"
title = "Gold"
calendar = "gulf"
""",
    "ours.toml",
)


@pytest.mark.parametrize(
    ("tier", "agreed", "name"),
    [
        ("standard", "", ""),
        ("gold", "", "gulf"),
        ("gold", "night", "night"),
        ("standard", "night", "night"),
        ("gold", "of another policy", "gulf"),
    ],
)
def test_a_contract_s_calendar_comes_before_its_tier_s(tier: str, agreed: str, name: str) -> None:
    assert calendar_in_force(agreed, POLICY.tier(tier), POLICY) == name


def test_without_tiers_the_contract_s_calendar_counts() -> None:
    assert calendar_in_force("night", None, POLICY) == "night"
    assert calendar_in_force("", None, POLICY) == ""


def test_a_ticket_keeps_to_its_calendar() -> None:
    assert calendar_of(POLICY, "gulf").zone == ZoneInfo("Asia/Dubai")
    assert zone_of(POLICY, "gulf") == "Asia/Dubai"
    assert calendar_of(POLICY, "night").always


@pytest.mark.parametrize("name", ["", "of another policy"])
def test_without_a_calendar_of_its_own_the_policy_s_counts(name: str) -> None:
    assert calendar_of(POLICY, name) is POLICY.calendar
    assert zone_of(POLICY, name) == "Europe/Berlin"
