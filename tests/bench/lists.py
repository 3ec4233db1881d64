"""`python -m tests.bench.lists`: whether every list and every page is fast with a full store.

A store is filled by SQL, and served. Each list of `tests.storage.db.listings` is read in this
process, and each page of the console and of the API that is got is asked for over HTTP, when the
server has done what it does after a start: once before the measurement, then five times. Exit code
1 if the fastest of the five took longer than the goal, or a page was not answered with 200: on a
machine that has other work, the fastest is what counts.
"""

from __future__ import annotations

import argparse
import http.client
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from storage.db.database import Database
from tests.bench import full_store, machine
from tests.bench.page_requests import PageRequest, requests
from tests.bench.postern import STORES
from tests.bench.processes import Failed
from tests.running import generous, serving, write_config
from tests.storage.db.listings import BY_OTHER_ORDERS, LISTS, Listing

GOAL_MS = 200
TIMES = 5
PATIENCE_S = 60
SETTLE_S = 60
STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Measured:
    """How long a list or a page took."""

    name: str
    taken_ms: Sequence[float]
    cpu_ms: float
    """Of one time, the store's included, which does not depend on the load of the machine."""
    fault: str = ""
    """Of a page that was not shown."""

    @property
    def is_good(self) -> bool:
        return not self.fault and min(self.taken_ms) <= GOAL_MS

    @property
    def line(self) -> str:
        mark = "" if self.is_good else f"  ABOVE {GOAL_MS}" if not self.fault else f"  {self.fault}"
        times = f"{min(self.taken_ms):9.1f}{median(self.taken_ms):9.1f}{self.cpu_ms:9.0f}"
        return f"{times}  {self.name}{mark}"


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """Measures what these processes and their descendants do."""

    roots: Sequence[int]

    def measured(self, name: str, read: Callable[[], str]) -> Measured:
        """Call what returns a fault, or nothing where there is none."""
        fault, taken, cpu_s = read(), [], machine.cpu_s(self.roots)
        for _ in range(TIMES):
            began = time.perf_counter()
            fault = read() or fault
            taken.append(1000 * (time.perf_counter() - began))
        cpu_ms = 1000 * (machine.cpu_s(self.roots) - cpu_s) / TIMES
        return Measured(name, taken, cpu_ms, fault)


def of_lists(database: Database, only: re.Pattern[str], watch: Stopwatch) -> Iterator[Measured]:
    lists = {name: listing for name, (listing, _) in LISTS.items()} | dict(BY_OTHER_ORDERS)
    for name, listing in lists.items():
        if only.search(name):
            yield watch.measured(name, partial(_read, database, listing))


def _read(database: Database, listing: Listing) -> str:
    database.read(listing)
    return ""


@dataclass(slots=True)
class Browser:
    """Asks for pages over one connection, which is made again where the server has ended it."""

    host: str
    connection: http.client.HTTPConnection | None = None

    def get(self, page: PageRequest) -> str:
        """Read a page to its end, or of a stream the beginning; returns a fault."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.host, timeout=PATIENCE_S)
        self.connection.request("GET", page.path, headers=dict(page.headers))
        response = self.connection.getresponse()
        if STREAM in response.headers.get("Content-Type", ""):
            response.read1(1)
            self.close()
        else:
            response.read()
        return f"answered {response.status}" if response.status != http.HTTPStatus.OK else ""

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def of_pages(
    config: Path, database: Database, only: re.Pattern[str], watch: Stopwatch
) -> Iterator[Measured]:
    with serving(config) as postern:
        machine.settle([postern.process.pid], SETTLE_S)
        browser = Browser(urlsplit(postern.http).netloc)
        for page in requests(postern, database):
            if only.search(page.name):
                yield watch.measured(page.name, partial(browser.get, page))
        browser.close()
        if code := postern.stop():
            raise Failed(f"postern ended with {code}")


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.lists", description=__doc__)
    parser.add_argument("--stores", nargs="+", choices=list(STORES), default=list(STORES))
    parser.add_argument("--tickets", type=int, default=1_000_000)
    parser.add_argument("--only", type=re.compile, default=re.compile(""), help="names with this")
    parser.add_argument("--url", help="of a store that was filled before, which is kept")
    parser.add_argument(
        "--server", type=int, nargs=1, default=(), help="its process, whose CPU time counts as well"
    )
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"), help="of the store")
    return parser.parse_args(arguments)


def is_fast(url: str, given: argparse.Namespace, folder: Path, helpers: Sequence[int] = ()) -> bool:
    """Measure a store; whether everything is as fast as it should be."""
    config = write_config(folder, url, generous(folder))
    database, watch = Database(url, connections=2), Stopwatch((os.getpid(), *helpers))
    try:
        if given.url is None:
            began = time.monotonic()
            full_store.fill(database, given.tickets, datetime.now(UTC))
            print(f"filled in {time.monotonic() - began:.0f} s", flush=True)
        heads = f"{'smallest':>9}{'median':>9}{'CPU':>9}"
        print(f"{heads}  of {TIMES} times in ms; CPU is the mean", flush=True)
        slow: list[Measured] = []
        lists = of_lists(database, given.only, watch)
        for each in chain(lists, of_pages(config, database, given.only, watch)):
            print(each.line, flush=True)
            slow += [] if each.is_good else [each]
    finally:
        database.close()
    print(f"{len(slow)} are above {GOAL_MS} ms or were not shown", flush=True)
    for each in slow:
        print(each.line)
    return not slow


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit code."""
    given = options(arguments)
    for name, value in machine.summary().items():
        print(f"{name}: {value}")
    folder = Path(tempfile.mkdtemp(prefix="postern-lists-", dir=given.folder))
    try:
        if given.url is not None:
            return 0 if is_fast(given.url, given, folder, given.server) else 1
        good = True
        for store in given.stores:
            here = folder / store
            here.mkdir()
            with STORES[store](here) as made:
                print(f"{store}, {given.tickets:,} tickets", flush=True)
                good &= is_fast(made.url, given, here, made.helpers)
    except Failed as error:
        print(error)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
