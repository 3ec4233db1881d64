"""Sends what the rules ordered: claims due notices, composes them, hands them to the relay.

Each notice is sent by one sender at a time. SMTP cannot rule out one duplicate: if a process dies
between the relay's 250 and the commit that records it, another one takes its claims over and sends
the notice again. Its Message-ID is the same, so that most mailboxes show one copy.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from gateway import log
from gateway.authentication.signing import Signer
from gateway.outgoing import with_less
from gateway.outgoing.carrier import Carrier
from gateway.outgoing.compose import Composer
from gateway.outgoing.delivery import Outgoing, Relay, RelayDown, Undelivered
from gateway.outgoing.node_watch import BEAT_S, FRESH_S, NodeWatch
from gateway.outgoing.templates import Templates
from gateway.parsing.html_views import HtmlViews
from gateway.parsing.mail_files import MailFiles
from gateway.runtime import Runtime
from rules.mail.bounces import Failure, classify, presumed_status
from rules.service.more import SUMMARIES
from rules.ticket.notice_timing import LONGEST_PAUSE, LONGEST_URGENT_PAUSE, next_attempt
from storage.db.database import Connection, StoreTimeout
from storage.notices import claims, more, outbox
from storage.notices.outbox import Dropped, Notice

BATCH = 50
AT_ONCE = 4
IDLE_S = 2.0
"""How often an idle dispatcher checks; what this process files itself wakes it at once."""
BEGUN_WITHIN_S = 300.0
"""A notice not begun within this time is put back: with a slow relay other nodes help."""
RECORD_AGAIN_S = 1.0
"""The pause before the result of a mail is recorded again, while the store does not respond."""


@dataclass(slots=True)
class ClaimSize:
    """How many notices are claimed at a time. A claim that the store did not finish in time may be
    committed nevertheless, and is then put back: the same again would never be sent."""

    most: int = BATCH

    def too_slow(self) -> None:
        self.most = max(1, self.most // 2)

    def in_time(self) -> None:
        self.most = min(BATCH, self.most * 2)


@dataclass(slots=True)
class Acceptances:
    """What the relay has accepted, and the store does not know yet. While one commit is under way,
    others wait: the next takes all of them."""

    waiting: list[UUID] = field(default_factory=list)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def record(
        self, notice: UUID, commit: Callable[[Sequence[UUID]], Awaitable[None]]
    ) -> None:
        """Returns once the notice is committed, by this caller or by another one."""
        self.waiting.append(notice)
        async with self.turn:
            if notice not in self.waiting:
                return
            together = self.waiting
            self.waiting = []
            try:
                await commit(together)
            except BaseException:  # cancelled: the next turn takes them
                self.waiting += together
                raise


@dataclass(slots=True)
class _Round:
    """One claim of notices."""

    carrier: Carrier
    until: float
    alive_at: float
    """When this node last showed that it lives, by its monotonic clock."""
    lost: bool = False
    """Other nodes have taken this one for dead, and its claims over."""
    down: RelayDown | None = None
    """Set once the relay accepts nothing: the rest is put off without asking it again."""
    begun: set[UUID] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatcher:
    """Runs until it is stopped. Several may run on one store: a claim is exclusive."""

    runtime: Runtime
    relay: Relay
    links_begin: str
    node: UUID
    """The id of this process; a new one for each start."""
    templates: Templates = field(default_factory=Templates)
    signer: Signer = field(default_factory=Signer)
    at_once: int = AT_ONCE
    jitter: Callable[[], float] = random.random
    notice_queued: asyncio.Event = field(default_factory=asyncio.Event)
    """Set it to wake an idle dispatcher."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    watch: NodeWatch = field(default_factory=NodeWatch)
    size: ClaimSize = field(default_factory=ClaimSize)
    acceptances: Acceptances = field(default_factory=Acceptances)
    html_views: HtmlViews = field(default_factory=HtmlViews)
    mail_files: MailFiles = field(default_factory=MailFiles)
    """Both its own: no reader of the API keeps a mail waiting."""

    def stop(self) -> None:
        """Begin no further mail; `run` ends when those in hand are sent."""
        self.stopping.set()
        self.notice_queued.set()

    async def run(self) -> None:
        """Until `stop`. If it is cancelled, mails in hand are cut off."""
        try:
            while not self.stopping.is_set():
                self.notice_queued.clear()
                if not await self._sent_any() and not self.stopping.is_set():
                    await self.relay.tidy()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(IDLE_S):
                            await self.notice_queued.wait()
        finally:
            with suppress(Exception):  # the others take its claims over after a few seconds
                await self.runtime.write(partial(claims.leave, node=self.node))
            await self.relay.close()
            await self.html_views.close()
            await self.mail_files.close()

    async def _sent_any(self) -> bool:
        """Whether there was something to send. A failure is logged and counts as nothing."""
        try:
            return await self.send_due() > 0
        except Exception as error:  # noqa: BLE001 - the loop must outlive a store that is down
            log.dispatcher_failed(error)
            await asyncio.sleep(IDLE_S)
            return False

    async def _take_over(self) -> None:
        """Free what dead nodes have claimed."""
        beats = await self.runtime.write(partial(claims.observe, node=self.node))
        for node, last in self.watch.dead(beats).items():
            job = partial(claims.take_over, dead=node, beats=last)
            if freed := await self.runtime.write(job):
                log.claims_taken_over(str(node), freed)
                self.notice_queued.set()

    async def send_due(self) -> int:
        """Send what is due now; returns how many notices were claimed."""
        # Read first: a claim takes the one write lock of an embedded store even when idle.
        waiting = await self.runtime.read(partial(claims.waiting, node=self.node))
        if waiting.left_over:
            await self.runtime.write(partial(claims.put_back, node=self.node))
        if waiting.elsewhere:
            await self._take_over()
        now = self.runtime.clock()
        if waiting.due_at is None or waiting.due_at > now:
            return 0
        began = self.watch.monotonic()
        notices = await self._claim(now)
        for dropped in notices.dropped:
            self._dropped(dropped, dropped.why)
        if not notices:
            return 0
        carrier = Carrier(self.runtime, self.html_views, self.mail_files)
        this = _Round(carrier, until=began + BEGUN_WITHIN_S, alive_at=began)
        async with self._showing_life(this):
            try:
                await self._send_all(notices, this)
            except asyncio.CancelledError:
                raise  # `run` frees all claims
            except Exception:
                await self._put_back(notices, this)
                raise
            await self._put_back(notices, this)
        return len(notices)

    async def _claim(self, now: datetime) -> outbox.Claimed:
        claim = partial(outbox.claim, now=now, limit=self.size.most, node=self.node)
        try:
            claimed = await self.runtime.write(claim)
        except StoreTimeout:
            self.size.too_slow()
            log.claim_too_slow(self.size.most)
            raise
        self.size.in_time()
        return claimed

    async def _put_back(self, notices: Sequence[Notice], this: _Round) -> None:
        """What was claimed and not begun is free at once."""
        if left := [notice.id for notice in notices if notice.id not in this.begun]:
            await self._record(partial(claims.put_back, node=self.node, notices=left))

    async def _send_all(self, notices: Sequence[Notice], this: _Round) -> None:
        cached = await self.runtime.mailbox_cache.current()
        composer = Composer(
            cached.keys,
            self.links_begin,
            templates=self.templates,
            signer=self.signer,
            own_addresses=cached.own_addresses,
            mailboxes=cached.mailbox_ids,
            clock=self.runtime.clock,
        )
        waiting = iter(notices)
        senders = (self._send_each(waiting, composer, this) for _ in range(self.at_once))
        # A sender that fails does not stop the others in the middle of a mail.
        results = await asyncio.gather(*senders, return_exceptions=True)
        if this.down is not None:
            log.relay_refused(str(this.down))
        if error := next((result for result in results if result is not None), None):
            raise error

    @asynccontextmanager
    async def _showing_life(self, this: _Round) -> AsyncIterator[None]:
        """Shows the other nodes that this one lives, while it holds claims."""

        async def beat() -> None:
            while not this.lost:
                await asyncio.sleep(BEAT_S)
                began = self.watch.monotonic()
                with suppress(Exception):  # the next beat may succeed; until then nothing is begun
                    this.lost = not await self.runtime.write(partial(claims.beat, node=self.node))
                    this.alive_at = began

        beating = asyncio.create_task(beat())
        try:
            yield
        finally:
            beating.cancel()
            with suppress(asyncio.CancelledError):
                await beating

    def _may_begin(self, this: _Round) -> bool:
        now = self.watch.monotonic()
        late = now >= this.until or now - this.alive_at > FRESH_S
        return not (late or this.lost or self.stopping.is_set())

    async def _send_each(self, waiting: Iterator[Notice], composer: Composer, this: _Round) -> None:
        """Send, one after the other, from an iterator that several senders share."""
        for notice in waiting:
            if not self._may_begin(this):
                return
            this.begun.add(notice.id)
            if this.down is not None:
                await self._not_sent(notice, this.down)
            else:
                await self._send(notice, composer, this)

    async def _record(self, job: Callable[[Connection], Any]) -> None:
        """Commit what became of a mail, however long the store takes to come back.

        Without it the notice would be sent again, although we know that it must not be.
        """
        while True:
            try:
                await self.runtime.write(job)
            except Exception as error:  # noqa: BLE001 - a store that is down will be up again
                log.dispatcher_failed(error)
                await asyncio.sleep(RECORD_AGAIN_S)
            else:
                return

    async def _accepted(self, notices: Sequence[UUID]) -> None:
        await self._record(partial(outbox.sent, notices=notices, now=self.runtime.clock()))

    async def _completed(self, notice: Notice) -> Notice | None:
        """The notice with what is only read when it is sent; None if it must not be sent."""
        is_summary = notice.kind in SUMMARIES or more.may_name_others(notice)
        if not is_summary and not more.may_quote_the_last(notice):
            return notice
        completed = await self.runtime.read(partial(more.as_it_is_sent, notice=notice))
        if completed is None:
            why, now = more.LIKE_A_MACHINE, self.runtime.clock()
            await self._record(
                partial(outbox.give_up, notice=notice.id, error=why, hard=False, now=now)
            )
            self._dropped(notice, why)
        return completed

    def _dropped(self, mail: Notice | Dropped, why: str) -> None:
        log.send_dropped(_named(mail), why)
        self.runtime.metrics.notice("send_dropped")

    async def _send(self, notice: Notice, composer: Composer, this: _Round) -> None:
        try:
            completed = await self._completed(notice)
            if completed is None:
                return
            # Not policy_of: its ValueError would end a notice that a KeyError only delays.
            policy = self.runtime.policies[notice.mailbox.policy]
            # A signature takes milliseconds, for which incoming mail would have to wait.
            carried = await this.carrier.carried(completed, policy)
            outgoing = await asyncio.to_thread(composer.write, completed, policy, carried)
        except ValueError as error:
            await self._not_sent(notice, Undelivered(f"not written: {error}", permanent=True))
            return
        except Exception as error:  # noqa: BLE001 - a bug of ours only delays this notice
            log.dispatcher_failed(error)
            await self._not_sent(notice, Undelivered(f"not written: {error!r}", permanent=False))
            return
        _, *less = with_less.versions(completed, carried)
        try:
            await self._hand_over(
                notice, outgoing, [partial(composer.write, one, policy, its) for one, its in less]
            )
        except Undelivered as error:
            if isinstance(error, RelayDown):
                this.down = error
            elif error.ours:
                log.relay_refused(str(error))
            await self._not_sent(notice, error)
            return
        except Exception as error:  # noqa: BLE001 - nor does one that is met at the relay
            log.dispatcher_failed(error)
            await self._not_sent(notice, Undelivered(f"not sent: {error!r}", permanent=False))
            return
        await self.acceptances.record(notice.id, self._accepted)
        self.runtime.metrics.notice("sent")
        log.sent(_named(notice), notice.attempts)

    async def _hand_over(
        self, notice: Notice, outgoing: Outgoing, less: Sequence[Callable[[], Outgoing]]
    ) -> None:
        """Send a mail; each of `less` writes one with less in it, for a relay that refuses what is
        in the one before. Raises Undelivered."""
        for write in less:
            try:
                await self.relay.send(outgoing)
            except Undelivered as error:
                if not with_less.helps(notice, error):
                    raise
                log.sent_with_less(outgoing.id, len(outgoing.raw), str(error))
            else:
                return
            outgoing = await asyncio.to_thread(write)
        await self.relay.send(outgoing)

    async def _not_sent(self, notice: Notice, error: Undelivered) -> None:
        now, why = self.runtime.clock(), str(error)
        again: datetime | None = None
        if not error.permanent:
            longest = LONGEST_URGENT_PAUSE if notice.kind.traits.urgent else LONGEST_PAUSE
            tried = notice.attempts
            again = next_attempt(notice.created_at, tried, now, self.jitter(), longest)
        if again is None:
            # The relay refuses at once what another server would have returned in a bounce.
            status = presumed_status(error.status, why, of_content=error.of_content)
            hard = bool(error.code) and classify(status, "failed", error.code) is Failure.HARD
            await self._record(
                partial(outbox.give_up, notice=notice.id, error=why, hard=hard, now=now)
            )
            self.runtime.metrics.notice("send_failed")
            log.send_failed(_named(notice), notice.attempts, why)
            return
        await self._record(partial(outbox.put_off, notice=notice.id, due_at=again, error=why))
        self.runtime.metrics.notice("send_delayed")
        log.send_delayed(_named(notice), notice.attempts, why, again.isoformat())


def _named(mail: Notice | Dropped) -> log.OutgoingMail:
    """The mail as the log names it."""
    return log.OutgoingMail(
        str(mail.id), mail.kind.value, mail.mailbox.address, mail.address, mail.ticket
    )
