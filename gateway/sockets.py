"""The listening sockets of a server. All of them are bound before the store is opened and before
most of the program is loaded: a taken port is found at once, and who connects early is kept waiting
by the kernel instead of being refused. A worker that joins others binds them last (`gateway.app`).

Several workers bind the same ports, among which the kernel distributes the clients. The path of a
unix socket has one socket alone: their supervisor binds it and hands it to all of them.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from gateway.accepting import bind_tcp, bind_unix
from gateway.config.model import Config, ConfigRefused

MAIL_BACKLOG = 512
HTTP_BACKLOG = 128
HTTP = frozenset({"http", "admin"})
"""The listeners that are not for mail."""
_UNIX = "unix:"

Bound = Mapping[str, Sequence[socket.socket]]
"""By the name of the listener in the log: `smtp`, `http`, and those that are configured of `smtps`,
`admin` and `lmtp`."""


@contextmanager
def bound(config: Config, handed: Bound | None = None) -> Iterator[Bound]:
    """The sockets, which nobody accepts from yet; closed at the end.

    With `handed`, which are those of `bound_for_workers`, several processes bind the same ports.
    Raises OSError, which names the setting, for the first that cannot be bound.
    """
    with ExitStack() as stack:
        found: dict[str, Sequence[socket.socket]] = {}
        for name, setting, listen in _listens(config):
            backlog = HTTP_BACKLOG if name in HTTP else MAIL_BACKLOG
            if not listen.startswith(_UNIX):
                with _names_setting(setting, listen):
                    found[name] = _bind(listen, backlog, share_ports=handed is not None)
            elif handed is None:
                found[name] = [stack.enter_context(_at_path(setting, listen, backlog))]
            else:
                found[name] = _handed(handed, name, setting, listen)
            for each in found[name]:
                stack.callback(each.close)
        yield found


@contextmanager
def bound_for_workers(config: Config) -> Iterator[Bound]:
    """The unix sockets, for all workers together. They stay while a worker is replaced: who
    connects while none accepts waits for the next. Raises OSError as `bound` does."""
    with ExitStack() as stack:
        yield {
            name: [stack.enter_context(_at_path(setting, listen, MAIL_BACKLOG))]
            for name, setting, listen in _listens(config)
            if listen.startswith(_UNIX)
        }


def address_text(bound: Sequence[socket.socket]) -> str:
    """The address of a listener, with its actual port (port 0 requests a free one)."""
    address: tuple[Any, ...] | str = bound[0].getsockname()
    return f"unix:{address}" if isinstance(address, str) else f"{address[0]}:{address[1]}"


def _listens(config: Config) -> Iterator[tuple[str, str, str]]:
    """The name, the setting and the address of each listener."""
    yield "smtp", "smtp.listen", config.smtp.listen
    if config.smtp.tls_listen is not None:
        yield "smtps", "smtp.tls_listen", config.smtp.tls_listen
    yield "http", "http.listen", config.http.listen
    if config.http.admin != config.http.listen:
        yield "admin", "http.admin_listen", config.http.admin
    if config.lmtp is not None:
        yield "lmtp", "lmtp.listen", config.lmtp.listen


def _bind(listen: str, backlog: int, *, share_ports: bool) -> Sequence[socket.socket]:
    host, _, port = listen.rpartition(":")
    return bind_tcp(host.strip("[]"), int(port), backlog=backlog, reuse_port=share_ports)


@contextmanager
def _at_path(setting: str, listen: str, backlog: int) -> Iterator[socket.socket]:
    """A unix socket. Its path is removed at the end, unless another server has bound it since."""
    path = _path_of(listen)
    with _names_setting(setting, listen):
        opened = bind_unix(path, backlog=backlog)
        opened.setblocking(False)  # which all workers share
        ours = _file_at(path)
    try:
        yield opened
    finally:
        with suppress(OSError):
            if _file_at(path) == ours:
                path.unlink()
        opened.close()


def _path_of(listen: str) -> Path:
    """Without its redundant slashes and dots: so it is bound, and so the system names it."""
    return Path(listen.removeprefix(_UNIX))


def _file_at(path: Path) -> tuple[int, int, int]:
    """Which file it is: the number of one that is gone may be another's."""
    found = path.lstat()
    return found.st_dev, found.st_ino, found.st_mtime_ns


def _handed(handed: Bound, name: str, setting: str, listen: str) -> Sequence[socket.socket]:
    """The socket of a supervisor, if the configuration still names its path."""
    sockets = handed.get(name, ())
    if [each.getsockname() for each in sockets] != [str(_path_of(listen))]:
        fault = f"{setting}: {listen!r} is new; a unix socket is bound at the start, so restart"
        raise ConfigRefused("configuration", [fault])
    return sockets


@contextmanager
def _names_setting(setting: str, value: str) -> Iterator[None]:
    """Names the setting in an OSError: the system does not."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, f"{setting} {value!r}: {error.strerror or error}") from error
