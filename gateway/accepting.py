"""Accepts the connections of a listening socket; each is counted from the first moment.

The loops of asyncio and uvloop accept a connection before anything of ours can count it, finish a
TLS handshake uncounted, and uvloop closes the listening socket for good when no descriptor is left.
Here a connection is admitted before it has a transport, and it waits while no descriptor is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from gateway.shares import IPAddress, address_of
from gateway.tls import TlsInPieces

log = logging.getLogger("gateway.accepting")

AT_ONCE = 32
"""Connections accepted before the loop serves its other tasks."""
PAUSE_S = 1.0
"""The pause of accepting while the process has no descriptor left."""
TLS_HANDSHAKE_S = 30.0
UNIX_SOCKET_MODE = 0o660

_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Admitted(asyncio.BaseProtocol):
    """The protocol of a connection that is counted before it is made."""

    opening: asyncio.Task[None] | None = None
    """Makes the connection of what was admitted; cancelled where that is given up."""

    def admit(self, client: IPAddress | None) -> bytes | None:
        """Count the connection; or what to answer before it is closed, if it is refused."""
        raise NotImplementedError

    def forget(self) -> None:
        """Count it no more; may be called more than once, and for one that was refused."""
        raise NotImplementedError


class ListeningSockets:
    """The sockets of one listener; accepts from `start` until `close`."""

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        connection: Callable[[], Admitted],
        *,
        tls: ssl.SSLContext | None = None,
        close_idle: Callable[[], None] = lambda: None,
    ) -> None:
        """`tls` is for TLS from the first byte; `close_idle` is called when descriptors run out."""
        self.sockets = sockets
        self._connection = connection
        self._tls = tls
        self._close_idle = close_idle
        self._loop = asyncio.get_running_loop()
        self._pauses: dict[socket.socket, asyncio.TimerHandle] = {}
        self._opening: set[asyncio.Task[None]] = set()
        self._closed = False
        for each in sockets:
            each.setblocking(False)
            self._loop.add_reader(each.fileno(), self._accept, each)

    def close(self) -> None:
        """Accept no more; handshakes that have not ended are given up."""
        if self._closed:
            return
        self._closed = True
        for pause in self._pauses.values():
            pause.cancel()
        for each in self.sockets:
            self._loop.remove_reader(each.fileno())
            each.close()
        for task in self._opening:
            task.cancel()

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(AT_ONCE):
            if self._closed:
                return
            try:
                accepted, address = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    raise
                self._pause(listening, error)
                return
            self._take(accepted, address_of(address[0]) if isinstance(address, tuple) else None)

    def _pause(self, listening: socket.socket, error: OSError) -> None:
        """New clients wait in the kernel's queue, while idle ones are closed."""
        log.error("accepting pauses for %s s: %s", PAUSE_S, error)
        self._loop.remove_reader(listening.fileno())
        self._pauses[listening] = self._loop.call_later(PAUSE_S, self._resume, listening)
        self._close_idle()

    def _resume(self, listening: socket.socket) -> None:
        del self._pauses[listening]
        self._loop.add_reader(listening.fileno(), self._accept, listening)

    def _take(self, accepted: socket.socket, client: IPAddress | None) -> None:
        accepted.setblocking(False)
        admitted = self._connection()
        if (refusal := admitted.admit(client)) is not None:
            with contextlib.suppress(OSError):  # the client left first
                accepted.send(refusal)
            accepted.close()
            return
        task = self._loop.create_task(self._open(accepted, admitted))
        admitted.opening = task
        self._opening.add(task)

        def opened(task: asyncio.Task[None]) -> None:
            self._opening.discard(task)
            if task.cancelled():  # perhaps before it began
                admitted.forget()
                accepted.close()

        task.add_done_callback(opened)

    async def _open(self, accepted: socket.socket, admitted: Admitted) -> None:
        try:
            if self._tls is None:
                await self._loop.connect_accepted_socket(lambda: admitted, accepted)
            else:
                await self._open_tls(accepted, admitted, self._tls)
        except (OSError, ssl.SSLError):  # no handshake
            admitted.forget()
            accepted.close()
        except BaseException:
            admitted.forget()
            accepted.close()
            raise

    async def _open_tls(
        self, accepted: socket.socket, admitted: Admitted, context: ssl.SSLContext
    ) -> None:
        """Returns after the handshake, or raises what ended it."""
        waiter = self._loop.create_future()
        tls = TlsInPieces(
            self._loop,
            admitted,
            context,
            waiter,
            server_side=True,
            ssl_handshake_timeout=TLS_HANDSHAKE_S,
        )
        wire, _ = await self._loop.connect_accepted_socket(lambda: tls, accepted)
        try:
            await waiter
        except BaseException:
            wire.abort()
            raise


def bind_tcp(host: str, port: int, *, backlog: int, reuse_port: bool) -> list[socket.socket]:
    """A listening socket for each address of `host`. Raises OSError if one cannot be bound."""
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    opened: list[socket.socket] = []
    try:
        for family, kind, number, _, address in dict.fromkeys(found):
            each = socket.socket(family, kind, number)
            opened.append(each)
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if reuse_port:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            each.bind(address)
            each.listen(backlog)
    except BaseException:
        for each in opened:
            each.close()
        raise
    return opened


def bind_unix(path: Path, *, backlog: int) -> socket.socket:
    """A listening unix socket that owner and group may use; replaces a stale one. Raises OSError,
    also where another process has the path."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.stat().st_mode) and not _is_served(path):
            path.unlink()
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        opened.bind(str(path))
        path.chmod(UNIX_SOCKET_MODE)
        opened.listen(backlog)
    except BaseException:
        opened.close()
        raise
    return opened


def _is_served(path: Path) -> bool:
    """Whether a process may have the unix socket at a path: what cannot be asked, since it is of
    another kind or of another user, counts as served."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.setblocking(False)
        try:
            asking.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:  # among them: as many wait there as may
            return True
    return True
