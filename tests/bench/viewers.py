"""`python -m tests.bench.viewers`: what it costs that many browsers follow the journal live.

One process of Postern on SQLite takes mail as fast as it can, in turn without and with the viewers,
then so many mails a second. Prints the rates, the CPU time of the server, and how long after its
`250` a mail reached the viewers. Exit code 1 if a viewer missed a mail.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from statistics import median, quantiles

import uvloop
from aiohttp import ClientResponse, ClientSession, ClientTimeout, CookieJar, TCPConnector
from aiosmtplib import SMTP

from gateway import clock
from gateway.web.console.sessions import new_secret
from rules.service.console_roles import ConsoleRole, EntryUse
from storage.db.database import Connection, Database
from storage.db.ledger import open_ledger
from storage.registry import console_users
from storage.registry.console_users import NewLink
from tests.bench import machine
from tests.bench.postern import enrol
from tests.bench.targets import MAILBOX
from tests.in_process import a_mail
from tests.running import Postern, generous, serving, write_config
from tests.stores import SqliteStores

OF_A_USER = 8
SESSIONS = 8
"""Connections that send mail."""
SENDERS = 200
PATIENCE_S = 5
_SUBJECT = re.compile(rb"Mail (\d{7})")


@dataclass
class Watched:
    """When mails were answered, and how long after that they reached each viewer."""

    sent: set[int] = field(default_factory=set)
    answered_at: dict[int, float] = field(default_factory=dict)
    delays_s: list[float] = field(default_factory=list)
    cut: int = 0
    """Batches that had more mails than are shown, or whose viewer was too slow."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def sees(self, number: int, now: float) -> None:
        """A viewer sees a mail; those from before the measurement do not count."""
        if number in self.sent:
            # Perhaps before the client that sent it has read its answer.
            self.delays_s.append(max(0.0, now - self.answered_at.get(number, now)))
            self._changed.set()

    def forget(self) -> None:
        """What came until now was not measured."""
        self.sent.clear()
        self.answered_at.clear()
        self.delays_s.clear()
        self.cut = 0

    async def until_seen(self, often: int) -> None:
        """Until all mails together were seen so often, or nobody sees more."""
        with suppress(TimeoutError):
            while len(self.delays_s) < often:
                self._changed.clear()
                await asyncio.wait_for(self._changed.wait(), PATIENCE_S)


@dataclass(frozen=True, slots=True)
class Filed:
    """What a server did in a while."""

    rate: float
    """Mails a second that were answered 250."""
    cpu_ms: float
    """Of the server, for each of them."""

    def __str__(self) -> str:
        return f"{self.rate:.0f} mails/s ({self.cpu_ms:.1f} ms of CPU a mail)"


@dataclass
class Sender:
    """Sends mails over connections that stay open."""

    port: int
    server: int
    """The process."""
    watched: Watched
    numbers: count[int] = field(default_factory=count)

    async def as_fast_as_possible(self, seconds: float) -> Filed:
        until = time.perf_counter() + seconds

        async def work() -> None:
            async with self._connected() as client:
                while time.perf_counter() < until:
                    await self._send(client)

        filed = self._measured()
        async with asyncio.TaskGroup() as group:
            for _ in range(SESSIONS):
                group.create_task(work())
        return filed()

    async def at_rate(self, rate: float, seconds: float) -> Filed:
        """Offers so many mails a second."""
        due: asyncio.Queue[None] = asyncio.Queue()
        filed, began = self._measured(), time.perf_counter()

        async def work() -> None:
            async with self._connected() as client:
                while True:
                    await due.get()
                    await self._send(client)
                    due.task_done()

        workers = [asyncio.create_task(work()) for _ in range(SESSIONS)]
        for number in range(round(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            due.put_nowait(None)
        await due.join()
        result = filed()
        for each in workers:
            each.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        return result

    async def send_one(self) -> None:
        async with self._connected() as client:
            await self._send(client)

    def _measured(self) -> Callable[[], Filed]:
        """Begins to measure; the result ends it."""
        mails, began = len(self.watched.answered_at), time.perf_counter()
        cpu_s = machine.cpu_s([self.server])

        def filed() -> Filed:
            more = len(self.watched.answered_at) - mails
            used_s = machine.cpu_s([self.server]) - cpu_s
            return Filed(more / (time.perf_counter() - began), used_s / more * 1000)

        return filed

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[SMTP]:
        client = SMTP(hostname="127.0.0.1", port=self.port, start_tls=False, timeout=60)
        await client.connect()
        try:
            yield client
        finally:
            client.close()

    async def _send(self, client: SMTP) -> None:
        number = next(self.numbers)
        author = address(number % SENDERS)
        raw = a_mail(author, f"Mail {number:07}", f"It does not print. {number}\n" * 10)
        self.watched.sent.add(number)
        await client.sendmail(author, [MAILBOX], raw)
        self.watched.answered_at[number] = time.perf_counter()


def address(number: int) -> str:
    return f"user{number}@customer{number % 50}.example"


async def follow(response: ClientResponse, watched: Watched) -> None:
    """Reads one stream to its end."""
    rest = await response.content.readuntil(b"\n\n")
    with closing(response):
        async for chunk in response.content.iter_any():
            now, text = time.perf_counter(), rest + chunk
            end = text.rfind(b"\n\n") + 2
            rest = text[end:]
            if watched.sent:
                watched.cut += text[:end].count(b"event: slow") + text[:end].count(b"event: more")
            for found in _SUBJECT.finditer(text[:end]):
                watched.sees(int(found[1]), now)


@asynccontextmanager
async def logged_in(postern: Postern, links: Sequence[str]) -> AsyncIterator[list[ClientSession]]:
    """The browsers of so many users."""
    async with AsyncExitStack() as stack:
        sessions = []
        for link in links:
            session = ClientSession(
                cookie_jar=CookieJar(unsafe=True),
                timeout=ClientTimeout(total=None),
                connector=TCPConnector(limit=0),
            )
            sessions.append(await stack.enter_async_context(session))
            enter = f"{postern.http}/console/enter/{link}"
            async with session.get(enter) as page:
                token = re.search(r'name="csrf" value="(\w+)"', await page.text())
            assert token is not None
            async with session.post(enter, data={"csrf": token[1]}) as entered:
                entered.raise_for_status()
        yield sessions


@asynccontextmanager
async def followed(
    postern: Postern, sessions: Sequence[ClientSession], sender: Sender
) -> AsyncIterator[None]:
    """Each user follows the journal in several windows, all of which have shown a new mail."""
    watched = sender.watched = Watched()
    tasks: list[asyncio.Task[None]] = []
    try:
        for session in sessions:
            for _ in range(OF_A_USER):
                response = await session.get(f"{postern.http}/console/journal/events")
                response.raise_for_status()
                tasks.append(asyncio.create_task(follow(response, watched)))
        await sender.send_one()
        await watched.until_seen(len(tasks))
        watched.forget()
        yield
    finally:
        sender.watched = Watched()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def invited(store_url: str, users: int) -> list[str]:
    """A link for each user that logs them in."""
    secrets = [new_secret() for _ in range(users)]

    def invite(connection: Connection) -> None:
        for number, secret in enumerate(secrets):
            link, now = NewLink(EntryUse.ENTER, secret), clock.now()
            to = f"viewer{number}@help.example"
            console_users.invite(connection, to, ConsoleRole.OPERATOR, now, link)

    database = Database(store_url)
    ledger = open_ledger(database)
    try:
        ledger.submit(invite).result()
    finally:
        ledger.close()
        database.close()
    return secrets


async def measure(postern: Postern, links: Sequence[str], given: argparse.Namespace) -> int:
    sender = Sender(postern.smtp[1], postern.process.pid, Watched())
    await sender.as_fast_as_possible(given.seconds / 2)  # warm
    alone: list[Filed] = []
    beside: list[Filed] = []
    async with logged_in(postern, links) as sessions:
        for _ in range(given.rounds):
            alone.append(await sender.as_fast_as_possible(given.seconds))
            async with followed(postern, sessions, sender):
                beside.append(await sender.as_fast_as_possible(given.seconds))
            print(f"as fast as possible: {alone[-1]} alone, {beside[-1]} watched")
        down = 100 * (1 - median(f.rate for f in beside) / median(f.rate for f in alone))
        more = median(f.cpu_ms for f in beside) - median(f.cpu_ms for f in alone)
        print(
            f"{given.viewers} viewers take {down:.0f} % of the rate, which they share with the "
            f"server's cores, and {more:.1f} ms of the server's CPU a mail (medians)"
        )
        async with followed(postern, sessions, sender):
            return await at_rate(sender, given)


async def at_rate(sender: Sender, given: argparse.Namespace) -> int:
    watched = sender.watched
    filed = await sender.at_rate(given.rate, given.seconds)
    mails = len(watched.answered_at)
    await watched.until_seen(given.viewers * mails)
    missed = given.viewers * mails - len(watched.delays_s)
    p99 = quantiles(watched.delays_s, n=100)[98]
    print(
        f"{given.rate:.0f} mails/s offered: {filed}; "
        f"delay p50 {median(watched.delays_s) * 1000:.0f}, p99 {p99 * 1000:.0f}, "
        f"longest {max(watched.delays_s) * 1000:.0f} ms; "
        f"{watched.cut} batches were cut, {missed} rows are missing"
    )
    return 1 if missed else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.viewers", description=__doc__)
    parser.add_argument("--viewers", type=int, default=200)
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    users = -(-given.viewers // OF_A_USER)
    given.viewers = users * OF_A_USER
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        url = SqliteStores(folder / "stores").new()
        # As behind a reverse proxy; otherwise one address may hold a fifth of the connections.
        more = f'connections = {3 * given.viewers}\nproxies = ["127.0.0.1/32"]\n'
        config = write_config(folder, url, generous(folder))
        config.write_text(config.read_text().replace("[http]\n", f"[http]\n{more}"))
        enrol(config, [address(number) for number in range(SENDERS)])
        links = invited(url, users)
        with serving(config) as postern, asyncio.Runner(loop_factory=uvloop.new_event_loop) as run:
            return run.run(measure(postern, links, given))


if __name__ == "__main__":
    sys.exit(main())
