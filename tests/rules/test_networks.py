"""The network and the provider that a client's mail counts against."""

from __future__ import annotations

import pytest

from rules.networks import LOCAL, network_of, provider_of


@pytest.mark.parametrize(
    ("peer", "network", "provider"),
    [
        ("198.51.100.7", "198.51.100.0/24", ""),
        ("2001:db8:5:6::7", "2001:db8:5::/48", "2001:db8::/32"),
        ("2001:0:5::7", "2001:0:5::/48", "2001::/32"),
        ("fe80::1%eth0", "fe80::/48", "fe80::/32"),
        ("::ffff:198.51.100.7", "198.51.100.0/24", ""),
        ("64:ff9b::c633:6407", "198.51.100.0/24", ""),
        ("2002:c633:6407::1", "198.51.100.0/24", ""),
        ("64:ff9b:1::c633:6407", "64:ff9b:1::/48", "64:ff9b::/32"),
        ("", LOCAL, ""),
        ("unix", LOCAL, ""),
    ],
)
def test_a_client_has_a_network_and_of_ipv6_a_provider(
    peer: str, network: str, provider: str
) -> None:
    assert (network_of(peer), provider_of(peer)) == (network, provider)
