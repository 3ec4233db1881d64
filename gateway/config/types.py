"""The kinds of values that settings have, each with what it says of a wrong one."""

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


def _listen(value: str) -> str:
    """`host:port`, `[v6]:port` or `unix:/path`."""
    if value.startswith("unix:"):
        if len(value) <= len("unix:"):
            raise ValueError("a unix socket needs a path, such as unix:/run/postern/lmtp")
        return value
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or not 0 <= int(port) <= 65535:
        raise ValueError("expected host:port, such as 127.0.0.1:2525")
    return value


def _tcp(value: str) -> str:
    if value.startswith("unix:"):
        raise ValueError("expected host:port, such as 127.0.0.1:2525")
    return _listen(value)


def _store_url(value: str) -> str:
    if not value.startswith(("sqlite:///", "postgresql://")):
        raise ValueError("expected sqlite:///path or postgresql://user@host/database")
    return value


def _relay_url(value: str) -> str:
    if not value.startswith(("smtp://", "smtps://")):
        raise ValueError("expected smtp://host:port or smtps://user:password@host:port")
    try:
        named = urlsplit(value)
        has_host, _ = bool(named.hostname), named.port  # a port that is none raises
    except ValueError:
        has_host = False
    if not has_host:
        raise ValueError("it names no host, or a port that is none; expected smtp://host:port")
    return value


def _address(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return ip_address(value)
    except ValueError:
        raise ValueError("expected an IP address, such as 192.0.2.53 or 2001:db8::53") from None


def _public_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^/\s]+", value):
        raise ValueError("expected no path behind the host, such as https://postern.help.example")
    return value


def _network(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return ip_network(value)
    except ValueError:
        pass
    try:
        near = ip_network(value, strict=False)
    except ValueError:
        raise ValueError("expected a network, such as 192.0.2.0/24 or 2001:db8::/32") from None
    raise ValueError(f"the address goes on behind the network (did you mean {near}?)")


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise ValueError("there is no such file")
    return path


Listen = Annotated[str, AfterValidator(_listen)]
TcpListen = Annotated[str, AfterValidator(_tcp)]
Address = Annotated[IPv4Address | IPv6Address, BeforeValidator(_address)]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
ExistingFile = Annotated[Path, AfterValidator(_existing)]
StoreUrl = Annotated[str, AfterValidator(_store_url)]
RelayUrl = Annotated[str, AfterValidator(_relay_url)]
PublicUrl = Annotated[str, AfterValidator(_public_url)]
Domain = Annotated[
    str,
    StringConstraints(to_lower=True, pattern=r"^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+$"),
    Field(description="write a domain, such as help.example"),
]
Selector = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$", max_length=63),
    Field(description="write the name that stands before ._domainkey in the DNS, such as s2026"),
]
