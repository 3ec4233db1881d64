"""Several server processes on the same ports; the kernel distributes the connections."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

from gateway import log
from gateway.metrics import MULTIPROCESS_VARIABLE

RESTART_PAUSE_S = 1.0
"""The pause before a worker that died is replaced, since its fault may last."""
REFUSED_PAUSE_S = 10.0
"""The same for one whose configuration or policies are refused: a person must correct them."""


def run(count: int, config: Path | None) -> int:
    """Keep `count` workers running until SIGTERM or SIGINT; returns the exit code.

    A worker that dies is replaced. One that cannot start (a port is taken) ends them all; but one
    that replaces another, and is refused by configuration or policies that were broken meanwhile,
    is tried again while the others go on. SIGHUP is passed on to all of them.
    """
    # The workers hold the read end; it reports the end of file when this process has ended.
    read_end, write_end = os.pipe()
    command = [sys.executable, "-m", "gateway", "serve", "--supervisor-pipe", str(read_end)]
    if config is not None:
        command += ["--config", str(config)]
    with tempfile.TemporaryDirectory(prefix="postern-metrics-") as folder:
        environment = {**os.environ, MULTIPROCESS_VARIABLE: folder}
        try:
            return _Workers(command, environment, count, read_end).run()
        finally:
            os.close(write_end)
            os.close(read_end)


class _Workers:
    def __init__(
        self, command: list[str], environment: dict[str, str], count: int, pipe: int
    ) -> None:
        self._command = command
        self._environment = environment
        self._count = count
        self._pipe = pipe
        self._workers: dict[int, subprocess.Popen[bytes]] = {}
        self._first: set[int] = set()
        """The process ids of those that are no replacement."""
        self._stopping = False

    def run(self) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, self._reload)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
        for _ in range(self._count):
            self._first.add(self._start())
        while self._workers:
            pid, status = os.wait()
            worker = self._workers.pop(pid, None)
            if worker is None or self._stopping:
                continue
            code = os.waitstatus_to_exitcode(status)
            if code == os.EX_CONFIG and pid not in self._first:
                log.worker_not_replaced(pid, code, REFUSED_PAUSE_S)
                self._pause(REFUSED_PAUSE_S)
            else:
                log.worker_died(pid, code)
                if code > 0:  # the worker cannot serve; the code of a signal is negative
                    self._stop(signal.SIGTERM, None)
                    return self._wait_for_all(code)
                self._pause(RESTART_PAUSE_S)
            if not self._stopping:  # the signal may have come during the pause
                self._start()
        return 0

    def _pause(self, seconds: float) -> None:
        """Sleep, but not on after a request to stop; a signal does not interrupt a sleep."""
        until = time.monotonic() + seconds
        while not self._stopping and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, RESTART_PAUSE_S))

    def _start(self) -> int:
        """A worker inherits that SIGHUP is blocked: a request to reload waits until it has started,
        and does not end it."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
        try:
            worker = subprocess.Popen(  # noqa: S603 - ourselves
                self._command, env=self._environment, pass_fds=[self._pipe]
            )
            self._workers[worker.pid] = worker
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return worker.pid

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True
        self._send(signal.SIGTERM)

    def _reload(self, number: int, _frame: FrameType | None) -> None:
        self._send(number)

    def _send(self, number: int) -> None:
        """Not by `Popen.send_signal`, which waits for a worker that has died: `run` would then not
        learn of it, and never replace it."""
        for pid in self._workers:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _wait_for_all(self, code: int) -> int:
        for worker in self._workers.values():
            worker.wait()
        return code
