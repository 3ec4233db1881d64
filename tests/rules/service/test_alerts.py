"""Who is alerted of what is urgent: the person on call, or all staff."""

from __future__ import annotations

import pytest

from rules.people import Staff
from rules.policy import OnCallSection, Policy, RosterWindow
from rules.policy.base import DAYS
from rules.sentence import sentence
from rules.service import notifications
from rules.ticket.payloads import AlertTopic
from tests.rules.building import NOON, SAM, default_policy, policy_with

SUE = "sue@help.example"
OTTO, RIA = "otto@help.example", "ria@help.example"
DESK = (Staff(SAM.address, ""), Staff(SUE, ""))
ON_CALL = OnCallSection(
    contact=OTTO,
    roster=(RosterWindow(name="Ria", contact=RIA, days=DAYS, opens="00:00", closes="24:00"),),
)


def on_call() -> Policy:
    return policy_with("staff", notify="none").model_copy(update={"on_call": ON_CALL})


def alerted(policy: Policy, *unreachable: str, author: str = "") -> list[str]:
    orders = notifications.alert_on_call(
        policy,
        NOON,
        AlertTopic.CLAIM,
        sentence("It is urgent."),
        author=author,
        unreachable=unreachable,
        staff=DESK,
    )
    return [order.address for order in orders]


def test_the_person_on_duty_is_alerted_alone() -> None:
    assert alerted(on_call()) == [RIA]


@pytest.mark.parametrize(
    ("unreachable", "expected"),
    [([RIA], [OTTO]), ([RIA, OTTO], [SAM.address, SUE]), ([RIA, OTTO, SUE], [SAM.address])],
)
def test_whom_no_mail_reaches_is_passed_over(unreachable: list[str], expected: list[str]) -> None:
    assert alerted(on_call(), *unreachable) == expected


@pytest.mark.parametrize("notify", ["all", "followers", "none"])
def test_without_anybody_on_call_all_staff_are_alerted(notify: str) -> None:
    assert default_policy().on_call is None
    assert alerted(policy_with("staff", notify=notify)) == [SAM.address, SUE]


def test_nobody_is_alerted_of_what_they_have_done() -> None:
    assert alerted(default_policy(), author=SUE) == [SAM.address]
