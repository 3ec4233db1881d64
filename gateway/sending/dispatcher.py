"""Sends what the rules ordered: claims due notices, writes them, hands them to the relay."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeVar

from gateway import log
from gateway.directory import Directory
from gateway.ids import Clock
from gateway.metrics import Metrics
from gateway.policies import Policies
from gateway.sending.compose import Writer
from gateway.sending.relay import Relay, Undelivered
from rules.notices import next_attempt
from storage import outbox
from storage.database import Connection, Database
from storage.ledger import Ledger
from storage.outbox import Notice

T = TypeVar("T")

BATCH = 50
IDLE_S = 2.0
"""How often an idle dispatcher looks; what this process files itself wakes it at once."""


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Runs until cancelled. Several may run on one store: a claim is exclusive."""

    database: Database
    ledger: Ledger
    directory: Directory
    policies: Policies
    relay: Relay
    metrics: Metrics
    clock: Clock
    links_begin: str
    jitter: Callable[[], float] = random.random
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Look now: a notice was ordered."""
        self.woken.set()

    async def run(self) -> None:
        while True:
            self.woken.clear()
            try:
                more = await self.send_due() == BATCH
            except Exception as error:  # noqa: BLE001 - a store that is down will be up again
                log.dispatcher_failed(error)
                more = False
                await asyncio.sleep(IDLE_S)
            if not more:
                with suppress(TimeoutError):
                    async with asyncio.timeout(IDLE_S):
                        await self.woken.wait()

    async def send_due(self) -> int:
        """Send what is due now; returns how many notices were claimed."""
        # A look first: a claim takes the one write lock of an embedded store even when idle.
        due = await asyncio.to_thread(self.database.read, outbox.next_due)
        if due is None or due > self.clock():
            return 0
        notices: Sequence[Notice] = await self._write(
            partial(outbox.claim, now=self.clock(), limit=BATCH)
        )
        async with self.relay:
            for notice in notices:
                await self._send(notice)
        return len(notices)

    async def _send(self, notice: Notice) -> None:
        writer = Writer((await self.directory.current()).keys, self.links_begin)
        try:
            await self.relay.send(writer.write(notice, self.policies[notice.mailbox.policy]))
        except ValueError as error:  # it cannot be written at all: its neighbours can
            await self._not_sent(notice, str(error), permanent=True)
            return
        except Undelivered as error:
            await self._not_sent(notice, str(error), error.permanent)
            return
        await self._write(partial(outbox.sent, notice=notice.id, now=self.clock()))
        self.metrics.notice("sent")
        log.sent(str(notice.id), notice.kind, notice.attempts)

    async def _not_sent(self, notice: Notice, why: str, permanent: bool) -> None:
        again: datetime | None = None
        if not permanent:
            again = next_attempt(notice.created_at, notice.attempts, self.clock(), self.jitter())
        if again is None:
            await self._write(partial(outbox.give_up, notice=notice.id, error=why))
            self.metrics.notice("given_up")
            log.given_up(str(notice.id), notice.kind, notice.attempts, why)
            return
        await self._write(partial(outbox.put_off, notice=notice.id, due_at=again, error=why))
        self.metrics.notice("put_off")
        log.put_off(str(notice.id), notice.kind, notice.attempts, why, again.isoformat())

    async def _write(self, job: Callable[[Connection], T]) -> T:
        return await asyncio.wrap_future(self.ledger.submit(job))
