"""Two ways to start a server: as a new process, and as a fork of a process that has it loaded.

Imports take four fifths of a start, so a series of kills avoids them by forking.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import IO, Protocol

from tests.preloaded import Forked, started


class Process(Protocol):
    """A server's first process."""

    @property
    def pid(self) -> int: ...

    def is_alive(self) -> bool: ...

    def wait(self, timeout_s: float) -> int:
        """Its exit code, negative for a signal. Raises TimeoutError if it does not end."""


Launch = Callable[[Sequence[str], Mapping[str, str]], tuple[Process, IO[str]]]
"""Takes arguments and additional environment variables; returns process and standard error."""


def by_command(*program: str) -> Launch:
    """A launch that starts this program."""

    def launch(arguments: Sequence[str], extra: Mapping[str, str]) -> tuple[Process, IO[str]]:
        process = subprocess.Popen(
            [*program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **extra},
        )
        assert process.stderr is not None
        return _Command(process), process.stderr

    return launch


fresh = by_command(sys.executable, "-m", "gateway")


def skewed(by: timedelta) -> Launch:
    """A launch on a machine whose clock is wrong by this time."""
    offset = str(by.total_seconds())
    return by_command(sys.executable, "-m", "tests.faults.wrong_clock", offset)


def preloaded(arguments: Sequence[str], extra: Mapping[str, str]) -> tuple[Process, IO[str]]:
    """Start the gateway as a fork; the first call loads the process that is forked."""
    process, log = started(arguments, {**os.environ, **extra})
    return _Command(process), log


class _Command:
    def __init__(self, process: subprocess.Popen[str] | Forked) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def wait(self, timeout_s: float) -> int:
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(str(error)) from error
