"""Where the server spends its time, by py-spy where that is installed: `--profile FOLDER`."""

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
    """Samples each process of these trees while the context lasts; nothing without a folder.

    Leaves one file of collapsed stacks for a process. Raises Failed where py-spy is not on PATH.
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
        process.send_signal(signal.SIGINT)  # py-spy then writes what it has
        process.wait(STOP_S)
