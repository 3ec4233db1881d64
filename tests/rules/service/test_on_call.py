"""Who is alerted of critical claims and of due times."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from rules.decision.change.decide import decide_change
from rules.decision.change.facts import ChangeFacts
from rules.decision.effects import Effects
from rules.people import Staff
from rules.policy import OnCallSection, Policy
from rules.sentence import sentence
from rules.service.escalation import passed_over
from rules.service.notifications import alert_on_call
from rules.ticket.business_time import parse_span
from rules.ticket.changes import ReportOverdue, Source
from rules.ticket.notices import NoticeKind, NoticeOrder, StaffSubscription
from rules.ticket.payloads import AlertPayload, AlertTopic
from rules.ticket.sla import Clock, Stage
from tests.rules.building import ANNS, NOON, SAM, SUPPORT, default_policy, policy_with, preset

WHAT = sentence("It burns")
DUTY, SUE = "duty@help.example", "sue@help.example"
DESK = (Staff(SAM.address, "de"), Staff(SUE, ""))
ON_CALL = default_policy(on_call=OnCallSection(contact=DUTY))


def alerts(policy: Policy = ON_CALL, **changes: Any) -> tuple[NoticeOrder, ...]:
    values = {"author": "ann@acme.example", "unreachable": frozenset(), "staff": DESK, **changes}
    return alert_on_call(policy, NOON, AlertTopic.CLAIM, WHAT, **values)


def test_the_person_on_call_is_alerted_and_nobody_else() -> None:
    about = AlertPayload(sentences=(WHAT,), topic=AlertTopic.CLAIM)
    assert alerts() == (NoticeOrder(NoticeKind.ALERT, DUTY, payload=about),)


def test_a_person_on_call_who_is_staff_has_their_language_and_a_reply_address() -> None:
    (alert,) = alerts(default_policy(on_call=OnCallSection(contact=SAM.address)))

    assert (alert.address, alert.language) == (SAM.address, "de")
    assert alert.subscription is StaffSubscription.FOLLOWER


def test_without_a_roster_all_staff_are_alerted() -> None:
    assert [each.address for each in alerts(default_policy())] == [SAM.address, SUE]


def test_nobody_of_the_escalation_is_alerted_without_a_roster() -> None:
    policy = preset("weka").model_copy(update={"on_call": None})

    assert [each.address for each in alerts(policy)] == [SAM.address, SUE]


def test_staff_who_are_notified_of_nothing_are_alerted_all_the_same() -> None:
    assert len(alerts(policy_with("staff", notify="none"))) == 2


def test_where_nobody_on_call_is_reached_all_staff_are_alerted_and_read_it() -> None:
    found = alerts(unreachable={DUTY, SUE})

    assert [(each.address, each.payload) for each in found] == [
        (
            SAM.address,
            AlertPayload(sentences=(WHAT, *passed_over((DUTY,))), topic=AlertTopic.CLAIM),
        )
    ]


def test_nobody_is_alerted_of_what_they_did_themselves() -> None:
    assert alerts(author=DUTY) == ()
    assert [each.address for each in alerts(default_policy(), author=SUE)] == [SAM.address]


def overdue(
    policy: Policy, assignee: str = "", unreachable: frozenset[str] = frozenset()
) -> set[str]:
    """Who is notified that an answer is late."""
    due_at = NOON - timedelta(minutes=1)
    began = due_at - timedelta(hours=4)
    clock = Clock(Stage.FIRST, parse_span("4 hours"), began, due_at, due_at)
    facts = ChangeFacts(
        NOON,
        "",
        Source.SYSTEM,
        by_staff=True,
        mailbox=SUPPORT,
        staff=DESK,
        unreachable=unreachable,
    )
    late = replace(ANNS, clock=clock, assignee=assignee)
    made = decide_change(late, ReportOverdue(), facts, policy)
    assert isinstance(made, Effects)
    return {order.address for order in made.notices}


def test_the_assignee_and_the_person_on_call_are_notified_of_a_due_time() -> None:
    assert overdue(ON_CALL, assignee=SUE) == {SUE, DUTY}


def test_without_a_roster_the_assignee_alone_is_notified_of_a_due_time() -> None:
    assert overdue(default_policy(), assignee=SUE) == {SUE}


def test_all_staff_are_notified_in_place_of_an_assignee_whom_no_mail_reaches() -> None:
    assert overdue(ON_CALL, assignee=SUE, unreachable=frozenset({SUE})) == {SAM.address, SUE, DUTY}


def test_all_staff_are_notified_of_a_due_time_where_nobody_on_call_is_reached() -> None:
    assert overdue(ON_CALL, assignee=SUE, unreachable=frozenset({DUTY})) == {SAM.address, SUE}
