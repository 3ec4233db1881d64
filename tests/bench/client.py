"""The client of the benchmark, a separate process: `python -m tests.bench.client --help`.

It keeps its sessions open and sends each mail once, with the mail's author as envelope sender and
without pipelining; all bytes are prepared beforehand. Debian's smtp-source would use less CPU, but
it sends the same body repeatedly, which Postern would recognise as a repeat.

At the end it prints one JSON object: the fields of `Sent`.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import gc
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import uvloop

from tests.bench.load import read

LINES_KEPT = 5


@dataclass(frozen=True, slots=True)
class Sent:
    """The result of sending all mails."""

    accepted: list[str]
    """File names of the mails whose final dot was answered 250."""
    replies: dict[str, int]
    """The count of each reply to the final dot (`250`) or to an earlier command (`RCPT 550`)."""
    refusals: list[str]
    """The first few unexpected replies, in full."""
    started_at: float
    """Unix time of the first MAIL, in seconds."""
    wall_s: float
    """From the first MAIL to the last reply, without connecting and EHLO."""
    latencies_ms: list[float]
    """From the final dot to its 250, for each accepted mail, sorted."""
    cpu_s: float
    """User and system time of the client while it was sending."""


@dataclass(frozen=True, slots=True)
class PreparedMail:
    """A mail as bytes that are ready to be sent."""

    name: str
    mail_command: bytes
    content: bytes
    """Dot-stuffed, with its final dot."""


def prepare(folder: Path) -> list[PreparedMail]:
    """All mails of a folder, ready to be sent."""
    return [
        PreparedMail(
            mail.path.name,
            f"MAIL FROM:<{mail.sender}>\r\n".encode(),
            stuffed(mail.path.read_bytes()),
        )
        for mail in read(folder)
    ]


def stuffed(raw: bytes) -> bytes:
    """A mail as DATA carries it: CRLF line ends, dots doubled, the final dot (RFC 5321 §4.5.2)."""
    text = raw.replace(b"\r\n", b"\n").removesuffix(b"\n").replace(b"\n", b"\r\n")
    text = text.replace(b"\r\n.", b"\r\n..")
    return (b"." if text.startswith(b".") else b"") + text + b"\r\n.\r\n"


class ClientRun:
    """The state of all sessions: the remaining mails, and the results so far."""

    def __init__(self, mails: Sequence[PreparedMail], recipient: str, sessions: int) -> None:
        self.remaining = iter(mails)
        self.rcpt_command = f"RCPT TO:<{recipient}>\r\n".encode()
        self.accepted: list[str] = []
        self.latencies_s: list[float] = []
        self.replies: Counter[str] = Counter()
        self.refusals: list[str] = []
        self.started_at = self.first_mail = self.last_reply = self.cpu_s = 0.0
        self.over = asyncio.get_running_loop().create_future()
        """Done when all connections are closed, or with the first exception of a session."""
        self._greeted: list[Session] = []
        self._expected = self._open = sessions

    def failed(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """The loop's exception handler: a bug in one session must not block the others."""
        if not self.over.done():
            self.over.set_exception(context.get("exception") or RuntimeError(context["message"]))

    def greeted(self, session: Session) -> None:
        """Start all sessions together, once the last one is ready."""
        self._greeted.append(session)
        if len(self._greeted) == self._expected:
            self.cpu_s, self.started_at = time.process_time(), time.time()
            self.first_mail = self.last_reply = time.perf_counter()
            for each in self._greeted:
                each.begin()

    def closed(self, session: Session) -> None:
        self._open -= 1
        if session not in self._greeted:
            self.failed(
                self.over.get_loop(), {"exception": ConnectionError("lost before the first MAIL")}
            )
        elif not self._open and not self.over.done():
            self.over.set_result(None)

    def refused(self, what: str, line: str) -> None:
        self.replies[what] += 1
        if len(self.refusals) < LINES_KEPT:
            self.refusals.append(f"{what}: {line}")


class Session(asyncio.Protocol):
    """One connection. `_step` is the command whose reply it awaits."""

    def __init__(self, run: ClientRun) -> None:
        self._run = run
        self._step = "greeting"
        self._buffer = b""
        self._mail: PreparedMail | None = None
        self._dot_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(
            asyncio.Transport, transport
        )  # uvloop's class does not inherit from it

    def connection_lost(self, _: Exception | None) -> None:
        if self._step != "QUIT":
            self._run.refused("connection lost", f"after {self._step}")
        self._run.closed(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._buffer.endswith(b"\n"):
            return
        last = self._buffer[:-1].rpartition(b"\n")[2]
        if last[3:4] != b"-":
            self._buffer = b""
            self._replied(last.decode("ascii", "replace").rstrip())

    def begin(self) -> None:
        """Send the next mail, or QUIT if there is none."""
        self._mail = next(self._run.remaining, None)
        if self._mail is None:
            self._send_command("QUIT", b"QUIT\r\n")
        else:
            self._send_command("MAIL", self._mail.mail_command)

    def _send_command(self, step: str, line: bytes) -> None:
        self._step = step
        self._transport.write(line)

    def _replied(self, line: str) -> None:
        match self._step, line[:3]:
            case "greeting", "220":
                self._send_command("EHLO", b"EHLO bench.example\r\n")
            case "EHLO", "250":
                self._step = "idle"
                self._run.greeted(self)
            case "MAIL", "250":
                self._send_command("RCPT", self._run.rcpt_command)
            case "RCPT", "250":
                self._send_command("DATA", b"DATA\r\n")
            case "DATA", "354":
                assert self._mail is not None
                self._send_command("dot", self._mail.content)
                self._dot_at = time.perf_counter()
            case "dot", code:
                self._answered(code, line)
            case "RSET", "250":
                self.begin()
            case "QUIT", _:
                self._transport.close()
            case ("MAIL" | "RCPT" | "DATA") as step, code if code != "421":
                self._run.refused(f"{step} {code}", line)
                self._send_command("RSET", b"RSET\r\n")
            case step, code:
                self._run.refused(f"{step} {code}", line)
                self._transport.close()

    def _answered(self, code: str, line: str) -> None:
        now = self._run.last_reply = time.perf_counter()
        assert self._mail is not None
        if code == "250":
            self._run.replies[code] += 1
            self._run.accepted.append(self._mail.name)
            self._run.latencies_s.append(now - self._dot_at)
        else:
            self._run.refused(code, line)
        self.begin()


async def send(
    host: str, port: int, mails: Sequence[PreparedMail], recipient: str, sessions: int
) -> Sent:
    """Send every mail once. Raises OSError if a connection fails before the first MAIL."""
    run = ClientRun(mails, recipient, sessions)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(run.failed)
    for _ in range(sessions):
        await loop.create_connection(lambda: Session(run), host, port)
    await run.over
    return Sent(
        accepted=run.accepted,
        replies=dict(run.replies),
        refusals=run.refusals,
        started_at=run.started_at,
        wall_s=max(run.last_reply - run.first_mail, 1e-9),
        latencies_ms=sorted(seconds * 1000 for seconds in run.latencies_s),
        cpu_s=time.process_time() - run.cpu_s,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("folder", type=Path, help="the mails, as tests.bench.load writes them")
    parser.add_argument("recipient")
    parser.add_argument("--sessions", type=int, default=20)
    given = parser.parse_args()
    mails = prepare(given.folder)
    gc.freeze()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sending = send(given.host, given.port, mails, given.recipient, given.sessions)
        print(json.dumps(dataclasses.asdict(runner.run(sending))))


if __name__ == "__main__":
    main()
