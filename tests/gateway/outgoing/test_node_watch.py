"""A node takes another for dead only after it has watched it for long enough itself."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import pytest

from gateway.outgoing.node_watch import BEAT_S, DEAD_S, FRESH_S, GAP_S, NodeWatch

OTHER, THIRD = UUID(int=2), UUID(int=3)


@dataclass
class Seconds:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def watch(seconds: Seconds) -> NodeWatch:
    return NodeWatch(seconds)


def observe(watch: NodeWatch, seconds: Seconds, *beats: int, every: float = BEAT_S) -> set[UUID]:
    """The nodes that are dead at the last of several observations of one other node."""
    dead: set[UUID] = set()
    for count in beats:
        dead = set(watch.dead({OTHER: count}))
        seconds.now += every
    return dead


STILL = [7] * (int(DEAD_S / BEAT_S) + 1)


def test_a_node_whose_beats_stand_still_is_dead(watch: NodeWatch, seconds: Seconds) -> None:
    assert observe(watch, seconds, *STILL[:-1]) == set()
    assert observe(watch, seconds, 7) == {OTHER}


def test_a_node_whose_beats_change_lives(watch: NodeWatch, seconds: Seconds) -> None:
    assert observe(watch, seconds, *STILL[:-1], 8, *STILL[:-1]) == set()
    assert observe(watch, seconds, *range(100)) == set()


def test_a_store_that_did_not_respond_makes_nobody_look_dead(
    watch: NodeWatch, seconds: Seconds
) -> None:
    observe(watch, seconds, *STILL[:-1])
    seconds.now += GAP_S

    assert observe(watch, seconds, *STILL[:-1]) == set()


def test_a_node_that_holds_nothing_is_forgotten(watch: NodeWatch, seconds: Seconds) -> None:
    observe(watch, seconds, *STILL[:-1])
    watch.dead({THIRD: 1})

    assert observe(watch, seconds, 7) == set()


def test_a_node_stops_beginning_mails_before_another_can_take_it_for_dead() -> None:
    assert FRESH_S + BEAT_S < DEAD_S
