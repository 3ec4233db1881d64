"""An incomplete request: it is asked again, gets its promise, and is declared complete."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from rules.decision.change.decide import decide_changes
from rules.decision.change.facts import ChangeFacts
from rules.decision.effects import (
    AskedAgain,
    ChangeRefused,
    ClockSaved,
    DeclaredComplete,
    Effect,
    Effects,
    MergedInto,
    MissingChanged,
    PromiseBegan,
    WaitingChanged,
)
from rules.people import ParticipantKind
from rules.policy import FactSection, Policy, TierSection
from rules.ticket.changes import (
    Complete,
    Merge,
    ReportOverdue,
    SetAnySeverity,
    SetStatus,
    Source,
    WriteComment,
)
from rules.ticket.lifecycle import Status
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind
from rules.ticket.payloads import CompletedPayload, QuestionsPayload
from rules.ticket.visibility import Visibility
from rules.ticket.waiting import Beginning, Waiting
from tests.rules.building import ANN, NOON, SAM, SUPPORT, a_ticket, member, policy_with

HOUR = timedelta(hours=1)
REQUESTER = member(1, ANN.address, ParticipantKind.REQUESTER)
FACT = FactSection(name="impact", ask="What is the impact?", patterns=("affects",))
TIER = TierSection(name="gold", title="Gold", first={"Critical": "1 hour", "Normal": "4 hours"})
WAITS = Waiting(since=NOON, facts=True, ask_at=NOON + 2 * HOUR, until=NOON + 4 * HOUR)
FOR_PORTAL = Waiting(since=NOON, facts=True, portal=True, ask_at=NOON + 2 * HOUR)


def a_policy() -> Policy:
    changed = policy_with("clock", starts="complete")
    completeness = changed.completeness.model_copy(update={"facts": (FACT,)})
    update = {"completeness": completeness, "tiers": (TIER,), "default_tier": "gold"}
    return changed.model_copy(update=update)


def incomplete(waiting: Waiting | None = WAITS, **changes: Any) -> Ticket:
    ticket = a_ticket(7, REQUESTER, severity="Normal", tier="gold")
    return replace(ticket, **{"missing": ("impact",), "waiting": waiting, **changes})


def decided(ticket: Ticket, *changes: Any, at: datetime = NOON, by_staff: bool = True) -> Any:
    actor = SAM.address if by_staff else ANN.address
    facts = ChangeFacts(at, actor, Source.API, by_staff, SUPPORT)
    return decide_changes(ticket, changes, facts, a_policy())


def kinds(effects: Effects) -> list[NoticeKind]:
    return [order.kind for order in effects.notices]


def row(effects: Effects, kind: type[Effect]) -> Any:
    """The only effect of a kind."""
    (found,) = [effect for effect in effects.rows if isinstance(effect, kind)]
    return found


# The clock


def test_the_requester_is_asked_again_and_learns_when_work_begins() -> None:
    asked = decided(incomplete(), ReportOverdue(), at=NOON + 2 * HOUR)

    (order,) = asked.notices
    assert (order.kind, order.address) == (NoticeKind.QUESTIONS, ANN.address)
    assert order.payload == QuestionsPayload((FACT.ask,), (NOON + 4 * HOUR).isoformat())
    assert row(asked, AskedAgain).names == ("impact",)
    assert row(asked, WaitingChanged) == WaitingChanged(WAITS.ask_at, replace(WAITS, ask_at=None))


def test_nothing_happens_before_the_time() -> None:
    assert decided(incomplete(), ReportOverdue(), at=NOON + HOUR) == Effects()


def test_the_promise_begins_after_the_policys_time() -> None:
    late = NOON + 5 * HOUR
    begun = decided(incomplete(replace(WAITS, ask_at=None)), ReportOverdue(), at=late)

    (order,) = begun.notices
    assert order.payload == CompletedPayload(("impact",))
    assert row(begun, PromiseBegan).why is Beginning.WAITED
    assert row(begun, ClockSaved).clock.due_at == NOON + 8 * HOUR
    assert row(begun, ClockSaved).waiting is None


@pytest.mark.parametrize("hours", [2, 4])
def test_while_the_ticket_waits_for_the_customer_none_of_it_is_a_mail(hours: int) -> None:
    pending = incomplete(status=Status.PENDING)

    done = decided(pending, ReportOverdue(), at=NOON + hours * HOUR)

    assert done.notices == ()
    assert not [effect for effect in done.rows if isinstance(effect, AskedAgain)]


def test_a_promise_that_begins_on_a_pending_ticket_is_paused() -> None:
    begun = decided(incomplete(status=Status.PENDING), ReportOverdue(), at=NOON + 4 * HOUR)

    assert row(begun, ClockSaved).clock.paused_at is not None


def test_what_waits_for_the_portal_begins_at_no_time() -> None:
    asked_already = replace(FOR_PORTAL, ask_at=None)

    assert decided(incomplete(asked_already), ReportOverdue(), at=NOON + 999 * HOUR) == Effects()


def test_a_requester_who_left_is_not_asked() -> None:
    left = replace(REQUESTER, muted=True)

    done = decided(incomplete(participants=(left,)), ReportOverdue(), at=NOON + 2 * HOUR)

    assert [type(effect) for effect in done.rows] == [WaitingChanged]


# What the customer adds


def test_the_last_fact_starts_the_clock_and_the_requester_is_notified() -> None:
    comment = WriteComment("It affects us all.", Visibility.PUBLIC)

    done = decided(incomplete(), comment, by_staff=False)

    assert NoticeKind.COMPLETED in kinds(done)
    assert row(done, PromiseBegan).why is Beginning.COMPLETE
    assert row(done, ClockSaved).clock.due_at == NOON + 4 * HOUR


def test_a_comment_in_the_portal_does_not_submit_the_request() -> None:
    comment = WriteComment("It affects us all.", Visibility.PUBLIC)

    done = decided(incomplete(FOR_PORTAL), comment, by_staff=False)

    assert NoticeKind.COMPLETED not in kinds(done)
    assert row(done, MissingChanged).names == ()
    saved = row(done, ClockSaved)
    assert (saved.clock, saved.waiting) == (None, Waiting(since=NOON, portal=True))


def test_once_staff_have_answered_nobody_is_told_that_it_is_complete() -> None:
    comment = WriteComment("It affects us all.", Visibility.PUBLIC)

    done = decided(incomplete(None, staff_spoke=True), comment, by_staff=False)

    assert NoticeKind.COMPLETED not in kinds(done)


# Declared complete


def test_staff_declare_a_request_complete() -> None:
    done = decided(incomplete(), Complete("by phone"), at=NOON + HOUR)

    (order,) = done.notices
    assert order.payload == CompletedPayload(())
    assert row(done, DeclaredComplete) == DeclaredComplete(("impact",), "by phone")
    assert row(done, MissingChanged).names == ()
    assert row(done, PromiseBegan).why is Beginning.COMPLETE
    assert row(done, ClockSaved).clock.due_at == NOON + 5 * HOUR


def test_staff_accept_a_request_that_waits_for_the_portal() -> None:
    done = decided(incomplete(FOR_PORTAL), Complete())

    assert row(done, PromiseBegan).why is Beginning.ACCEPTED
    assert row(done, ClockSaved).waiting is None


def test_an_answer_by_staff_accepts_the_request() -> None:
    done = decided(incomplete(FOR_PORTAL), WriteComment("On it.", Visibility.PUBLIC))

    assert row(done, ClockSaved).waiting is None


def test_a_customer_submits_what_waits_for_the_portal_and_what_is_missing_stays_so() -> None:
    done = decided(incomplete(FOR_PORTAL), Complete(), by_staff=False)

    (order,) = done.notices
    assert order.payload == CompletedPayload(("impact",))
    assert not [effect for effect in done.rows if isinstance(effect, MissingChanged)]
    assert row(done, ClockSaved).clock is not None


def test_a_customer_does_not_declare_their_request_complete() -> None:
    refused = decided(incomplete(), Complete(), by_staff=False)

    assert isinstance(refused, ChangeRefused)
    assert "only staff" in str(refused.why)


def test_a_request_that_is_over_is_not_declared_complete() -> None:
    refused = decided(incomplete(None, status=Status.RESOLVED), Complete())

    assert isinstance(refused, ChangeRefused)
    assert "reopen it" in str(refused.why)


def test_a_complete_request_stays_as_it_is() -> None:
    done = decided(incomplete(None, missing=()), Complete())

    assert (done.rows, str(done.done[0])) == ((), "#7 is complete already")


def test_twice_does_nothing_twice() -> None:
    done = decided(incomplete(), Complete(), Complete())

    assert kinds(done) == [NoticeKind.COMPLETED]


def test_a_request_of_the_portal_that_becomes_part_of_it_submits_it() -> None:
    waits = incomplete(FOR_PORTAL, missing=())
    of_portal = replace(waits, id=8, waiting=None, door=Source.API)
    facts = ChangeFacts(NOON, SAM.address, Source.API, True, SUPPORT, tickets={7: waits})

    merged = decide_changes(of_portal, [Merge(7)], facts, a_policy())
    by_mail = decide_changes(replace(of_portal, door=Source.MAIL), [Merge(7)], facts, a_policy())

    assert isinstance(merged, Effects)
    assert isinstance(by_mail, Effects)
    effects = row(merged, MergedInto).effects
    assert [each.why for each in effects if isinstance(each, PromiseBegan)] == [Beginning.ACCEPTED]
    assert row(by_mail, MergedInto).effects == ()


# Other changes while it waits


def test_a_critical_level_starts_the_clock_at_once() -> None:
    done = decided(incomplete(), SetAnySeverity("Critical", "all down"))

    assert row(done, PromiseBegan).why is Beginning.CRITICAL
    assert row(done, ClockSaved).clock.due_at == NOON + HOUR


def test_another_level_leaves_the_wait_as_it_is() -> None:
    done = decided(incomplete(), SetAnySeverity("High", "many"))

    saved = row(done, ClockSaved)
    assert (saved.clock, saved.waiting) == (None, WAITS)


def test_a_request_that_is_over_waits_for_nothing() -> None:
    done = decided(incomplete(), SetStatus(Status.RESOLVED))

    saved = row(done, ClockSaved)
    assert (saved.clock, saved.waiting) == (None, None)
