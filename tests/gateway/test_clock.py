"""The clock of the database server counts: whatever the clock of a node does."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from gateway.clock import PRECISE_S, StoreClock
from storage.db.database import Database
from tests.rules.building import NOON

SKEW = timedelta(minutes=11)


class Node:
    """A node whose own clock is wrong, and the seconds since it was started."""

    def __init__(self, skew: timedelta = SKEW) -> None:
        self.system = NOON + skew
        self.seconds = 50.0
        self.clock = StoreClock(lambda: self.seconds, lambda: self.system)

    def follow(self, server: datetime | None, takes_s: float = 0.0) -> None:
        async def read() -> datetime | None:
            self.seconds += takes_s
            return server

        asyncio.run(self.clock.follow(read))


@pytest.fixture
def node() -> Node:
    return Node()


def test_before_the_first_reading_it_is_the_systems(node: Node) -> None:
    assert node.clock() == NOON + SKEW


def test_two_nodes_whose_clocks_differ_agree() -> None:
    nodes = [Node(), Node(-SKEW)]
    for each in nodes:
        each.follow(NOON)

    assert {each.clock() for each in nodes} == {NOON}


def test_between_two_readings_it_runs_on_though_the_systems_jumps(node: Node) -> None:
    node.follow(NOON)
    node.seconds += 5
    node.system += timedelta(hours=3)

    assert node.clock() == NOON + timedelta(seconds=5)


def test_a_reading_counts_for_the_middle_of_the_time_that_it_took(node: Node) -> None:
    node.follow(NOON, takes_s=0.5)

    assert node.clock() == NOON + timedelta(seconds=0.25)


def test_a_slow_reading_does_not_replace_an_earlier_one(node: Node) -> None:
    node.follow(NOON)
    node.follow(NOON, takes_s=PRECISE_S)

    assert node.clock() == NOON + timedelta(seconds=PRECISE_S)


def test_a_store_without_a_clock_leaves_the_systems(node: Node) -> None:
    node.follow(None)
    node.system += timedelta(hours=3)

    assert node.clock() == NOON + SKEW + timedelta(hours=3)


def test_only_a_database_server_has_a_clock(database: Database) -> None:
    found = database.read(database.server_time)

    assert (found is None) == database.is_sqlite
    assert found is None or found.tzinfo is not None
