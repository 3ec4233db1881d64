"""`python -m tests.bench.mixed`: a desk for 20 minutes, mail coming in and notices going out.

The load is that of `tests.bench.desk`, offered at a rate. Every 10 s it prints how many mails were
taken, how many notices were sent and how many wait, and for how long the oldest has been due. Once
all mails are sent, it waits until all notices are, for ten minutes at most. At the end it prints
for how long a notice was due at most, by a look at the store every half second: goal 30 s. Exit
code 1 if the goal is missed, if a mail was not taken or not filed, or if a notice was not sent, or
sent twice.

With `--intake` it measures instead how much slower mail is taken while notices are sent: the same
mails as fast as they are taken, in turn with a relay that accepts at once and with one that never
greets, so that the same notices are ordered and stay in the outbox. The goal is less than 10 %.
That is the worst case, since at a lower rate there is time for both. The relay and the client use
the cores of the server, so what the relay uses is part of the loss; its CPU time is printed. So is
how many notices were sent until the last mail was taken: a dispatcher that waits for an idle time
would slow nothing, and a desk would wait for its notices.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from tests.bench import machine, mail_generator
from tests.bench.client import Pace
from tests.bench.client_process import LOOK_S, send
from tests.bench.desk import Desk, SilentDesk
from tests.bench.load import Load
from tests.bench.outbox import OutboxWatch
from tests.bench.postern import STORES, PosternTarget, RunningPostern, audit
from tests.bench.processes import end
from tests.bench.surroundings import LoadKind
from tests.running import HIGH_LIMITS

AGE_GOAL_S = 30.0
INTAKE_GOAL = 0.10
AFTERWARDS_S = 600.0
"""How long it waits for the notices, once all mails are sent."""
POLL_S = 0.5
_TAKEN = "SELECT count(*) FROM journal"


@contextmanager
def running(
    load_kind: LoadKind, mails: Load, given: argparse.Namespace
) -> Iterator[RunningPostern]:
    """A Postern on a new store, in a folder that is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=mails.folder.parent))
    folder.chmod(0o755)
    try:
        target = PosternTarget(given.store, load_kind, given.workers)
        with target.running(folder, mails) as server:
            assert isinstance(server, RunningPostern)
            yield server
    finally:
        shutil.rmtree(folder)


def work(mails: Load, given: argparse.Namespace) -> bool:
    """A desk for so many minutes, printed; whether the goal is met and nothing was lost."""
    with running(Desk(), mails, given) as server:
        watch, began = server.watch, time.monotonic()
        assert watch is not None

        def look() -> None:
            now, taken = watch.sample(), server.query(_TAKEN)[0][0]
            print(
                f"{time.monotonic() - began:6.0f} s: {taken} mails taken, {now.sent} notices sent, "
                f"{now.waiting} wait, the oldest due for {now.oldest_due_s:.1f} s",
                flush=True,
            )

        pace = Pace(given.sessions, given.rate)
        sent = send(server.port, mails.folder, len(mails.mails), pace, meanwhile=look)
        look()
        rate = len(sent.accepted) / sent.wall_s
        print(f"all mails are sent: {len(sent.accepted)} of {len(mails.mails)}, {rate:.1f} mails/s")
        _wait_for_notices(watch, look)
        figures = watch.figures()
        faults = server.finish(sent)
    if len(sent.accepted) < len(mails.mails):
        faults.append(f"not all mails were taken: {sent.replies} {sent.refusals}")
    print(
        f"{figures.sent} notices were sent; the oldest was due for {figures.oldest_due_s:.1f} s "
        f"(goal: at most {AGE_GOAL_S:.0f})"
    )
    _print_faults(faults)
    return figures.oldest_due_s <= AGE_GOAL_S and not faults


def _wait_for_notices(watch: OutboxWatch, look: Callable[[], None]) -> None:
    """Until none is due or the time is over; prints which."""
    began = look_at = time.monotonic()
    while is_due := watch.is_due():
        now = time.monotonic()
        if now - began > AFTERWARDS_S:
            break
        if now - look_at > LOOK_S:
            look()
            look_at = now
        time.sleep(POLL_S)
    what = "a notice is still due" if is_due else "no notice is due"
    print(f"{time.monotonic() - began:.1f} s later {what}")


def intake(mails: Load, given: argparse.Namespace) -> bool:
    """Mail as fast as it is taken, both ways in turn, printed; whether the goal is met."""
    ratios = []
    no_faults = True
    for number in range(1, given.rounds + 1):
        print(f"round {number}")
        rates = []
        for name, load_kind in (("sending", Desk()), ("not sending", SilentDesk())):
            rate, text, faults = _take(load_kind, mails, given)
            print(f"  {name}: {rate:.1f} mails/s, {text}", flush=True)
            _print_faults(faults)
            no_faults = no_faults and not faults
            rates.append(rate)
        ratios.append(rates[0] / rates[1])
    loss = 1 - median(ratios)
    print(
        f"sending takes {100 * loss:.1f} % of the intake (median of the rounds' ratios; "
        f"goal: less than {100 * INTAKE_GOAL:.0f} %)"
    )
    return loss < INTAKE_GOAL and no_faults


def _take(
    load_kind: LoadKind, mails: Load, given: argparse.Namespace
) -> tuple[float, str, list[str]]:
    """Mails per second, what it took, and what was lost. What is due then is not waited for."""
    with running(load_kind, mails, given) as server:
        relay = [] if server.watch is None else [server.watch.relay.process.pid]
        server_s, relay_s = machine.cpu_s(server.roots), machine.cpu_s(relay)
        sent = send(server.port, mails.folder, len(mails.mails), Pace(given.sessions))
        server_s = machine.cpu_s(server.roots) - server_s
        relay_s = machine.cpu_s(relay) - relay_s
        notices = 0 if server.watch is None else server.watch.sample().sent
        end(server.process)
        faults = audit(server.query, mails, sent)
    if len(sent.accepted) < len(mails.mails):
        faults.append(f"not all mails were taken: {sent.replies} {sent.refusals}")
    text = (
        f"{notices} notices sent meanwhile; CPU {server_s:.1f} s of the server, {relay_s:.1f} s of "
        f"the relay, in {sent.wall_s:.1f} s"
    )
    return len(sent.accepted) / sent.wall_s, text, faults


def _print_faults(faults: Sequence[str]) -> None:
    for fault in faults:
        print(f"    FAULT: {fault}")


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.mixed", description=__doc__)
    parser.add_argument("--store", choices=list(STORES), default="sqlite")
    parser.add_argument("--rate", type=float, default=5, help="mails/s that are offered")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--intake", action="store_true", help="measure the intake instead")
    parser.add_argument("--mails", type=int, default=1000, help="of each measurement of the intake")
    parser.add_argument("--rounds", type=int, default=3, help="of the intake")
    parser.add_argument("--sessions", type=int, default=8, help="connections of the client")
    parser.add_argument("--senders", type=int, default=200)
    parser.add_argument("--workers", type=int, default=1, help="of Postern")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"), help="on a real disk")
    given = parser.parse_args(arguments)
    if not given.intake:
        given.mails = max(1, round(60 * given.rate * given.minutes))
    people = given.senders * int(HIGH_LIMITS["sender_mails_per_hour"])
    domains = len(mail_generator.DOMAINS) * int(HIGH_LIMITS["domain_mails_per_hour"])
    if given.mails > min(people, domains) / 2:
        parser.error("so many mails would meet a limit on one sender or one domain")
    return given


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit code."""
    given = options(arguments)
    for name, value in machine.summary().items():
        print(f"{name}: {value}")
    with tempfile.TemporaryDirectory(prefix="postern-bench-", dir=given.folder) as name:
        Path(name).chmod(0o755)
        mails = Desk().write(Path(name) / "mails", given.mails, given.senders)
        print(f"{given.store}, --workers {given.workers}, {given.mails} mails", flush=True)
        met = intake(mails, given) if given.intake else work(mails, given)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
