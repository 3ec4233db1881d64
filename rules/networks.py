"""The networks that a client belongs to, for the limits that its addresses share.

A client's network is the IPv4 /24 or the IPv6 /48 around it: what a site gets. Its provider is the
IPv6 /32: what a registry gives to anybody who asks, with 65,536 networks. IPv4 has no such key.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

LOCAL = "local"
"""The network of a client without an address, as behind a unix socket."""
_MAPPED = bytes(10) + b"\xff\xff"
_NAT64 = b"\x00\x64\xff\x9b" + bytes(8)
_SIX_TO_FOUR = b"\x20\x02"


def counted(packed: bytes) -> bytes:
    """The octets of the address that limits count: IPv4 for a client that comes by a translator.

    All clients of a NAT64 (64:ff9b::/96, RFC 6052) would share one /64 otherwise, and one of 6to4
    (2002::/16) or of a socket for both families would have two. This is for limits alone: who may
    route these prefixes chooses the IPv4 address, so nothing may be trusted because of it.
    """
    if len(packed) == 16:
        if packed[:12] in (_MAPPED, _NAT64):
            return packed[12:]
        if packed[:2] == _SIX_TO_FOUR:
            return packed[2:6]
    return packed


@lru_cache(maxsize=4096)
def network_of(peer: str) -> str:
    """The client network that shares a quota: /24, or /48 of IPv6; `local` without an address."""
    address = _counted_address(peer)
    if address is None:
        return LOCAL
    return str(ip_network((address, 24 if address.version == 4 else 48), strict=False))


@lru_cache(maxsize=4096)
def provider_of(peer: str) -> str:
    """The IPv6 /32 around a client; empty for any other."""
    address = _counted_address(peer)
    if address is None or address.version == 4:
        return ""
    return str(ip_network((address, 32), strict=False))


def _counted_address(peer: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(counted(ip_address(peer.partition("%")[0]).packed))
    except ValueError:
        return None
