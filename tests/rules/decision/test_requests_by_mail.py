"""Requests by mail: taken, taken without a promise, or refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.decision.model import Decision, OpenTicket, Refuse
from rules.decision.reasons import Reason, Verdict
from rules.sender.authentication import Authentication
from rules.ticket.lifecycle import Status
from rules.ticket.severity import MailSeverity
from rules.ticket.waiting import Waiting
from tests.rules.building import (
    ANNS,
    NOON,
    NOTHING,
    SAM,
    World,
    a_mail,
    default_policy,
    preset,
    token_to,
)

REFUSES = default_policy(requests_by_mail="refuse")
PROMISES_NOTHING = preset("aiven").model_copy(update={"requests_by_mail": "without_promise"})
CLOSED = replace(ANNS, status=Status.CLOSED)


def opening(decision: Decision) -> OpenTicket[MailSeverity]:
    assert isinstance(decision.action, OpenTicket), decision
    return decision.action


def test_a_new_request_is_refused_with_the_address_of_the_portal() -> None:
    decision = World(policy=REFUSES).decide(a_mail())

    assert decision.action == Refuse(REFUSES.texts.portal_only)


def test_a_follow_up_is_a_new_request() -> None:
    decision = World(policy=REFUSES, tickets=(CLOSED,)).decide(a_mail(), to=token_to(70))

    assert decision.reason is Reason.PORTAL_ONLY


def test_a_reply_is_taken() -> None:
    decision = World(policy=REFUSES).decide(a_mail(), to=token_to(70))

    assert decision.reason is Reason.REPLY_TOKEN


def test_an_unproven_author_learns_nothing_of_the_portal() -> None:
    usual = World(proof=NOTHING).decide(a_mail())

    assert World(proof=NOTHING, policy=REFUSES).decide(a_mail()).action == usual.action


@pytest.mark.parametrize("sender", [SAM.address, "ann@acme.example"])
def test_what_staff_write_or_release_is_taken(sender: str) -> None:
    released = Authentication.by_staff("sam")

    decision = World(policy=REFUSES, proof=released).decide(a_mail(sender))

    assert decision.verdict is Verdict.OPENED


def test_without_a_promise_a_request_waits_for_the_portal() -> None:
    action = opening(World(policy=PROMISES_NOTHING).decide(a_mail()))

    assert (action.clock, action.waiting) == (None, Waiting(since=NOON, portal=True))


def test_without_a_promise_a_follow_up_waits_for_the_portal_too() -> None:
    world = World(policy=PROMISES_NOTHING, tickets=(CLOSED,))

    action = opening(world.decide(a_mail(), to=token_to(70)))

    assert (action.clock, action.waiting) == (None, Waiting(since=NOON, portal=True))


def test_what_staff_open_for_a_customer_is_accepted() -> None:
    mail = a_mail(SAM.address, text="#onbehalf ann@acme.example\nIt is down.")

    action = opening(World(policy=PROMISES_NOTHING).decide(mail))

    assert action.requester == "ann@acme.example"
    assert action.waiting is None
    assert action.clock is not None
