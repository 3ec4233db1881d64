"""`python -m tests.bench.beside_large`: how long small mails wait while large ones are received.

Small mails are offered at a rate, which should be far below what the server can file, over a few
kept connections: in turn alone, and while mails of 25 MiB come over one or two connections, each as
soon as the one before it was answered. That is more than a customer sends, and faster than most
networks bring it; what the client of the large mails takes of the machine's cores is part of the
result.

A wait begins when a small mail is due, also if all connections are busy then, and ends with its
250. p50 and p99 are those of all rounds together. Exit code 1 if the p99 rises by 50 ms or more,
or if a mail of either size was not filed. The numbers of mails that one person and one domain may
send are raised, as for `tests.bench`. The limits on octets, of a mail, of a person and of all mails
that are being received, are as shipped: enough people send the large ones.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench import load, machine, mail_generator
from tests.bench.client import Pace
from tests.bench.client_process import send
from tests.bench.large_mails import PATIENCE_S, SENDERS
from tests.bench.postern import STORES, Query, choose_ports, enrol
from tests.bench.processes import Failed
from tests.bench.report import percentile
from tests.bench.targets import MAILBOX
from tests.running import generous, serving, write_config

GOAL_MS = 50.0
WARM_UP_S = 2.0
SMALL_SENDERS = 200
APART = 100_000
"""The numbers of the large mails of two rounds differ by this; a round sends fewer."""
_FILED = "SELECT count(*) FROM mail WHERE ticket_id IS NOT NULL"


@dataclass
class LargeSent:
    """What became of the large mails of a round."""

    took_s: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


@contextmanager
def large_mails(port: int, connections: int, first: int) -> Iterator[LargeSent]:
    """Large mails come during the context; what became of them is known after it."""
    command = [sys.executable, "-m", "tests.bench.large_mails", str(port), str(connections)]
    process = subprocess.Popen(
        [*command, str(first)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    sent = LargeSent()
    try:
        assert process.stdout is not None
        if process.stdout.readline() != "sending\n":
            raise Failed("the client of the large mails did not begin")
        yield sent
        output, _ = process.communicate(timeout=PATIENCE_S)
        found: dict[str, Any] = json.loads(output)
        sent.took_s += found["took_s"]
        sent.failures += found["failures"]
    finally:
        process.kill()
        process.wait()


@dataclass
class Comparison:
    """A running Postern, and what became of the mails that it was sent."""

    port: int
    roots: Sequence[int]
    """Its processes and those of its store."""
    folder: Path
    """Of the small mails."""
    pace: Pace
    connections: int
    """Of the large mails."""
    alone_ms: list[float] = field(default_factory=list)
    """The waits of all rounds."""
    beside_ms: list[float] = field(default_factory=list)
    accepted: int = 0
    faults: list[str] = field(default_factory=list)
    _given: int = 0
    """How many small mails were sent."""

    def warm_up(self, small: int) -> None:
        """Send mails that are not measured, a large one among them."""
        with large_mails(self.port, 1, 0) as large:
            self._send_small(small)
        self._count(large)

    def round(self, number: int, small: int, between: int) -> None:
        """Measure so many small mails both ways, and print. `between` are sent before and do not
        count, since a store is still busy with the large mails after it has taken them."""
        self._send_small(between)
        alone_ms, cpu_s = self._send_small(small)
        self.alone_ms += alone_ms
        print(f"  round {number}: alone {_waits(alone_ms)}, CPU {cpu_s:.1f} s")
        with large_mails(self.port, self.connections, number * APART) as large:
            beside_ms, cpu_s = self._send_small(small)
        self.beside_ms += beside_ms
        self._count(large)
        each_s = sum(large.took_s) / max(1, len(large.took_s))
        print(
            f"    with large ones {_waits(beside_ms)}, CPU {cpu_s:.1f} s; "
            f"{len(large.took_s)} large ones took {each_s:.1f} s each",
            flush=True,
        )

    def _send_small(self, count: int) -> tuple[list[float], float]:
        """The waits, and the CPU time of the server until the last of them ended, in seconds."""
        before_s = machine.cpu_s(self.roots)
        sent = send(self.port, self.folder, count, self.pace, first=self._given)
        self._given += count
        self.accepted += len(sent.accepted)
        self.faults += sent.refusals
        if not sent.accepted:
            raise Failed(f"no small mail was accepted: {sent.refusals}")
        return sent.waits_ms, machine.cpu_s(self.roots) - before_s

    def _count(self, large: LargeSent) -> None:
        self.accepted += len(large.took_s)
        self.faults += large.failures

    def result(self, query: Query) -> bool:
        """Print it; whether the goal is met and each mail was filed."""
        if (filed := query(_FILED)[0][0]) != self.accepted:
            self.faults.append(f"{self.accepted} mails were answered 250, {filed} are on tickets")
        rise_ms = percentile(sorted(self.beside_ms), 99) - percentile(sorted(self.alone_ms), 99)
        print(f"  all rounds: alone {_waits(self.alone_ms)}")
        print(f"    with large ones {_waits(self.beside_ms)}")
        print(f"    the p99 rises by {rise_ms:.1f} ms (goal: less than {GOAL_MS:.0f})", flush=True)
        for fault in self.faults:
            print(f"    FAULT: {fault}")
        return rise_ms < GOAL_MS and not self.faults


def _waits(waits_ms: Sequence[float]) -> str:
    p50, p99, longest = (percentile(sorted(waits_ms), percent) for percent in (50, 99, 100))
    return f"p50 {p50:.1f}, p99 {p99:.1f}, longest {longest:.1f} ms"


def measure(kind: str, folder: Path, given: argparse.Namespace) -> bool:
    """Measure one store and print; whether the goal is met and each mail was filed."""
    small, warming = math.ceil(given.rate * given.seconds), math.ceil(given.rate * WARM_UP_S)
    mails = folder / "mails"
    count = warming + given.rounds * (warming + 2 * small)
    mail_generator.write(mails, count, SMALL_SENDERS, MAILBOX)
    people = sorted({mail.sender for mail in load.read(mails)})
    with STORES[kind](folder) as store:
        config = write_config(folder, store.url, generous(folder))
        enrol(config, [*people, *SENDERS])
        port = choose_ports(config)
        with serving(config, "--workers", str(given.workers)) as postern:
            compared = Comparison(
                port,
                (postern.process.pid, *store.helpers),
                mails,
                Pace(given.sessions, given.rate),
                given.large,
            )
            compared.warm_up(warming)
            for number in range(1, given.rounds + 1):
                compared.round(number, small, warming)
            if code := postern.stop():
                compared.faults.append(f"postern ended with {code}")
        return compared.result(store.query)


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.beside_large", description=__doc__)
    parser.add_argument("--stores", nargs="+", choices=list(STORES), default=list(STORES))
    parser.add_argument("--rate", type=float, default=20, help="small mails/s that are offered")
    parser.add_argument("--sessions", type=int, default=4, help="connections of the small mails")
    parser.add_argument("--large", type=int, default=1, help="connections of the large mails")
    parser.add_argument("--seconds", type=float, default=20, help="of each round, twice")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1, help="of Postern")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"), help="on a real disk")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit code."""
    given = options(arguments)
    for name, value in machine.summary().items():
        print(f"{name}: {value}")
    met = []
    for kind in given.stores:
        pace = Pace(given.sessions, given.rate)
        print(f"{kind}, --workers {given.workers}; {pace}; {given.large} with large mails")
        with tempfile.TemporaryDirectory(prefix="postern-bench-", dir=given.folder) as name:
            met.append(measure(kind, Path(name), given))
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
