"""What staff read of a change besides its effects: who was passed over, what stays internal."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from rules.decision.change.decide import decide_changes
from rules.decision.change.facts import ChangeFacts
from rules.decision.effects import Effects, SlaBreached
from rules.people import ParticipantKind, Staff
from rules.policy import Policy
from rules.policy.escalation import OnCallSection
from rules.ticket.business_time import ALWAYS, parse_span
from rules.ticket.changes import ReportOverdue, SetAnySeverity, SetStatus, Source
from rules.ticket.lifecycle import Status
from rules.ticket.notices import NoticeKind
from rules.ticket.payloads import SlaPayload
from rules.ticket.sla import SlaEvent, Stage, Target, start
from tests.rules.building import ANN, NOON, SAM, SUPPORT, a_ticket, default_policy, member

REQUESTER = member(1, ANN.address, ParticipantKind.REQUESTER)
DUTY, GONE = "duty@help.example", "gone@help.example"


def changed(policy: Policy, change: Any, **ticket: Any) -> Effects:
    facts = ChangeFacts(
        NOON + timedelta(hours=4),
        SAM.address,
        Source.API,
        by_staff=True,
        mailbox=SUPPORT,
        staff=(Staff(SAM.address, "", "Sam"),),
        unreachable=frozenset({DUTY, GONE}),
    )
    done = decide_changes(a_ticket(7, REQUESTER, **ticket), [change], facts, policy)
    assert isinstance(done, Effects)
    return done


@pytest.mark.parametrize(
    ("before", "kind"),
    [(None, NoticeKind.SLA_WARNING), (SlaEvent.WARNING, NoticeKind.SLA_BREACH)],
)
def test_who_is_passed_over_at_a_due_time_is_named(
    before: SlaEvent | None, kind: NoticeKind
) -> None:
    policy = default_policy(on_call=OnCallSection(contact=DUTY))
    hours = parse_span("4 hours" if before else "5 hours")
    clock = start(Target(hours, None), NOON, ALWAYS, stage=Stage.FIRST, warn_fraction=0.75)
    assert clock is not None

    done = changed(policy, ReportOverdue(), clock=replace(clock, notified=before), assignee=GONE)

    (order,) = done.notices
    assert (order.kind, order.address) == (kind, SAM.address)
    assert isinstance(order.payload, SlaPayload)
    assert [str(each) for each in order.payload.notes] == [
        f"Passed over, since no mail reaches them: {GONE}, {DUTY}."
    ]
    breaches = [each.passed for each in done.rows if isinstance(each, SlaBreached)]
    assert breaches == ([(GONE, DUTY)] if before else [])


@pytest.mark.parametrize(
    "change",
    [
        SetStatus(Status.RESOLVED, "we hope it holds, public: it is fixed"),
        SetAnySeverity("High", "they panic, public: it is fixed"),
    ],
)
def test_the_result_says_which_reason_stays_internal(change: Any) -> None:
    _, internal, *_ = changed(default_policy(), change).done

    assert str(internal).startswith('This stays internal: "it is fixed". Customers read')
