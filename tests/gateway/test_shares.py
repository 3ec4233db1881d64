"""What is scarce is divided so that nobody takes all of it, and comes back whole."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.shares import Caps, IPAddress, Shares, address_of

CAPS = Caps(total=100, per_peer=10, per_network=30, per_listed=50)
STRANGER = ip_address("198.51.100.7")


def taken(shares: Shares, client: IPAddress | None, *, listed: bool = False) -> int:
    """How many a client gets that takes one after the other until it is refused."""
    count = 0
    while shares.take(client, listed=listed):
        count += 1
    return count


def test_one_address_gets_its_cap() -> None:
    shares = Shares(CAPS)
    assert taken(shares, STRANGER) == 10
    shares.give_back(STRANGER)
    assert taken(shares, STRANGER) == 1


def test_a_v6_client_counts_as_its_64() -> None:
    shares = Shares(CAPS)
    assert taken(shares, ip_address("2001:db8::1")) == 10
    assert not shares.take(ip_address("2001:db8::ffff:2"))
    assert shares.take(ip_address("2001:db8:0:1::1"))


@pytest.mark.parametrize("pattern", ["198.51.100.{}", "2001:db8:0:{}::1"])
def test_one_network_gets_its_cap_whatever_the_number_of_its_addresses(pattern: str) -> None:
    shares = Shares(CAPS)
    for last in range(1, 20):
        taken(shares, ip_address(pattern.format(last)))
    assert shares.used == 30


def test_after_ten_greedy_networks_a_new_one_gets_something() -> None:
    shares = Shares(CAPS)
    for network in range(10):
        for last in range(4):
            taken(shares, ip_address(f"10.{network}.0.{last}"))
    assert shares.take(STRANGER)


def test_the_reserve_is_for_listed_clients() -> None:
    shares = Shares(CAPS)
    for network in range(256):
        for last in range(4):
            taken(shares, ip_address(f"10.{network}.0.{last}"))
    assert shares.used <= 90
    assert taken(shares, ip_address("192.0.2.25"), listed=True) >= 10
    assert shares.used <= 100


def test_a_local_client_is_limited_by_the_total_only() -> None:
    assert taken(Shares(CAPS), None) == 100


CLIENTS = st.one_of(st.none(), st.ip_addresses())


@given(st.lists(st.tuples(CLIENTS, st.integers(0, 40), st.booleans())))
def test_what_is_taken_and_given_back_leaves_nothing(
    wishes: list[tuple[IPAddress | None, int, bool]],
) -> None:
    shares = Shares(CAPS)
    held = [(who, n) for who, n, listed in wishes if shares.take(who, n, listed=listed)]
    assert shares.used == sum(n for _, n in held) <= 100
    for who, n in held:
        shares.give_back(who, n)
    assert (shares.used, shares.holders) == (0, 0)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("192.0.2.7", "192.0.2.7"),
        ("", None),
    ],
)
def test_the_address_that_a_socket_names(host: str, address: str | None) -> None:
    assert address_of(host) == (ip_address(address) if address else None)
