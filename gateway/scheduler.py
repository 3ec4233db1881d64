"""Does what is due without a mail: releases from quarantine, discards, words on the clocks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import count
from typing import TypeVar

from gateway import log
from gateway.clock import Clock
from gateway.ingest import Ingest
from gateway.metrics import Metrics
from rules.decision.model import Verdict
from storage.db.database import Connection, Database
from storage.db.ledger import Conflict, Ledger
from storage.mail import quarantine
from storage.registry import mailboxes
from storage.ticket import overdue

T = TypeVar("T")

ROUND_S = 5.0
ROUNDS_BETWEEN_CLEANINGS = 120
ROUNDS_BETWEEN_CLOCKS = 12
CLOCKS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Scheduler:
    """Runs until cancelled. Several may run on one store: a release happens once."""

    database: Database
    ledger: Ledger
    ingest: Ingest
    metrics: Metrics
    clock: Clock

    async def run(self) -> None:
        for number in count():
            try:
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
            await self.discard_old()
        self.metrics.held(await self._read(quarantine.count))

    async def release_enrolled(self) -> int:
        """File the mails whose authors were enrolled since; returns how many were."""
        released = 0
        enrolled = partial(quarantine.enrolled_meanwhile, now=self.clock())
        for held in await self._read(enrolled):
            delivery = await self._read(partial(quarantine.delivery, mail=held))
            with suppress(Conflict):  # discarded, or released by another node at this moment
                receipt = await self.ingest.release(held, delivery, held.authentication)
                released += receipt.verdict is not Verdict.DUPLICATE
        return released

    async def notify_overdue(self) -> int:
        """Order the warnings and breaches that are due; returns how many mails that makes."""
        ordered = 0
        while found := await self._read(
            partial(overdue.due, now=self.clock(), limit=CLOCKS_AT_ONCE)
        ):
            ordered += await self._write(
                partial(
                    overdue.notify_overdue,
                    tickets=found,
                    policies=self.ingest.policies,
                    now=self.clock(),
                    new_id=self.ingest.new_id,
                )
            )
            self.ingest.on_notice()
        return ordered

    async def discard_old(self) -> None:
        for mailbox in await self._read(mailboxes.list_mailboxes):
            hold = self.ingest.policies[mailbox.policy].hold
            if hold.then == "discard":
                before = self.clock() - timedelta(days=hold.days)
                await self._write(
                    partial(quarantine.discard_before, mailbox=mailbox, moment=before)
                )
        await self._write(partial(quarantine.forget_deferrals, now=self.clock()))

    async def _read(self, query: Callable[[Connection], T]) -> T:
        return await asyncio.to_thread(self.database.read, query)

    async def _write(self, job: Callable[[Connection], T]) -> T:
        return await asyncio.wrap_future(self.ledger.submit(job))
