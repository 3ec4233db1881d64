"""The policy file: what its sections mean, and what each of them refuses.

The messages for whole broken files are in tests/configs.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from importlib import resources
from zoneinfo import ZoneInfo

import pytest

from gateway import policies
from rules.policy import Policy, PolicyRefused, RosterWindow, parse
from rules.ticket.business_time import ALWAYS, Span, Unit
from rules.ticket.sla import Target

DEFAULT = (resources.files("rules.policy.presets") / "default.toml").read_text()


@pytest.mark.parametrize("name", sorted(policies.load(None)))
def test_a_shipped_policy_is_valid(name: str) -> None:
    assert policies.load(None)[name].levels[0].critical


@pytest.mark.parametrize("key", ["default", "ceiling"])
def test_no_default_and_no_ceiling_is_critical(key: str) -> None:
    broken = DEFAULT.replace(f"\n{key} = ", f'\n{key} = "Critical" # ', 1)

    with pytest.raises(PolicyRefused, match=f"{key} must not be a critical level"):
        parse(broken, "broken.toml")


def test_an_unknown_policy_is_named_with_a_suggestion() -> None:
    with pytest.raises(PolicyRefused, match="did you mean default"):
        policies.named(policies.load(None), "defualt", "mailbox support@help.example")


def policy(more: str = "", top: str = "") -> Policy:
    """The default policy with further sections, and further settings at the top."""
    return parse(f"{top}\n{DEFAULT}\n{more}", "ours.toml")


def without(section: str) -> str:
    """The default policy's text without one of its sections."""
    before, _, after = DEFAULT.partition(f"[{section}]\n")
    return f"{before}\n[{after.partition(chr(10) + '[')[2]}"


TIERS = """
[[tiers]]
name = "basic"
title = "Basic"
first = { High = "4 hours" }
[[tiers]]
name = "gold"
title = "Gold"
first = { High = "1 hour" }
ongoing = { High = "1 day" }
"""


def test_a_policy_of_the_first_format_is_still_valid() -> None:
    old = parse(
        """
name = "old"
title = "Old"
[severity]
default = "Low"
ceiling = "Low"
[[severity.levels]]
name = "Critical"
critical = true
meaning = "Down."
[[severity.levels]]
name = "Low"
meaning = "Not down."
[acknowledgement]
text = "Received."
[texts]
sign_up = "Enrol."
invitation = "Enrol here."
deactivated = "Closed."
suspended = "Suspended."
""",
        "old.toml",
    )

    assert old.tiers == ()
    assert old.calendar is ALWAYS


def test_the_commented_settings_of_the_default_policy_are_valid() -> None:
    shown = re.sub(r"(?m)^# (?=\[|\w+ = )", "", DEFAULT).replace("always = true", "always = false")

    ours = parse(f'default_tier = "standard"\n{shown}', "ours.toml")

    assert ours.tiers
    assert ours.completeness.facts
    assert ours.escalation.levels
    assert ours.calendar.hours_on(date(2026, 12, 24)) is None


def test_a_copy_derives_from_its_own_settings_what_the_original_has_derived_from_others() -> None:
    original = policy()
    assert original.levels[0].name == "Critical"
    fewer = original.severity.model_copy(update={"levels": original.severity.levels[1:]})

    copied = original.model_copy(update={"severity": fewer})

    assert copied.levels == tuple(level for level in original.levels if level.name != "Critical")


def test_without_tiers_nothing_is_promised() -> None:
    assert policy().tier("gold") is None


@pytest.mark.parametrize(
    ("company", "tier"), [("gold", "gold"), (None, "basic"), ("platinum", "basic")]
)
def test_a_company_without_a_known_tier_has_the_default_one(company: str | None, tier: str) -> None:
    found = policy(TIERS, 'default_tier = "basic"').tier(company)

    assert found is not None
    assert found.name == tier


def test_a_tier_promises_spans_by_level() -> None:
    gold = policy(TIERS, 'default_tier = "basic"').tier("gold")

    assert gold is not None
    assert gold.target("High") == Target(Span(1, Unit.HOUR), Span(1, Unit.DAY))
    assert gold.target("Low") == Target(None, None)


def with_calendar(settings: str) -> Policy:
    section = f"[clock.calendar]\nalways = false\n{settings}"
    return parse(f"{without('clock.calendar')}\n{section}", "ours.toml")


def test_support_hours_follow_the_zone_of_the_calendar() -> None:
    calendar = with_calendar('zone = "Europe/Berlin"\nopens = "06:00"\ncloses = "18:00"').calendar

    assert calendar.zone == ZoneInfo("Europe/Berlin")
    assert (calendar.opens, calendar.closes) == (6 * 60, 18 * 60)
    assert calendar.days == frozenset(range(5))


def test_a_time_may_be_written_without_quotes() -> None:
    assert with_calendar("opens = 08:30:00").calendar.opens == 8 * 60 + 30


def test_public_holidays_and_listed_holidays_are_no_opening_days() -> None:
    calendar = with_calendar('country = "DE-BY"\nholidays = [2026-12-24]').calendar

    assert calendar.hours_on(date(2026, 1, 6)) is None  # Epiphany, in Bavaria
    assert calendar.hours_on(date(2026, 12, 24)) is None
    assert calendar.hours_on(date(2026, 1, 7)) is not None


def test_a_yearly_holiday_is_no_opening_day_in_any_year() -> None:
    calendar = with_calendar('yearly_holidays = ["12-25", "02-29"]').calendar

    for year in (2026, 2029, 2045):
        assert calendar.hours_on(date(year, 12, 25)) is None
    assert calendar.hours_on(date(2028, 2, 29)) is None
    assert calendar.hours_on(date(2029, 3, 1)) is not None


def a_window(**changes: object) -> RosterWindow:
    return RosterWindow.model_validate(
        {"name": "Ria", "contact": "ria@help.example", "days": ["mon"], **changes}
    )


MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hour", "on_duty"), [(8, False), (9, True), (16, True), (17, False), (23, False)]
)
def test_a_window_is_a_stretch_of_the_day(hour: int, on_duty: bool) -> None:
    assert a_window().covers(MONDAY.replace(hour=hour)) is on_duty


@pytest.mark.parametrize(
    ("day", "hour", "on_duty"), [(2, 21, False), (2, 22, True), (3, 5, True), (3, 6, False)]
)
def test_a_window_over_midnight_belongs_to_the_day_on_which_it_opens(
    day: int, hour: int, on_duty: bool
) -> None:
    night = a_window(opens="22:00", closes="06:00")

    assert night.covers(MONDAY.replace(day=day, hour=hour)) is on_duty


def test_a_window_follows_the_clock_of_its_zone() -> None:
    singapore = a_window(zone="Asia/Singapore", opens="08:00", closes="16:00")

    assert singapore.covers(MONDAY.replace(hour=1))
    assert not singapore.covers(MONDAY.replace(hour=9))


def test_the_first_window_that_covers_the_hour_is_on_duty() -> None:
    level = policy(
        """
[[escalation.levels]]
title = "Manager"
contact = "desk@help.example"
[[escalation.levels.roster]]
name = "Ria"
contact = "ria@help.example"
[[escalation.levels.roster]]
name = "Tom"
contact = "tom@help.example"
opens = "16:00"
closes = "20:00"
"""
    ).escalation.levels[0]

    names = [
        window.name if (window := level.on_duty(MONDAY.replace(hour=hour))) else None
        for hour in (10, 16, 19, 21)
    ]

    assert names == ["Ria", "Ria", "Tom", None]


def test_a_fact_is_recognised_by_any_of_its_patterns() -> None:
    (fact,) = policy(
        """
[[completeness.facts]]
name = "version"
ask = "Which version?"
patterns = ['version ?\\d', 'release ?\\d']
"""
    ).completeness.facts

    assert fact.matches("It broke.\nRelease 7, I think.")
    assert not fact.matches("The newest version, I think.")


def test_a_field_is_the_one_group_of_its_pattern() -> None:
    (field,) = policy(
        """
[[fields]]
name = "project_id"
label = "Project"
pattern = 'project(?: id)? ?[:=] ?([a-z0-9-]{1,63})'
"""
    ).fields

    assert field.value_in("Hello,\nProject ID: blue-7 is down") == "blue-7"
    assert field.value_in("My project is down") is None


def test_every_contradiction_is_named() -> None:
    text = f'default_tier = "silver"\n{DEFAULT}{TIERS}support = false\n'.replace(
        'starts = "arrival"', 'starts = "complete"'
    )

    with pytest.raises(PolicyRefused) as refused:
        parse(text, "ours.toml")

    assert [fault.split(": ")[1] for fault in refused.value.faults] == [
        "default_tier",
        "tiers.1",
        "clock.starts",
    ]


SELDOM = ("\nalways = true", '\nalways = false\nopens = "06:00"\ncloses = "06:30"\ndays = ["mon"]')


def test_business_time_that_does_not_pass_in_years_is_refused() -> None:
    """Else every mail that it is promised to would fail, and be deferred until it is returned."""

    def promised(span: str) -> Policy:
        text = DEFAULT.replace(*SELDOM, 1)
        tiers = TIERS.replace("4 hours", span)
        return parse(f'default_tier = "basic"\n{text}\n{tiers}', "ours.toml")

    assert promised("100 business hours").tiers[0].first["High"] == "100 business hours"
    with pytest.raises(PolicyRefused, match="'500 business hours' is more than five years"):
        promised("500 business hours")


def test_a_key_of_very_many_parts_is_refused_before_it_is_read() -> None:
    """32 KiB of them took eleven seconds and a gigabyte."""
    with pytest.raises(PolicyRefused, match="line 2: more than 100 dots; write a shorter line"):
        parse("schema = 1\n" + "a." * 500 + "a = 1\n", "deep.toml")


def test_a_policy_has_two_hundred_patterns() -> None:
    def with_claims(number: int) -> str:
        claim = "[[severity.claims]]\npattern = 'map {}'\nlevel = 'High'\n"
        return DEFAULT + "".join(claim.format(each) for each in range(number))

    parse(with_claims(200), "many.toml")
    with pytest.raises(PolicyRefused, match="201 patterns in all; a policy has at most 200"):
        parse(with_claims(201), "many.toml")


def test_a_number_of_very_many_digits_is_a_fault_of_the_file() -> None:
    with pytest.raises(PolicyRefused, match="not valid TOML"):
        parse(f"schema = {'1' * 5000}", "long.toml")


def test_of_very_many_faults_the_first_are_explained_and_the_rest_counted() -> None:
    with pytest.raises(PolicyRefused) as refused:
        parse("".join(f"k{number} = 1\n" for number in range(1000)), "wrong.toml")

    *explained, last = refused.value.faults
    assert len(explained) == 100
    assert "unknown setting: k" in explained[-1]
    assert re.fullmatch("and 9[0-9]{2} more", last)
