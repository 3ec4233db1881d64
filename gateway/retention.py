"""Frees what the store needs no longer: expired journal rows, discarded mail, unused pages."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import UUID

from gateway import log
from gateway.runtime import Runtime
from rules.mail import Mailbox
from storage.db import space
from storage.desk import digests
from storage.mail import quarantine, refusals, retention
from storage.registry import mailboxes
from storage.ticket import request_keys

STEPS_A_ROUND = 100
"""So many steps through the journal, and as many of giving space back, at one cleaning."""


class Retention:
    """Runs in small steps, so that mail is filed in between; continues where it stopped."""

    def __init__(self, runtime: Runtime, journal_days: int, refused_days: int = 14) -> None:
        self._runtime = runtime
        self._journal_days = journal_days
        self._refused_days = min(refused_days, journal_days)
        self._swept_up_to: UUID = retention.BEGINNING

    async def clean(self) -> None:
        """One round of all of it."""
        every = await self._runtime.read(partial(mailboxes.list_mailboxes, inactive_too=True))
        taking = {each.id for each in await self._runtime.read(mailboxes.list_mailboxes)}
        for mailbox in every:
            await self.discard_old(mailbox, takes_mail=mailbox.id in taking)
        await self._runtime.write(partial(quarantine.forget_deferrals, now=self._runtime.clock()))
        await self.forget_named()
        await self.forget_counts()
        await self.forget_keys()
        forgotten = await self.forget_expired()
        pages = await self.give_back()
        if forgotten or pages:
            log.cleaned(forgotten, pages)

    async def discard_old(self, mailbox: Mailbox, *, takes_mail: bool) -> int:
        """Discard what a mailbox has held too long; returns how many mails.

        Nothing that nobody was notified of: while no mail reaches any of its staff, it waits. And
        nothing of a mailbox that takes no mail: no digest says that it goes, and the links of those
        that did lead nowhere.
        """
        policy = self._runtime.policies.get(mailbox.policy)
        if policy is None:  # a mailbox that takes no mail may outlive its policy
            log.mailbox_without_policy(mailbox.address, mailbox.policy)
            return 0
        hold = policy.hold
        if hold.then != "discard" or not takes_mail:
            return 0
        before = self._runtime.clock() - timedelta(days=hold.days)
        job = partial(
            retention.discard_before,
            mailbox=mailbox,
            before=before,
            unseen_too=policy.staff.notify == "none",
        )
        total = 0
        while discarded := await self._runtime.write(job):
            total += discarded
        return total

    async def forget_expired(self) -> int:
        """Delete journal rows that are older than `journal_days`, or `refused_days` for mail that
        nothing proved and of which nothing is kept; returns how many."""
        now = self._runtime.clock()
        before = now - timedelta(days=self._journal_days)
        refused_before = now - timedelta(days=self._refused_days)
        forgotten = 0
        for _ in range(STEPS_A_ROUND):
            swept = await self._runtime.read(
                partial(
                    retention.sweep,
                    after=self._swept_up_to,
                    before=before,
                    refused_before=refused_before,
                )
            )
            for rows in retention.in_portions(swept.expired):
                forgotten += await self._runtime.write(partial(retention.forget, rows=rows))
            self._swept_up_to = swept.up_to or retention.BEGINNING
            if swept.up_to is None:
                break
        return forgotten

    async def forget_counts(self) -> None:
        """Delete counts of refused mail that are older than `journal_days`."""
        keep = timedelta(days=self._journal_days)
        job = partial(refusals.forget, now=self._runtime.clock(), keep=keep)
        for _ in range(STEPS_A_ROUND):
            if await self._runtime.write(job) < refusals.FORGOTTEN_AT_ONCE:
                break

    async def forget_named(self) -> None:
        """Forget what digests named long ago: what still waits is named again."""
        job = partial(digests.forget, now=self._runtime.clock())
        for _ in range(STEPS_A_ROUND):
            if await self._runtime.write(job) < digests.FORGOTTEN_AT_ONCE:
                break

    async def forget_keys(self) -> None:
        """Delete keys of requests that are no longer repeated."""
        job = partial(request_keys.forget, now=self._runtime.clock())
        for _ in range(STEPS_A_ROUND):
            if await self._runtime.write(job) < request_keys.FORGOTTEN_AT_ONCE:
                break

    async def give_back(self) -> int:
        """Give unused pages back to the file system; returns how many."""
        first = last = await self._runtime.read(space.spare_pages)
        for _ in range(STEPS_A_ROUND):
            if last == 0:
                break
            last = await self._runtime.write(space.give_back)
        return max(0, first - last)
