"""The author of a held mail is notified that it is kept: if they are proven, registered, and once a
day."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rules.decision.model import Decision
from rules.decision.reasons import Reason, Verdict
from rules.facts import Recent
from rules.sender.authentication import Authentication
from rules.ticket.notices import NoticeKind
from tests.rules.building import (
    ANN,
    GIL,
    NOON,
    NOTHING,
    PROVEN,
    World,
    a_mail,
    default_policy,
    notified,
    token_to,
)
from tests.rules.decision.test_decide import SEAL

SEALED = replace(PROVEN, signed_scope=SEAL)
TOO_MANY = (Recent(NOON, True, 1),) * 10
HOLDS = default_policy(unauthenticated="hold", strangers="hold")


def kept(decision: Decision) -> list[str]:
    assert decision.verdict is Verdict.HELD
    return notified(decision, NoticeKind.KEPT)


@pytest.mark.parametrize(
    ("decision", "author"),
    [
        (World(recent=TOO_MANY).decide(a_mail()), ANN.address),
        (World().decide(a_mail(GIL.address), to=token_to(70)), GIL.address),
        (World(recent=TOO_MANY, kept_at=NOON - timedelta(days=1)).decide(a_mail()), ANN.address),
    ],
    ids=["too many tickets", "another company's ticket", "a day later"],
)
def test_a_proven_registered_author_is_notified(decision: Decision, author: str) -> None:
    assert kept(decision) == [author]
    assert "its author is notified" in decision.trace[-1].outcome


@pytest.mark.parametrize(
    "decision",
    [
        World(proof=NOTHING, policy=HOLDS).decide(a_mail()),
        World().decide(a_mail("new@acme.example")),
        World(policy=HOLDS).decide(a_mail("eve@evil.example")),
        World(recent=TOO_MANY, kept_at=NOON - timedelta(hours=23)).decide(a_mail()),
        World(recent=TOO_MANY).decide(a_mail(x_auto_response_suppress="All")),
        World(onto=8, proof=Authentication.by_staff("sam")).decide(a_mail("new@acme.example")),
    ],
    ids=["unproven", "not registered", "a stranger", "within a day", "no answer", "released"],
)
def test_nobody_else_is_notified(decision: Decision) -> None:
    assert kept(decision) == []


@pytest.mark.parametrize(
    ("sent_again", "reason"),
    [
        (World(proof=SEALED).decide(a_mail(to=("x@y.example",))), Reason.NOT_ADDRESSED),
        (
            World(proof=replace(SEALED, signed_scope=replace(SEAL, problem="two Subject"))).decide(
                a_mail()
            ),
            Reason.NOT_SIGNED,
        ),
    ],
    ids=["not addressed", "not signed"],
)
def test_what_anybody_may_have_sent_again_costs_its_author_no_notice(
    sent_again: Decision, reason: Reason
) -> None:
    assert sent_again.reason is reason
    assert kept(sent_again) == []
    assert "its author is not notified" in sent_again.trace[-1].outcome
