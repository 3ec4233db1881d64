"""What follows an answer by staff, and what is asked once a request is resolved."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rules.people import ParticipantKind, Presence
from rules.policy import FollowUpSection, Policy, ReviewSection
from rules.service.follow_up import after_answer, asked_on_resolve, without_next_steps
from rules.service.more import summaries
from rules.ticket.lifecycle import Status
from rules.ticket.notices import NoticeKind
from tests.rules.building import ANN, NOON, SAM, a_ticket, default_policy, member, policy_with

MAX = "max@help.example"
REQUESTER = member(70, ANN.address, ParticipantKind.REQUESTER)
BARE, STEPS = "The disk is broken.", "We will replace the disk."


def at_high(via_manager: bool = True) -> Policy:
    return default_policy(follow_up=FollowUpSection(levels=("High",), via_manager=via_manager))


def high(**changes: Any) -> Any:
    facts = {"severity": "High", "success_manager": MAX, "updates_by": "manager"}
    return a_ticket(7, REQUESTER, **{**facts, **changes})


# Next steps


def test_an_answer_at_a_named_level_without_next_steps_is_pointed_out() -> None:
    why = without_next_steps(high(), BARE, at_high())

    assert why is not None
    assert str(why).startswith("your answer on #7 names no next steps, which customers expect at")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, STEPS),
        ({"severity": "Normal"}, BARE),
        ({"status": Status.RESOLVED}, BARE),
        ({"status": Status.CLOSED}, BARE),
    ],
)
def test_any_other_answer_is_not(changes: dict[str, Any], text: str) -> None:
    assert without_next_steps(high(**changes), text, at_high()) is None


def test_an_answer_that_asks_the_customer_needs_no_more() -> None:
    assert without_next_steps(high(status=Status.PENDING), "Which node is it?", at_high()) is None


# The success manager


def test_an_answer_goes_to_the_success_manager_where_the_company_is_updated_so() -> None:
    (order,) = after_answer(high(), SAM.address, at_high())

    assert (order.kind, order.address, order.quotes) == (NoticeKind.NEXT_STEPS, MAX, True)


@pytest.mark.parametrize(
    ("changes", "author", "policy"),
    [
        ({"updates_by": ""}, SAM.address, at_high()),
        ({"success_manager": ""}, SAM.address, at_high()),
        ({"severity": "Normal"}, SAM.address, at_high()),
        ({}, MAX, at_high()),
        ({}, SAM.address, at_high(via_manager=False)),
    ],
)
def test_it_goes_to_nobody_else(changes: dict[str, Any], author: str, policy: Policy) -> None:
    assert after_answer(high(**changes), author, policy) == ()


def test_what_a_budget_withholds_from_the_success_manager_is_sent_in_one_summary() -> None:
    ticket = high(sent={MAX: 40}, sent_since={MAX: NOON - timedelta(minutes=40)})

    withheld = after_answer(ticket, SAM.address, at_high())

    assert [order.withheld for order in withheld] == [True]
    (summary,) = summaries(withheld * 2, ticket, NOON, NOON)
    assert (summary.kind, summary.address) == (NoticeKind.MANAGER_MORE, MAX)
    assert summary.due_at == NOON + timedelta(minutes=20)


@pytest.mark.parametrize(
    ("presence", "sent"), [(Presence.ACTIVE, 0), (Presence.PENDING, 1), (Presence.REMOVED, 1)]
)
def test_a_success_manager_on_the_ticket_gets_the_answer_itself(
    presence: Presence, sent: int
) -> None:
    ticket = high(participants=(REQUESTER, member(71, MAX, presence=presence)))

    assert len(after_answer(ticket, SAM.address, at_high())) == sent


def test_answers_beyond_the_budget_are_withheld_from_the_success_manager() -> None:
    (order,) = after_answer(high(sent={MAX: 999}), SAM.address, at_high())

    assert order.withheld


# What is asked once a request is resolved


def reviewing(**feedback: bool) -> Policy:
    review = ReviewSection(levels=("High",))
    return policy_with("feedback", **feedback).model_copy(update={"review": review})


@pytest.mark.parametrize(
    ("severity", "policy", "kinds"),
    [
        ("High", reviewing(ask=True), [NoticeKind.REVIEW]),
        ("High", reviewing(ask=False), [NoticeKind.REVIEW]),
        ("Normal", reviewing(ask=True), [NoticeKind.FEEDBACK]),
        ("Normal", reviewing(ask=False), []),
        ("High", policy_with("feedback", ask=True), [NoticeKind.FEEDBACK]),
    ],
)
def test_one_mail_asks_for_a_review_or_for_feedback(
    severity: str, policy: Policy, kinds: list[NoticeKind]
) -> None:
    asked = asked_on_resolve(high(severity=severity), policy)

    assert [(order.kind, order.address) for order in asked] == [(k, ANN.address) for k in kinds]


def test_nobody_is_asked_a_second_time() -> None:
    assert asked_on_resolve(high(feedback_asked=True), reviewing(ask=True)) == ()


def test_a_requester_who_gets_no_mail_is_not_asked() -> None:
    muted = member(70, ANN.address, ParticipantKind.REQUESTER, muted=True)

    assert asked_on_resolve(high(participants=(muted,)), reviewing(ask=True)) == ()
