"""Runs the timed work: releases from quarantine, digests, cleaning, notices about SLA clocks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import count

from gateway import log
from gateway.ingest import Ingest
from gateway.retention import Retention
from gateway.runtime import Runtime
from rules.decision.reasons import Verdict
from rules.mail import Mailbox
from storage.db.database import Connection
from storage.db.ledger import Conflict
from storage.desk import digests, lost_digests, personal_digests, queues
from storage.mail import quarantine
from storage.notices import relay_refusals
from storage.registry import lookup, mailboxes
from storage.ticket import overdue, snoozed
from storage.ticket.overdue import DueTicket

ROUND_S = 5.0
ROUNDS_BETWEEN_CLEANINGS = 120
ROUNDS_BETWEEN_CLOCKS = 12
ROUNDS_BETWEEN_QUEUES = 12
"""All queues are looked at; in between only whether a mail is newly held."""
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
        """Mails that are released are parsed, which may take minutes: deadlines do not wait."""
        await asyncio.gather(self._releases(), self._rounds())

    async def _releases(self) -> None:
        while True:
            try:
                await self.release_enrolled()
            except Exception as error:  # noqa: BLE001 - a store that is down will be up again
                log.scheduler_failed(error)
            await asyncio.sleep(ROUND_S)

    async def _rounds(self) -> None:
        for number in count():
            try:
                await self.follow_clock()
                await self.run_once(also_old=number % ROUNDS_BETWEEN_CLEANINGS == 0)
                if number % ROUNDS_BETWEEN_CLOCKS == 0:
                    await self.notify_overdue()
                    await self.wake_snoozed()
                await self.notify_desk(every_queue=number % ROUNDS_BETWEEN_QUEUES == 0)
                if number % ROUNDS_BETWEEN_CLOCKS == 0:
                    await self.send_personal_digests()
            except Exception as error:  # noqa: BLE001 - a store that is down will be up again
                log.scheduler_failed(error)
            await asyncio.sleep(ROUND_S)

    async def run_once(self, also_old: bool) -> None:
        """What is due in each round, and the cleaning."""
        if also_old:
            await self.retention.clean()
        waiting = await self.runtime.read(quarantine.waiting)
        age_s = (self.runtime.clock() - waiting.since).total_seconds() if waiting.since else 0
        self.runtime.metrics.held(waiting.number, age_s)

    async def release_enrolled(self) -> int:
        """File the mails whose authors were enrolled since; returns how many were filed.

        One that cannot be read or filed delays no other.
        """
        released = 0
        enrolled = partial(quarantine.enrolled_meanwhile, now=self.runtime.clock())
        for held in await self.runtime.read(enrolled):
            try:
                delivery = await self.runtime.read(partial(quarantine.delivery, mail=held))
                receipt = await self.ingest.release(held, delivery, held.authentication)
            except Conflict:  # discarded, or released by another node meanwhile
                continue
            except Exception as error:  # noqa: BLE001 - whatever is wrong with one mail
                log.release_failed(str(held.journal_id), error)
                continue
            released += receipt.verdict is not Verdict.DUPLICATE
        return released

    async def notify_overdue(self) -> int:
        """Order the warnings and breaches that are due; returns the number of notices.

        Each ticket is looked at once: one whose clock cannot be read delays no other.
        """
        ordered, last = 0, None
        while found := await self.runtime.read(
            partial(overdue.due, now=self.runtime.clock(), limit=CLOCKS_AT_ONCE, after=last)
        ):
            ordered += await self._notify(found)
            self.runtime.wake()
            last = found[-1]
        return ordered

    async def _notify(self, tickets: Sequence[DueTicket]) -> int:
        job = partial(
            overdue.notify_overdue,
            tickets=tickets,
            policies=self.runtime.policies,
            now=self.runtime.clock(),
            new_id=self.runtime.new_id,
        )
        try:
            return await self.runtime.write(job, apart=True)
        except (ValueError, LookupError, TypeError, AttributeError) as error:  # of a damaged row
            if len(tickets) == 1:
                log.clock_not_reported(tickets[0].number, error)
                return 0
        return sum([await self._notify([each]) for each in tickets])

    async def wake_snoozed(self) -> int:
        """Wake the tickets whose snooze is over; returns the number of notices. One whose row is
        damaged, or whose mailbox has no policy any more, delays no other."""
        ordered, last = 0, None
        now = self.runtime.clock()
        while found := await self.runtime.read(
            partial(snoozed.due, now=now, limit=CLOCKS_AT_ONCE, after=last)
        ):
            ordered += await self._wake(found, now)
            last = found[-1]
        if ordered:
            self.runtime.wake()
        return ordered

    async def _wake(self, tickets: Sequence[DueTicket], now: datetime) -> int:
        ordered = 0
        for ticket in tickets:
            job = partial(
                snoozed.wake,
                ticket=ticket,
                policies=self.runtime.policies,
                now=now,
                new_id=self.runtime.new_id,
            )
            try:
                ordered += await self.runtime.write(job)
            except (ValueError, LookupError, TypeError, AttributeError) as error:
                log.clock_not_reported(ticket.number, error)
        return ordered

    async def send_personal_digests(self) -> int:
        """Order the digests of staff who prefer them; returns how many."""
        ordered = 0
        for reader in await self.runtime.read(personal_digests.readers):
            job = partial(
                personal_digests.order_personal_digest,
                reader=reader,
                policies=self.runtime.policies,
                now=self.runtime.clock(),
                new_id=self.runtime.new_id,
            )
            ordered += await self.runtime.write(job, apart=True)
        if ordered:
            self.runtime.wake()
        return ordered

    async def notify_desk(self, every_queue: bool = True) -> int:
        """Order the digests that are due; returns the number of notices.

        Otherwise than for `every_queue`, only a newly held mail makes one due.
        """
        due = await self.runtime.read(self._measure if every_queue else self._newly_held)
        ordered = 0
        for mailbox in due:
            job = partial(
                digests.order_digest,
                mailbox=mailbox,
                policy=self.runtime.policy_of(mailbox),
                now=self.runtime.clock(),
                new_id=self.runtime.new_id,
            )
            queued = await self.runtime.write(job, apart=True)
            if queued is None:
                log.desk_is_empty(mailbox.address)
                self.runtime.metrics.desk_is_empty()
            elif queued:
                log.digest_ordered(mailbox.address, queued)
            if queued != 0:  # to administrators where the desk is empty
                self.runtime.wake()
            ordered += queued or 0
        return ordered

    def _known(self, connection: Connection, *, inactive_too: bool = False) -> list[Mailbox]:
        """The mailboxes whose policy is in force: one may have been given a policy that is read at
        the next reload."""
        every = mailboxes.list_mailboxes(connection, inactive_too=inactive_too)
        return [each for each in every if each.policy in self.runtime.policies]

    def _newly_held(self, connection: Connection) -> list[Mailbox]:
        """The mailboxes that may have a digest now, since a mail is held that none has named. Where
        mail reaches nobody of the staff, the look at all queues notifies the administrators."""
        now, known = self.runtime.clock(), self._known(connection)
        reached = lookup.with_reachable_staff(connection, [each.id for each in known])
        return [
            mailbox
            for mailbox in known
            if mailbox.id in reached
            and digests.may_be_ordered(connection, mailbox, now)
            and digests.has_new_held(connection, mailbox)
        ]

    def _measure(self, connection: Connection) -> list[Mailbox]:
        """Report the length of every queue; the mailboxes that may have a digest now. One that
        takes no mail has tickets still, whose mail may not arrive."""
        now, due, reported = self.runtime.clock(), [], []
        known = self._known(connection, inactive_too=True)
        reached = lookup.with_reachable_staff(connection, [each.id for each in known])
        for mailbox in known:
            policy = self.runtime.policy_of(mailbox)
            found = queues.states(connection, mailbox, policy, now)
            reported += found
            is_new = any(state.new for state in found)
            is_new = is_new or lost_digests.is_any_lost(connection, mailbox, now)
            if mailbox.id not in reached and policy.staff.notify != "none":
                is_new = is_new or mailboxes.has_open_tickets(connection, mailbox)
            if is_new and digests.may_be_ordered(connection, mailbox, now):
                due.append(mailbox)
        self.runtime.metrics.queues(reported, now)
        trouble = relay_refusals.trouble(connection)
        is_certain = trouble is not None and trouble.is_certain
        for_s = (now - trouble.since).total_seconds() if trouble and is_certain else 0.0
        self.runtime.metrics.relay_accepts_nothing(for_s, trouble.recipients if trouble else 0)
        return due
