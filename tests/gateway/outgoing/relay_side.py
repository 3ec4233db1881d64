"""The other side of sending: an SMTP server that replies as a test configures it."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext, SSLError


@dataclass
class RelaySide:
    """Accepts every mail, except where `replies` has another reply to a verb, or to `.`, the end of
    a mail. An empty reply closes the connection.
    """

    replies: dict[str, str] = field(default_factory=dict)
    at: dict[tuple[str, str], str] = field(default_factory=dict)
    """Replies to mails to one recipient: by RCPT, DATA or `.`, and the address."""
    tls: SSLContext | None = None
    port: int = 0
    accepted: list[tuple[str, str, bytes]] = field(default_factory=list)
    """Return path, recipient and octets of each mail."""
    verbs: list[str] = field(default_factory=list)
    """Verbs, in order, of all connections."""
    logins: list[str] = field(default_factory=list)
    connections: int = 0
    open: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def hang_up(self) -> None:
        for writer in self.open:
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open.add(writer)
        with suppress(OSError, SSLError, asyncio.IncompleteReadError):
            await self._dialogue(reader, writer)
        self.open.discard(writer)
        writer.close()

    async def _dialogue(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mail_from = rcpt_to = ""
        secure = False
        await self._send(writer, self.replies.get("GREETING", "220 relay"))
        while line := (await reader.readline()).decode().strip():
            verb = line.split(" ")[0].split(":")[0].upper()
            self.verbs.append(verb)
            reply = self.replies.get(verb, "250 2.0.0 ok")
            match verb:
                case "EHLO":
                    offers = ["250-relay", "250-AUTH PLAIN"]
                    offers += ["250-STARTTLS"] if self.tls and not secure else []
                    reply = self.replies.get(verb, "\r\n".join([*offers, "250 8BITMIME"]))
                case "STARTTLS":
                    await self._send(writer, "220 go on")
                    await writer.start_tls(self.tls)  # type: ignore[arg-type]  # offered with one
                    secure = True
                    continue
                case "AUTH":
                    self.logins.append(f"{line} {'secure' if secure else 'plain'}")
                    reply = self.replies.get(verb, "235 2.7.0 welcome")
                case "MAIL":
                    mail_from = line.partition("<")[2].partition(">")[0]
                case "RCPT":
                    rcpt_to = line.partition("<")[2].partition(">")[0]
                    reply = self.at.get((verb, rcpt_to), reply)
                case "DATA" if (verb, rcpt_to) in self.at:
                    reply = self.at[verb, rcpt_to]
                case "DATA" if "DATA" not in self.replies:
                    await self._send(writer, "354 go on")
                    reply = await self._receive(reader, mail_from, rcpt_to)
                case "QUIT":
                    reply = "221 2.0.0 bye"
            await self._send(writer, reply)

    async def _receive(self, reader: asyncio.StreamReader, mail_from: str, rcpt_to: str) -> str:
        raw = await reader.readuntil(b"\r\n.\r\n")
        reply = self.at.get((".", rcpt_to), self.replies.get(".", "250 2.0.0 queued"))
        if reply.startswith("250"):
            octets = raw.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")
            self.accepted.append((mail_from, rcpt_to, octets))
        return reply

    async def _send(self, writer: asyncio.StreamWriter, reply: str) -> None:
        if not reply:
            raise ConnectionAbortedError
        writer.write(f"{reply}\r\n".encode("utf-8", "surrogateescape"))
        await writer.drain()


@asynccontextmanager
async def relay_side(
    replies: dict[str, str] | None = None, tls: SSLContext | None = None
) -> AsyncIterator[RelaySide]:
    side = RelaySide(dict(replies or {}), tls=tls)
    server = await asyncio.start_server(side.serve, "127.0.0.1", 0)
    side.port = server.sockets[0].getsockname()[1]
    try:
        yield side
    finally:
        server.close()
        side.hang_up()
        await server.wait_closed()


def certified(folder: Path, host: str) -> tuple[SSLContext, Path]:
    """A server's context for an address, and the authority that vouches for it, as a file."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        f"-subj /CN=relay -addext subjectAltName=IP:{host} "
        f"-keyout {key} -out {certificate}".split(),
        check=True,
        capture_output=True,
    )
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate
