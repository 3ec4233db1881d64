"""Frees what the store needs no longer: expired journal rows, discarded mail, unused pages."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import UUID

from gateway import log
from gateway.runtime import Runtime
from rules.mail import Mailbox
from storage.db import space
from storage.mail import quarantine, retention
from storage.registry import mailboxes

STEPS_A_ROUND = 100
"""So many steps through the journal, and as many of giving space back, at one cleaning."""


class Retention:
    """Runs in small steps, so that mail is filed in between; continues where it stopped."""

    def __init__(self, runtime: Runtime, journal_days: int) -> None:
        self._runtime = runtime
        self._journal_days = journal_days
        self._swept_up_to: UUID = retention.BEGINNING

    async def clean(self) -> None:
        """One round of all of it."""
        for mailbox in await self._runtime.read(
            partial(mailboxes.list_mailboxes, inactive_too=True)
        ):
            await self.discard_old(mailbox)
        await self._runtime.write(partial(quarantine.forget_deferrals, now=self._runtime.clock()))
        forgotten = await self.forget_expired()
        pages = await self.give_back()
        if forgotten or pages:
            log.cleaned(forgotten, pages)

    async def discard_old(self, mailbox: Mailbox) -> int:
        """Discard what a mailbox has held too long; returns how many mails."""
        hold = self._runtime.policy_of(mailbox).hold
        if hold.then != "discard":
            return 0
        before = self._runtime.clock() - timedelta(days=hold.days)
        job = partial(quarantine.discard_before, mailbox=mailbox, before=before)
        total = 0
        while discarded := await self._runtime.write(job):
            total += discarded
        return total

    async def forget_expired(self) -> int:
        """Delete journal rows that are older than `journal_days`; returns how many."""
        before = self._runtime.clock() - timedelta(days=self._journal_days)
        forgotten = 0
        for _ in range(STEPS_A_ROUND):
            swept = await self._runtime.read(
                partial(retention.sweep, after=self._swept_up_to, before=before)
            )
            for rows in retention.in_portions(swept.expired):
                forgotten += await self._runtime.write(partial(retention.forget, rows=rows))
            self._swept_up_to = swept.up_to or retention.BEGINNING
            if swept.up_to is None:
                break
        return forgotten

    async def give_back(self) -> int:
        """Give unused pages back to the file system; returns how many."""
        first = last = await self._runtime.read(space.spare_pages)
        for _ in range(STEPS_A_ROUND):
            if last == 0:
                break
            last = await self._runtime.write(space.give_back)
        return max(0, first - last)
