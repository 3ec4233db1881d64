"""Runs the client in a process of its own, and reads what it prints."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.client import Pace, Sent
from tests.bench.processes import Failed
from tests.bench.targets import MAILBOX

CLIENT_S = 60.0
SLOWEST_MAIL_S = 0.1
"""The client is stopped after `CLIENT_S` plus this, and the time of its rate, for each mail."""
LOOK_S = 10.0


def send(
    port: int,
    folder: Path,
    count: int,
    pace: Pace,
    *,
    first: int = 0,
    meanwhile: Callable[[], None] = lambda: None,
) -> Sent:
    """Send so many mails of a folder, after the `first` ones; `meanwhile` runs every `LOOK_S`.

    Raises Failed if the client does, or if it takes too long.
    """
    command = [sys.executable, "-m", "tests.bench.client", "127.0.0.1", str(port), str(folder)]
    command += [MAILBOX, "--first", str(first), "--count", str(count), *pace.arguments()]
    offered_s = 0.0 if pace.rate is None else count / pace.rate
    deadline = time.monotonic() + CLIENT_S + count * SLOWEST_MAIL_S + offered_s
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        output, errors = _output(process, deadline, meanwhile)
    finally:
        process.kill()
        process.wait()
    if process.returncode:
        raise Failed(f"the client ended with {process.returncode}: {errors.decode()[-2000:]}")
    return Sent(**json.loads(output))


def _output(
    process: subprocess.Popen[bytes], deadline: float, meanwhile: Callable[[], None]
) -> tuple[bytes, bytes]:
    while True:
        try:
            return process.communicate(timeout=LOOK_S)
        except subprocess.TimeoutExpired:
            if time.monotonic() > deadline:
                raise Failed("the client did not end in time") from None
            meanwhile()
