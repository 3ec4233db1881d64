"""The listening sockets of a server. All of them are bound before the store is opened and before
most of the program is loaded: a taken port is found at once, and who connects early is kept waiting
by the kernel instead of being refused. A worker that joins others binds them last (`gateway.app`).
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from gateway.accepting import bind_tcp, bind_unix
from gateway.config.model import Config

MAIL_BACKLOG = 512
HTTP_BACKLOG = 128
HTTP = frozenset({"http", "admin"})
"""The listeners that are not for mail."""

Bound = Mapping[str, Sequence[socket.socket]]
"""By the name of the listener in the log: `smtp`, `http`, and those that are configured of `smtps`,
`admin` and `lmtp`."""


@contextmanager
def bound(config: Config, *, share_ports: bool) -> Iterator[Bound]:
    """The sockets, which nobody accepts from yet; closed at the end.

    With `share_ports` several processes bind the same ports. Raises OSError, which names the
    setting, for the first that cannot be bound.
    """
    with ExitStack() as stack:
        found: dict[str, Sequence[socket.socket]] = {}
        for name, setting, listen in _listens(config):
            backlog = HTTP_BACKLOG if name in HTTP else MAIL_BACKLOG
            with _names_setting(setting, listen):
                found[name] = _bind(listen, backlog, share_ports)
            for each in found[name]:
                stack.callback(each.close)
        yield found


def address_text(bound: Sequence[socket.socket]) -> str:
    """The address of a listener, with its actual port (port 0 requests a free one)."""
    address: tuple[Any, ...] | str = bound[0].getsockname()
    return f"unix:{address}" if isinstance(address, str) else f"{address[0]}:{address[1]}"


def _listens(config: Config) -> Iterator[tuple[str, str, str]]:
    """The name, the setting and the address of each listener. A unix socket replaces the one of its
    path, so it comes last: where another server runs, a taken port has been found before."""
    yield "smtp", "smtp.listen", config.smtp.listen
    if config.smtp.tls_listen is not None:
        yield "smtps", "smtp.tls_listen", config.smtp.tls_listen
    yield "http", "http.listen", config.http.listen
    if config.http.admin != config.http.listen:
        yield "admin", "http.admin_listen", config.http.admin
    if config.lmtp is not None:
        yield "lmtp", "lmtp.listen", config.lmtp.listen


def _bind(listen: str, backlog: int, share_ports: bool) -> Sequence[socket.socket]:
    if listen.startswith("unix:"):
        return [bind_unix(Path(listen.removeprefix("unix:")), backlog=backlog)]
    host, _, port = listen.rpartition(":")
    return bind_tcp(host.strip("[]"), int(port), backlog=backlog, reuse_port=share_ports)


@contextmanager
def _names_setting(setting: str, value: str) -> Iterator[None]:
    """Names the setting in an OSError: the system does not."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, f"{setting} {value!r}: {error.strerror or error}") from error
