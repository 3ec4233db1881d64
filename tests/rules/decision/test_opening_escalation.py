"""#escalate in the mail that opens a request, and in a reply to one that is over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.decision.effects import Escalated
from rules.decision.model import Decision, OpenTicket
from rules.mail import Mail
from rules.service.limits import ESCALATIONS_PER_HOUR
from rules.ticket.lifecycle import Status
from rules.ticket.notices import NoticeKind
from rules.ticket.payloads import EscalationPayload, ReceiptPayload, ReceiptText
from tests.rules.building import (
    ACME,
    ANN,
    ANNS,
    NOON,
    SAM,
    World,
    a_mail,
    alerted_of,
    default_policy,
    notified,
    orders_of,
    person,
    preset,
    token_to,
)

WEKA = World(policy=preset("weka"))
TEXT = "#escalate Nobody answers.\n\nIt does not print."
EUROPE, EXECUTIVES = "executive-emea@example.com", "executives@example.com"


def escalated(decision: Decision) -> Escalated | None:
    assert isinstance(decision.action, OpenTicket)
    return decision.action.escalated


def receipts(decision: Decision) -> list[str]:
    """The sentences of the receipts to the sender."""
    found = [o.payload for o in orders_of(decision) if o.kind is NoticeKind.RECEIPT]
    return [str(s) for each in found if isinstance(each, ReceiptPayload) for s in each.sentences]


def test_the_request_is_escalated_to_level_1() -> None:
    decision = WEKA.decide(a_mail(text=TEXT))

    assert escalated(decision) == Escalated(0, 1, "Nobody answers.", notified=EUROPE)
    assert notified(decision, NoticeKind.ESCALATION) == [EUROPE]
    assert receipts(decision) == [
        "Your request is at level 1: Executive on duty (Executive for Europe), phone +1 555 0102"
    ]
    assert notified(decision, NoticeKind.ACKNOWLEDGEMENT) == [ANN.address]


def test_beyond_the_number_of_an_hour_the_request_opens_and_nobody_is_notified() -> None:
    busy = replace(WEKA, escalated_lately=(NOON,) * ESCALATIONS_PER_HOUR)

    decision = busy.decide(a_mail(text=TEXT))

    assert escalated(decision) is None
    assert notified(decision, NoticeKind.ESCALATION) == []
    (said,) = receipts(decision)
    assert said.startswith(f"{ANN.address} has escalated requests 20 times within the hour; try")


def test_the_notice_has_the_text_of_the_request() -> None:
    decision = WEKA.decide(a_mail(text=TEXT))

    (order,) = (o for o in orders_of(decision) if o.kind is NoticeKind.ESCALATION)
    assert isinstance(order.payload, EscalationPayload)
    assert "It does not print." in order.payload.history


def test_the_trace_says_who_is_notified_and_who_was_passed_over() -> None:
    decision = replace(WEKA, unreachable=frozenset({EUROPE})).decide(a_mail(text=TEXT))

    *_, last = decision.trace
    assert f"escalated to level 1: {EXECUTIVES} is notified" in last.outcome
    assert f"passed over, no mail reaches it: {EUROPE}" in last.outcome


def test_where_nobody_is_reached_the_desk_is_notified_and_the_customer_reads_it() -> None:
    dead = frozenset({EUROPE, EXECUTIVES, "executive-apac@example.com"})
    dead |= {"executive-americas@example.com"}

    decision = replace(WEKA, unreachable=dead).decide(a_mail(text=TEXT))

    assert notified(decision, NoticeKind.ESCALATION) == [SAM.address]
    (said,) = receipts(decision)
    assert said == (
        "Your request is at level 1: Executive on duty. Nobody of that level gets email now; the "
        "support team was notified instead."
    )


def test_the_success_manager_of_the_company_is_notified() -> None:
    ann = person(ANN.address, replace(ACME, success_manager="csm@help.example"))
    world = World(people=(ann, SAM), policy=preset("atlan"))

    decision = world.decide(a_mail(text=TEXT))

    assert notified(decision, NoticeKind.ESCALATION) == [
        "engineer-on-duty@example.com",
        "csm@help.example",
    ]


def test_a_success_manager_whom_no_mail_reaches_is_named_to_the_others() -> None:
    ann = person(ANN.address, replace(ACME, success_manager="csm@help.example"))
    world = World(people=(ann, SAM), policy=preset("atlan"))

    dead = frozenset({"csm@help.example"})
    decision = replace(world, unreachable=dead).decide(a_mail(text=TEXT))

    (order,) = (o for o in orders_of(decision) if o.kind is NoticeKind.ESCALATION)
    assert isinstance(order.payload, EscalationPayload)
    assert "Passed over, since no mail reaches them: csm@help.example." in [
        str(each) for each in order.payload.notes
    ]


def test_without_levels_the_customer_reads_why_nobody_is_notified() -> None:
    decision = World(policy=default_policy()).decide(a_mail(text=TEXT))

    assert escalated(decision) is None
    assert receipts(decision) == [
        "There is nobody to escalate to. Staff read what you write on the request."
    ]


def test_a_critical_claim_that_belongs_in_the_portal_is_not_escalated_by_mail() -> None:
    policy = preset("stakater")

    decision = World(policy=policy).decide(a_mail(text=TEXT, subject="[P1] Everything is down"))

    assert escalated(decision) is None
    assert receipts(decision) == [policy.severity.critical_channel]


def test_a_machine_escalates_nothing() -> None:
    robot = person("robot@acme.example", machine=True)
    world = replace(WEKA, people=(*WEKA.people, robot))

    decision = world.decide(a_mail(robot.address, text=TEXT, auto_submitted="auto-generated"))

    assert escalated(decision) is None
    assert notified(decision, NoticeKind.ESCALATION) == []


def test_the_trace_says_that_a_machine_escalates_nothing() -> None:
    robot = person("robot@acme.example", machine=True)
    world = replace(WEKA, people=(*WEKA.people, robot))

    opened = world.decide(a_mail(robot.address, text=TEXT, auto_submitted="auto-generated"))

    assert "not escalated: a machine escalates nothing" in opened.trace[-1].outcome


@pytest.mark.parametrize(
    "mail",
    [a_mail(text=TEXT, x_auto_response_suppress="All"), a_mail(text=TEXT, precedence="bulk")],
)
def test_staff_are_alerted_of_a_refusal_that_its_author_is_not_sent(mail: Mail) -> None:
    busy = replace(WEKA, escalated_lately=(NOON,) * ESCALATIONS_PER_HOUR)

    decision = busy.decide(mail)

    assert receipts(decision) == []
    (order,) = (o for o in orders_of(decision) if o.kind is NoticeKind.ALERT)
    assert order.address == SAM.address
    assert f"{ANN.address} asks to escalate this request" in alerted_of(order)
    assert "20 times within the hour" in alerted_of(order)
    assert "not escalated: " in decision.trace[-1].outcome


@pytest.mark.parametrize("reply", [False, True])
def test_the_trace_says_why_a_request_was_not_escalated(reply: bool) -> None:
    world = replace(WEKA, tickets=(ANNS,), escalated_lately=(NOON,) * ESCALATIONS_PER_HOUR)

    mail = a_mail(text=TEXT)
    decision = world.decide(mail, to=token_to(70)) if reply else world.decide(mail)

    assert f"not escalated: {ANN.address} has escalated" in decision.trace[-1].outcome
    assert notified(decision, NoticeKind.ALERT) == []


def test_a_person_who_wants_no_automatic_answer_is_heard_and_gets_none() -> None:
    decision = WEKA.decide(a_mail(text=TEXT, x_auto_response_suppress="All"))

    assert escalated(decision) is not None
    assert receipts(decision) == []


def test_a_policy_that_takes_commands_of_staff_alone_answers_that_nothing_proves_it() -> None:
    policy = WEKA.policy.model_copy(
        update={"proof": WEKA.policy.proof.model_copy(update={"command": "T3"})}
    )

    decision = replace(WEKA, policy=policy).decide(a_mail(text=TEXT))

    assert escalated(decision) is None
    payloads = [o.payload for o in orders_of(decision) if o.kind is NoticeKind.RECEIPT]
    assert payloads == [ReceiptPayload(ReceiptText.UNPROVEN)]


def test_a_sentence_about_escalating_escalates_nothing() -> None:
    decision = WEKA.decide(a_mail(text="#escalate is not what we want. It does not print."))

    assert escalated(decision) is None


def test_a_reply_to_a_closed_request_escalates_the_request_that_it_opens() -> None:
    closed = replace(ANNS, status=Status.CLOSED, status_at=NOON, escalation_level=1)
    world = replace(WEKA, tickets=(closed,))

    decision = world.decide(a_mail(text=TEXT), to=token_to(70))

    assert escalated(decision) == Escalated(0, 1, "Nobody answers.", notified=EUROPE)
    assert notified(decision, NoticeKind.ESCALATION) == [EUROPE]
    assert len(receipts(decision)) == 1


def test_staff_escalate_their_own_new_request_by_a_reply_and_the_trace_says_so() -> None:
    decision = WEKA.decide(a_mail(SAM.address, text=TEXT))

    assert escalated(decision) is None
    assert "Give other commands in a reply" in str(decision.trace)
