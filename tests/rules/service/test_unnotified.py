"""The trace of a mail names everybody on the ticket who is not notified of it, with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from rules.people import Presence
from rules.service.unnotified import NAMED
from tests.rules.building import ANNS, BOB, World, a_mail, a_ticket, member, policy_with, token_to


def outcome(world: World, **header: Any) -> str:
    return world.decide(a_mail(**header), to=token_to(70)).trace[-1].outcome


def with_bob(**changes: Any) -> World:
    return World(tickets=(a_ticket(7, *ANNS.participants, member(71, BOB.address, **changes)),))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"muted": True}, "unsubscribed"),
        ({"reachable": False}, "account closed, or mail to the address suspended"),
        ({"presence": Presence.PENDING}, "proposed, not accepted yet"),
    ],
)
def test_somebody_who_gets_nothing_is_named_with_the_reason(
    changes: dict[str, Any], why: str
) -> None:
    assert f"not notified: {BOB.address} ({why})" in outcome(with_bob(**changes))


def test_a_direct_recipient_is_named() -> None:
    said = outcome(with_bob(), cc=(BOB.address,))

    assert f"not notified: {BOB.address} (in To or Cc of the mail itself)" in said


@pytest.mark.parametrize("presence", [Presence.ACTIVE, Presence.REMOVED])
def test_nothing_is_said_of_those_who_are_notified_or_have_left(presence: Presence) -> None:
    assert "not notified" not in outcome(with_bob(presence=presence))


def test_of_many_the_first_are_named() -> None:
    crowd = (member(100 + n, f"p{n}@acme.example", muted=True) for n in range(NAMED + 2))

    said = outcome(World(tickets=(a_ticket(7, *ANNS.participants, *crowd),)))

    assert said.count("unsubscribed") == NAMED
    assert said.endswith(", 2 more")


def test_a_policy_that_notifies_no_staff_says_so() -> None:
    policy = policy_with("staff", notify="none")

    assert "not notified: staff (by policy)" in outcome(World(tickets=(ANNS,), policy=policy))
