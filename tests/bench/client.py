"""The client of the benchmark, a separate process: `python -m tests.bench.client --help`.

It keeps its sessions open, or ends each after one mail, and sends each mail once, with the mail's
author as envelope sender and without pipelining; all bytes are prepared beforehand. With a rate, a
mail that is due while all sessions are busy is sent late, and the time until then counts as its
wait. Debian's smtp-source would use less CPU, but it sends the same body repeatedly, which Postern
would recognise as a repeat.

At the end it prints one JSON object: the fields of `Sent`.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import gc
import json
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
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
    """From the first MAIL to the last reply, without connecting and EHLO of the first sessions."""
    latencies_ms: list[float]
    """From the final dot to its 250, for each accepted mail, sorted."""
    cpu_s: float
    """User and system time of the client while it was sending."""
    waits_ms: list[float] = field(default_factory=list)
    """From when a mail was due, or without a rate from its MAIL, to its 250; sorted."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How the mails are sent."""

    sessions: int
    """Connections at the same time."""
    rate: float | None = None
    """Mails per second that are offered; None for as many as are accepted."""
    new_connections: bool = False
    """Whether each mail has a connection of its own."""

    def __str__(self) -> str:
        each = ", each mail over a connection of its own" if self.new_connections else ", kept open"
        offered = "" if self.rate is None else f", {self.rate:g} mails/s offered"
        return f"{self.sessions} sessions{each}{offered}"

    def arguments(self) -> list[str]:
        """For the command line of this module."""
        rate = [] if self.rate is None else ["--rate", str(self.rate)]
        new = ["--new-connections"] if self.new_connections else []
        return ["--sessions", str(self.sessions), *rate, *new]


@dataclass(frozen=True, slots=True)
class PreparedMail:
    """A mail as bytes that are ready to be sent."""

    name: str
    mail_command: bytes
    content: bytes
    """Dot-stuffed, with its final dot."""


def prepare(folder: Path, first: int = 0, count: int | None = None) -> list[PreparedMail]:
    """The mails of a folder, or `count` of them after the `first` ones, ready to be sent."""
    return [
        PreparedMail(
            mail.path.name,
            f"MAIL FROM:<{mail.sender}>\r\n".encode(),
            stuffed(mail.path.read_bytes()),
        )
        for mail in read(folder)[first:][:count]
    ]


def stuffed(raw: bytes) -> bytes:
    """A mail as DATA carries it: CRLF line ends, dots doubled, the final dot (RFC 5321 §4.5.2)."""
    text = raw.replace(b"\r\n", b"\n").removesuffix(b"\n").replace(b"\n", b"\r\n")
    text = text.replace(b"\r\n.", b"\r\n..")
    return (b"." if text.startswith(b".") else b"") + text + b"\r\n.\r\n"


class ClientRun:
    """The state of all sessions: the remaining mails, and the results so far."""

    def __init__(
        self, server: tuple[str, int], mails: Sequence[PreparedMail], recipient: str, pace: Pace
    ) -> None:
        self.remaining = deque(mails)
        self.pace = pace
        self.rcpt_command = f"RCPT TO:<{recipient}>\r\n".encode()
        self.accepted: list[str] = []
        self.latencies_s: list[float] = []
        self.waits_s: list[float] = []
        self.replies: Counter[str] = Counter()
        self.refusals: list[str] = []
        self.started_at = self.first_mail = self.last_reply = self.cpu_s = 0.0
        self.over = asyncio.get_running_loop().create_future()
        """Done when all connections are closed, or with the first exception of a session."""
        self._server = server
        self._greeted: list[Session] = []
        self._begun = False
        self._taken = 0
        self._open = pace.sessions
        self._connecting: set[asyncio.Task[None]] = set()

    async def connect(self) -> None:
        """Open a session."""
        await self.over.get_loop().create_connection(lambda: Session(self), *self._server)

    def failed(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """The loop's exception handler: a bug in one session must not block the others."""
        if not self.over.done():
            self.over.set_exception(context.get("exception") or RuntimeError(context["message"]))

    def greeted(self, session: Session) -> None:
        """Start all sessions together, once the last one is ready; a later one at once."""
        if self._begun:
            session.begin()
            return
        self._greeted.append(session)
        if len(self._greeted) == self._open:
            self._begun = True
            self.cpu_s, self.started_at = time.process_time(), time.time()
            self.first_mail = self.last_reply = time.perf_counter()
            for each in self._greeted:
                each.begin()

    def next_mail(self) -> tuple[PreparedMail, float] | None:
        """The next mail and when it is due, by `time.perf_counter`; None if there is none."""
        if not self.remaining:
            return None
        due_at = time.perf_counter()
        if self.pace.rate is not None:
            due_at = self.first_mail + self._taken / self.pace.rate
        self._taken += 1
        return self.remaining.popleft(), due_at

    def closed(self, *, has_sent: bool) -> None:
        """A session has ended, after it has sent a mail or before."""
        if not self._begun:
            error = ConnectionError("lost before the first MAIL")
            self.failed(self.over.get_loop(), {"exception": error})
        elif self.pace.new_connections and has_sent and self.remaining:
            task = self.over.get_loop().create_task(self.connect())
            self._connecting.add(task)
            task.add_done_callback(self._connected)
        else:
            self._open -= 1
            if not self._open and not self.over.done():
                self.over.set_result(None)

    def _connected(self, task: asyncio.Task[None]) -> None:
        self._connecting.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.failed(self.over.get_loop(), {"exception": error})

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
        self._has_sent = False
        self._timer: asyncio.TimerHandle | None = None
        self._due_at = self._dot_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(
            asyncio.Transport, transport
        )  # uvloop's class does not inherit from it

    def connection_lost(self, _: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()  # no effect on one that has run
        if self._step != "QUIT":
            self._run.refused("connection lost", f"after {self._step}")
        self._run.closed(has_sent=self._has_sent)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._buffer.endswith(b"\n"):
            return
        last = self._buffer[:-1].rpartition(b"\n")[2]
        if last[3:4] != b"-":
            self._buffer = b""
            self._replied(last.decode("ascii", "replace").rstrip())

    def begin(self) -> None:
        """Send the next mail when it is due, or QUIT if there is none for this session."""
        is_last = self._has_sent and self._run.pace.new_connections
        following = None if is_last else self._run.next_mail()
        if following is None:
            self._send_command("QUIT", b"QUIT\r\n")
            return
        self._mail, self._due_at = following
        early_s = self._due_at - time.perf_counter()
        if early_s > 0:
            self._timer = self._run.over.get_loop().call_later(early_s, self._send_mail)
        else:
            self._send_mail()

    def _send_mail(self) -> None:
        assert self._mail is not None
        self._has_sent = True
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
            self._run.waits_s.append(now - self._due_at)
        else:
            self._run.refused(code, line)
        self.begin()


async def send(
    server: tuple[str, int], mails: Sequence[PreparedMail], recipient: str, pace: Pace
) -> Sent:
    """Send every mail once. Raises OSError if a connection fails before the first MAIL."""
    run = ClientRun(server, mails, recipient, pace)
    asyncio.get_running_loop().set_exception_handler(run.failed)
    for _ in range(pace.sessions):
        await run.connect()
    await run.over
    return Sent(
        accepted=run.accepted,
        replies=dict(run.replies),
        refusals=run.refusals,
        started_at=run.started_at,
        wall_s=max(run.last_reply - run.first_mail, 1e-9),
        latencies_ms=sorted(seconds * 1000 for seconds in run.latencies_s),
        cpu_s=time.process_time() - run.cpu_s,
        waits_ms=sorted(seconds * 1000 for seconds in run.waits_s),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("folder", type=Path, help="the mails, as tests.bench.load writes them")
    parser.add_argument("recipient")
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--rate", type=float, help="mails/s that are offered")
    parser.add_argument("--new-connections", action="store_true", help="one for each mail")
    parser.add_argument("--first", type=int, default=0, help="how many mails to leave out")
    parser.add_argument("--count", type=int, help="how many mails to send")
    given = parser.parse_args()
    mails = prepare(given.folder, given.first, given.count)
    gc.freeze()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        pace = Pace(given.sessions, given.rate, given.new_connections)
        sending = send((given.host, given.port), mails, given.recipient, pace)
        print(json.dumps(dataclasses.asdict(runner.run(sending))))


if __name__ == "__main__":
    main()
