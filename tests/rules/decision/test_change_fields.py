"""Fields that people set: which values are kept, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway import policies
from rules.decision.after import after
from rules.decision.change.decide import decide_changes
from rules.decision.change.facts import ChangeFacts
from rules.decision.effects import ChangeRefused, Effects, FieldSet
from rules.policy import FieldSection
from rules.ticket.changes import SetField, Source
from tests.rules.building import ANNS, NOON, SAM, SUPPORT

FIELDS = (
    FieldSection(name="project_id", label="Project", several=True),
    FieldSection(name="reason", label="Reason", choices=("Outage", "How to")),
)
POLICY = policies.load(None)["default"].model_copy(update={"fields": FIELDS})
FACTS = ChangeFacts(at=NOON, actor=SAM.address, source=Source.API, by_staff=True, mailbox=SUPPORT)
TICKET = replace(ANNS, fields={"project_id": "blue-7", "forgotten": "x"})


def decided(*changes: SetField) -> Effects | ChangeRefused:
    return decide_changes(TICKET, changes, FACTS, POLICY)


@pytest.mark.parametrize(
    ("name", "value", "was", "became", "done"),
    [
        ("reason", "how  TO", "", "How to", "Reason of #7 is now How to"),
        (
            "Project_ID",
            "red-1, red-2,red-1",
            "blue-7",
            "red-1, red-2",
            "Project of #7 is now red-1, red-2",
        ),
        ("project_id", " ", "blue-7", "", "Project of #7 is now empty"),
        ("forgotten", "", "x", "", "forgotten of #7 is now empty"),
    ],
)
def test_a_field_gets_the_value_that_staff_set(
    name: str, value: str, was: str, became: str, done: str
) -> None:
    effects = decided(SetField(name, value))

    assert isinstance(effects, Effects)
    assert effects.rows == (FieldSet(name.lower(), was, became),)
    assert done in str(effects.done[0])
    kept = after(TICKET, effects.rows, NOON).fields
    assert kept.get(name.lower(), "") == became


def test_what_is_set_already_changes_nothing() -> None:
    effects = decided(SetField("project_id", "blue-7"))

    assert isinstance(effects, Effects)
    assert effects.rows == ()


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("product", "Kafka", "there is no field product; the policy has: project_id, reason"),
        ("forgotten", "y", "there is no field forgotten; the policy has: project_id, reason"),
        ("reason", "Flood", "reason: 'Flood' is not one of its values; expected one of: Outage, "),
        ("project_id", ",".join(map(str, range(11))), "project_id has at most 10 values"),
        ("project_id", "x" * 201, "project_id: a value has at most 200 characters"),
    ],
)
def test_a_value_that_the_policy_does_not_know_is_refused(name: str, value: str, why: str) -> None:
    refused = decided(SetField("reason", "outage"), SetField(name, value))

    assert isinstance(refused, ChangeRefused)
    assert why in str(refused.why)
