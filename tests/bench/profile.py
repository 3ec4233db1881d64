"""Profiles the server with py-spy, if it is installed: `--profile FOLDER`."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench import machine
from tests.bench.processes import Failed

SAMPLES_PER_S = 200
STOP_S = 60.0


@contextmanager
def of(roots: Sequence[int], folder: Path | None, name: str) -> Iterator[None]:
    """Sample each process of these trees during the context; does nothing without a folder.

    Writes one file of collapsed stacks per process. Raises Failed if py-spy is not on PATH.
    """
    if folder is None:
        yield
        return
    spy = shutil.which("py-spy")
    if spy is None:
        raise Failed("--profile needs py-spy on PATH (pip install py-spy)")
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        for pid in machine.tree(roots):
            output = folder / f"{name.replace(' ', '')}-{pid}.txt"
            command = [spy, "record", "--pid", str(pid), "--rate", str(SAMPLES_PER_S), "--threads"]
            options = ["--format", "raw", "--gil", "--output", str(output), "--duration", "600"]
            stack.enter_context(_recording([*command, *options]))
        yield


@contextmanager
def _recording(command: Sequence[str]) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)  # py-spy then writes its samples
        process.wait(STOP_S)
