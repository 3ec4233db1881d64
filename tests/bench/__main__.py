"""`python -m tests.bench`: measure the targets in turn, in several rounds, and print a table.

Loopback only. Each target starts in a new folder on a real disk and is stopped before the next one
starts. Exit code 1 if a target failed or lost a mail.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import machine, report
from tests.bench.client import Pace, Sent
from tests.bench.client_process import send
from tests.bench.desk import Desk
from tests.bench.haraka import HarakaTarget
from tests.bench.load import Load
from tests.bench.postern import PosternTarget
from tests.bench.postfix import PostfixTarget
from tests.bench.processes import Failed
from tests.bench.report import Figures, Measured
from tests.bench.surroundings import LoadKind, Plain
from tests.bench.targets import BenchmarkTarget, OutboxFigures, SinkTarget
from tests.bench.untrusted import Untrusted

LOADS: dict[str, LoadKind] = {"plain": Plain(), "desk": Desk(), "untrusted": Untrusted()}
NAMES = ("sink", "postern-sqlite", "postern-postgres", "postfix", "haraka")
NOT_A_DISK = frozenset({"tmpfs", "ramfs", "overlay"})


@dataclass(frozen=True, slots=True)
class Procedure:
    """How often, and how, each target is measured."""

    rounds: int
    settle_s: float
    pace: Pace


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--load", choices=LOADS, default="plain", help="see tests/bench/*.py")
    parser.add_argument("--mails", type=int, default=4000)
    parser.add_argument("--sessions", type=int, default=20, help="connections at a time")
    parser.add_argument(
        "--new-connections", action="store_true", help="one for each mail; without it, kept open"
    )
    parser.add_argument("--senders", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--workers", type=int, nargs="+", default=[1, 2], help="of Postern and Haraka"
    )
    parser.add_argument("--targets", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument(
        "--settle", type=float, default=20.0, help="seconds to wait at most for an idle target"
    )
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"), help="on a real disk")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="also write all figures to this file"
    )
    parser.add_argument(
        "--profile",
        type=Path,
        metavar="FOLDER",
        help="profile Postern with py-spy, which slows it down",
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit code."""
    given = options(arguments)
    pace = Pace(given.sessions, new_connections=given.new_connections)
    if (kind := machine.filesystem(given.folder)) in NOT_A_DISK:
        print(f"{given.folder} is on {kind}, where fsync has no effect: choose another --folder")
        return 2
    disk = f"{kind}, {given.folder}, append and fsync {machine.fsync_ms(given.folder):.2f} ms"
    about = {**machine.summary(), "disk": disk}
    for name, value in about.items():
        print(f"{name}: {value}")
    base = Path(tempfile.mkdtemp(prefix="postern-bench-", dir=given.folder))
    base.chmod(0o755)
    try:
        mails = LOADS[given.load].write(base / "mails", given.mails, given.senders)
        print(f"mails: {len(mails.mails)}, {mails.octets / len(mails.mails):.0f} octets on average")
        print(f"written by {mails.source}")
        procedure = Procedure(given.rounds, given.settle, pace)
        measured, failed = run(_targets(given), mails, base, procedure)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    if not measured:
        return 1
    print(f"\nMedians of {given.rounds} rounds, {pace}:\n")
    print(report.table(report.summarise(measured)))
    print(f"\n{report.LEGEND}")
    if given.json is not None:
        settings = {"load": given.load, "mails": given.mails, "sessions": given.sessions}
        settings |= {"rounds": given.rounds, "new_connections": given.new_connections}
        written = report.as_json(about, settings, measured)
        given.json.write_text(json.dumps(written, indent=2) + "\n")
    return 1 if failed or any(each.faults for each in measured) else 0


def _targets(given: argparse.Namespace) -> list[BenchmarkTarget]:
    """The available targets, in the order of the command line; prints those that are missing."""
    found: list[BenchmarkTarget] = []
    for name in given.targets:
        match name:
            case "sink":
                found.append(SinkTarget())
            case "postfix":
                found.append(PostfixTarget())
            case "haraka":
                found += [HarakaTarget(n) for n in given.workers]
            case _:
                kind = name.removeprefix("postern-")
                chosen = LOADS[given.load]
                found += [PosternTarget(kind, chosen, n, given.profile) for n in given.workers]
    for target in list(found):
        if why := target.missing():
            print(f"skipped: {target.name}: {why}")
            found.remove(target)
    return found


def run(
    targets: Sequence[BenchmarkTarget], mails: Load, base: Path, procedure: Procedure
) -> tuple[list[Measured], bool]:
    """All targets in the first round, then all in the second, so that a slow minute affects all.

    Returns what was measured, and whether a measurement failed.
    """
    measured: list[Measured] = []
    failed = False
    for number in range(1, procedure.rounds + 1):
        print(f"\nround {number}")
        for target in targets:
            try:
                one = measure(target, mails, base, number, procedure)
            except (Failed, OSError, subprocess.SubprocessError) as error:
                print(f"  {target.name}: {error}", flush=True)
                failed = True
                continue
            _print_result(one)
            measured.append(one)
    return measured, failed


def measure(
    target: BenchmarkTarget, mails: Load, base: Path, number: int, procedure: Procedure
) -> Measured:
    """One target in one round, in a folder that is removed afterwards."""
    folder = base / "run"
    folder.mkdir()
    try:
        with target.running(folder, mails) as running:
            machine.settle(running.roots, procedure.settle_s)
            before_s = machine.cpu_s(running.roots)
            sent = send(running.port, mails.folder, len(mails.mails), procedure.pace)
            delivered_s = running.delivered_s(sent) or sent.wall_s
            cpu_s = machine.cpu_s(running.roots) - before_s
            peak_mib = machine.peak_mib(running.roots)
            figures = _figures(sent, delivered_s, cpu_s, peak_mib, running.outbox())
            faults = running.finish(sent)
            if unsent := len(mails.mails) - len(sent.accepted):
                faults.append(f"{unsent} mails were not accepted")
            notes = running.notes
    finally:
        shutil.rmtree(folder)
    return Measured(target.name, number, figures, sent.replies, sent.refusals, faults, notes)


def _figures(
    sent: Sent, delivered_s: float, cpu_s: float, peak_mib: float, outbox: OutboxFigures
) -> Figures:
    count = len(sent.accepted)
    if not count:
        raise Failed(f"no mail was accepted: {sent.replies} {sent.refusals}")
    return Figures(
        mails_per_s=count / sent.wall_s,
        p50_ms=report.percentile(sent.latencies_ms, 50),
        p99_ms=report.percentile(sent.latencies_ms, 99),
        cpu_ms=cpu_s * 1000 / count,
        peak_mib=peak_mib,
        client_cpu_ms=sent.cpu_s * 1000 / count,
        delivered_per_s=count / delivered_s,
        notices=outbox.sent,
        oldest_due_s=outbox.oldest_due_s,
    )


def _print_result(one: Measured) -> None:
    figures = one.figures
    text = (
        f"{figures.mails_per_s:.0f} mails/s, p50 {figures.p50_ms:.1f}, p99 {figures.p99_ms:.1f} ms"
    )
    if figures.notices:
        text += f", {figures.delivered_per_s:.0f} mails/s with all {figures.notices:.0f} notices"
        text += f", the oldest due for {figures.oldest_due_s:.1f} s"
    print(f"  {one.target}: {text}, CPU {figures.cpu_ms:.2f} ms; replies {one.replies}", flush=True)
    if one.notes and one.round == 1:
        print("    " + ", ".join(f"{name} {value}" for name, value in one.notes.items()))
    for fault in [*one.refusals, *one.faults]:
        print(f"    FAULT: {fault}")


if __name__ == "__main__":
    sys.exit(main())
