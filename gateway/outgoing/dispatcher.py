"""Sends what the rules ordered: claims due notices, composes them, hands them to the relay.

Each notice is sent by one sender at a time. SMTP cannot rule out one duplicate: if a process dies
between the relay's 250 and the commit that records it, the notice is sent again when its claim runs
out. Its Message-ID is the same, so that most mailboxes show one copy.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from gateway import log
from gateway.authentication.signing import Signer
from gateway.outgoing.compose import Composer
from gateway.outgoing.delivery import Relay, RelayDown, Undelivered
from gateway.outgoing.templates import Templates
from gateway.runtime import Runtime
from rules.mail.bounces import Failure, classify, presumed_status
from rules.ticket.notice_timing import next_attempt
from storage.notices import outbox
from storage.notices.outbox import LEASE, Notice

BATCH = 50
AT_ONCE = 4
IDLE_S = 2.0
"""How often an idle dispatcher checks; what this process files itself wakes it at once."""
BEGUN_WITHIN = LEASE / 2
"""A notice not begun within this time is left to the next claim: nobody else may claim it while it
is being sent."""


@dataclass(slots=True)
class _Round:
    """One claim of notices."""

    until: datetime
    down: RelayDown | None = None
    """Set once the relay accepts nothing: the rest is put off without asking it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatcher:
    """Runs until cancelled. Several may run on one store: a claim is exclusive."""

    runtime: Runtime
    relay: Relay
    links_begin: str
    templates: Templates = field(default_factory=Templates)
    signer: Signer = field(default_factory=Signer)
    at_once: int = AT_ONCE
    jitter: Callable[[], float] = random.random
    notice_queued: asyncio.Event = field(default_factory=asyncio.Event)
    """Set it to wake an idle dispatcher."""

    async def run(self) -> None:
        try:
            while True:
                self.notice_queued.clear()
                if not await self._sent_any():
                    await self.relay.tidy()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(IDLE_S):
                            await self.notice_queued.wait()
        finally:
            await self.relay.close()

    async def _sent_any(self) -> bool:
        """Whether there was something to send. A failure is logged and counts as nothing."""
        try:
            return await self.send_due() > 0
        except Exception as error:  # noqa: BLE001 - the loop must outlive a store that is down
            log.dispatcher_failed(error)
            await asyncio.sleep(IDLE_S)
            return False

    async def send_due(self) -> int:
        """Send what is due now; returns how many notices were claimed."""
        # Read first: a claim takes the one write lock of an embedded store even when idle.
        due = await self.runtime.read(outbox.next_due)
        now = self.runtime.clock()
        if due is None or due > now:
            return 0
        notices: Sequence[Notice] = await self.runtime.write(
            partial(outbox.claim, now=now, limit=BATCH)
        )
        cached = await self.runtime.mailbox_cache.current()
        composer = Composer(
            cached.keys,
            self.links_begin,
            templates=self.templates,
            signer=self.signer,
            own_addresses=cached.own_addresses,
            mailboxes=cached.mailbox_ids,
        )
        this = _Round(until=now + BEGUN_WITHIN)
        waiting = iter(notices)
        senders = (self._send_each(waiting, composer, this) for _ in range(self.at_once))
        # A sender that fails does not stop the others in the middle of a mail.
        results = await asyncio.gather(*senders, return_exceptions=True)
        if this.down is not None:
            log.relay_refused(str(this.down))
        if error := next((result for result in results if result is not None), None):
            raise error
        return len(notices)

    async def _send_each(self, waiting: Iterator[Notice], composer: Composer, this: _Round) -> None:
        """Send, one after the other, from an iterator that several senders share."""
        for notice in waiting:
            if this.down is not None:
                await self._not_sent(notice, this.down)
            elif self.runtime.clock() < this.until:
                await self._send(notice, composer, this)

    async def _send(self, notice: Notice, composer: Composer, this: _Round) -> None:
        try:
            # Not policy_of: its ValueError would end a notice that a KeyError only delays.
            policy = self.runtime.policies[notice.mailbox.policy]
            # A signature takes milliseconds, for which incoming mail would have to wait.
            outgoing = await asyncio.to_thread(composer.write, notice, policy)
        except ValueError as error:
            await self._not_sent(notice, Undelivered(f"not written: {error}", permanent=True))
            return
        except Exception as error:  # noqa: BLE001 - a bug of ours only delays this notice
            log.dispatcher_failed(error)
            await self._not_sent(notice, Undelivered(f"not written: {error!r}", permanent=False))
            return
        try:
            await self.relay.send(outgoing)
        except Undelivered as error:
            if isinstance(error, RelayDown):
                this.down = error
            elif error.ours:
                log.relay_refused(str(error))
            await self._not_sent(notice, error)
            return
        await self.runtime.write(partial(outbox.sent, notice=notice.id, now=self.runtime.clock()))
        self.runtime.metrics.notice("sent")
        log.sent(str(notice.id), notice.kind, notice.attempts)

    async def _not_sent(self, notice: Notice, error: Undelivered) -> None:
        now, why = self.runtime.clock(), str(error)
        again: datetime | None = None
        if not error.permanent:
            again = next_attempt(notice.created_at, notice.attempts, now, self.jitter())
        if again is None:
            # The relay refuses at once what another server would have returned in a bounce.
            status = presumed_status(error.status, why)
            hard = bool(error.code) and classify(status, "failed", error.code) is Failure.HARD
            await self.runtime.write(
                partial(outbox.give_up, notice=notice.id, error=why, hard=hard, now=now)
            )
            self.runtime.metrics.notice("send_failed")
            log.send_failed(str(notice.id), notice.kind, notice.attempts, why)
            return
        await self.runtime.write(partial(outbox.put_off, notice=notice.id, due_at=again, error=why))
        self.runtime.metrics.notice("send_delayed")
        log.send_delayed(str(notice.id), notice.kind, notice.attempts, why, again.isoformat())
