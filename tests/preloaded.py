"""`postern` as a process of its own, forked from one that has the program loaded.

Imports take most of a short command and four fifths of a start. The fork runs the same command
line as `python -m gateway`, with the environment and the folder of the caller; only the imports are
shared. `running.fresh`, the workers of a supervisor and `fresh` of `tests/faults/launch.py` start
the program without this.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import IO

_PRELOADED = [
    "gateway.cli.commands",
    "gateway.app",
    "gateway.after_mail",
    "pytest.__main__",
    "tests.preloaded",
    "tests.warm",
]
_EACH = threading.Lock()


class Forked:
    """A running `postern`, with the methods of `subprocess.Popen` that tests use."""

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        stdin: int,
        stdout: int,
        stderr: int,
    ) -> None:
        """Start it with copies of these descriptors; the first one loads the process to fork."""
        context = multiprocessing.get_context("forkserver")
        streams = [
            Connection(os.dup(each), readable=number == 0, writable=number > 0)
            for number, each in enumerate((stdin, stdout, stderr))
        ]
        place = (dict(environment), os.getcwd())
        self._process = context.Process(target=_run, args=(streams, [*arguments], *place))
        with _EACH:  # only one thread may start the process that is forked
            context.set_forkserver_preload(_PRELOADED)
            self._process.start()
        for stream in streams:
            stream.close()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code. Raises TimeoutExpired if it does not end."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def started(arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[Forked, IO[str]]:
    """A command that runs, and its standard error; it reads and prints nothing."""
    read_end, write_end = os.pipe()
    with open(os.devnull, "r+b") as nothing:
        process = Forked(arguments, environment, nothing.fileno(), nothing.fileno(), write_end)
    os.close(write_end)
    return process, os.fdopen(read_end, encoding="utf-8", errors="replace")


def finished(
    arguments: Sequence[str], environment: Mapping[str, str], stdin: bytes, timeout_s: float
) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end; returns its exit code and what it wrote."""
    read_end, write_end = os.pipe()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = Forked(arguments, environment, read_end, out.fileno(), err.fileno())
        os.close(read_end)
        try:
            with suppress(BrokenPipeError), open(write_end, "wb") as given:
                given.write(stdin)
            code = process.wait(timeout_s)
        finally:
            process.kill()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(["postern", *arguments], code, out.read(), err.read())


def _run(
    streams: Sequence[Connection], arguments: list[str], environment: dict[str, str], folder: str
) -> None:
    from gateway import cli  # noqa: PLC0415 - already loaded in the parent process

    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
        stream.close()
    # Those of the parent believe that they write to its files, and try to find their place there.
    encoding = environment.get("PYTHONIOENCODING", "utf-8")
    sys.stdin = open(0, encoding=encoding, closefd=False)  # noqa: SIM115 - as long as the process
    sys.stdout = open(1, "w", encoding=encoding, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, encoding="utf-8", closefd=False)  # noqa: SIM115
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    tempfile.tempdir = None  # the parent's value may contradict the environment
    sys.argv = ["postern", *arguments]
    cli.main()
