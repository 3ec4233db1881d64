"""The process that keeps the workers running."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from gateway.supervisor import _Workers


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_reload_hides_no_worker_that_has_died(number: signal.Signals) -> None:
    """`run` waits for it afterwards, and replaces it."""
    read_end, write_end = os.pipe()
    workers = _Workers([sys.executable, "-c", "pass"], dict(os.environ), 1, read_end)
    pid = workers._start()
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

    if number is signal.SIGHUP:
        workers._reload(number, None)
    else:
        workers._stop(number, None)

    assert os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT) is not None
    assert workers._wait_for_all(0) == 0
    os.close(read_end)
    os.close(write_end)


def test_a_reload_while_a_worker_starts_waits_until_it_can_be_heard() -> None:
    heard = (
        "import signal, sys\n"
        "signal.signal(signal.SIGHUP, lambda *_: sys.exit(7))\n"
        "signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})\n"
    )
    read_end, write_end = os.pipe()
    workers = _Workers([sys.executable, "-c", heard], dict(os.environ), 1, read_end)
    pid = workers._start()

    workers._reload(signal.SIGHUP, None)

    assert workers._workers[pid].wait() == 7
    assert signal.SIGHUP not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    os.close(read_end)
    os.close(write_end)
