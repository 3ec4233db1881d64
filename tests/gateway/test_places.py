"""Who gives way where no slot is left, and how often the log says so."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st

from gateway.places import IdleQueue, Places
from gateway.seldom import KEYS_KEPT, Seldom
from gateway.shares import Caps, IPAddress, Shares, keys_of


@dataclass(eq=False)
class Held:
    """A connection that holds one slot until it gives way."""

    client: IPAddress
    shares: Shares
    may_give_way: bool = True
    gone: bool = field(default=False, init=False)

    def give_way(self) -> None:
        self.gone = True
        self.shares.give_back(self.client)


class Pool:
    """Slots whose clients are idle."""

    def __init__(self, total: int) -> None:
        self.shares = Shares(Caps(total, per_peer=10, per_network=30, per_listed=10))
        self.places: Places[Held] = Places("slots", self.shares, Seldom())

    def connect(self, address: str, *, listed: bool = False) -> Held | None:
        client = ip_address(address)
        if not self.places.grant(client, listed=listed):
            return None
        self.shares.add(client, 1)
        made = Held(client, self.shares)
        if not listed:
            self.places.idle.put(made, keys_of(client)[1])
        return made


def fill(pool: Pool, networks: int) -> list[Held]:
    """Idle clients of these networks, as many as each gets, and of others until no slot is left."""
    made: list[Held] = []
    before = -1
    while len(made) > before:
        before = len(made)
        for number in range(networks):
            made += connected_if_free(pool, f"10.0.{number}.1")
    for number in range(100):
        made += connected_if_free(pool, f"10.1.{number}.1")
    assert not pool.shares.fits(ip_address("192.0.2.1"), listed=False)
    return made


def connected_if_free(pool: Pool, address: str) -> list[Held]:
    if not pool.shares.fits(ip_address(address), listed=False):
        return []
    return [each for each in [pool.connect(address)] if each is not None]


def test_the_longest_idle_of_the_largest_network_gives_way_to_a_newcomer() -> None:
    pool = Pool(100)
    held = fill(pool, 25)
    used = pool.shares.used
    size = Counter(each.client for each in held)
    assert pool.connect("192.0.2.1") is not None
    (gone,) = (each for each in held if each.gone)
    assert size[gone.client] == max(size.values()) > 1
    assert gone is next(each for each in held if each.client == gone.client)
    assert (pool.shares.used, pool.shares.evicted, pool.shares.refused) == (used, 1, 0)


def test_a_client_that_holds_as_much_as_the_others_displaces_nobody() -> None:
    pool = Pool(100)
    held = fill(pool, 200)
    assert pool.connect("10.0.7.9") is None
    assert not any(each.gone for each in held)
    assert pool.shares.refused == 1


def test_among_networks_with_one_connection_each_a_newcomer_displaces_the_longest_idle() -> None:
    pool = Pool(100)
    first, second, *_ = fill(pool, 200)
    pool.places.touch(first)
    assert pool.connect("192.0.2.1") is not None
    assert (first.gone, second.gone) == (False, True)


def test_who_is_busy_or_listed_does_not_give_way() -> None:
    pool = Pool(10)
    for each in fill(pool, 20):
        pool.places.discard(each)
    assert pool.connect("192.0.2.25", listed=True) is not None
    assert pool.connect("198.51.100.1") is None


def test_a_listed_client_displaces_others_where_even_the_reserve_is_in_use() -> None:
    pool = Pool(10)
    fill(pool, 20)
    assert pool.connect("192.0.2.25", listed=True) is not None
    assert pool.shares.used == 10
    assert pool.connect("192.0.2.26", listed=True) is not None
    assert (pool.shares.used, pool.shares.evicted) == (10, 1)


def test_who_is_stalled_gives_way_once_nobody_is_idle() -> None:
    pool = Pool(10)
    first, second, *rest = fill(pool, 20)
    for each in (first, second, *rest):
        pool.places.discard(each)
        pool.places.stalled.put(each, keys_of(each.client)[1])
        each.may_give_way = False
    assert pool.connect("192.0.2.1") is None
    first.may_give_way = True
    assert pool.connect("192.0.2.1") is not None
    assert (first.gone, second.gone) == (True, False)


def test_a_large_network_that_is_busy_protects_no_other() -> None:
    pool = Pool(10)
    held = [each for n in range(1, 5) for each in connected_if_free(pool, f"10.0.0.{n}")]
    held += fill(pool, 0)
    for each in held:
        pool.places.discard(each)
        pool.places.stalled.put(each, keys_of(each.client)[1])
        each.may_give_way = keys_of(each.client)[1] != keys_of(ip_address("10.0.0.1"))[1]
    assert len({keys_of(each.client)[1] for each in held}) < len(held)
    assert pool.connect("192.0.2.1") is not None


STEPS = st.lists(st.tuples(st.sampled_from("ptd"), st.integers(0, 11), st.integers(0, 3)))


@given(STEPS)
def test_the_queue_agrees_with_a_search_through_all_connections(
    steps: list[tuple[str, int, int]],
) -> None:
    queue: IdleQueue[Held] = IdleQueue()
    shares = Shares(Caps(99, 99, 99, 99))
    made = [Held(ip_address(f"10.0.0.{n}"), shares) for n in range(12)]
    since: dict[int, tuple[int, int]] = {}
    for at, (step, number, network) in enumerate(steps):
        if step == "p":
            queue.put(made[number], bytes([network]))
            since[number] = (network, at)
        elif step == "t":
            queue.touch(made[number])
            if number in since:
                since[number] = (since[number][0], at)
        else:
            queue.discard(made[number])
            since.pop(number, None)
        sizes = Counter(network for network, _ in since.values())
        found = next(queue.in_turn(1), None)
        assert len(queue) == len(since)
        assert (found is None) == (not since)
        if found is not None:
            shown = made.index(found[0])
            of_network = [n for n in since if since[n][0] == found[1][0]]
            assert sizes[found[1][0]] == max(sizes.values())
            assert shown == min(of_network, key=lambda n: since[n][1])


def test_a_log_event_is_let_through_once_a_minute_for_each_key() -> None:
    now = 0.0
    seldom = Seldom(60, lambda: now)
    assert [seldom.allows(key) for key in (b"a", b"a", b"b")] == [True, False, True]
    now = 59.9
    assert not seldom.allows(b"a")
    now = 60.0
    assert seldom.allows(b"a")


def test_very_many_keys_do_not_flood_the_log() -> None:
    seldom = Seldom(60, lambda: 0.0)
    assert sum(seldom.allows(b"%d" % n) for n in range(3 * KEYS_KEPT)) == KEYS_KEPT
