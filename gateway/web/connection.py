"""One HTTP connection: counted, and given up when its client is silent, slow or never reads.

aiohttp closes a connection that sends no complete header within its keep-alive time. This adds
what it does not have: a slot by client and network, limits on the size of a header and on slow
bodies, and an end for clients that do not read their response, and for old connections.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest

from gateway import log
from gateway.accepting import Admitted, ListeningSockets
from gateway.places import IdleQueue, Places
from gateway.seldom import Seldom
from gateway.shares import Caps, IPAddress, Networks, Shares, is_in, keys_of
from gateway.web.problems import CONTENT_TYPE, problem, problem_body
from gateway.web.rate_limit import RateLimiter

SERVER = "Postern"
"""Else aiohttp sends everybody its version and Python's."""
LEAST_END_S = 2.0
"""What requests have to end in at a stop, however long mail has taken before."""


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """The limits of one HTTP listener. Times in seconds, sizes in bytes."""

    connections: int = 200
    connections_per_peer: int = 40
    header_s: float = 15
    """For a complete header: of the first request, and of each further one on the connection."""
    header_bytes: int = 32 * 1024
    window_s: float = 20
    """How often the progress of bodies and responses is checked."""
    min_bytes_per_s: int = 512
    body_total_s: float = 600
    most_chunks: int = 1000
    """That were received and not read, if they have less than `min_chunk_bytes` on average."""
    min_chunk_bytes: int = 16
    requests_per_minute: int | None = None
    """By a peer that is no proxy, and four times as many by a network; None for no limit."""
    pace_s: float = 1.0
    """How often a request beyond that is looked at again; it and the connection wait meanwhile."""
    max_age_s: float = 300
    """A connection ends with the first response after this time, or with its last request."""
    max_requests: int = 1000
    linger_s: float = 5
    """For the last response to be read once the connection is closing."""

    @property
    def slots(self) -> Caps:
        return Caps(
            total=self.connections,
            per_peer=self.connections_per_peer,
            per_network=3 * self.connections_per_peer,
            per_listed=self.connections,
        )


class HttpPool:
    """The connections of one HTTP listener."""

    def __init__(self, limits: HttpLimits, proxies: Networks = ()) -> None:
        """`proxies` bring everybody's requests: they have the reserve, and no limit per peer."""
        self.limits = limits
        self.proxies = proxies
        self.slots = Shares(limits.slots)
        self.places: Places[HttpConnection] = Places("http_connections", self.slots, Seldom())
        self.connections: set[HttpConnection] = set()
        self.delayed = {"http_requests": 0}
        """How many requests had to wait, since their client had sent too many: for the metrics."""
        self.ends_at: float | None = None
        """By the loop's clock, when the server ends whatever its clients do; None if no stop was
        requested."""
        per_minute = limits.requests_per_minute
        self._rates = RateLimiter(per_minute, time.monotonic) if per_minute else None
        self._seldom = Seldom()

    def may_ask(self, client: IPAddress | None) -> bool:
        """Whether a client may have one more request answered now; if so, that is spent."""
        if self._rates is None or client is None or is_in(client, self.proxies):
            return True
        return self._rates.allows(*keys_of(client))

    def delays(self, client: IPAddress | None) -> None:
        """A request has to wait; the log names its client once a minute a network."""
        self.delayed["http_requests"] += 1
        if client is not None and self._seldom.allows(keys_of(client)[1]):
            log.requests_delayed(str(client))

    def connection(self, server: web.Server) -> HttpConnection:
        return HttpConnection(self, server)

    def close_idle(self) -> None:
        """Closes every connection without a request in progress: descriptors have run out."""
        for connection in tuple(self.connections):
            connection.close_if_idle()


class HttpConnection(RequestHandler, Admitted):
    """aiohttp's connection with a slot, and with limits on its client."""

    def __init__(self, pool: HttpPool, server: web.Server) -> None:
        limits = pool.limits
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # aiohttp's type has no None, its code does
            keepalive_timeout=limits.header_s,
            lingering_time=limits.linger_s,
            auto_decompress=False,  # it would be done in the event loop, without a limit
        )
        self._pool = pool
        self._limits = limits
        self._client: IPAddress | None = None
        self._held: asyncio.Transport | None = None
        self._header_bytes = 0
        self._body: Any = None
        """The stream of the last request's body, until its end was received."""
        self._body_bytes = 0
        self._body_until = 0.0
        self._unsent_bytes = 0
        self._drained = False
        self._check_handle: asyncio.TimerHandle | None = None
        self._drop_handle: asyncio.TimerHandle | None = None
        self._ends_at = self._loop.time() + limits.max_age_s
        self._responses = 0

    # ---- the slot ----

    def admit(self, client: IPAddress | None) -> bytes | None:
        """Counts the connection, or answers 503."""
        self._client = client
        if not self._pool.places.grant(client, listed=is_in(client, self._pool.proxies)):
            return _BUSY
        self._pool.slots.add(client, 1)
        self._pool.connections.add(self)
        self._wait()
        return None

    def _wait(self) -> None:
        """No request is in progress: the connection is the last in line to give way."""
        self._pool.places.discard(self)
        self._queue_in(self._pool.places.idle)

    def _queue_in(self, queue: IdleQueue[HttpConnection]) -> None:
        client = self._client
        is_counted = self in self._pool.connections
        if is_counted and client is not None and not is_in(client, self._pool.proxies):
            queue.put(self, keys_of(client)[1])

    def forget(self) -> None:
        """Counts it no more."""
        if self in self._pool.connections:
            self._pool.connections.discard(self)
            self._pool.places.discard(self)
            self._pool.slots.give_back(self._client)

    # ---- the transport ----

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "abort")
        self._held = transport  # type: ignore[assignment]  # uvloop's class is no asyncio.Transport
        self._check_handle = self._loop.call_later(self._limits.window_s, self._check)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.forget()
        for handle in (self._check_handle, self._drop_handle):
            if handle is not None:
                handle.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._pool.places.touch(self)
        before, body = self._request_count, self._body
        in_body = body is not None and not body.is_eof()
        super().data_received(data)
        if in_body and self._request_count > before and not body.is_eof():
            # aiohttp queues the error of a malformed trailer as a request, and its body never ends.
            body.set_exception(web.RequestPayloadError("the body is malformed"))
            self.close()
        if self._request_count > before:
            self._header_bytes = 0
            self._begin_body()
        elif in_body:  # its end included
            self._body_bytes += len(data)
            if self._body.is_eof():
                self._pool.places.stalled.discard(self)
        else:
            self._header_bytes += len(data)
            if self._header_bytes > self._limits.header_bytes:
                self._refuse_header()
        if self._body is not None and self._has_tiny_chunks():
            self._body.set_exception(web.RequestPayloadError("too many small chunks"))
            self.close()  # with the response: nothing more is read

    def resume_writing(self) -> None:
        self._drained = True
        super().resume_writing()

    async def start(self) -> None:
        """Serves the requests; afterwards the connection is gone, even if nobody reads the rest."""
        try:
            await super().start()
        finally:
            if self.transport is not None:  # else it is gone, and so is what it had sent
                self._drop_handle = self._loop.call_later(self._limits.linger_s, self._drop)

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - aiohttp's
        """Returns once the request in progress has ended. aiohttp waits for it for so long, twice;
        meanwhile nobody takes mail, since a new server begins when this one has ended."""
        if (ends_at := self._pool.ends_at) is not None:
            timeout = max(LEAST_END_S, ends_at - self._loop.time()) / 2
        await super().shutdown(timeout)

    def close_if_idle(self) -> None:
        """Closes the connection if no request is in progress."""
        if not self._request_in_progress:
            self.force_close()

    @property
    def may_give_way(self) -> bool:
        return True

    def give_way(self) -> None:
        """Drops the connection; a client that has not sent a request sends it again."""
        if self.opening is not None:
            self.opening.cancel()
        self._drop()

    async def _handle_request(self, *args: Any) -> tuple[web.StreamResponse, bool]:
        await self._wait_for_turn()
        self._pool.places.discard(self)
        if not args[0].content.is_eof():  # until then nothing is lost if the connection gives way
            self._queue_in(self._pool.places.stalled)
        try:
            return await super()._handle_request(*args)
        finally:
            self._wait()

    async def finish_response(
        self, request: BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Ends a connection that is old: no client keeps a slot for as long as it likes."""
        self._responses += 1
        is_old = self._loop.time() > self._ends_at
        if is_old or self._responses >= self._limits.max_requests:
            resp.force_close()
        return await super().finish_response(request, resp, start_time)

    async def _wait_for_turn(self) -> None:
        """Returns once the client may have a request answered. Until then nothing more of it is
        read than aiohttp's short queue takes, and it gives way like a client without a request."""
        if self._pool.may_ask(self._client):
            return
        self._pool.delays(self._client)
        self._wait()
        while not self._pool.may_ask(self._client):
            await asyncio.sleep(self._limits.pace_s)
            if self not in self._pool.connections:
                raise ConnectionResetError("the client left, or gave way")

    def _drop(self) -> None:
        if self._held is not None:
            self._held.abort()
        self.forget()

    def _begin_body(self) -> None:
        if self._messages:
            self._body = self._messages[-1][1]
            self._body_bytes = 0
            self._body_until = self._loop.time() + self._limits.body_total_s

    def _has_tiny_chunks(self) -> bool:
        """Whether the body comes in chunks of a few octets, each of which costs as much as a large
        one: the event loop would wait 150 ms for 200,000 of them."""
        # The ends of those that were not read yet; an empty body has no such list.
        splits = getattr(self._body, "_http_chunk_splits", None)
        if not splits or len(splits) <= self._limits.most_chunks:
            return False
        return bool(splits[-1] - splits[0] < len(splits) * self._limits.min_chunk_bytes)

    def _refuse_header(self) -> None:
        if self._held is not None and not self._request_in_progress:
            self._held.write(_HEADER_TOO_LARGE)
        self.force_close()

    def _check(self) -> None:
        """Gives up a client that neither sends its body nor reads its response fast enough."""
        window_s = self._limits.window_s
        if self._is_stuck(round(window_s * self._limits.min_bytes_per_s)):
            self._drop()
            return
        self._body_bytes, self._drained = 0, False
        self._check_handle = self._loop.call_later(window_s, self._check)

    def _is_stuck(self, min_bytes: int) -> bool:
        unsent, self._unsent_bytes = self._unsent_bytes, self._unsent()
        reads_nothing = unsent > 0 and not self._drained and self._unsent_bytes > unsent - min_bytes
        if self._body is None or self._body.is_eof():
            return reads_nothing
        sends_nothing = not self._reading_paused and self._body_bytes < min_bytes
        return reads_nothing or sends_nothing or self._loop.time() > self._body_until

    def _unsent(self) -> int:
        return self._held.get_write_buffer_size() if self._held is not None else 0

    # ---- what goes wrong ----

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """A malformed request is the client's mistake: it gets 400, and the log no traceback."""
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        response = problem(status, "the request is not valid HTTP")
        response.headers["Server"] = SERVER
        response.force_close()
        return response

    def log_exception(self, *args: Any, **kw: Any) -> None:
        error = kw.get("exc_info")
        if isinstance(error, web.RequestPayloadError | ConnectionError):
            return  # the client's mistake: a body that is not what its header says, or a cut one
        if isinstance(error, BaseException):
            log.page_failed("?", error)
        else:
            logging.getLogger("gateway.web").error(*args)


def _plain(status: HTTPStatus, message: str, *header: str) -> bytes:
    body = problem_body(status, message)
    lines = (
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Content-Type: {CONTENT_TYPE}",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *header,
    )
    return "\r\n".join((*lines, "", "")).encode() + body


_BUSY = _plain(
    HTTPStatus.SERVICE_UNAVAILABLE, "too many connections, try again later", "Retry-After: 5"
)
_HEADER_TOO_LARGE = _plain(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the header is too large")


@asynccontextmanager
async def listening(
    application: web.Application, pool: HttpPool, sockets: Sequence[socket.socket]
) -> AsyncIterator[ListeningSockets]:
    """Serves an application on these sockets; at the end, requests in progress are finished."""
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        server = runner.server
        assert server is not None
        accepting = ListeningSockets(
            sockets, lambda: pool.connection(server), close_idle=pool.close_idle
        )
        try:
            yield accepting
        finally:
            accepting.close()
    finally:
        await runner.cleanup()
