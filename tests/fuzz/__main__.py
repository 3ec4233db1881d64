"""`python -m tests.fuzz [--seed N] [--sessions N] [--mails N] …` and `… replay FILE`.

Prints one line for each part, and for each finding its file. The exit code is 1 if there are any.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType

from tests.fuzz import authors, mails, web, web_sizes, wire
from tests.fuzz.findings import Report, save

FOLDER = Path("var/fuzz")
PARTS: Mapping[str, ModuleType] = {
    each.PART: each for each in (wire, mails, authors, web, web_sizes)
}
CASES = {
    "wire": 100_000,
    "mails": 1_000_000,
    "authors": 500_000,
    "web": 30_000,
    "web_sizes": 30_000,
}
MINUTES = 10.0
CHUNK = {"wire": 5_000, "mails": 5_000, "authors": 50_000, "web": 5_000, "web_sizes": 5_000}
"""Cases for each run in a process of its own; the memory and the descriptors are measured there."""
OPTIONS = {
    "wire": "sessions",
    "mails": "mails",
    "authors": "authors",
    "web": "requests",
    "web_sizes": "sizes",
}

Job = Callable[[], Report]


def jobs(part: str, seed: int, cases: int, until: float = math.inf) -> Iterator[Job]:
    """The runs of one part, of which none begins after a time of the monotonic clock; the wire's
    alternate between the event loops."""
    module, size = PARTS[part], CHUNK[part]
    for number, start in enumerate(range(0, cases, size)):
        if time.monotonic() > until:
            return
        numbers = range(start, min(start + size, cases))
        if part == wire.PART:
            loop = list(wire.LOOPS)[number % len(wire.LOOPS)]
            yield partial(wire.run, seed, numbers, loop)
        else:
            yield partial(module.run, seed, numbers)


def fuzz(seed: int, cases: Mapping[str, int], processes: int, minutes: float = math.inf) -> int:
    """Runs all parts, for so many minutes in all; returns the number of findings."""
    found = 0
    for part, count in cases.items():
        started = time.monotonic()
        merged = Report(part, seed)
        context = get_context("spawn")
        waiting = jobs(part, seed, count, started + minutes * 60 / len(cases))
        with ProcessPoolExecutor(processes, context, max_tasks_per_child=1) as pool:
            running = {pool.submit(job) for job in islice(waiting, processes)}
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for each in done:
                    _merge(merged, each.result())
                if not merged.is_full:
                    running |= {pool.submit(job) for job in islice(waiting, len(done))}
        print(f"{merged}; {time.monotonic() - started:.0f} s", flush=True)
        _show(merged)
        found += len(merged.findings)
    return found


def _merge(into: Report, report: Report) -> None:
    into.cases += report.cases
    into.findings += report.findings
    for name, value in report.figures.items():
        before = into.figures.get(name)
        if isinstance(value, dict):
            both = {**(before or {})}
            for key, count in value.items():
                both[key] = both.get(key, 0) + count
            into.figures[name] = both
        elif name in SUMMED:
            into.figures[name] = (before or 0) + value
        else:
            into.figures[name] = value if before is None else max(before, value)


SUMMED = ("authors", "mails")
"""The figures that are added up; of others the highest is shown."""


def replay(path: Path) -> int:
    """Runs the cases of a file again; returns the number of findings."""
    content = json.loads(path.read_text())
    reports = PARTS[content["part"]].replay(content["cases"])
    for report in reports:
        print(report)
        for finding in report.findings:
            print(f"  {finding}")
    return sum(len(report.findings) for report in reports)


def _show(report: Report) -> None:
    for path, finding in zip(save(report, FOLDER), report.findings, strict=True):
        shown = " ".join(str(finding).split())[:300]
        print(f"  {shown}\n    python -m tests.fuzz replay {path}", flush=True)


def main(arguments: Sequence[str]) -> int:
    if arguments[:1] == ["replay"]:
        return min(1, replay(Path(arguments[1])))
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=None, help="by default a new one")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    for part, option in OPTIONS.items():
        parser.add_argument(f"--{option}", type=int, help=f"{CASES[part]:,} at most by default")
    parser.add_argument("--minutes", type=float, default=None, help="10, unless cases are counted")
    chosen = parser.parse_args(arguments)
    seed = secrets.randbits(32) if chosen.seed is None else chosen.seed
    print(f"seed {seed}", flush=True)
    given = {part: getattr(chosen, option) for part, option in OPTIONS.items()}
    counted = any(count is not None for count in given.values())
    cases = {part: CASES[part] if n is None else n for part, n in given.items() if n != 0}
    minutes = chosen.minutes or (math.inf if counted else MINUTES)
    return min(1, fuzz(seed, cases, chosen.processes, minutes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
