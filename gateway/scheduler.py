"""Runs the timed work: releases from quarantine, cleaning, and notices about SLA clocks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count

from gateway import log
from gateway.ingest import Ingest
from gateway.retention import Retention
from gateway.runtime import Runtime
from rules.decision.model import Verdict
from storage.db.ledger import Conflict
from storage.mail import quarantine
from storage.ticket import overdue

ROUND_S = 5.0
ROUNDS_BETWEEN_CLEANINGS = 120
ROUNDS_BETWEEN_CLOCKS = 12
CLOCKS_AT_ONCE = 200


async def _has_no_clock() -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduler:
    """Runs until cancelled. Several may run on one store: a release happens once."""

    runtime: Runtime
    ingest: Ingest
    retention: Retention
    follow_clock: Callable[[], Awaitable[None]] = _has_no_clock
    """Reads the clock of the database server again."""

    async def run(self) -> None:
        for number in count():
            try:
                await self.follow_clock()
                await self.run_once(also_old=number % ROUNDS_BETWEEN_CLEANINGS == 0)
                if number % ROUNDS_BETWEEN_CLOCKS == 0:
                    await self.notify_overdue()
            except Exception as error:  # noqa: BLE001 - a store that is down will be up again
                log.scheduler_failed(error)
            await asyncio.sleep(ROUND_S)

    async def run_once(self, also_old: bool) -> None:
        """One round."""
        await self.release_enrolled()
        if also_old:
            await self.retention.clean()
        waiting = await self.runtime.read(quarantine.waiting)
        age_s = (self.runtime.clock() - waiting.since).total_seconds() if waiting.since else 0
        self.runtime.metrics.held(waiting.number, age_s)

    async def release_enrolled(self) -> int:
        """File the mails whose authors were enrolled since; returns how many were filed."""
        released = 0
        enrolled = partial(quarantine.enrolled_meanwhile, now=self.runtime.clock())
        for held in await self.runtime.read(enrolled):
            with suppress(Conflict):  # discarded, or released by another node meanwhile
                delivery = await self.runtime.read(partial(quarantine.delivery, mail=held))
                receipt = await self.ingest.release(held, delivery, held.authentication)
                released += receipt.verdict is not Verdict.DUPLICATE
        return released

    async def notify_overdue(self) -> int:
        """Order the warnings and breaches that are due; returns the number of notices."""
        ordered = 0
        while found := await self.runtime.read(
            partial(overdue.due, now=self.runtime.clock(), limit=CLOCKS_AT_ONCE)
        ):
            ordered += await self.runtime.write(
                partial(
                    overdue.notify_overdue,
                    tickets=found,
                    policies=self.runtime.policies,
                    now=self.runtime.clock(),
                    new_id=self.runtime.new_id,
                )
            )
            self.runtime.wake()
        return ordered
