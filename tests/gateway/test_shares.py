"""What is scarce is divided so that nobody takes all of it, and comes back whole."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.shares import Caps, IPAddress, Shares, address_of, is_in, keys_of

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


def of_a_provider(number: int) -> IPAddress:
    """A client in a network of its own, all of them in one /32."""
    return ip_address(f"2001:db8:{number:x}::1")


def test_the_owner_of_a_32_has_half_of_everything_whatever_the_number_of_its_networks() -> None:
    shares = Shares(CAPS)
    for number in range(500):
        taken(shares, of_a_provider(number))
    assert shares.used == 45  # a network has 30, and a tenth is kept
    assert not shares.take(of_a_provider(1000))
    assert taken(shares, STRANGER) == 9  # a quarter of what is left
    assert shares.take(of_a_provider(1000), listed=True)
    assert taken(shares, ip_address("2001:db9::1")) > 1


def test_half_of_a_provider_displaces_nobody() -> None:
    shares = Shares(CAPS)
    for number in range(500):
        taken(shares, of_a_provider(number))
    shares.add(STRANGER, 45)
    (_, office, _), newcomer = keys_of(STRANGER), of_a_provider(1000)
    assert not shares.may_displace(newcomer, office, listed=False)
    assert shares.may_displace(newcomer, office, listed=True)
    assert shares.may_displace(ip_address("2001:db9::1"), office, listed=False)


def test_a_v6_provider_and_a_v4_client_with_the_same_octets_are_two() -> None:
    v6 = ip_address("c633:6407::1")
    assert v6.packed[:4] == STRANGER.packed
    assert not set(keys_of(v6)) & set(keys_of(STRANGER))


@pytest.mark.parametrize(
    "translated",
    [
        pytest.param("::ffff:198.51.100.7", id="mapped"),
        pytest.param("64:ff9b::198.51.100.7", id="nat64"),
        pytest.param("2002:c633:6407:1::7", id="6to4"),
    ],
)
def test_a_client_behind_a_translator_is_counted_as_its_v4_address(translated: str) -> None:
    shares = Shares(CAPS)
    assert keys_of(ip_address(translated)) == keys_of(STRANGER)
    assert taken(shares, STRANGER) == 10
    assert not shares.take(ip_address(translated))


@pytest.mark.parametrize("translated", ["64:ff9b::192.0.2.1", "2002:c000:201::1"])
def test_a_translated_address_is_never_listed_for_the_v4_address_in_it(translated: str) -> None:
    client = address_of(translated)
    assert client == ip_address(translated)
    assert not is_in(client, (ip_network("192.0.2.1/32"),))


def test_the_clients_of_a_local_translation_stay_in_its_network() -> None:
    one, other = (keys_of(ip_address(f"64:ff9b:1::192.0.2.{n}")) for n in (1, 2))
    assert one == other


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
