"""`python -m tests.fuzz [--seed N] [--sessions N] [--mails N] …` and `… replay FILE`.

Prints one line for each part, and for each finding its file. The exit code is 1 if there are any.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType

from tests.fuzz import authors, mails, web, wire
from tests.fuzz.findings import Report, save

FOLDER = Path("var/fuzz")
PARTS: Mapping[str, ModuleType] = {each.PART: each for each in (wire, mails, authors, web)}
CASES = {"wire": 100_000, "mails": 1_000_000, "authors": 500_000, "web": 30_000}
CHUNK = {"wire": 5_000, "mails": 5_000, "authors": 50_000, "web": 5_000}
"""Cases for each run in a process of its own; the memory and the descriptors are measured there."""
OPTIONS = {"wire": "sessions", "mails": "mails", "authors": "authors", "web": "requests"}

Job = Callable[[], Report]


def jobs(part: str, seed: int, cases: int) -> Iterable[Job]:
    """The runs of one part; the wire's alternate between the event loops."""
    module, size = PARTS[part], CHUNK[part]
    for number, start in enumerate(range(0, cases, size)):
        numbers = range(start, min(start + size, cases))
        if part == wire.PART:
            loop = list(wire.LOOPS)[number % len(wire.LOOPS)]
            yield partial(wire.run, seed, numbers, loop)
        else:
            yield partial(module.run, seed, numbers)


def fuzz(seed: int, cases: Mapping[str, int], processes: int) -> int:
    """Runs all parts; returns the number of findings."""
    found = 0
    for part, count in cases.items():
        started = time.monotonic()
        merged = Report(part, seed)
        context = get_context("spawn")
        with ProcessPoolExecutor(processes, context, max_tasks_per_child=1) as pool:
            running = [pool.submit(job) for job in jobs(part, seed, count)]
            for done in as_completed(running):
                _merge(merged, done.result())
                if merged.is_full:
                    pool.shutdown(cancel_futures=True)
                    break
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
        parser.add_argument(f"--{option}", type=int, default=CASES[part])
    chosen = parser.parse_args(arguments)
    seed = secrets.randbits(32) if chosen.seed is None else chosen.seed
    print(f"seed {seed}", flush=True)
    cases = {part: count for part, option in OPTIONS.items() if (count := getattr(chosen, option))}
    return min(1, fuzz(seed, cases, chosen.processes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
