"""Dialogues with the real SMTP and LMTP server, many at a time in one process.

Laws: every reply is in the grammar and its code in the table; what is handed over is what the
replies prove, never more; after each dialogue the pool counts what it counted before; no exception
is logged; no descriptor stays open; the memory does not grow with the number of dialogues.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import resource
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import uvloop

from tests.fuzz.dialogues import Act, Dialogue, Step, dialogue
from tests.fuzz.findings import Case, Report, random_for
from tests.fuzz.lanes import Lane, Outcome, TlsContexts, open_lane
from tests.fuzz.wire_model import Malformed, answers, expected_mails
from tests.gateway.smtp_client import tls_contexts

PART = "wire"
LoopFactory = Callable[[], asyncio.AbstractEventLoop]
LOOPS: dict[str, LoopFactory] = {
    "uvloop": uvloop.new_event_loop,
    "asyncio": asyncio.new_event_loop,
}
LANES = 80
WARM_UP = 1000
"""Dialogues after which the memory is measured: pools, caches and the heap have their size."""
MOST_GROWTH_MIB = 64


class _Errors(logging.Handler):
    """Collects what is logged as an error, and whatever has a traceback."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR or record.exc_info:
            trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
            self.found.append(f"{record.name}: {record.getMessage()}\n{trace[-1500:]}")


@contextmanager
def errors_collected() -> Iterator[list[str]]:
    handler, root = _Errors(), logging.getLogger()
    root.addHandler(handler)
    try:
        yield handler.found
    finally:
        root.removeHandler(handler)


class _Run:
    """The dialogues of one run, shared by its lanes."""

    def __init__(self, report: Report, dialogues: Iterator[tuple[int, Dialogue]]) -> None:
        self.report = report
        self._dialogues = dialogues
        self._running: dict[int, Dialogue] = {}
        self._recent: list[Dialogue] = []
        self.codes: Counter[int] = Counter()
        self.mails = 0
        self.memory_mib = rss_mib()
        """Before the first dialogue, or after the warm-up."""

    async def work(self, lane: Lane, errors: list[str]) -> None:
        for number, chosen in self._dialogues:
            if self.report.is_full:
                return
            self._running[number] = chosen
            outcome = await lane.run(chosen)
            self._running.pop(number)
            self._recent = [*self._recent[-LANES:], chosen]
            self.report.cases += 1
            if self.report.cases == WARM_UP:
                self.memory_mib = rss_mib()
            self._check(chosen, outcome)
            if errors:
                suspects = [*self._running.values(), *self._recent]
                self.report.add(
                    "no exception is logged", errors[0], *(each.to_case() for each in suspects)
                )
                errors.clear()

    def _check(self, chosen: Dialogue, outcome: Outcome) -> None:
        case = chosen.to_case()
        for law, detail in broken_laws(chosen, outcome):
            self.report.add(law, detail, case)
        self.mails += len(outcome.mails)
        self.codes.update(
            int(line[:3]) for line in outcome.received.split(b"\r\n") if line[:3].isdigit()
        )


def broken_laws(chosen: Dialogue, outcome: Outcome) -> Iterator[tuple[str, str]]:
    """Each law that the outcome breaks, with what was seen."""
    if outcome.stuck:
        yield "the server always goes on", outcome.stuck
    if outcome.leaked:
        yield "every count returns to zero", repr(outcome.leaked)
    try:
        for received in outcome.crowd:
            answers(received, complete=False)
        answered = answers(outcome.received, complete=outcome.complete)
    except Malformed as error:
        yield "every reply is in the grammar", str(error)
        return
    expected = expected_mails(outcome.sent, answered, chosen.listener)
    if outcome.mails[: len(expected)] != expected:
        yield "a mail arrives as it was sent", f"{outcome.mails!r} instead of {expected!r}"
    # The reply to a last mail may have been lost with the connection.
    possible = len(expected) + 1
    if len(outcome.mails) > (possible if not outcome.complete else len(expected)):
        seen = f"{outcome.mails!r} instead of {expected!r} after {outcome.received[-200:]!r}"
        yield "one DATA is one mail", seen
    ends = outcome.sent.count(b"\r\n.\r\n")
    if len(outcome.mails) > ends:
        yield "one DATA is one mail", f"{len(outcome.mails)} mails of {ends} ends"


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def rss_mib() -> float:
    """The resident memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def run(seed: int, numbers: range, loop: str = "uvloop") -> Report:
    """The dialogues with these numbers."""
    dialogues = ((n, dialogue(random_for(seed, PART, n))) for n in numbers)
    return _run(seed, dialogues, len(numbers), LOOPS[loop])


def replay(cases: Sequence[Case]) -> list[Report]:
    """The same dialogues on both event loops."""
    dialogues = [Dialogue.of_case(case) for case in cases]
    return [_run(0, enumerate(dialogues), len(cases), loop) for loop in LOOPS.values()]


def _run(
    seed: int, dialogues: Iterator[tuple[int, Dialogue]], sessions: int, new_loop: LoopFactory
) -> Report:
    report = Report(PART, seed)
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=new_loop) as runner:
        tls = TlsContexts(*tls_contexts(Path(folder)))
        runner.run(_measured(_Run(report, dialogues), tls, min(LANES, sessions)))
    return report


async def _measured(running: _Run, tls: TlsContexts, lanes: int) -> None:
    report = running.report
    with errors_collected() as errors:

        def failed(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            errors.append(f"event loop: {context.get('message')}: {context.get('exception')!r}")

        asyncio.get_running_loop().set_exception_handler(failed)
        async with open_lane(0, tls) as first:  # what opens with the first connection stays open
            await first.run(Dialogue("tls", (Step(Act.REPLY),)))
        open_before = descriptors()
        async with AsyncExitStack() as stack:
            opened = [await stack.enter_async_context(open_lane(n, tls)) for n in range(lanes)]
            async with asyncio.TaskGroup() as group:
                for lane in opened:
                    group.create_task(running.work(lane, errors))
        for _ in range(100):  # transports that were aborted close their sockets in the next turns
            await asyncio.sleep(0)
        gc.collect()
        left, grown = descriptors() - open_before, rss_mib() - running.memory_mib
    if errors:
        report.add("no exception is logged", errors[0])
    if left > 0:
        report.add("no descriptor stays open", f"{left} more than before")
    if grown > MOST_GROWTH_MIB:
        report.add("the memory is bounded", f"{grown:.0f} MiB more after {report.cases} dialogues")
    report.figures |= {
        "mails": running.mails,
        "codes": dict(running.codes.most_common()),
        "MiB more": round(grown, 1),
        "descriptors more": left,
    }
