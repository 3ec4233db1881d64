"""What does not happen where a policy leaves a setting out; `policy explain` says so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rules.decision.change.decide import decide_changes
from rules.decision.change.facts import ChangeFacts
from rules.decision.effects import ChangeRefused, Effects
from rules.people import ParticipantKind
from rules.policy import Policy
from rules.ticket.business_time import ALWAYS, parse_span
from rules.ticket.changes import ReportOverdue, Source, Workaround
from rules.ticket.notices import NoticeKind
from rules.ticket.sla import Stage, Target, start
from tests.rules.building import ANN, NOON, SAM, SUPPORT, a_ticket, member, policy_with

REQUESTER = member(1, ANN.address, ParticipantKind.REQUESTER)
HOUR = timedelta(hours=1)


def changed(policy: Policy, change: Any, **ticket: Any) -> Any:
    facts = ChangeFacts(NOON + 4 * HOUR, SAM.address, Source.API, True, SUPPORT)
    return decide_changes(a_ticket(7, REQUESTER, **ticket), [change], facts, policy)


@pytest.mark.parametrize(("lowers", "refused"), [(False, True), (True, False)])
def test_a_workaround_keeps_the_severity_unless_the_policy_lowers_it(
    lowers: bool, refused: bool
) -> None:
    policy = policy_with("severity", workaround_lowers=lowers)

    done = changed(policy, Workaround("restart it"), severity="High")

    assert isinstance(done, ChangeRefused) is refused


@pytest.mark.parametrize("reminds", [True, False])
def test_the_customer_is_reminded_of_a_further_answer_only_where_the_policy_says_so(
    reminds: bool,
) -> None:
    policy = policy_with("clock", remind_customer=reminds)
    target = Target(parse_span("5 hours"), parse_span("5 hours"))
    clock = start(target, NOON, ALWAYS, stage=Stage.ONGOING, warn_fraction=0.75)

    done = changed(policy, ReportOverdue(), clock=clock)

    assert isinstance(done, Effects)
    informed = [o.address for o in done.notices if o.kind is NoticeKind.FOLLOW_UP]
    assert informed == ([ANN.address] if reminds else [])
