"""Generated requests to the real HTTP server of a whole Postern in this process.

Laws: no 5xx and no exception in the log; a well-formed request is answered in time; a link that is
not ours shows and changes nothing.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator, MutableMapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import uvloop
from structlog.testing import capture_logs

from gateway import app, clock
from gateway.config.model import Config
from gateway.config.sections import HttpSection, RelaySection, SmtpSection, StoreSection
from rules.sender.tokens import LinkUse
from storage.db.database import Connection, Database
from storage.db.ledger import open_ledger
from storage.registry import signing_keys
from storage.registry.mailboxes import mailbox_named
from storage.ticket import read
from storage.ticket.views import TicketView
from tests.fuzz.findings import Case, Report, random_for
from tests.fuzz.http_grammar import CANARY, KEYS, HttpRequest, Kind, generated, link_path, request
from tests.fuzz.wire import errors_collected
from tests.gateway.web.api.site import enrolled
from tests.gateway.web.link_pages import open_ticket
from tests.in_process import SUPPORT
from tests.stores import SqliteStores

PART = "web"
LANES = 12
ANSWER_S = 30.0
"""No request may take so long, on any machine."""
GIVE_UP_S = 0.3
"""How long a client waits for an answer to what is no request."""
KEPT = 40
"""The requests before the one that failed, which may have been needed for it."""

LogLine = MutableMapping[str, Any]


def run(seed: int, numbers: range) -> Report:
    """The requests with these numbers."""
    return _run(seed, (generated(random_for(seed, PART, n)) for n in numbers))


def replay(cases: Sequence[Case]) -> list[Report]:
    return [_run(0, (HttpRequest.of_case(case) for case in cases), lanes=1)]


def _run(seed: int, requests: Iterator[HttpRequest], lanes: int = LANES) -> Report:
    report = Report(PART, seed)
    with (
        tempfile.TemporaryDirectory() as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_against_a_server(Path(folder), report, requests, lanes))
    return report


def prepared_store(folder: Path) -> str:
    """With people and API tokens, known keys, and the canary ticket."""
    url = SqliteStores(folder).new()
    database = Database(url, connections=2)
    ledger = open_ledger(database)
    secret = KEYS.secrets[KEYS.current]
    ledger.submit(lambda c: signing_keys.add_key(c, secret, clock.now())).result()
    enrolled(url)

    def add_canary(connection: Connection) -> None:
        number = open_ticket(connection, mailbox_named(connection, SUPPORT), "Canary")
        assert number == CANARY

    ledger.submit(add_canary).result()
    ledger.close()
    database.close()
    return url


@asynccontextmanager
async def serving(url: str, folder: Path, lines: list[LogLine]) -> AsyncIterator[tuple[str, int]]:
    """A whole server; yields where it serves HTTP."""
    config = Config(
        smtp=SmtpSection(listen="127.0.0.1:0"),
        http=HttpSection(listen="127.0.0.1:0"),
        store=StoreSection(url=url),
        relay=RelaySection(maildir=folder / "outbox"),
    )
    stop, ready = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(app.serve(config, stop, ready.set))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        await serving
    started = next(line for line in lines if line["event"] == "started")
    host, _, port = started["http"].rpartition(":")
    try:
        yield host, int(port)
    finally:
        stop.set()
        await serving


async def _against_a_server(
    folder: Path, report: Report, requests: Iterator[HttpRequest], lanes: int
) -> None:
    url = await asyncio.to_thread(prepared_store, folder)
    with capture_logs() as lines, errors_collected() as errors:
        async with serving(url, folder, lines) as address:
            database = Database(url, connections=1)
            watch = _Watch(report, address, lines, errors, database)
            await watch.begin()
            async with asyncio.TaskGroup() as group:
                for number in range(lanes):
                    group.create_task(watch.work(number, requests))
            await watch.end()
            database.close()


class _Watch:
    """Sends the requests and checks the laws."""

    def __init__(
        self,
        report: Report,
        address: tuple[str, int],
        lines: list[LogLine],
        errors: list[str],
        database: Database,
    ) -> None:
        self._report = report
        self._host, self._port = address
        self._lines = lines
        self._errors = errors
        self._database = database
        self._recent: list[HttpRequest] = []
        self._canary: TicketView | None = None
        self._statuses: Counter[int] = Counter()

    async def begin(self) -> None:
        self._canary = await self._read_canary()
        for use in LinkUse:  # else the law about links would hold for a server without any
            status, _ = await self._answer(request("GET", link_path(use)), "127.0.0.1", ANSWER_S)
            assert status == 200, (use, status)

    async def end(self) -> None:
        if await self._read_canary() != self._canary:
            self._add("a link that is not ours changes nothing", "the canary ticket has changed")
        for line in self._lines:
            if line.get("log_level") == "error" or "exc_info" in line:
                self._add("no exception is logged", repr(line))
                break
        self._report.figures = {"answers": dict(self._statuses.most_common())}

    async def work(self, lane: int, requests: Iterator[HttpRequest]) -> None:
        for number, each in enumerate(requests):
            if self._report.is_full:
                return
            self._report.cases += 1
            self._recent = [*self._recent[-KEPT:], each]
            address = f"127.{30 + lane}.{number // 250 % 250}.{1 + number % 250}"
            await self._check(each, address)

    async def _check(self, each: HttpRequest, address: str) -> None:
        malformed = each.kind is Kind.MALFORMED
        try:
            status, text = await self._answer(
                each.raw, address, GIVE_UP_S if malformed else ANSWER_S
            )
        except TimeoutError:
            if not malformed:
                self._add("an answer in time", f"none after {ANSWER_S} s", each)
            return
        self._statuses[status] += 1
        if status >= 500:
            self._add("no server error", f"{status} {text[:500]!r}", each)
        if b"Traceback" in text or b'File "' in text:
            self._add("no traceback is shown", repr(text[:500]), each)
        if not status and not malformed:
            self._add("an answer in time", "closed without one", each)
        if each.kind is Kind.LINK and 200 <= status < 400:
            self._add("a link that is not ours shows nothing", f"{status} {text[:300]!r}", each)
        if self._errors:
            self._add("no exception is logged", self._errors[0], each)
            self._errors.clear()

    def _add(self, law: str, detail: str, failed: HttpRequest | None = None) -> None:
        """`failed` is the last of the cases where it is known."""
        before = [each for each in self._recent if each is not failed]
        cases = [*before, failed] if failed is not None else before
        self._report.add(law, detail, *(each.to_case() for each in cases))

    async def _read_canary(self) -> TicketView | None:
        query = partial(read.ticket_view, number=CANARY)
        view = await asyncio.to_thread(self._database.read, query)
        return replace(view) if view is not None else None

    async def _answer(self, raw: bytes, address: str, patience_s: float) -> tuple[int, bytes]:
        """Status and body of the last answer; status 0 if there was none. Raises TimeoutError."""
        async with asyncio.timeout(patience_s):
            reader, writer = await asyncio.open_connection(
                self._host, self._port, local_addr=(address, 0)
            )
            received = b""
            try:
                with suppress(ConnectionError):
                    writer.write(raw)
                    await writer.drain()
                    received = await reader.read(-1)
            finally:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
        head, _, body = received.partition(b"\r\n\r\n")
        status = head[9:12]
        return (int(status) if status.isdigit() else 0), body
