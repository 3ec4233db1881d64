"""A flood of mail that anybody can send takes no room from anybody else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rules.decision.model import Decision, Defer, Record
from rules.decision.reasons import Reason, Verdict
from rules.decision.room import (
    ALWAYS_HELD,
    PROVIDER_FACTOR,
    RELAYED,
    Room,
    counts_against_network,
    within_room,
)
from rules.sender.authentication import Result
from tests.rules.building import (
    ANN,
    BOB,
    NOTHING,
    PROVEN,
    World,
    a_mail,
    default_policy,
    our_id,
    token_to,
    unproven,
)

NETWORK = "192.0.2.0/24"
POLICY = default_policy()
HELD = World(proof=unproven(Result.FAIL, "quarantine"), strangers="hold").decide(a_mail())
BOUNCE = World(proof=NOTHING).decide(a_mail("x@y.example"), mail_from="")
COLLEAGUE = World().decide(a_mail("new@acme.example"))


def decided(decision: Decision, *, relayed: bool = False, **room: Any) -> Decision:
    return within_room(decision, Room(**room), POLICY, relayed=relayed)


@pytest.mark.parametrize(
    ("decision", "room", "reason"),
    [
        (BOUNCE, {"mails_today": 2000}, Reason.QUOTA),
        (BOUNCE, {"bytes_today": 256 * 2**20}, Reason.QUOTA),
        (HELD, {"mails_today": 2000}, Reason.QUOTA),
        (HELD, {"held_by_network": 200}, Reason.QUARANTINE_FULL),
        (HELD, {"held_by_anybody": 4000}, Reason.QUARANTINE_FULL),
    ],
)
def test_what_anybody_can_send_is_limited_by_network_and_in_all(
    decision: Decision, room: dict[str, Any], reason: Reason
) -> None:
    (limit,) = room.values()
    less = dict.fromkeys(room, limit - 1)

    full = decided(decision, network=NETWORK, **room)

    assert (full.verdict, full.reason) == (Verdict.DEFERRED, reason)
    assert full.action == Defer("room")
    assert full.trace[-1].check == "room"
    assert decided(decision, network=NETWORK, **less).action == decision.action


def flooded_by(networks: int, held: dict[int, int]) -> int:
    """How many mails are held after each of these networks sent as many as were taken."""
    total = sum(held.values())
    for network in range(networks):
        mine = held.get(network, 0)
        while (
            decided(HELD, network=NETWORK, held_by_network=mine, held_by_anybody=total).verdict
            is Verdict.HELD
        ):
            mine, total = mine + 1, total + 1
        held[network] = mine
    return total


def test_fifty_networks_leave_room_to_the_next() -> None:
    held: dict[int, int] = {}
    total = flooded_by(50, held)

    assert max(held.values()) <= POLICY.hold.per_network
    room: Any = {"network": NETWORK, "held_by_anybody": total}
    for mine in range(ALWAYS_HELD):
        assert decided(HELD, held_by_network=mine, **room).verdict is Verdict.HELD


def test_what_all_networks_have_held_is_bounded() -> None:
    assert flooded_by(5000, {}) == 2 * POLICY.hold.unproven


def test_the_owner_of_a_provider_leaves_room_to_others() -> None:
    total = 0
    for _ in range(5000):
        room: Any = {"provider": "2001:db8::/32", "held_by_provider": total}
        room |= {"network": "2001:db8:7::/48", "held_by_anybody": total}
        total += decided(HELD, **room).verdict is Verdict.HELD

    assert total == PROVIDER_FACTOR * POLICY.hold.per_network < POLICY.hold.unproven
    assert decided(HELD, network=NETWORK, held_by_anybody=total).verdict is Verdict.HELD


@pytest.mark.parametrize(
    ("what", "limit"),
    [
        ("provider_mails", PROVIDER_FACTOR * 2000),
        ("provider_bytes", PROVIDER_FACTOR * 256 * 2**20),
    ],
)
def test_a_provider_has_a_quota_for_each_day(what: str, limit: int) -> None:
    room: Any = {"network": "2001:db8:7::/48", "provider": "2001:db8::/32"}

    full = decided(BOUNCE, **room | {what: limit})

    assert full.reason is Reason.QUOTA
    assert "2001:db8::/32" in full.trace[-1].outcome
    assert decided(BOUNCE, **room | {what: limit - 1}).verdict is Verdict.RECORDED


def test_an_mta_that_stands_for_many_clients_may_use_all_the_room() -> None:
    room: Any = {"network": NETWORK, "held_by_network": 1999, "held_by_anybody": 1999}
    full: Any = {"network": NETWORK, "held_by_anybody": 2000}

    assert decided(HELD, relayed=True, **room).verdict is Verdict.HELD
    assert decided(HELD, relayed=True, **full).reason is Reason.QUARANTINE_FULL


def test_a_bounce_needs_no_room_in_quarantine() -> None:
    room: Any = {"held_by_network": 10_000, "held_by_anybody": 10_000}

    assert decided(BOUNCE, network=NETWORK, **room).verdict is Verdict.RECORDED


@pytest.mark.parametrize("room", [{"held_by_sender": 50}, {"held_by_domain": 200}])
def test_proven_mail_is_limited_by_its_sender_and_their_domain(room: dict[str, Any]) -> None:
    assert decided(COLLEAGUE, network="", **room).reason is Reason.QUARANTINE_FULL


def test_a_flood_of_unproven_mail_takes_no_room_from_proven_mail() -> None:
    flood: Any = {"mails_today": 10**6, "held_by_anybody": 10**6, "held_by_network": 10**6}

    assert decided(COLLEAGUE, network="", **flood).verdict is Verdict.HELD


def test_an_mta_that_stands_for_many_clients_has_a_larger_quota() -> None:
    room: Any = {"network": NETWORK, "mails_today": 2000, "held_by_network": 200}
    more: Any = {"network": NETWORK, "mails_today": 2000 * RELAYED}

    assert decided(HELD, relayed=True, **room).verdict is Verdict.HELD
    assert decided(HELD, relayed=True, **more).reason is Reason.QUOTA


def test_what_counts_against_the_network() -> None:
    token_alone = World(proof=NOTHING).decide(a_mail(), to=token_to(70))
    stranger = World(policy=default_policy(strangers="hold")).decide(a_mail("eve@evil.example"))
    ambiguous = World(proof=replace(NOTHING, vouched_by="peer:127.0.0.1")).decide(
        a_mail(sender=None)
    )
    person = World().decide(a_mail())
    forwarded = World().decide(a_mail("eve@evil.example"), to=token_to(70))
    invented = World().decide(a_mail("new@acme.example"), to=token_to(70))

    assert invented.reason is Reason.NOT_A_PARTICIPANT
    assert counts_against_network(invented, proven=True)
    assert forwarded.reason is Reason.NOT_A_PARTICIPANT
    assert counts_against_network(forwarded, proven=True)
    assert counts_against_network(token_alone, proven=False)
    assert counts_against_network(BOUNCE, proven=False)
    assert counts_against_network(stranger, proven=PROVEN.aligned)
    assert counts_against_network(ambiguous, proven=False)
    assert not counts_against_network(COLLEAGUE, proven=True)
    assert not counts_against_network(person, proven=True)
    assert not counts_against_network(World(proof=NOTHING).decide(a_mail()), proven=False)


@pytest.mark.parametrize("mark", ["auto-replied", "auto-generated"])
@pytest.mark.parametrize(
    ("author", "counts"),
    [
        (ANN.address, False),
        (BOB.address, False),
        ("new@acme.example", True),
        ("eve@evil.example", True),
    ],
)
def test_automatic_mail_of_who_is_not_registered_counts_against_the_network(
    mark: str, author: str, counts: bool
) -> None:
    folded = World().decide(a_mail(author, auto_submitted=mark), to=token_to(70))

    assert folded.reason in (Reason.AUTOMATIC, Reason.AUTOMATIC_FOLDED)
    assert isinstance(folded.action, Record)
    assert folded.action.ticket is not None
    assert counts_against_network(folded, proven=True) is counts


def test_what_is_kept_under_nobodys_name_counts_against_the_network() -> None:
    assert counts_against_network(BOUNCE, proven=True)


def test_a_registered_person_is_not_deferred_for_what_others_of_their_network_sent() -> None:
    colleague = World().decide(a_mail(BOB.address, references=(our_id(),)))

    assert (colleague.verdict, colleague.reason) == (Verdict.FLAGGED, Reason.NOT_A_PARTICIPANT)
    assert not counts_against_network(colleague, proven=True)
