"""What became of the notices of a run: watched in the store, counted at the relay."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

from rules.ticket.notices import NoticeState
from storage.db.database import Connection, Database
from storage.db.tables import NoticeRow, table
from storage.notices import outbox
from tests.bench.processes import STEP_S, Failed, end, program, until
from tests.bench.targets import START_S, OutboxFigures, listening_port

LOOK_S = 0.5
"""How often the store is asked for the oldest notice that is due."""
STALLED_S = 60.0
"""The run fails if no notice is sent for so long."""

_notice = table(NoticeRow)


def differences(counts: Mapping[str, int], received: int, different: int) -> list[str]:
    """A text for each way in which the notices of a store, counted by their state, are not what the
    relay received."""
    sent = counts.get(NoticeState.SENT.value, 0)
    faults = [f"{n} notices are {state}" for state, n in counts.items() if state != "sent"]
    if sent != different:
        faults.append(f"{sent} notices are sent in the store, {different} at the relay")
    if received != different:
        faults.append(f"the relay has {received - different} mails twice")
    return faults


@dataclass(frozen=True, slots=True)
class OutboxSample:
    """The notices of a store at one time."""

    sent: int
    waiting: int
    """Due, or to be sent later."""
    oldest_due_s: float
    """For how long the oldest has been due; 0 if none is."""


@dataclass(frozen=True, slots=True)
class CountingRelay:
    """The sink as a relay. It is no part of Postern: its CPU time does not count."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def received(self) -> tuple[int, int]:
        """End it: how many mails it received, and how many Message-IDs they had."""
        end(self.process)
        found = re.search(r"received (\d+) mails, (\d+) different\n", self.log.read_text())
        if found is None:
            raise Failed("the relay ended without its count")
        return int(found[1]), int(found[2])


@contextmanager
def counting_relay(folder: Path) -> Iterator[CountingRelay]:
    """A relay that accepts everything, in a process of its own."""
    log = folder / "relay.log"
    with program([sys.executable, "-m", "tests.bench.sink", "--count"], log) as process:
        port = until(process, lambda: listening_port(log), START_S, "the relay")
        yield CountingRelay(port, process, log)


class OutboxWatch:
    """Watches the notices of a store from a thread, until `stop`."""

    def __init__(self, store_url: str, relay: CountingRelay) -> None:
        self._database = Database(store_url, connections=1)
        self.relay = relay
        self._oldest_due_s = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="outbox", daemon=True)
        self._thread.start()

    def wait_until_empty(self) -> None:
        """Return once no notice is due. Raises Failed if that stalls."""
        left, stalls_at = self._number_due(), time.monotonic() + STALLED_S
        while self._due_for_s() is not None:
            if time.monotonic() > stalls_at:
                raise Failed(f"{left} notices were not sent within {STALLED_S:.0f} s")
            time.sleep(STEP_S)
            if (now_left := self._number_due()) < left:
                left, stalls_at = now_left, time.monotonic() + STALLED_S

    def sample(self) -> OutboxSample:
        """The notices now."""
        counts = self._counts()
        sent, due = counts.get(NoticeState.SENT.value, 0), counts.get(NoticeState.DUE.value, 0)
        return OutboxSample(sent, due, self._due_for_s() or 0.0)

    def is_due(self) -> bool:
        """Whether a notice is."""
        return self._due_for_s() is not None

    def figures(self) -> OutboxFigures:
        """To be asked once the outbox is empty."""
        return OutboxFigures(self._counts().get(NoticeState.SENT.value, 0), self._oldest_due_s)

    def stop(self) -> None:
        """To be called by whoever made this."""
        self._stopping.set()
        self._thread.join()
        self._database.close()

    def faults(self) -> list[str]:
        """After Postern has ended: what differs between the store and the relay."""
        return differences(self._counts(), *self.relay.received())

    def _watch(self) -> None:
        while not self._stopping.wait(LOOK_S):
            self._oldest_due_s = max(self._oldest_due_s, self._due_for_s() or 0.0)

    def _due_for_s(self) -> float | None:
        """For how long the oldest has been due; None if none is."""
        due_at = self._database.read(outbox.next_due)
        waited_s = (datetime.now(UTC) - due_at).total_seconds() if due_at is not None else -1.0
        return waited_s if waited_s >= 0 else None

    def _number_due(self) -> int:
        return self._counts().get(NoticeState.DUE.value, 0)

    def _counts(self) -> dict[str, int]:
        query = select(_notice.c.state, func.count().label("number")).group_by(_notice.c.state)

        def count(connection: Connection) -> dict[str, int]:
            return {row.state: row.number for row in connection.execute(query)}

        return self._database.read(count)
