"""Sends what the rules ordered: claims due notices, composes them, hands them to the relay.

Each notice is sent by one sender at a time. SMTP cannot rule out one duplicate: if a process dies
between the relay's 250 and the commit that records it, another one takes its claims over and sends
the notice again. Its Message-ID is the same, so that most mailboxes show one copy.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from uuid import UUID

from gateway.authentication.signing import Signer
from gateway.outgoing import events
from gateway.outgoing.carrier import Carrier
from gateway.outgoing.compose import Composer
from gateway.outgoing.delivery import Relay
from gateway.outgoing.in_hand import InHand
from gateway.outgoing.node_watch import NodeWatch, SignsOfLife
from gateway.outgoing.relay_pause import RelayPause
from gateway.outgoing.sender import Acceptances, NoticeSender, dropped, record
from gateway.outgoing.templates import Templates
from gateway.parsing.html_views import HtmlViews
from gateway.parsing.mail_files import MailFiles
from gateway.runtime import Runtime
from storage.db.database import StoreTimeout
from storage.notices import claims, outbox
from storage.notices.outbox import Notice

BATCH = 50
AT_ONCE = 4
IDLE_S = 2.0
"""How often an idle dispatcher checks; what this process files itself wakes it at once."""
BEGUN_WITHIN_S = 300.0
"""A notice not begun within this time is put back: with a slow relay other nodes help."""


@dataclass(slots=True)
class ClaimSize:
    """How many notices are claimed at a time. A claim that the store did not finish in time may be
    committed nevertheless, and is then put back: the same again would never be sent."""

    most: int = BATCH

    def too_slow(self) -> None:
        self.most = max(1, self.most // 2)

    def in_time(self) -> None:
        self.most = min(BATCH, self.most * 2)


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
    in_hand: InHand = field(default_factory=InHand)
    life: SignsOfLife = field(default_factory=SignsOfLife)
    pause: RelayPause = field(default_factory=RelayPause)
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
            await self.in_hand.wait()
        finally:
            await self.in_hand.cut()
            await self.life.end()
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
            events.dispatcher_failed(error)
            await asyncio.sleep(IDLE_S)
            return False

    async def _take_over(self) -> None:
        """Free what dead nodes have claimed."""
        beats = await self.runtime.write(partial(claims.observe, node=self.node))
        for node, last in self.watch.dead(beats).items():
            job = partial(claims.take_over, dead=node, beats=last)
            if freed := await self.runtime.write(job):
                events.claims_taken_over(str(node), freed)
                self.notice_queued.set()

    async def send_due(self) -> int:
        """Send what is due now; returns how many notices were claimed. Mails that take long may not
        be settled yet."""
        await self._rest()
        in_hand = self.in_hand.notices
        # Read first: a claim takes the one write lock of an embedded store even when idle.
        look = partial(claims.waiting, node=self.node, in_hand=len(in_hand))
        waiting = await self.runtime.read(look)
        if waiting.left_over:
            await self.runtime.write(partial(claims.put_back_all, node=self.node, but=in_hand))
        if waiting.elsewhere:
            await self._take_over()
        self.pause.is_recorded |= waiting.relay_refuses
        now, began = self.runtime.clock(), self.watch.monotonic()
        if waiting.due_at is None or waiting.due_at > now or self.pause.is_on(began):
            return 0
        claimed = await self._claim(now)
        for each in claimed.dropped:
            dropped(self.runtime, each, each.why)
        if not claimed:
            return 0
        self.life.begin(began, self.watch.monotonic, self._beat)
        try:
            await self._send_all(claimed, until=began + BEGUN_WITHIN_S)
        finally:
            await self._rest()
        return len(claimed)

    async def _rest(self) -> None:
        """Show life no longer where nothing is in hand: an idle node writes nothing."""
        if not self.in_hand.notices:
            await self.life.end()

    def _beat(self) -> Awaitable[bool]:
        return self.runtime.write(partial(claims.beat, node=self.node))

    async def _claim(self, now: datetime) -> outbox.Claimed:
        claim = partial(outbox.claim, now=now, limit=self.size.most, node=self.node)
        try:
            claimed = await self.runtime.write(claim)
        except StoreTimeout:
            self.size.too_slow()
            events.claim_too_slow(self.size.most)
            raise
        self.size.in_time()
        return claimed

    async def _send_all(self, notices: Sequence[Notice], until: float) -> None:
        """Send them, several at a time, as long as more may be begun. What was not begun is free at
        once, unless this is cancelled: `run` frees all claims."""
        # One that another node has taken over, and put back, may still be in hand here.
        left = deque(each for each in notices if each.id not in self.in_hand.notices)
        try:
            sender = await self._sender()
            senders = (self._send_each(left, sender, until) for _ in range(self.at_once))
            # A sender that fails does not stop the others in the middle of a mail.
            results = await asyncio.gather(*senders, return_exceptions=True)
        except Exception:
            await self._put_back(left)
            raise
        await self._put_back(left)
        if error := next((result for result in results if result is not None), None):
            raise error

    async def _put_back(self, notices: Iterable[Notice]) -> None:
        if left := [notice.id for notice in notices]:
            put_back = partial(claims.put_back, node=self.node, notices=left)
            await record(self.runtime, put_back)

    async def _sender(self) -> NoticeSender:
        cached = await self.runtime.mailbox_cache.current()
        return NoticeSender(
            runtime=self.runtime,
            relay=self.relay,
            composer=Composer(
                cached.keys,
                self.links_begin,
                templates=self.templates,
                signer=self.signer,
                own_addresses=cached.own_addresses,
                mailboxes=cached.mailbox_ids,
                clock=self.runtime.clock,
            ),
            carrier=Carrier(self.runtime, self.html_views, self.mail_files),
            acceptances=self.acceptances,
            pause=self.pause,
            monotonic=self.watch.monotonic,
            jitter=self.jitter,
        )

    def _may_begin(self, until: float) -> bool:
        now = self.watch.monotonic()
        holds = self.life.is_fresh(now) and now < until
        return holds and not self.pause.is_on(now) and not self.stopping.is_set()

    async def _send_each(self, left: deque[Notice], sender: NoticeSender, until: float) -> None:
        """Send, one after the other, those that several senders share; each is theirs once it is
        begun."""
        while left and self._may_begin(until):
            notice = left.popleft()
            await self.in_hand.send(notice.id, sender.send(notice), beside=self.at_once)
