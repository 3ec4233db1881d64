"""Two ways to start a server: as a new process, and as a fork of a process that has it loaded.

Imports take four fifths of a start, so a series of kills avoids them by forking. The fork runs the
same command line as `python -m gateway`.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from multiprocessing.connection import Connection
from typing import IO, Protocol

_PRELOADED = ["gateway.cli", "gateway.app", "pytest.__main__", "tests.faults.launch"]


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
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_run_gateway, args=(theirs, [*arguments], dict(extra)))
    process.start()
    theirs.close()
    return _Fork(process), os.fdopen(os.dup(ours.fileno()), encoding="utf-8", errors="replace")


def _run_gateway(log: Connection, arguments: list[str], extra: dict[str, str]) -> None:
    from gateway import cli  # noqa: PLC0415 - already loaded in the parent process

    os.dup2(log.fileno(), sys.stderr.fileno())
    log.close()
    os.environ.update(extra)
    tempfile.tempdir = None  # the parent's value may contradict `extra`
    sys.argv = ["postern", *arguments]
    cli.main()


class _Command:
    def __init__(self, process: subprocess.Popen[str]) -> None:
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


class _Fork:
    def __init__(self, process: multiprocessing.context.ForkServerProcess) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.is_alive()

    def wait(self, timeout_s: float) -> int:
        self._process.join(timeout_s)
        if self._process.exitcode is None:
            raise TimeoutError(f"process {self.pid} is still running")
        return self._process.exitcode
