"""A raw client, a server on loopback and a recording `take`: shared by the SMTP tests."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET
from ssl import CERT_NONE, PROTOCOL_TLS_CLIENT, PROTOCOL_TLS_SERVER, SSLContext

from gateway.accepting import ListeningSockets, bind_tcp, bind_unix
from gateway.smtp.limits import ConnectionPool, Limits
from gateway.smtp.listener import Listener
from gateway.smtp.listeners import SmtpHooks, accept
from gateway.smtp.rates import RateLimits
from gateway.sockets import MAIL_BACKLOG
from rules.mail import Delivery
from rules.replies import ACCEPTED, REFUSED_SENDER, TEMPORARY_FAILURE, Reply

OURS = "@help.example.com"
ANSWERS = {"refused": REFUSED_SENDER, "deferred": TEMPORARY_FAILURE}
SECRET = "db /var/lib/x.db locked\r\n250 injected"


@dataclass
class MailRecorder:
    """Records every mail for help.example.com; the local part selects the reply.

    `refused` and `deferred` get those replies, `broken` raises, all others are accepted. If `gate`
    is set, each mail waits for it.
    """

    mails: list[Delivery] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event | None = None

    async def serves(self, address: str) -> bool:
        if address.startswith("unlisted"):
            raise RuntimeError(SECRET)
        return address.lower().endswith(OURS) or address.lower() == "postmaster"

    async def take(self, delivery: Delivery) -> Sequence[Reply]:
        self.mails.append(delivery)
        self.arrived.set()
        if self.gate is not None:
            await self.gate.wait()
        self.finished.set()
        names = [address.partition("@")[0] for address in delivery.envelope.rcpt_tos]
        if "broken" in names:
            raise RuntimeError(SECRET)
        return [ANSWERS.get(name, ACCEPTED) for name in names]


class Client:
    """One connection. `ask` sends a line and returns the whole reply, "" once the server closed."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self) -> str:
        lines = [await self.line()]
        while lines[-1][3:4] == "-":
            lines.append(await self.line())
        return "\n".join(lines)

    async def line(self) -> str:
        """One line of a reply; "" once the server closed."""
        async with asyncio.timeout(10):
            try:
                line = await self.reader.readline()
            except ConnectionError:
                return ""
        assert not line or line.endswith(b"\r\n")
        return line[:-2].decode("ascii")

    async def replies(self, count: int) -> list[str]:
        return [(await self.reply())[:9] for _ in range(count)]

    async def ask(self, line: str) -> str:
        await self.send(f"{line}\r\n".encode())
        return await self.reply()

    async def start_data(self, *names: str) -> str:
        """Sends EHLO, MAIL, RCPT and DATA; returns the reply to DATA."""
        await self.ask("EHLO client.example")
        await self.ask("MAIL FROM:<ann@customer.example>")
        for name in names or ("support",):
            await self.ask(f"RCPT TO:<{name}{OURS}>")
        return await self.ask("DATA")

    async def mail(self, data: bytes, *names: str) -> str:
        """Sends a whole mail and returns the reply; `data` is dot-stuffed and has its end mark."""
        assert (await self.start_data(*names)).startswith("354 ")
        await self.send(data)
        return await self.reply()

    def reset(self) -> None:
        """Ends the connection with RST, as a crash does."""
        socket = self.writer.get_extra_info("socket")
        socket.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):  # the server was faster
            await self.writer.wait_closed()


@dataclass
class Served:
    """A running server."""

    recorder: MailRecorder
    pool: ConnectionPool
    port: int
    server: ListeningSockets

    @asynccontextmanager
    async def connect(self, *, greeted: bool = True) -> AsyncIterator[Client]:
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port))
        if greeted:
            assert (await client.reply()).startswith("220 ")
        try:
            yield client
        finally:
            await client.close()


@asynccontextmanager
async def a_server(
    *,
    limits: Limits | None = None,
    rates: RateLimits | None = None,
    has_disk: Callable[[int], bool] = lambda _: True,
    listener: Listener | None = None,
    tls_from_start: SSLContext | None = None,
    unix: Path | None = None,
    port: int = 0,
    reuse_port: bool = False,
) -> AsyncIterator[Served]:
    recorder = MailRecorder()
    pool = ConnectionPool(limits or Limits(), rates, has_disk)
    listener = listener or Listener("mx.example.com")
    hooks = SmtpHooks(serves=recorder.serves, take=recorder.take)
    if unix is None:
        sockets = bind_tcp("127.0.0.1", port, backlog=MAIL_BACKLOG, reuse_port=reuse_port)
        port = sockets[0].getsockname()[1]
    else:
        sockets, port = [bind_unix(unix, backlog=MAIL_BACKLOG)], 0
    server = accept(hooks, pool, listener, sockets, tls_from_start=tls_from_start)
    try:
        yield Served(recorder, pool, port, server)
    finally:
        server.close()
        if recorder.gate is not None:
            recorder.gate.set()
        assert await pool.drain(grace_s=10)
        assert (pool.slots.used, pool.slots.holders) == (0, 0)
        assert (pool.in_flight.used, pool.in_flight.holders) == (0, 0)


def tls_contexts(folder: Path) -> tuple[SSLContext, SSLContext]:
    """A server's context with a self-signed certificate, and a client's that accepts any."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        f"-subj /CN=mx.example.com -keyout {key} -out {certificate}".split(),
        check=True,
        capture_output=True,
    )
    server, client = SSLContext(PROTOCOL_TLS_SERVER), SSLContext(PROTOCOL_TLS_CLIENT)
    server.load_cert_chain(certificate, key)
    client.check_hostname = False
    client.verify_mode = CERT_NONE
    return server, client
