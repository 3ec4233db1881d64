"""Several server processes on the same ports and sockets; the kernel distributes their clients."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import NoReturn

from gateway import log, metrics

RESTART_PAUSE_S = 1.0
"""The pause before a worker that died is replaced, since its fault may last."""
REFUSED_PAUSE_S = 10.0
"""The same for one whose configuration or policies are refused: a person must correct them."""
_SIGNALS = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)

Work = Callable[[int, Callable[[], None]], int]
"""Serves until the end of the file of a descriptor, or until a signal; returns the exit code. Calls
what it is given once it serves."""


def run(
    count: int,
    work: Work,
    load: Callable[[], None],
    handed: Collection[int] = (),
    on_stop: Callable[[], None] = lambda: None,
) -> int:
    """Keep `count` workers running until SIGTERM or SIGINT; returns the exit code.

    A worker is a fork of this process, which loads the program once for all of them and runs
    nothing else. Only the first is forked before `load`, to take mail sooner, and loads the rest of
    the program itself. One that dies is replaced. One that cannot start (a port is taken) ends them
    all; but one that replaces another, and is refused by configuration or policies that were broken
    meanwhile, is tried again while the others go on. SIGHUP is passed on to all of them.

    Each worker has the descriptors `handed`. `on_stop` is called once the workers were asked to
    stop: it closes those of this process, so that clients are refused as they are at the ports.
    """
    # The workers hold the read end; it reports the end of file when this process has ended.
    read_end, write_end = os.pipe()
    with tempfile.TemporaryDirectory(prefix="postern-metrics-") as folder:
        metrics.share_between_processes(folder)
        try:
            return _Workers(work, count, read_end, load, handed, on_stop).run()
        finally:
            os.close(write_end)
            os.close(read_end)


class _Workers:
    def __init__(
        self,
        work: Work,
        count: int,
        pipe: int,
        load: Callable[[], None] = lambda: None,
        handed: Collection[int] = (),
        on_stop: Callable[[], None] = lambda: None,
    ) -> None:
        self._work = work
        self._count = count
        self._pipe = pipe
        self._load = load
        self._handed = frozenset(handed)
        self._on_stop = on_stop
        self._workers: set[int] = set()
        """Their process ids."""
        self._first: set[int] = set()
        """Those that are no replacement."""
        self._stopping = False

    def run(self) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, self._reload)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
        if not self._first_serves():
            code = os.waitstatus_to_exitcode(os.wait()[1])
            return os.EX_OK if self._stopping else code if code > 0 else os.EX_SOFTWARE
        while len(self._workers) < self._count and not self._stopping:
            self._first.add(self._start())
        while self._workers:
            pid, status = os.wait()
            if pid not in self._workers:
                continue
            self._workers.remove(pid)
            if self._stopping:
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

    def _first_serves(self) -> bool:
        """Start the first worker alone: what keeps it from serving is then said once, by it. The
        program is loaded for the others meanwhile. False if it has ended."""
        read_end, write_end = os.pipe()
        self._first.add(self._start(write_end))
        os.close(write_end)
        self._load()
        serves = os.read(read_end, 1) != b""
        os.close(read_end)
        return serves

    def _pause(self, seconds: float) -> None:
        """Sleep, but not on after a request to stop; a signal does not interrupt a sleep."""
        until = time.monotonic() + seconds
        while not self._stopping and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, RESTART_PAUSE_S))

    def _start(self, ready: int | None = None) -> int:
        """Fork a worker. Signals wait meanwhile; in the worker SIGHUP waits until it has started,
        so that a request to reload does not end it. It writes to `ready` once it serves. If the
        request to stop came just before, it is stopped like those that it found."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            sys.stdout.flush()
            sys.stderr.flush()
            pid = os.fork()
            if not pid:
                self._be_worker(ready)
            self._workers.add(pid)
            if self._stopping:
                os.kill(pid, signal.SIGTERM)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return pid

    def _be_worker(self, ready: int | None) -> NoReturn:
        """Serve in the forked process, which must not clean up what is the supervisor's."""
        code = os.EX_SOFTWARE
        try:
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            # The other end of the pipe and the lock of the file with the process id are the
            # supervisor's: held here too, they would outlive it.
            kept = {self._pipe, ready, *self._handed}
            for each in _open_descriptors().difference(kept):
                with suppress(OSError):
                    os.close(each)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
            code = self._work(self._pipe, partial(_report, ready))
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else os.EX_SOFTWARE
        except BaseException:  # noqa: BLE001 - it must end here, and not in the supervisor's code
            traceback.print_exc()
        finally:
            with suppress(OSError):
                sys.stderr.flush()
            os._exit(code)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True
        self._send(signal.SIGTERM)
        self._on_stop()

    def _reload(self, number: int, _frame: FrameType | None) -> None:
        self._send(number)

    def _send(self, number: int) -> None:
        """A worker that has died stays until `run` has waited for it, and replaced it."""
        for pid in self._workers:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _wait_for_all(self, code: int) -> int:
        for pid in self._workers:
            os.waitpid(pid, 0)
        return code


def _open_descriptors() -> set[int]:
    """Those of this process, besides its standard streams."""
    return {int(name) for name in os.listdir("/dev/fd")} - {0, 1, 2}


def _report(ready: int | None) -> None:
    if ready is not None:
        os.write(ready, b".")
        os.close(ready)
