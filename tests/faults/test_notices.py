"""Outgoing mail under stops, kills and clocks that are wrong: each notice goes out once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.outgoing.dispatcher import AT_ONCE
from tests.faults.launch import Launch, preloaded, skewed
from tests.faults.load_mails import load_mail
from tests.faults.node import Node, running
from tests.faults.receiving_relay import ReceivingRelay, notices, wait_until_sent
from tests.faults.retrying_senders import RetryingSenders, Session, running_senders

TAKEN_OVER_WITHIN_S = 30
"""Ten seconds of watching, and an allowance for a busy machine."""


@pytest.fixture
def relay() -> Iterator[ReceivingRelay]:
    with ReceivingRelay().running() as opened:
        yield opened


def node_of(
    folder: Path, store_url: str, relay: ReceivingRelay, launch: Launch = preloaded
) -> Node:
    return Node(folder, store_url, launch=launch, relay=f"smtp://127.0.0.1:{relay.port}")


def file_mails(node: Node, count: int, first: int = 0) -> None:
    with closing(Session(node.smtp)) as session:
        for number in range(first, first + count):
            assert session.deliver(load_mail(number))[0] == 250


def hold_a_batch(node: Node, relay: ReceivingRelay) -> None:
    """Have the node claim a batch of notices, and send the first of them."""
    relay.shut_gate()
    file_mails(node, 1)
    relay.wait_for_mails_in_hand(1)
    file_mails(node, 12, first=1)
    relay.let_pass(1)
    relay.wait_for(1)
    relay.wait_for_mails_in_hand(AT_ONCE)


def test_a_stop_lets_the_mails_in_hand_finish(
    enrolled: str, tmp_path: Path, relay: ReceivingRelay
) -> None:
    node = node_of(tmp_path, enrolled, relay)
    with running(node):
        hold_a_batch(node, relay)
        node.ask_to_stop()
        node.wait_for_event("stopping")
        relay.open_gate()
        code = node.wait()
        sent_before_the_end = len(relay.accepted) - 1
        node.start()
        states = wait_until_sent(enrolled)

    assert code == 0
    assert sent_before_the_end == AT_ONCE, "the others were put back"
    assert relay.repeated == 0
    assert states == {"sent": len(relay.accepted)}


def test_stops_under_load_send_no_notice_twice(
    enrolled: str, tmp_path: Path, relay: ReceivingRelay
) -> None:
    node = node_of(tmp_path, enrolled, relay)
    relay.delay_s = 0.05
    with running(node), running_senders(RetryingSenders([node.smtp])) as senders:
        for _ in range(2):
            senders.wait_for_more(20)
            assert node.terminate()[0] == 0
            node.start()
        senders.finish()
        states = wait_until_sent(enrolled)

    assert relay.repeated == 0
    assert states == {"sent": len(relay.accepted)}


def test_what_a_killed_node_held_is_sent_by_another_within_seconds(
    enrolled: str, tmp_path: Path, relay: ReceivingRelay
) -> None:
    with ExitStack() as stack:
        one, other = (node_of(tmp_path / name, enrolled, relay) for name in ("one", "other"))
        stack.enter_context(running(one))
        hold_a_batch(one, relay)
        stack.enter_context(running(other))
        one.kill()
        killed = time.monotonic()
        relay.open_gate()
        states = wait_until_sent(enrolled)
        seconds = time.monotonic() - killed

    print(f"what the killed node held was sent after {seconds:.1f} s")
    assert seconds < TAKEN_OVER_WITHIN_S
    assert states == {"sent": len(relay.accepted)}
    assert relay.sent_twice(kills=[killed]) == []
    assert relay.repeated <= AT_ONCE


def test_nodes_whose_clocks_differ_send_no_notice_twice(
    enrolled: str, tmp_path: Path, relay: ReceivingRelay
) -> None:
    """One is eleven minutes ahead: longer than any claim by the clock could last."""
    relay.delay_s = 0.02
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(running(node_of(tmp_path / name, enrolled, relay, launch)))
            for name, launch in (("one", preloaded), ("ahead", skewed(timedelta(minutes=11))))
        ]
        with running_senders(RetryingSenders([node.smtp for node in nodes])) as senders:
            senders.wait_for_more(60)
            senders.finish()
        states = wait_until_sent(enrolled)
        # The node that is ahead goes on: what is late by its clock is due while we read.
        codes = [node.terminate()[0] for node in nodes]

    assert codes == [0, 0]
    assert relay.repeated == 0
    assert set(states) == {"sent"}
    assert notices(enrolled)["sent"] == len(relay.accepted)


def test_a_node_that_stood_still_leaves_its_claims_to_others(
    enrolled: str, tmp_path: Path, relay: ReceivingRelay
) -> None:
    with ExitStack() as stack:
        one, other = (node_of(tmp_path / name, enrolled, relay) for name in ("one", "other"))
        stack.enter_context(running(one))
        hold_a_batch(one, relay)
        stack.enter_context(running(other))
        one.pause()
        other.wait_for_event("claims_taken_over")
        one.resume()
        relay.open_gate()
        states = wait_until_sent(enrolled)

    assert states == {"sent": len(relay.accepted)}
    assert relay.repeated <= AT_ONCE, "only those that it had in hand"
    assert notices(enrolled) == states
