"""The types of settings, each with the message for an invalid value."""

from __future__ import annotations

import re
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

_POSTGRESQL = re.compile(
    r"(?:[^:/]*(?::[^@]*)?@)?(?:\[[^/?]+\]|[^/:?@]+)?(?::[0-9]*)?(?:/[^?]*)?(?:\?.*)?"
)
"""A URL of the store after its scheme, as the library reads it."""


def _listen(value: str) -> str:
    """`host:port`, `[v6]:port` or `unix:/path`."""
    if value.startswith("unix:"):
        if len(value) <= len("unix:"):
            raise ValueError("must have a path after unix:, such as unix:/run/postern/lmtp")
        return value
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or not 0 <= int(port) <= 65535:
        raise ValueError("must be host:port, such as 127.0.0.1:2525")
    return value


def _tcp(value: str) -> str:
    if value.startswith("unix:"):
        raise ValueError("must be host:port, such as 127.0.0.1:2525")
    return _listen(value)


def _store_url(value: str) -> str:
    if not value.startswith(("sqlite:///", "postgresql://")):
        raise ValueError("must be sqlite:///path or postgresql://user@host/database")
    scheme, _, rest = value.partition("://")
    if scheme == "postgresql" and not _POSTGRESQL.fullmatch(rest):
        # The driver would show what it takes for the host or port: the rest of the password.
        raise ValueError(
            "the host or the port is invalid; write postgresql://user:password@host:port/database, "
            "and in the password %40 for @"
        )
    return value


def _relay_url(value: str) -> str:
    if not value.startswith(("smtp://", "smtps://")):
        raise ValueError("must be smtp://host:port or smtps://user:password@host:port")
    try:
        parts = urlsplit(value)
        has_host, _ = bool(parts.hostname), parts.port  # an invalid port raises ValueError
    except ValueError:
        has_host = False
    if not has_host:
        raise ValueError("the host or the port is missing or invalid; write smtp://host:port")
    return value


def _address(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return ip_address(value)
    except ValueError:
        raise ValueError("must be an IP address, such as 192.0.2.53 or 2001:db8::53") from None


def _public_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^/\s]+", value):
        raise ValueError("must be a URL without a path, such as https://postern.help.example")
    return value


def _issuer(value: str) -> str:
    parts = urlsplit(value)
    is_loopback = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback):
        raise ValueError("must begin with https://, such as https://accounts.google.com")
    if not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("must be the issuer as the provider writes it: a URL without a query")
    return value


def _network(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return ip_network(value)
    except ValueError:
        pass
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        raise ValueError("must be a network, such as 192.0.2.0/24 or 2001:db8::/32") from None
    raise ValueError(f"has bits set after the network part (did you mean {network}?)")


def _authserv_id(value: str) -> str:
    if value and not re.fullmatch(r"(?:\*\.)?[A-Za-z0-9._-]+", value):
        raise ValueError(
            "must be the name that the relay writes, such as mx.help.example, *.mail.example for "
            'any name below a domain, or "" for a relay that writes no name'
        )
    if value.startswith("*.") and "." not in value[2:]:
        raise ValueError("must name a domain of two labels or more after *., such as *.yahoo.com")
    return value


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise ValueError("no such file")
    return path


Listen = Annotated[str, AfterValidator(_listen)]
TcpListen = Annotated[str, AfterValidator(_tcp)]
Address = Annotated[IPv4Address | IPv6Address, BeforeValidator(_address)]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
ExistingFile = Annotated[Path, AfterValidator(_existing)]
StoreUrl = Annotated[str, AfterValidator(_store_url)]
RelayUrl = Annotated[str, AfterValidator(_relay_url)]
Issuer = Annotated[str, StringConstraints(max_length=500), AfterValidator(_issuer)]
PublicUrl = Annotated[str, AfterValidator(_public_url)]
AuthservId = Annotated[str, AfterValidator(_authserv_id)]
Domain = Annotated[
    str,
    StringConstraints(to_lower=True, pattern=r"^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+$"),
    Field(description="must be a domain, such as help.example"),
]
Selector = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$", max_length=63),
    Field(description="must be the name before ._domainkey in the DNS, such as s2026"),
]
