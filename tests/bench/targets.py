"""The measured targets: each is started anew, gets the mails, and reports what it did with them."""

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


@dataclass(frozen=True, slots=True)
class OutboxFigures:
    """What a target sent."""

    sent: int = 0
    oldest_due_s: float = 0.0
    """The longest that a notice which was not sent yet had been due, as samples showed it."""


@dataclass
class RunningTarget:
    """A target that takes mail on a port of 127.0.0.1."""

    process: subprocess.Popen[bytes]
    port: int
    helpers: tuple[int, ...] = ()
    """Processes that work for it but are not its descendants."""
    notes: dict[str, str] = field(default_factory=dict)
    """Settings that the reader of the figures should know."""

    @property
    def roots(self) -> tuple[int, ...]:
        return (self.process.pid, *self.helpers)

    def delivered_s(self, _: Sent, /) -> float | None:
        """Seconds from the first MAIL until the last mail was delivered, and the last notice sent;
        None if a mail is delivered when it is answered 250."""
        return None

    def outbox(self) -> OutboxFigures:
        """What it sent until then."""
        return OutboxFigures()

    def finish(self, _: Sent, /) -> list[str]:
        """Stop it and check that it has each accepted mail; a text for each fault."""
        end(self.process)
        return []


class BenchmarkTarget(Protocol):
    """Something to measure."""

    @property
    def name(self) -> str: ...

    def missing(self) -> str | None:
        """Why it cannot be measured here; None if it can."""

    def running(self, folder: Path, load: Load, /) -> AbstractContextManager[RunningTarget]:
        """Start it with its files in an empty folder; everything ends with the context."""


@dataclass(frozen=True, slots=True)
class SinkTarget:
    """aiosmtpd that only answers: the upper limit of its SMTP on this machine."""

    name: str = "sink"

    def missing(self) -> str | None:
        return None

    @contextmanager
    def running(self, folder: Path, _: Load, /) -> Iterator[RunningTarget]:
        log = folder / "sink.log"
        with program([sys.executable, "-m", "tests.bench.sink"], log) as process:
            yield RunningTarget(
                process, until(process, lambda: listening_port(log), START_S, "sink")
            )


def listening_port(log: Path) -> int | None:
    """The port that the sink has printed; None until then."""
    found = re.search(r"listening on (\d+)\n", log.read_text())
    return int(found[1]) if found else None
