"""A policy in plain English: every setting is said, and nothing more than the policy says."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

import rules.policy.explain
from gateway import policies
from rules.policy import Policy, parse
from rules.policy.explain import as_text, explained

Place = tuple[str | int, ...]

FULL = """
name = "full"
title = "Everything is set"
aliases = ["old@help.example", "older@help.example"]
default_tier = "gold"
[[severity.levels]]
name = "Critical"
critical = true
aliases = ["P1"]
meaning = "Nothing works."
[[severity.levels]]
name = "High"
meaning = "Little works."
[[severity.levels]]
name = "Low"
meaning = "A question."
[severity]
default = "Low"
ceiling = "High"
high_importance = "High"
critical_channel = "Call us."
[[severity.claims]]
pattern = "on fire"
level = "Critical"
[[completeness.facts]]
name = "version"
ask = "Which version?"
patterns = ["version", "release"]
[[fields]]
name = "project_id"
label = "Project"
pattern = "project (a|b)"
[[tiers]]
name = "gold"
title = "Gold support"
first = { High = "1 hour" }
ongoing = { High = "1 day" }
critical_channel = "Call the golden number."
[[tiers]]
name = "free"
title = "Free plan"
support = false
[clock.calendar]
always = false
country = "DE-BY"
holidays = [2026-12-24]
[[escalation.levels]]
title = "Director"
contact = "director@help.example"
phone = "+1 555 0100"
[[escalation.levels.roster]]
name = "Ria"
contact = "ria@help.example"
phone = "+1 555 0101"
[acknowledgement]
text = "We have it."
[feedback]
ask = true
[texts]
sign_up = "Enrol first."
invitation = "Enrol below."
deactivated = "Closed."
suspended = "Suspended."
"""
POLICY = parse(FULL, "full.toml")


def words(policy: Policy) -> str:
    return as_text(explained(policy), width=10_000)


def settings(value: object, place: Place = ()) -> Iterator[Place]:
    """Where each setting of a policy stands."""
    match value:
        case BaseModel():
            for name in type(value).model_fields:
                yield from settings(getattr(value, name), (*place, name))
        case dict():
            for name in value:
                yield from settings(value[name], (*place, name))
        case tuple() if value and isinstance(value[0], BaseModel):
            for number, each in enumerate(value):
                yield from settings(each, (*place, number))
        case _:
            yield place


def changed(value: object, place: Place, annotation: object = None) -> object:
    """The value with another setting at a place; nothing is validated."""
    if not place:
        return another(value, annotation)
    step, rest = place[0], place[1:]
    match value:
        case BaseModel():
            name = str(step)
            kind = type(value).model_fields[name].annotation
            return value.model_copy(update={name: changed(getattr(value, name), rest, kind)})
        case dict():
            return {**value, step: changed(value[step], rest)}
        case tuple() if isinstance(step, int):
            return (*value[:step], changed(value[step], rest), *value[step + 1 :])
    raise AssertionError(f"no setting at {place}")


def another(value: object, annotation: object) -> object:
    """Another value that the setting may have."""
    choices = [each for each in typing.get_args(annotation) if isinstance(each, str)]
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case float():
            return value / 2
        case str() if choices:
            return next(each for each in choices if each != value)
        case str():
            return f"{value} indeed"
        case None:
            return "at last"
        case tuple():
            return value[1:] if value else ("another",)
    raise AssertionError(f"no other value for {value!r}")


UNSAID: set[Place] = {
    # Without support nothing else of a tier has an effect.
    *((("tiers", 1, key)) for key in ("critical_channel", "critical_first_in_portal")),
}


@pytest.mark.parametrize(
    "place", [place for place in settings(POLICY) if place not in UNSAID], ids=str
)
def test_another_value_of_any_setting_makes_other_words(place: Place) -> None:
    other = changed(POLICY, place)

    assert isinstance(other, Policy)
    assert words(other) != words(POLICY)


def test_the_default_tier_is_said() -> None:
    other = POLICY.model_copy(update={"default_tier": "free"})

    assert "A company without a tier of its own has Gold support." in words(POLICY)
    assert "A company without a tier of its own has Free plan." in words(other)


@pytest.mark.parametrize("name", sorted(policies.load(None)))
def test_every_text_of_a_shipped_policy_is_said_to_the_letter(name: str) -> None:
    policy = policies.load(None)[name]
    said = words(policy)

    for level in policy.levels:
        assert level.meaning in said
    for text in (policy.acknowledgement.text, policy.texts.sign_up, policy.texts.community):
        assert text in said


def test_lines_are_wrapped_and_a_sentence_begins_with_a_dash() -> None:
    lines = as_text(explained(POLICY), width=60).splitlines()

    assert max(map(len, lines)) <= 60
    assert any(line.startswith("  - ") for line in lines)


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (("mon", "tue", "wed", "thu", "fri"), "Monday to Friday"),
        (("sat", "sun"), "Saturday and Sunday"),
        (("mon", "wed", "fri"), "Monday, Wednesday and Friday"),
        (("mon", "tue", "wed", "thu", "fri", "sat", "sun"), "every day"),
    ],
)
def test_days_are_said_as_people_say_them(days: tuple[str, ...], said: str) -> None:
    calendar = POLICY.clock.calendar.model_copy(update={"days": days})
    clock = POLICY.clock.model_copy(update={"calendar": calendar})

    assert f"open {said} from" in words(POLICY.model_copy(update={"clock": clock}))


def test_no_code_names_a_vendor() -> None:
    top = Path(rules.policy.explain.__file__).parents[3]
    vendors = sorted(set(policies.load(None)) - {"default"})
    sources = [
        path for layer in ("rules", "storage", "gateway") for path in (top / layer).rglob("*.py")
    ]

    named = {
        (path.name, vendor)
        for path in sources
        for vendor in vendors
        if vendor in path.read_text(encoding="utf-8").lower()
    }

    assert sources
    assert not named
