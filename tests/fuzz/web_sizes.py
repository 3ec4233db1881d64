"""Requests of the largest size, of hostile pieces, to the real HTTP server in this process.

Laws: none holds the event loop for 50 ms of its CPU time, of which mail would wait; and nothing is
kept of what it says: no warning, no label of a metric, no long line of the log, no memory.
"""

from __future__ import annotations

import asyncio
import gc
import re
import socket
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

from structlog.testing import capture_logs

from gateway import clock
from gateway.web.api.routes import OPERATIONS
from gateway.web.console.routes import ROUTES
from gateway.web.console.sessions import form_token
from rules.sender.tokens import LinkUse
from rules.service.console_roles import ConsoleRole
from storage.db.database import Connection, Database
from storage.db.ledger import open_ledger
from storage.registry import console_users
from tests.fuzz import web
from tests.fuzz.findings import Case, Report, random_for
from tests.fuzz.hostile_requests import PIECES, SEPARATORS, SHAPES, Target
from tests.fuzz.http_grammar import HttpRequest, link_path, request
from tests.fuzz.web import LogLine
from tests.fuzz.wire import errors_collected, rss_mib
from tests.properties.loop_meter import LoopMeter

PART = "web_sizes"
LONGEST_CPU_S = 0.05
TIMES = 3
"""So often a request is sent that holds the loop too long: the first use of a page compiles it."""
GIVE_UP_S = 2.0
"""How long a client waits where the server may wait for more of the request."""
WARM_UP = 2_000
"""Requests after which the memory is measured: until then the caches fill, and the allocator keeps
what large requests needed. On 2026-11-30 it was 204 MiB after 1,000 requests, 259 after 2,000, 314
after 5,000 and 349 after 14,000."""
MOST_GROWTH_MIB = 96
MOST_WARNINGS = 10
"""That Python keeps for good: of each place in the code one, and not one of each request."""
LONGEST_LINE = 3_000
"""Of the log, and of the metrics."""
SECRET = "s" * 43
"""Of the console's session."""
ADMIN = "sam@help.example"
PUBLIC = (
    *("/", "/signup", "/healthz", "/readyz", "/metrics", "/static/postern.css", "/console", "/no"),
    *("/console/login", "/console/openid", "/console/openid/end", "/console/static/console.css"),
    *("/console/enter/x", "/held/1/x", "/folded/1/x", "/files/1/x", "/signup/1/x"),
)
POSTED = ("/signup", "/held/1/x", "/folded/1/x", "/files/1/x", "/console/login", "/console/enter/x")
EXAMPLES = {
    "address": "ann@acme.example",
    "number": "2",
    "part": "1",
    **dict.fromkeys(("journal_id", "notice", "id"), "00000000-0000-0000-0000-000000000000"),
}
"""Values in a path; any other is 1."""


def run(seed: int, numbers: range) -> Report:
    """The requests with these numbers."""
    return _run(seed, (generated(random_for(seed, PART, n), n) for n in numbers))


def replay(cases: Sequence[Case]) -> list[Report]:
    return [_run(0, ([HttpRequest.of_case(case)] for case in cases))]


def generated(random: Random, number: int) -> list[HttpRequest]:
    """A request, and the same a little shorter. The first fill each header of the form that
    everybody is shown; the others anything."""
    shape, target, piece = _drawn(random, number)
    return [SHAPES[shape](replace(target, again=again), piece) for again in range(TIMES)]


def _drawn(random: Random, number: int) -> tuple[str, Target, str]:
    headers = KINDS["header"]
    if number < len(headers) * len(SEPARATORS):
        return headers[number % len(headers)], LOGIN, SEPARATORS[number // len(headers)]
    kind = random.choice(("header", *KINDS))
    bodies = kind not in ("header", "lines", "path", "query")
    groups = [targets for (method, _), targets in TARGETS.items() if method != "GET" or not bodies]
    piece = random.choice(random.choice((SEPARATORS, PIECES)))
    return random.choice(KINDS[kind]), random.choice(random.choice(groups)), piece


def _targets() -> Iterator[Target]:
    """Every route: as anybody, with a token of each scope, and as an administrator."""
    for path in (*PUBLIC, *map(link_path, LinkUse)):
        yield Target("GET", path)
    for path in (*POSTED, *map(link_path, LinkUse)):
        yield Target("POST", path)
    for each in OPERATIONS:
        for scope in each.scopes:
            actor = "ann@acme.example" if scope.value == "portal" else ADMIN
            headers = {"Authorization": f"Bearer {scope.value}-token", "X-Postern-Actor": actor}
            yield Target(each.method, _filled(each.path), headers)
    for route in ROUTES:
        if route.path != "/logout":
            cookie = {"Cookie": f"postern_session={SECRET}"}
            yield Target(route.method, f"/console{_filled(route.path)}", cookie, form_token(SECRET))


def _filled(path: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: EXAMPLES.get(found[1], "1"), path)


TARGETS: Mapping[tuple[str, bool], Sequence[Target]] = {
    key: [each for each in _targets() if (each.method, bool(each.headers)) == key]
    for key in sorted({(each.method, bool(each.headers)) for each in _targets()})
}
"""By method, and whether their requests carry a token or a session."""
LOGIN = Target("POST", "/console/login")
KINDS = {
    kind: [shape for shape in SHAPES if shape.partition(" ")[0] == kind]
    for kind in sorted({each.partition(" ")[0] for each in SHAPES})
}
"""The shapes by what they fill."""


def _run(seed: int, requests: Iterator[Sequence[HttpRequest]]) -> Report:
    report, meter = Report(PART, seed), LoopMeter()
    with (
        tempfile.TemporaryDirectory() as folder,
        asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(meter)) as runner,
    ):
        runner.run(_against_a_server(Path(folder), report, requests, meter))
    return report


def _with_an_administrator(folder: Path) -> str:
    url = web.prepared_store(folder)
    database = Database(url, connections=2)
    ledger = open_ledger(database)

    def log_in(connection: Connection) -> None:
        now = clock.now()
        console_users.invite(connection, ADMIN, ConsoleRole.ADMIN, now)
        console_users.begin_session(connection, address=ADMIN, secret=SECRET, now=now, network="")

    ledger.submit(log_in).result()
    ledger.close()
    database.close()
    return url


async def _against_a_server(
    folder: Path, report: Report, requests: Iterator[Sequence[HttpRequest]], meter: LoopMeter
) -> None:
    url = await asyncio.to_thread(_with_an_administrator, folder)
    with capture_logs() as lines, errors_collected() as errors:
        async with web.serving(url, folder, lines) as address:
            watch = _Watch(report, meter, address, lines, errors)
            for each in requests:
                if report.is_full:
                    break
                await watch.check(each)
            await watch.end()


class _Watch:
    """Sends the requests and checks the laws."""

    def __init__(
        self,
        report: Report,
        meter: LoopMeter,
        address: tuple[str, int],
        lines: list[LogLine],
        errors: list[str],
    ) -> None:
        self._report = report
        self._meter = meter
        self._address = address
        self._lines = lines
        self._errors = errors
        self._sent = 0
        self._statuses: Counter[str] = Counter()
        self._longest_s = 0.0
        self._memory_mib = 0.0
        self._warnings = _warnings_kept()

    async def check(self, variants: Sequence[HttpRequest]) -> None:
        """One request; the others where it held the loop, since other programs only ever add."""
        report, took = self._report, list[float]()
        logged = len(self._lines)
        for each in variants:
            await asyncio.sleep(0)
            self._meter.reset()
            answer = await self._ask(each.raw)
            await asyncio.sleep(0)  # the loop has waited since, and so is measured
            took.append(self._meter.longest_cpu_s)
            if took[-1] <= LONGEST_CPU_S:
                break
        report.cases += 1
        self._statuses[answer[9:12].decode("latin-1")] += 1
        self._longest_s = max(self._longest_s, min(took))
        if min(took) > LONGEST_CPU_S:
            report.add("the event loop goes on", f"held for {min(took):.3f} s", each.to_case())
        if self._errors:
            report.add("no exception is logged", self._errors[0], each.to_case())
            self._errors.clear()
        for line in self._lines[logged:]:
            if len(repr(line)) > LONGEST_LINE or line.get("log_level") == "error":
                report.add("short lines are logged, and no error", repr(line), each.to_case())
        if report.cases == WARM_UP:
            gc.collect()
            self._memory_mib = rss_mib()

    async def end(self) -> None:
        report = self._report
        metrics = await self._ask(request("GET", "/metrics"))
        if long := [line for line in metrics.splitlines() if len(line) > LONGEST_LINE]:
            report.add("no request is a label of a metric", repr(long[0]))
        kept = _warnings_kept() - self._warnings
        if kept > MOST_WARNINGS:
            report.add("no request is kept as a warning", f"{kept} were")
        gc.collect()
        growth = rss_mib() - self._memory_mib if self._memory_mib else 0.0
        if growth > MOST_GROWTH_MIB:
            report.add("no memory is kept", f"{growth:.0f} MiB more than after {WARM_UP} requests")
        report.figures = {
            "answers": dict(self._statuses.most_common()),
            "held": f"{1000 * self._longest_s:.0f} ms",
        }

    async def _ask(self, raw: bytes) -> bytes:
        # Each client may ask a few hundred times a minute.
        number = self._sent = self._sent + 1
        client = f"127.{30 + number // 60_000 % 90}.{number // 250 % 240}.{1 + number % 250}"
        return await asyncio.to_thread(partial(_answer, self._address, raw, client))


def _answer(address: tuple[str, int], raw: bytes, client: str) -> bytes:
    """What comes until the server closes, or sends events; in a thread, whose time is not the
    loop's."""
    received = bytearray()
    with suppress(OSError), socket.create_connection(address, GIVE_UP_S, (client, 0)) as connected:
        with suppress(OSError):  # it may refuse the rest
            connected.sendall(raw)
        while (data := connected.recv(2**16)) and b"\nContent-Type: text/event" not in received:
            received += data
    return bytes(received)


def _warnings_kept() -> int:
    """How many warnings Python remembers, in all modules."""
    registries = (getattr(each, "__warningregistry__", None) for each in [*sys.modules.values()])
    return sum(len(each) for each in registries if each)
