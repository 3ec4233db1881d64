"""Starts a program with its output in a file, waits until it is ready, and ends it."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

STEP_S = 0.05
STOP_S = 40.0

T = TypeVar("T")


class Failed(Exception):
    """A program of the benchmark failed; `str()` names it and the cause."""


@contextmanager
def program(command: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program; it ends with the context if it has not ended before."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> int:
    """Send SIGTERM, then SIGKILL if that has no effect; the exit code."""
    process.terminate()
    try:
        return process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait(STOP_S)


def until(
    process: subprocess.Popen[bytes], look: Callable[[], T | None], limit_s: float, what: str
) -> T:
    """Call `look` until it returns something other than None; that result.

    Raises Failed if the process ends or the time is over before that.
    """
    deadline = time.monotonic() + limit_s
    while (found := look()) is None:
        try:
            raise Failed(f"{what}: ended with {process.wait(STEP_S)}")
        except subprocess.TimeoutExpired:
            if time.monotonic() > deadline:
                raise Failed(f"{what}: not within {limit_s:.0f} s") from None
    return found


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that are free now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
