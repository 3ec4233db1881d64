"""A policy in plain English: every setting is explained, and nothing beyond the policy."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

import rules.policy.explain
from gateway import policies
from rules.policy import Policy, parse
from rules.policy.explain import as_text, chapters_of

SettingPath = tuple[str | int, ...]

FULL = """
name = "full"
title = "Everything is set"
aliases = ["old@help.example", "older@help.example"]
lists = ["group@help.example", "desk.lists.help.example"]
requests_by_mail = "without_promise"
default_tier = "gold"
[[severity.levels]]
name = "Critical"
critical = true
aliases = ["P1"]
phrases = ["house on fire"]
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
critical_channel_in_portal = "Call us now."
[[severity.claims]]
pattern = "on fire"
level = "Critical"
example = "The printer is on fire"
[[completeness.facts]]
name = "version"
ask = "Which version?"
patterns = ["version", "release"]
words = 40
example = "version 2"
[completeness]
ask_again_after = "1 business day"
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
calendar = "gulf"
phone = "Call +1 555 0104."
[[tiers]]
name = "free"
title = "Free plan"
support = false
[clock]
starts = "complete"
waits_at_most = "2 business days"
[clock.calendar]
always = false
country = "DE-BY"
holidays = [2026-12-24]
yearly_holidays = ["12-31", "01-02"]
other_hours = { sat = "08:00-12:00" }
[[calendars]]
name = "gulf"
always = false
country = "AE"
holidays = [2026-12-25]
yearly_holidays = ["12-26"]
other_hours = { fri = "08:00-12:00" }
[follow_up]
levels = ["Critical", "High"]
[review]
levels = ["High"]
text = "What did we learn?"
[on_call]
contact = "duty@help.example"
phone = "+1 555 0102"
[[on_call.roster]]
name = "Otto"
contact = "otto@help.example"
phone = "+1 555 0103"
[escalation]
how = "Call the director."
[[escalation.levels]]
title = "Lead"
contact = "lead@help.example"
[[escalation.levels]]
title = "Director"
contact = "director@help.example"
phone = "+1 555 0100"
answer_within = "4 hours"
[[escalation.levels.roster]]
name = "Ria"
contact = "ria@help.example"
phone = "+1 555 0101"
[[escalation.levels]]
title = "Owner"
contact = "owner@help.example"
[acknowledgement]
text = "We have it."
without_promise = "Submit it at https://portal.help.example."
[feedback]
ask = true
[texts]
sign_up = "Sign up first."
invitation = "Sign up below."
deactivated = "Closed."
suspended = "Suspended."
portal_only = "Submit it at https://portal.help.example."
[translations.de]
acknowledgement = "Wir haben sie."
without_promise = "Hier einreichen: https://portal.help.example."
critical_channel = "Rufen Sie an."
critical_channel_in_portal = "Rufen Sie auch an."
how_to_escalate = "Rufen Sie den Direktor an."
feedback = "Wie war es?"
review = "Was haben wir gelernt?"
invitation = "Bitte registrieren."
questions = { version = "Welche Version?" }
phones = { gold = "Rufen Sie +1 555 0104 an." }
critical_channels = { gold = "Rufen Sie die goldene Nummer an." }
"""
POLICY = parse(FULL, "full.toml")


def explained(policy: object) -> str:
    assert isinstance(policy, Policy)
    return as_text(chapters_of(policy), width=10_000)


def settings(value: object, path: SettingPath = ()) -> Iterator[SettingPath]:
    """The path of each setting of a policy."""
    match value:
        case BaseModel():
            for name in type(value).model_fields:
                yield from settings(getattr(value, name), (*path, name))
        case dict():
            for name in value:
                yield from settings(value[name], (*path, name))
        case tuple() if value and isinstance(value[0], BaseModel):
            for number, each in enumerate(value):
                yield from settings(each, (*path, number))
        case _:
            yield path


def changed(value: object, path: SettingPath, annotation: object = None) -> object:
    """The value with another setting at a path; nothing is validated."""
    if not path:
        return another(value, annotation)
    step, rest = path[0], path[1:]
    match value:
        case BaseModel():
            name = str(step)
            kind = type(value).model_fields[name].annotation
            return value.model_copy(update={name: changed(getattr(value, name), rest, kind)})
        case dict():
            return {**value, step: changed(value[step], rest)}
        case tuple() if isinstance(step, int):
            return (*value[:step], changed(value[step], rest), *value[step + 1 :])
    raise AssertionError(f"no setting at {path}")


def another(value: object, annotation: object) -> object:
    """Another valid value of the setting."""
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
            return f"{value} changed"
        case None:
            return "changed"
        case tuple():
            return value[1:] if value else ("another",)
    raise AssertionError(f"no other value for {value!r}")


NOT_EXPLAINED: set[SettingPath] = {
    # Of patterns the examples are shown.
    ("severity", "claims", 0, "pattern"),
    ("completeness", "facts", 0, "patterns"),
    ("fields", 0, "pattern"),
    ("fields", 0, "patterns"),
    # Empty rosters; the windows of the other level are explained.
    ("escalation", "levels", 0, "roster"),
    ("escalation", "levels", 2, "roster"),
    # On a tier without support these settings have no effect.
    *(
        (("tiers", 1, key))
        for key in ("critical_channel", "critical_first_in_portal", "calendar", "phone")
    ),
    # Requests by mail are taken in this policy: see the next test.
    ("texts", "portal_only"),
}


@pytest.mark.parametrize(
    "path", [path for path in settings(POLICY) if path not in NOT_EXPLAINED], ids=str
)
def test_another_value_of_any_setting_changes_the_text(path: SettingPath) -> None:
    other = changed(POLICY, path)

    assert explained(other) != explained(POLICY)


@pytest.mark.parametrize("kept", [("acknowledgement", "without_promise"), ("texts", "portal_only")])
def test_a_text_of_requests_by_mail_is_shown_only_where_it_is_sent(kept: SettingPath) -> None:
    other = POLICY.model_copy(update={"requests_by_mail": "full"})
    refusing = POLICY.model_copy(update={"requests_by_mail": "refuse"})

    assert explained(changed(other, kept)) == explained(other)
    assert (explained(changed(refusing, kept)) != explained(refusing)) is (kept[0] == "texts")


def test_the_default_tier_is_named() -> None:
    other = POLICY.model_copy(update={"default_tier": "free"})

    assert "A company without a tier of its own has Gold support." in explained(POLICY)
    assert "A company without a tier of its own has Free plan." in explained(other)


@pytest.mark.parametrize("name", sorted(policies.load(None)))
def test_every_text_of_a_shipped_policy_is_quoted_literally(name: str) -> None:
    policy = policies.load(None)[name]
    explanation = explained(policy)

    for level in policy.levels:
        assert level.meaning in explanation
    for text in (policy.acknowledgement.text, policy.texts.sign_up):
        assert text in explanation


@pytest.mark.parametrize("name", sorted(policies.load(None)))
def test_the_text_of_a_tier_without_support_is_shown_where_there_is_one(name: str) -> None:
    policy = policies.load(None)[name]
    without_support = any(not tier.support for tier in policy.tiers)

    assert (policy.texts.community in explained(policy)) is without_support


@pytest.mark.parametrize("name", sorted(policies.load(None)))
def test_no_text_contains_a_pattern_or_a_format(name: str) -> None:
    policy = policies.load(None)[name]
    explanation = explained(policy)

    for sign in (r"\b", r"\d", "(?:", "{n}", "[a-z"):
        assert sign not in explanation


def test_lines_are_wrapped_and_a_sentence_begins_with_a_dash() -> None:
    lines = as_text(chapters_of(POLICY), width=60).splitlines()

    assert max(map(len, lines)) <= 60
    assert any(line.startswith("  - ") for line in lines)


@pytest.mark.parametrize(
    ("days", "text"),
    [
        (("mon", "tue", "wed", "thu", "fri"), "Monday to Friday"),
        (("sat", "sun"), "Saturday and Sunday"),
        (("mon", "wed", "fri"), "Monday, Wednesday and Friday"),
        (("mon", "tue", "wed", "thu", "fri", "sat", "sun"), "every day"),
    ],
)
def test_days_are_named_as_people_name_them(days: tuple[str, ...], text: str) -> None:
    calendar = POLICY.clock.calendar.model_copy(update={"days": days, "other_hours": {}})
    clock = POLICY.clock.model_copy(update={"calendar": calendar})

    assert f"available {text} from" in explained(POLICY.model_copy(update={"clock": clock}))


def test_a_day_with_hours_of_its_own_is_not_among_the_usual_days() -> None:
    calendar = POLICY.clock.calendar.model_copy(update={"other_hours": {"fri": "08:00-12:00"}})
    clock = POLICY.clock.model_copy(update={"calendar": calendar})

    text = explained(POLICY.model_copy(update={"clock": clock}))

    assert "Support is available Monday to Thursday from 09:00 to 17:00" in text
    assert "Support is available on Friday from 08:00 to 12:00." in text


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
