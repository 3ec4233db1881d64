"""Generated dialogues with the SMTP and LMTP server: valid, unusual and hostile ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from random import Random
from typing import Any

from tests.fuzz.findings import Case, to_bytes, to_text


class Act(StrEnum):
    """What the client does."""

    SEND = "send"
    REPLY = "reply"
    """Wait for one more reply."""
    TLS = "tls"
    """Wait for the reply to STARTTLS, then a handshake."""
    HALF_CLOSE = "half close"
    RESET = "reset"
    LISTEN = "listen"
    """Say nothing more, and read until the server closes."""
    STAY = "stay"
    """Say nothing more and keep the connection, whatever the server does."""
    DEAF = "deaf"
    """Read nothing from now on."""
    CROWD = "crowd"
    """Open so many more connections from the same address."""


@dataclass(frozen=True, slots=True)
class Step:
    act: Act
    data: bytes = b""
    count: int = 0


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One connection to one of the listeners of a lane."""

    listener: str
    steps: tuple[Step, ...]

    def to_case(self) -> Case:
        steps: list[list[Any]] = [[str(s.act), to_text(s.data), s.count] for s in self.steps]
        return {"listener": self.listener, "steps": steps}

    @classmethod
    def of_case(cls, case: Case) -> Dialogue:
        steps = tuple(Step(Act(act), to_bytes(data), n) for act, data, n in case["steps"])
        return cls(case["listener"], steps)


LISTENERS = ("smtp",) * 10 + ("lmtp",) * 3 + ("proxy",) * 3 + ("lenient",) * 2 + ("tls",)
ENDS = (
    *(Act.LISTEN,) * 6,
    *(Act.STAY,) * 2,
    *(Act.RESET,) * 6,
    *(Act.HALF_CLOSE,) * 3,
)

RCPT = b"RCPT TO:<support@help.example.com>"
COMMANDS = (
    b"EHLO client.example",
    b"HELO client.example",
    b"LHLO client.example",
    b"MAIL FROM:<ann@customer.example>",
    b"MAIL FROM:<>",
    b"MAIL FROM:<> SIZE=99 BODY=8BITMIME SMTPUTF8",
    b"MAIL FROM:<ann@customer.example> SIZE=99999999999",
    b"MAIL FROM:<ann@customer.example> SIZE=-1",
    b"MAIL FROM:<ann@customer.example> SIZE=" + b"9" * 400,
    b"MAIL FROM:<ann@customer.example> BODY=BINARYMIME RET=FULL",
    b"MAIL FROM:<@route.example:ann@customer.example>",
    b'MAIL FROM:<"a b"@customer.example>',
    b"MAIL FROM:<ann@[127.0.0.1]>",
    b"MAIL FROM: ann@customer.example",
    "MAIL FROM:<änn@customer.example> SMTPUTF8".encode(),
    RCPT,
    RCPT,
    b"RCPT TO:<sales@help.example.com>",
    b"RCPT TO:<nobody@elsewhere.example>",
    b"RCPT TO:<Postmaster>",
    b"RCPT TO:<refused@help.example.com>",
    b"RCPT TO:<support@help.example.com> NOTIFY=NEVER",
    b"DATA",
    b"DATA x",
    b"RSET",
    b"NOOP",
    b"NOOP x",
    b"QUIT",
    b"QUIT x",
    b"STARTTLS",
    b"STARTTLS x",
    b"VRFY ann",
    b"VRFY",
    b"EXPN all",
    b"HELP",
    b"AUTH PLAIN AGEAYg==",
    b"BDAT 10 LAST",
    b"GET / HTTP/1.1",
    b"XCLIENT ADDR=127.0.0.1",
    b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2",
    b"",
    b" ",
    b"ehlo",
    b"mail from:<ann@customer.example>",
    b"NOOP " + b"a" * 3000,
    b"A" * 70_000,
    b"NOOP \x1b[2J",
    b"NOOP \0",
    b"NOOP \xff\xfe",
    "NOOP \u202e".encode(),
)
ENDS_OF_DATA = (
    *(b"\r\n.\r\n",) * 12,
    b"\n.\n",
    b"\r.\r",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r\n.\r",
    b"\r\n\0.\r\n",
    b"\r\n.\r\r\n",
    b"",
)
LINES = (
    b"Subject: Hello",
    b"From: ann@customer.example",
    b"",
    b".",
    b"..",
    b"...",
    b". ",
    b".x",
    b" .",
    b"x" * 998,
    b"x" * 5000,
    b"\t",
    b"\x85",
    b"\xe2\x80\xa8",
    b"\xff\xfe",
    b"MAIL FROM:<smuggled@evil.example>",
    RCPT,
    b"DATA",
    b"QUIT",
)
TOKENS = (
    *(b"\0", b"\r", b"\n", b"\r\n", b"\n.\n", b"\r\n.\r\n", b"\r.\r\n", b"\x1b[2J", b"."),
    *(b"<", b">", b"@", b'"', b"\\", b":", b" " * 200, b"\t", b"\xff\xfe", b"\xe2\x80\xae"),
    *(b"A" * 600, b"A" * 3000, b"SIZE=-1", b"=?utf-8?q?a=0d=0aX?=", b"\x16\x03\x01\x02\x00"),
    *(b"DATA\r\n", b"RSET\r\n", b"STARTTLS\r\n", b"QUIT\r\n", b"NOOP\r\n" * 120, RCPT + b"\r\n"),
)
PROXY_V2 = b"\r\n\r\n\0\r\nQUIT\n"
PROXY_HEADERS = (
    *(b"PROXY TCP4 192.0.2.7 127.0.0.1 40000 25\r\n",) * 6,
    b"PROXY TCP6 2001:db8::7 ::1 40000 25\r\n",
    b"PROXY UNKNOWN\r\n",
    PROXY_V2 + b"\x21\x11\0\x0c\xc0\0\x02\x07\x7f\0\0\x01\x9c\x40\0\x19",
    PROXY_V2 + b"\x21\x21\0\x24" + b"\x20\x01\x0d\xb8" + b"\0" * 31 + b"\x07",
    PROXY_V2 + b"\x20\0\0\0",
    PROXY_V2 + b"\x21\x11\xff\xff",
    PROXY_V2 + b"\x21\x11\0\x02ab",
    PROXY_V2 + b"\xff\xff\0\0",
    PROXY_V2[:7],
    b"PROXY TCP4 999.0.2.7 127.0.0.1 40000 25\r\n",
    b"PROXY TCP4 192.0.2.7 127.0.0.1 40000\r\n",
    b"PROXY TCP4 192.0.2.7 127.0.0.1 -1 99999\r\n",
    b"PROXY TCP4 " + b"1" * 500 + b"\r\n",
    b"PROXY TCP4 192.0.2.7 127.0.0.1 40000 25\n",
    b"PROXY \xff\xff\r\n",
    b"EHLO client.example\r\n",
    b"",
)


def dialogue(random: Random) -> Dialogue:
    listener = random.choice(LISTENERS)
    steps: list[Step] = []
    if listener == "proxy":
        steps.append(Step(Act.SEND, random.choice(PROXY_HEADERS)))
    if random.random() < 0.02:
        steps.append(Step(Act.CROWD, count=random.randint(1, 12)))
    if random.random() < 0.02:
        steps += [Step(Act.DEAF), *_pipelined(random, listener)]
        return Dialogue(listener, (*steps, Step(Act.SEND, b"NOOP\r\n" * 200), Step(Act.STAY)))
    if random.random() < 0.4:
        steps += _turns(random, listener)
    else:
        steps += _pipelined(random, listener)
    if random.random() < 0.3:  # aborted at any point
        steps = steps[: random.randrange(len(steps) + 1)]
    steps.append(Step(random.choice(ENDS)))
    return Dialogue(listener, tuple(steps))


def _turns(random: Random, listener: str) -> Sequence[Step]:
    """Commands that wait for their replies, as most clients do."""
    steps = [Step(Act.REPLY)]
    for _ in range(random.randint(1, 3)):
        for command in _commands(random, listener):
            steps.append(Step(Act.SEND, command))
            if command.upper() == b"STARTTLS\r\n" and random.random() < 0.8:
                steps.append(Step(Act.TLS))
            elif random.random() < 0.9:
                steps.append(Step(Act.REPLY))
    return steps


def _pipelined(random: Random, listener: str) -> Sequence[Step]:
    """All at once, mutated, in packets that end anywhere."""
    stream = bytearray(b"".join(_commands(random, listener)))
    for _ in range(random.choice((0, 0, 1, 1, 2, 3, 6))):
        _mutate(random, stream)
    cuts = sorted(random.randrange(len(stream) + 1) for _ in range(random.choice((0, 0, 1, 2, 5))))
    edges = [0, *cuts, len(stream)]
    return [Step(Act.SEND, bytes(stream[a:b])) for a, b in pairwise(edges)]


def _commands(random: Random, listener: str) -> list[bytes]:
    hello = b"LHLO client.example" if listener == "lmtp" else b"EHLO client.example"
    if random.random() < 0.6:
        commands = [hello]
        if random.random() < 0.15:
            commands += [b"STARTTLS", hello]
        commands += [b"MAIL FROM:<ann@customer.example>", *[RCPT] * random.choice((1, 1, 2, 7))]
        if random.random() < 0.2:
            commands.insert(random.randrange(len(commands)), random.choice(COMMANDS))
        lines = [*(each + b"\r\n" for each in commands), b"DATA\r\n", content(random)]
        return lines + ([b"QUIT\r\n"] if random.random() < 0.5 else [])
    chosen = [random.choice(COMMANDS) for _ in range(random.randint(1, 14))]
    return [
        each + b"\r\n" + (content(random) if each == b"DATA" and random.random() < 0.7 else b"")
        for each in chosen
    ]


def content(random: Random) -> bytes:
    """What follows DATA, with its end or something like it."""
    lines = [random.choice(LINES) for _ in range(random.choice((0, 1, 3, 6, 12)))]
    text = b"\r\n".join(lines)
    if random.random() < 0.03:
        text += (b"y" * 70 + b"\r\n") * random.choice((900, 2500))
    return text + random.choice(ENDS_OF_DATA)


def _mutate(random: Random, stream: bytearray) -> None:
    at, kind = random.randrange(len(stream) + 1), random.random()
    if kind < 0.45:
        stream[at:at] = random.choice(TOKENS)
    elif kind < 0.65 and at < len(stream):
        stream[at] = random.randrange(256)
    elif kind < 0.8:
        del stream[at : at + random.randint(1, 20)]
    elif kind < 0.95:
        start = random.randrange(len(stream) + 1)
        stream[at:at] = stream[start : start + random.randint(1, 60)]
    else:
        del stream[at:]
