"""Ten attacks. `python -m tests.bench.attacks.attackers NAME SMTP_PORT HTTP_PORT SECONDS FOLDER`.

Each ends by itself after its time and prints one JSON object that counts what it did.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ONE_ADDRESS = "127.0.0.2"
SUPPORT = b"support@help.example"
TO_DATA = (
    b"EHLO evil.example\r\nMAIL FROM:<eve@evil.example>\r\nRCPT TO:<" + SUPPORT + b">\r\nDATA\r\n"
)
STEP_S = 10.0
"""How long an attacker waits for anything."""
AFTER_REFUSAL_S = 0.05
"""An attacker that is turned away comes back after this time; it has one core at most."""

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Attacker:
    """Where to attack, for how long, and what has been done."""

    smtp: int
    http: int
    seconds: float
    folder: Path
    did: Counter[str] = field(default_factory=Counter)
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def together(
        self, count: int, attack: Callable[[Attacker, int], Awaitable[None]]
    ) -> None:
        """Runs an attack so many times at once, each again and again until the time is up."""

        async def again(number: int) -> None:
            while True:
                try:
                    async with asyncio.timeout(STEP_S):
                        await attack(self, number)
                except (OSError, TimeoutError, asyncio.IncompleteReadError):
                    self.did["turned away"] += 1
                    await asyncio.sleep(AFTER_REFUSAL_S)

        with suppress(TimeoutError):
            async with asyncio.timeout(self.seconds), asyncio.TaskGroup() as group:
                for number in range(count):
                    group.create_task(again(number))

    @asynccontextmanager
    async def connected(self, port: int, address: str) -> AsyncIterator[Connection]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    @asynccontextmanager
    async def in_data(self, address: str) -> AsyncIterator[Connection]:
        """A connection after 354. Raises OSError if it is refused before."""
        async with self.connected(self.smtp, address) as (reader, writer):
            writer.write(TO_DATA)
            line = b""
            while not line.startswith(b"354"):
                line = await reader.readuntil(b"\r\n")
                if line[:1] in b"45":
                    raise ConnectionRefusedError(line.decode())
            yield reader, writer


def many(number: int) -> str:
    """An address of one of many networks."""
    return f"127.1.{number // 200 % 200}.{1 + number % 200}"


def near(number: int) -> str:
    """An address of one network."""
    return f"127.0.0.{2 + number % 250}"


async def _until_closed(reader: asyncio.StreamReader) -> None:
    while await reader.read(65536):
        pass


# Every attack on a connection is one visit; `together` repeats it.


async def slots(attacker: Attacker, number: int) -> None:
    async with attacker.in_data(ONE_ADDRESS if number < 300 else near(number)) as (reader, writer):
        writer.write(b"Subject: x\n\r\n" if number % 2 else b"Subject: x\r\n")
        attacker.did["held"] += 1
        await _until_closed(reader)


async def idle(attacker: Attacker, number: int) -> None:
    async with attacker.connected(attacker.smtp, ONE_ADDRESS if number < 300 else near(number)) as (
        reader,
        _,
    ):
        if (await reader.readline()).startswith(b"220"):
            attacker.did["held"] += 1
            await _until_closed(reader)
        else:
            raise ConnectionRefusedError


async def in_flight(attacker: Attacker, _: int) -> None:
    line = b"a" * 998 + b"\r\n"
    async with attacker.in_data(ONE_ADDRESS) as (reader, writer):
        for _ in range(240):
            writer.write(line * 100)
            await writer.drain()
            attacker.did["MB"] += 1
        await _until_closed(reader)


async def _send(attacker: Attacker, address: str, mail: bytes) -> None:
    async with attacker.in_data(address) as (reader, writer):
        writer.write(mail + b"\r\n.\r\n")
        await writer.drain()
        reply = await reader.readline()
        attacker.did[reply[:3].decode("ascii", "replace") or "closed"] += 1


async def html(attacker: Attacker, number: int) -> None:
    part = b"--b\r\nContent-Type: text/html\r\n\r\n" + b"<b><i><u><s><p>" * 17_000 + b"\r\n"
    head = (
        b"From: a@x.example\r\nTo: " + SUPPORT + b"\r\nSubject: %d\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" % next(attacker.numbers)
    )
    await _send(attacker, near(number), head + part * 50 + b"--b--")


async def lines(attacker: Attacker, number: int) -> None:
    """Mails that a participant has signed; each is sent once, then it would be a repeat."""
    mails = sorted(attacker.folder.glob("lines-*.eml"))
    mail = mails[next(attacker.numbers) % len(mails)].read_bytes()
    await _send(attacker, near(number), mail.removesuffix(b"\r\n"))


async def disk(attacker: Attacker, number: int) -> None:
    body = base64.encodebytes(os.urandom(3_000_000)).replace(b"\n", b"\r\n")
    two = b"From: a@x.example\r\nFrom: b@x.example\r\nSubject: x\r\n\r\n" + body
    if number % 2:
        await _send(attacker, near(number), two)
        return
    async with attacker.connected(attacker.smtp, near(number)) as (reader, writer):
        writer.write(TO_DATA.replace(b"eve@evil.example", b""))
        writer.write(two.replace(b"From: b@x.example\r\n", b"") + b"\r\n.\r\nQUIT\r\n")
        await writer.drain()
        await _until_closed(reader)
        attacker.did["null reverse-path"] += 1


async def half_http(attacker: Attacker, number: int) -> None:
    address = ONE_ADDRESS if number < 300 else many(number)
    async with attacker.connected(attacker.http, address) as (reader, writer):
        writer.write(b"POST /signup HTTP/1.1\r\nHost: x\r\nX-a: ")
        attacker.did["held"] += 1
        await _until_closed(reader)
        await asyncio.sleep(AFTER_REFUSAL_S)


async def harvest(attacker: Attacker, number: int) -> None:
    async with attacker.connected(attacker.smtp, near(number)) as (reader, writer):
        writer.write(b"EHLO evil.example\r\nMAIL FROM:<eve@evil.example>\r\n")
        while True:
            addresses = (b"u%d@help.example" % next(attacker.numbers) for _ in range(15))
            writer.write(b"".join(b"RCPT TO:<" + each + b">\r\n" for each in addresses))
            for _ in range(15):
                line = await reader.readuntil(b"\r\n")
                attacker.did[line[:3].decode("ascii", "replace")] += 1
                if line.startswith(b"421"):
                    raise ConnectionRefusedError


async def silent_dns(attacker: Attacker, number: int) -> None:
    mail = (
        b"From: sid@silent.example\r\nTo: " + SUPPORT + b"\r\nSubject: %d\r\n"
        b"DKIM-Signature: v=1; a=rsa-sha256; d=silent.example; s=s%d; h=from; bh=eA==; b=eA==\r\n"
        b"\r\nHelp!" % (next(attacker.numbers), number)
    )
    await _send(attacker, near(number), mail)


async def forms(attacker: Attacker, number: int) -> None:
    address = many(next(attacker.numbers))
    async with attacker.connected(attacker.http, address) as (reader, writer):
        if number % 2:
            body = b"mailbox=support%%40help.example&address=u%d%%40acme.example" % next(
                attacker.numbers
            )
            head = b"POST /signup HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        else:
            body = b'{"comment":{"text":' + b"[" * 50_000 + b"]" * 50_000 + b"}}"
            head = b"PATCH /api/v1/tickets/1 HTTP/1.1\r\nAuthorization: Bearer x\r\n"
        writer.write(
            head + b"Host: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
        )
        writer.write(body)
        await writer.drain()
        status = (await reader.readline())[9:12].decode("ascii", "replace")
        attacker.did[status or "closed"] += 1


Attack = Callable[[Attacker, int], Awaitable[None]]
ATTACKS: dict[str, tuple[str, int, Attack]] = {
    "slots": ("connections that end in a bare LF or a silent DATA", 600, slots),
    "idle": ("idle connections from one address and one network", 600, idle),
    "in-flight": ("256 MB of unfinished mail from one address", 12, in_flight),
    "html": ("mails of 50 costly HTML parts from a stranger", 12, html),
    "lines": ("a million short lines, signed by a participant", 4, lines),
    "disk": ("null reverse-path and two From, 4 MB each", 8, disk),
    "half-http": ("half HTTP requests from many addresses", 1500, half_http),
    "harvest": ("RCPT for invented addresses", 20, harvest),
    "silent-dns": ("mails from a domain whose DNS is silent", 40, silent_dns),
    "forms": ("sign-up forms and API requests from many addresses", 30, forms),
}
"""What it is, how many at once, and one visit."""


def main(name: str, smtp: str, http: str, seconds: str, folder: str) -> None:
    _, count, attack = ATTACKS[name]
    attacker = Attacker(int(smtp), int(http), float(seconds), Path(folder))
    asyncio.run(attacker.together(count, attack))
    print(json.dumps(attacker.did))


if __name__ == "__main__":
    main(*sys.argv[1:])
