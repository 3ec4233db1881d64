"""An answer by staff at high severity: reminders of next steps, and what a storm stops."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rules.decision.model import AddComment, Decision, OpenTicket
from rules.facts import Recent
from rules.policy import FollowUpSection, parse
from rules.service.limits import STORM, WINDOW
from rules.ticket.notices import NoticeKind
from rules.ticket.payloads import ReceiptPayload
from tests.rules.building import ANN, NOON, SAM, World, a_mail, default_policy, notified, token_to
from tests.rules.decision.test_reasons import STAFFED
from tests.rules.policy.test_policy import without

MAX = "max@vendor.example"
HIGH = replace(STAFFED, severity="High", success_manager=MAX, updates_by="manager")
POLICY = default_policy(follow_up=FollowUpSection(levels=("High",), via_manager=True))
BARE = "The disk is broken."


def answered(text: str, recent: tuple[Recent, ...] = ()) -> Decision:
    world = World(tickets=(HIGH,), policy=POLICY, recent=recent)
    return world.decide(a_mail(SAM.address, text=text), to=token_to(79))


def reminders(decision: Decision) -> list[str]:
    assert isinstance(decision.action, AddComment)
    payloads = [order.payload for order in decision.orders]
    said = (str(s) for p in payloads if isinstance(p, ReceiptPayload) for s in p.sentences)
    return [each for each in said if "names no next steps" in each]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (BARE, 1),
        (f"#assign me\n\n{BARE}", 1),
        ("We will replace the disk.", 0),
        (f"#status resolved\n\n{BARE}", 0),
        (f"#severity Low\n\n{BARE}", 0),
        (f"#note\n\n{BARE}", 0),
    ],
)
def test_the_author_is_reminded_of_next_steps_where_the_ticket_still_needs_them(
    text: str, number: int
) -> None:
    decision = answered(text)

    assert len(reminders(decision)) == number
    noted = any("its author gets a receipt" in str(step) for step in decision.trace)
    assert noted == bool(number)


def test_the_success_manager_gets_the_answer_and_no_note() -> None:
    assert notified(answered(BARE), NoticeKind.NEXT_STEPS) == [MAX]
    assert notified(answered(f"#note\n\n{BARE}"), NoticeKind.NEXT_STEPS) == []


def test_in_a_storm_nobody_is_reminded_and_no_answer_goes_to_the_success_manager() -> None:
    windows = ((NOON - age * WINDOW, count) for age, count in enumerate(reversed(STORM)))
    decision = answered(
        BARE, recent=tuple(Recent(at, False, 7) for at, count in windows for _ in range(count))
    )

    assert any("storm" in str(step) for step in decision.trace)
    assert reminders(decision) == []
    assert notified(decision, NoticeKind.NEXT_STEPS) == []


def test_a_mail_opens_its_ticket_under_the_calendar_of_its_tier() -> None:
    policy = parse(
        f"""
default_tier = "gulf"
{without("clock.calendar")}
[clock.calendar]
always = false
[[calendars]]
name = "sundays"
always = false
days = ["sun"]
[[tiers]]
name = "gulf"
title = "Gulf"
calendar = "sundays"
first = {{ Normal = "1 business hour" }}
""",
        "ours.toml",
    )

    opened = World(policy=policy).decide(a_mail(ANN.address)).action

    assert isinstance(opened, OpenTicket)
    assert opened.calendar == "sundays"
    assert opened.clock is not None
    assert opened.clock.due_at == datetime(2026, 3, 8, 10, tzinfo=UTC)  # on the next Sunday
