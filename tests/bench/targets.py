"""What is measured: each target starts fresh, is sent the mails, and says what became of them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.bench.client import Sent
from tests.bench.load import Load
from tests.bench.processes import end, program, until

MAILBOX = "support@help.example"
START_S = 60.0


@dataclass
class Running:
    """A target that takes mail on a port of 127.0.0.1."""

    process: subprocess.Popen[bytes]
    port: int
    helpers: tuple[int, ...] = ()
    """Processes that work for it but do not descend from it."""
    notes: dict[str, str] = field(default_factory=dict)
    """Settings that the reader of the figures should know."""

    @property
    def roots(self) -> tuple[int, ...]:
        return (self.process.pid, *self.helpers)

    def delivered_s(self, _: Sent, /) -> float | None:
        """Seconds from the first MAIL until the last mail was where it belongs; None where that
        is so at the 250."""
        return None

    def finish(self, _: Sent, /) -> list[str]:
        """Stop it, and look whether each accepted mail is there; every fault in words."""
        end(self.process)
        return []


class Target(Protocol):
    """Something to measure."""

    @property
    def name(self) -> str: ...

    def missing(self) -> str | None:
        """Why it cannot be measured here."""

    def running(self, folder: Path, load: Load, /) -> AbstractContextManager[Running]:
        """Started with its files in an empty folder; whatever still runs is ended at the end."""


@dataclass(frozen=True, slots=True)
class Sink:
    """aiosmtpd that only answers: the most that its SMTP allows on this machine."""

    name: str = "sink"

    def missing(self) -> str | None:
        return None

    @contextmanager
    def running(self, folder: Path, _: Load, /) -> Iterator[Running]:
        log = folder / "sink.log"
        with program([sys.executable, "-m", "tests.bench.sink"], log) as process:
            yield Running(process, until(process, lambda: _port(log), START_S, "sink"))


def _port(log: Path) -> int | None:
    found = re.search(r"listening on (\d+)\n", log.read_text())
    return int(found[1]) if found else None
