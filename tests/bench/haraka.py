"""Haraka as a target: its outbound queue on the disk, and a relay that never greets.

A mail is written to a file of its own and synced (fsync) before it is renamed to its name in the
queue and answered 250; the folder is not synced, so that after a loss of power the name may be
missing. Nothing is parsed, decided or delivered. Its plugin `queue/quarantine`, which also writes
each mail to a file, never syncs, and none of its other queues is a disk of its own.
"""

from __future__ import annotations

import os
import shutil
import smtplib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.client import Sent
from tests.bench.load import Load
from tests.bench.processes import end, free_ports, program, until
from tests.bench.targets import START_S, RunningTarget

_CONFIG = {
    "me": "mx.help.example\n",
    "plugins": "bench\n",
    "log.ini": "[main]\nlevel=warn\n",
    "outbound.ini": "concurrency_max=1\nconnect_timeout=3600\nenable_tls=false\n",
}
"""One attempt at a time waits for the relay; the other mails wait in the queue without a timer."""
_PLUGIN = """\
exports.hook_rcpt = (next, connection) => {
    connection.relaying = true
    next(OK)
}
exports.hook_get_mx = (next) => next(OK, { exchange: '127.0.0.1', port: %d, priority: 0 })
"""


@dataclass
class RunningHaraka(RunningTarget):
    """A running Haraka, which has a mail in its queue before the 250."""

    queue: Path = field(kw_only=True)

    def finish(self, sent: Sent, /) -> list[str]:
        end(self.process)
        unfinished = "."  # what a file's name begins with until it is synced
        found = sum(not name.startswith(unfinished) for name in os.listdir(self.queue))
        wanted = len(sent.accepted)
        return [] if found == wanted else [f"{wanted} were answered 250, {found} in the queue"]


@dataclass(frozen=True, slots=True)
class HarakaTarget:
    """Haraka with a number of processes."""

    workers: int

    @property
    def name(self) -> str:
        return f"haraka -w{self.workers}"

    def missing(self) -> str | None:
        if shutil.which("haraka") is None:
            return "Haraka is not installed (npm install haraka, its node_modules/.bin on PATH)"
        return None

    @contextmanager
    def running(self, folder: Path, _: Load, /) -> Iterator[RunningTarget]:
        for name in ("config", "plugins", "queue"):
            (folder / name).mkdir()
        (port,) = free_ports(1)
        smtp_ini = f"listen=127.0.0.1:{port}\nnodes={self.workers}\n"
        for name, text in {**_CONFIG, "smtp.ini": smtp_ini}.items():
            (folder / "config" / name).write_text(text)
        shipped = Path(shutil.which("haraka") or "").resolve().parents[1] / "config"
        shutil.copy(shipped / "connection.ini", folder / "config")
        with socket.create_server(("127.0.0.1", 0)) as relay:
            plugin = _PLUGIN % relay.getsockname()[1]
            (folder / "plugins" / "bench.js").write_text(plugin)
            command = ["haraka", "-c", str(folder)]
            with program(command, folder / "haraka.log") as process:
                until(process, lambda: _greets(port), START_S, "haraka")
                yield RunningHaraka(process, port, queue=folder / "queue")


def _greets(port: int) -> bool | None:
    """True once it takes connections, until then None."""
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=START_S):
            return True
    except (OSError, smtplib.SMTPException):
        return None
