"""A lane: one server with its listeners on loopback, and one client at a time that talks to it."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_network
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

from gateway.accepting import bind_tcp
from gateway.shares import Shares
from gateway.smtp.limits import ConnectionPool, Limits
from gateway.smtp.listener import Listener
from gateway.smtp.listeners import SmtpHooks, accept
from gateway.sockets import MAIL_BACKLOG
from rules.mail import Delivery
from rules.replies import ACCEPTED, Reply
from tests.fuzz.dialogues import Act, Dialogue, Step
from tests.fuzz.wire_model import REFUSED_BY_HOOK, count_replies

OURS = "@help.example.com"
SILENT_S = 30.0
"""A server that does not do in this time what it must do at once has failed, on any machine."""
LIMITS = Limits(
    mail_size_bytes=100_000,
    in_flight_bytes=150_000,
    connections=16,
    connections_per_peer=8,
    linger_s=0.3,
    idle_s=0.4,
    data_window_s=0.4,
    data_total_s=2.0,
)
_END_WITH_RST = struct.pack("ii", 1, 0)


class TlsContexts:
    """The server's context and the client's, from one self-signed certificate."""

    def __init__(self, server: ssl.SSLContext, client: ssl.SSLContext) -> None:
        self.server = server
        self.client = client


@dataclass
class MailRecorder:
    """The hooks: they record what is handed over and never fail."""

    mails: list[bytes] = field(default_factory=list)

    async def serves(self, address: str) -> bool:
        return address.lower().endswith(OURS) or address.lower() == "postmaster"

    async def take(self, delivery: Delivery) -> Sequence[Reply]:
        self.mails.append(delivery.raw)
        refused = [each.startswith("refused@") for each in delivery.envelope.rcpt_tos]
        return [REFUSED_BY_HOOK if each else ACCEPTED for each in refused]


class Client(asyncio.Protocol):
    """A connection that collects whatever the server sends."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.transport: Any = None
        """uvloop's transports are not subclasses of asyncio's."""
        self.ended = False
        """The server has closed in an orderly way, after its last reply."""
        self.lost = False
        self.changed = asyncio.Event()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        self.changed.set()

    def eof_received(self) -> bool:
        self.ended = True
        self.changed.set()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        self.changed.set()

    @property
    def over(self) -> bool:
        return self.ended or self.lost

    def replies(self) -> int:
        return count_replies(bytes(self.received))


@dataclass
class Outcome:
    """One dialogue as the client saw it, and what the server did."""

    sent: bytes = b""
    received: bytes = b""
    complete: bool = False
    """Every reply that the server gave was received."""
    crowd: list[bytes] = field(default_factory=list)
    """What each of the further connections received."""
    mails: list[bytes] = field(default_factory=list)
    stuck: str = ""
    """What the server did not do in time."""
    leaked: dict[str, int] = field(default_factory=dict)
    """The counts of the pool that are not what they were."""


def counts(pool: ConnectionPool) -> dict[str, int]:
    """Everything that the pool counts, by name: numbers, and the sizes of its collections."""
    found: dict[str, int] = {}
    for name, value in vars(pool).items():
        if isinstance(value, Shares):
            found |= {f"{name}.used": value.used, f"{name}.holders": value.holders}
        elif isinstance(value, int):
            found[name] = int(value)
        elif hasattr(value, "__len__"):
            found[name] = len(value)
        elif isinstance(value, Shares):
            found[name] = value.used
    return found


@dataclass
class Lane:
    """One server. Its pool is its own, so that whatever stays behind is its last dialogue's."""

    address: str
    """The client's address."""
    pool: ConnectionPool
    recorder: MailRecorder
    ports: dict[str, int]
    tls: TlsContexts
    before: dict[str, int]

    async def run(self, dialogue: Dialogue) -> Outcome:
        outcome = Outcome()
        self.recorder.mails.clear()
        conversation = _Conversation(self, dialogue.listener, outcome)
        try:
            await conversation.run(dialogue.steps)
        finally:
            conversation.close()
        await self._settle(outcome)
        outcome.mails = list(self.recorder.mails)
        return outcome

    async def settled(self) -> bool:
        """Whether the pool comes to rest; True as soon as it does."""
        try:
            async with asyncio.timeout(SILENT_S):
                await self.pool._idle.wait()
        except TimeoutError:
            return False
        return True

    async def _settle(self, outcome: Outcome) -> None:
        settled = await self.settled()
        for _ in range(100):  # tasks that are ending release what they hold in the next turns
            after = counts(self.pool)
            changed = {name for name in after if after[name] != self.before.get(name)}
            if not changed:
                return
            await asyncio.sleep(0)
        outcome.leaked = {name: after[name] for name in changed}
        if not settled:
            for connection in tuple(self.pool.connections):
                connection.abort()


class _Conversation:
    """The client's side of one dialogue."""

    def __init__(self, lane: Lane, listener: str, outcome: Outcome) -> None:
        self._lane = lane
        self._listener = listener
        self._outcome = outcome
        self._client = Client()
        self._crowd: list[Client] = []
        self._waited = 0
        """The replies that were waited for."""
        self._deaf = False

    async def run(self, steps: Sequence[Step]) -> None:
        self._client = await self._connect()
        try:
            for number, step in enumerate(steps):
                await self._take(step)
                if step.act is Act.SEND and (self._listener != "proxy" or number):
                    self._outcome.sent += step.data  # a PROXY header is no part of the dialogue
        except TimeoutError:
            self._outcome.stuck = self._outcome.stuck or f"{step.act}: no answer"
        except OSError:  # reset by the server, a handshake that failed included
            pass
        client = self._client
        self._outcome.received = bytes(client.received)
        self._outcome.complete = client.ended

    def close(self) -> None:
        for client in (self._client, *self._crowd):
            if client.transport is not None:
                client.transport.abort()

    async def _connect(self) -> Client:
        context = self._lane.tls.client if self._listener == "tls" else None
        _, client = await asyncio.get_running_loop().create_connection(
            Client,
            "127.0.0.1",
            self._lane.ports[self._listener],
            local_addr=(self._lane.address, 0),
            ssl=context,
            server_hostname="mx.example.com" if context else None,
        )
        return client

    async def _take(self, step: Step) -> None:
        client = self._client
        transport = client.transport
        if transport is None or transport.is_closing():
            return
        if step.act is Act.SEND:
            transport.write(step.data)
            await asyncio.sleep(0)  # so that the next step is a packet of its own
        elif step.act is Act.REPLY:
            self._waited += 1
            await self._until(lambda: client.replies() >= self._waited)
        elif step.act is Act.TLS:
            await self._start_tls(transport)
        elif step.act is Act.HALF_CLOSE:
            if transport.can_write_eof():
                transport.write_eof()
            await self._until(lambda: False)
        elif step.act is Act.LISTEN:
            await self._until(lambda: False)
        elif step.act is Act.RESET:
            raw = transport.get_extra_info("socket")
            raw.setsockopt(SOL_SOCKET, SO_LINGER, _END_WITH_RST)
            transport.abort()
        elif step.act is Act.DEAF:
            self._deaf = True
            transport.pause_reading()
        elif step.act is Act.STAY:
            # Whatever it did before: a server that waits for it to close can be filled up.
            if not await self._lane.settled():
                self._outcome.stuck = "a connection is held for a client that does nothing"
        else:
            await self._come_together(step.count)

    async def _until(self, reached: Callable[[], bool]) -> None:
        """Until it is reached or the server has closed. Raises TimeoutError if neither happens."""
        client = self._client
        if self._deaf:  # it notices nothing, and only the server can end this
            return
        async with asyncio.timeout(SILENT_S):
            while not client.over and not reached():
                client.changed.clear()
                await client.changed.wait()

    async def _start_tls(self, transport: Any) -> None:
        client = self._client
        self._waited += 1
        await self._until(lambda: client.replies() >= self._waited)
        last = bytes(client.received).split(b"\r\n")[-2:-1]
        if client.over or not last or not last[0].startswith(b"220 "):
            return
        if transport.get_extra_info("sslcontext") is not None:
            # The 220 is the greeting. A failed handshake within TLS is a TypeError in CPython 3.11.
            return
        upgraded = await asyncio.get_running_loop().start_tls(
            transport,
            client,
            self._lane.tls.client,
            server_hostname="mx.example.com",
            ssl_handshake_timeout=SILENT_S,
        )
        if upgraded is None:  # closed meanwhile
            raise ConnectionAbortedError
        client.transport = upgraded

    async def _come_together(self, count: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(count):
            with suppress(ConnectionError):
                _, client = await loop.create_connection(
                    Client,
                    "127.0.0.1",
                    self._lane.ports["smtp"],
                    local_addr=(self._lane.address, 0),
                )
                self._crowd.append(client)
        for client in self._crowd:
            async with asyncio.timeout(SILENT_S):
                while not client.over and not client.replies():
                    client.changed.clear()
                    await client.changed.wait()
        self._outcome.crowd = [bytes(client.received) for client in self._crowd]


@asynccontextmanager
async def open_lane(number: int, tls: TlsContexts) -> AsyncIterator[Lane]:
    pool, recorder = ConnectionPool(LIMITS), MailRecorder()
    hooks = SmtpHooks(serves=recorder.serves, take=recorder.take)
    name = "mx.example.com"
    loopback = (ip_network("127.0.0.0/8"),)
    listeners = {
        "smtp": Listener(name, tls_context=tls.server),
        "lmtp": Listener(name, lmtp=True, tls_context=tls.server),
        "proxy": Listener(name, proxy_protocol_timeout_s=0.4, balancers=loopback),
        "lenient": Listener(name, lenient_peers=loopback),
        "tls": Listener(name),
    }
    async with AsyncExitStack() as stack:
        ports = {}
        for kind, listener in listeners.items():
            server = accept(
                hooks,
                pool,
                listener,
                bind_tcp("127.0.0.1", 0, backlog=MAIL_BACKLOG, reuse_port=False),
                tls_from_start=tls.server if kind == "tls" else None,
            )
            stack.callback(server.close)
            ports[kind] = server.sockets[0].getsockname()[1]
        address = f"127.{10 + number // 250}.{number % 250}.1"
        yield Lane(address, pool, recorder, ports, tls, counts(pool))
