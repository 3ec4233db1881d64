"""The process that keeps the workers running."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.supervisor import _Workers

HANDLED = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The end that workers hold, and the supervisor's."""
    read_end, write_end = os.pipe()
    yield read_end, write_end
    os.close(read_end)
    os.close(write_end)


def ends_at_once(*_: object) -> int:
    return 0


def ends_at_a_reload(pipe: int, *_: object) -> int:
    os.read(pipe, 1)  # until the request has been sent
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(7))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    return 0


def reads_the_pipe(pipe: int, *_: object) -> int:
    """Waits for the end of the file."""
    return len(os.read(pipe, 1))


def exit_code(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.fixture
def handlers_stay() -> Iterator[None]:
    """`run` sets handlers of its own."""
    before = {each: signal.getsignal(each) for each in HANDLED}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_reload_hides_no_worker_that_has_died(
    number: signal.Signals, pipe: tuple[int, int]
) -> None:
    """`run` waits for it afterwards, and replaces it."""
    workers = _Workers(ends_at_once, 1, pipe[0])
    pid = workers._start()
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

    if number is signal.SIGHUP:
        workers._reload(number, None)
    else:
        workers._stop(number, None)

    assert os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT) is not None
    assert workers._wait_for_all(0) == 0


def test_a_reload_while_a_worker_starts_waits_until_it_can_be_heard(pipe: tuple[int, int]) -> None:
    workers = _Workers(ends_at_a_reload, 1, pipe[0])
    pid = workers._start()

    workers._reload(signal.SIGHUP, None)
    os.write(pipe[1], b".")

    assert exit_code(pid) == 7
    assert signal.SIGHUP not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_worker_ends_with_its_supervisor() -> None:
    """It holds no copy of the end whose closing it waits for."""
    read_end, write_end = os.pipe()
    pid = _Workers(reads_the_pipe, 1, read_end)._start()

    os.close(write_end)

    assert exit_code(pid) == 0
    os.close(read_end)


def test_a_worker_with_a_fault_of_ours_ends_in_an_error(pipe: tuple[int, int]) -> None:
    def fails(*_: object) -> int:
        raise RuntimeError("a bug")

    assert exit_code(_Workers(fails, 1, pipe[0])._start()) == os.EX_SOFTWARE


@pytest.mark.usefixtures("handlers_stay")
def test_a_first_worker_that_cannot_serve_is_the_only_one(
    pipe: tuple[int, int], tmp_path: Path
) -> None:
    """What is wrong is then said once."""

    def refuses(*_: object) -> int:
        (tmp_path / str(os.getpid())).touch()
        return os.EX_CONFIG

    assert _Workers(refuses, 3, pipe[0]).run() == os.EX_CONFIG
    assert len([*tmp_path.iterdir()]) == 1


@pytest.mark.usefixtures("handlers_stay")
def test_a_stop_while_the_first_worker_loads_starts_no_other(
    pipe: tuple[int, int], tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "loads")
    started = tmp_path / "started"
    started.mkdir()

    def serves_until_a_stop(_: int, ready: Callable[[], None]) -> int:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        first = not [*started.iterdir()]
        (started / str(os.getpid())).touch()
        if first:
            (tmp_path / "loads").write_text("")
            signal.sigwait({signal.SIGTERM})
            ready()
        return 0

    def load() -> None:
        (tmp_path / "loads").read_text()  # until the worker waits for the signal
        os.kill(os.getpid(), signal.SIGTERM)

    assert _Workers(serves_until_a_stop, 3, pipe[0], load).run() == 0
    assert len([*started.iterdir()]) == 1


def test_a_worker_that_is_started_after_a_stop_is_stopped(pipe: tuple[int, int]) -> None:
    def serves(*_: object) -> int:
        signal.alarm(10)  # only if no signal comes
        signal.pause()
        return 0

    workers = _Workers(serves, 1, pipe[0])
    workers._stop(signal.SIGTERM, None)

    assert exit_code(workers._start()) == -signal.SIGTERM
