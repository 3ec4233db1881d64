"""One mail's way: written, handed to the relay, and what became of it recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeVar
from uuid import UUID

from gateway.outgoing import events, with_less
from gateway.outgoing.carrier import Carrier
from gateway.outgoing.compose import Composer
from gateway.outgoing.delivery import Outgoing, Relay, RelayDown, SenderRefused, Undelivered
from gateway.outgoing.relay_pause import RelayPause
from gateway.runtime import Runtime
from rules.mail.bounces import Failure, classify, presumed_status
from rules.service.more import SUMMARIES
from rules.ticket.notice_timing import LONGEST_PAUSE, LONGEST_URGENT_PAUSE, next_attempt
from rules.ticket.notices import NoticeKind
from storage.db.database import Connection
from storage.notices import more, outbox, relay_refusals
from storage.notices.outbox import Dropped, Notice

T = TypeVar("T")
RECORD_AGAIN_S = 1.0
"""The pause before the result of a mail is recorded again, while the store does not respond."""


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


async def record(runtime: Runtime, job: Callable[[Connection], T]) -> T:
    """Commit what became of a mail, however long the store takes to come back.

    Without it the notice would be sent again, although we know that it must not be.
    """
    while True:
        try:
            return await runtime.write(job)
        except Exception as error:  # noqa: BLE001 - a store that is down will be up again
            events.dispatcher_failed(error)
            await asyncio.sleep(RECORD_AGAIN_S)


def dropped(runtime: Runtime, mail: Notice | Dropped, why: str) -> None:
    """Report a mail that was not sent, since its reader may not have it."""
    events.send_dropped(_named(mail), why)
    runtime.metrics.notice("send_dropped")


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeSender:
    """Sends the mails of one claim, any number of them at once."""

    runtime: Runtime
    relay: Relay
    composer: Composer
    carrier: Carrier
    acceptances: Acceptances
    pause: RelayPause
    monotonic: Callable[[], float]
    jitter: Callable[[], float]

    async def send(self, notice: Notice) -> None:
        """Returns once it is recorded what became of the mail."""
        try:
            completed = await self._completed(notice)
            if completed is None:
                return
            # Not policy_of: its ValueError would end a notice that a KeyError only delays.
            policy = self.runtime.policies[notice.mailbox.policy]
            # A signature takes milliseconds, for which incoming mail would have to wait.
            carried = await self.carrier.carried(completed, policy)
            outgoing = await asyncio.to_thread(self.composer.write, completed, policy, carried)
        except ValueError as error:
            await self._not_sent(notice, Undelivered(f"not written: {error}", permanent=True))
            return
        except Exception as error:  # noqa: BLE001 - a bug of ours only delays this notice
            events.dispatcher_failed(error)
            await self._not_sent(notice, Undelivered(f"not written: {error!r}", permanent=False))
            return
        _, *less = with_less.versions(completed, carried)
        try:
            await self._hand_over(
                notice,
                outgoing,
                [partial(self.composer.write, one, policy, its) for one, its in less],
            )
        except Undelivered as error:
            await self._report(notice, error)
            await self._not_sent(notice, error)
            return
        except Exception as error:  # noqa: BLE001 - nor does one that is met at the relay
            events.dispatcher_failed(error)
            await self._not_sent(notice, Undelivered(f"not sent: {error!r}", permanent=False))
            return
        self.pause.end()
        await self.acceptances.record(notice.id, self._accepted)
        self.runtime.metrics.notice("sent")
        events.sent(_named(notice), notice.attempts)

    async def _completed(self, notice: Notice) -> Notice | None:
        """The notice with what is only read when it is sent; None if it must not be sent."""
        is_summary = notice.kind in SUMMARIES or more.may_name_others(notice)
        if not is_summary and not more.may_quote_the_last(notice):
            return notice
        completed = await self.runtime.read(partial(more.as_it_is_sent, notice=notice))
        if completed is None:
            why, now = more.LIKE_A_MACHINE, self.runtime.clock()
            await record(
                self.runtime,
                partial(outbox.give_up, notice=notice.id, error=why, hard=False, now=now),
            )
            dropped(self.runtime, notice, why)
        return completed

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
                events.sent_with_less(outgoing.id, len(outgoing.raw), str(error))
            else:
                return
            outgoing = await asyncio.to_thread(write)
        await self.relay.send(outgoing)

    async def _accepted(self, notices: Sequence[UUID]) -> None:
        now, refused = self.runtime.clock(), self.pause.is_recorded
        self.pause.is_recorded = False

        def sent(connection: Connection) -> None:
            outbox.sent(connection, notices, now)
            if refused:
                relay_refusals.accepted(connection)

        await record(self.runtime, sent)

    async def _report(self, notice: Notice, error: Undelivered) -> None:
        """Report what a refusal says about the relay."""
        now = self.monotonic()
        was_on = self.pause.is_on(now)
        # Anybody can have an invitation sent to an address that does not exist.
        if not (error.blames_recipient and notice.kind is NoticeKind.INVITATION):
            self.pause.note(notice.address, error, now)
        begins = self.pause.is_on(now) and not was_on
        if begins or (error.ours and not was_on):
            events.relay_refused(str(error))
        if begins and error.ours:
            self.pause.is_recorded = True
            at = self.runtime.clock()
            await record(self.runtime, partial(relay_refusals.down, why=str(error), now=at))

    async def _recipient_refused(self, notice: Notice, error: Undelivered) -> None:
        """Give a mail up, unless the relay refuses others as well."""
        now, why = self.runtime.clock(), str(error)
        # The relay refuses at once what another server would have returned in a bounce.
        status = presumed_status(error.status, why)
        again = next_attempt(
            notice.created_at, notice.attempts, now, self.jitter(), LONGEST_URGENT_PAUSE
        )
        refuse = partial(
            relay_refusals.recipient_refused,
            notice=notice,
            why=why,
            hard=classify(status, "failed", error.code) is Failure.HARD,
            now=now,
            again=again,
        )
        self.pause.is_recorded = True
        refused = await record(self.runtime, refuse)
        if refused.taken_back:
            events.relay_refused(f"it has refused all recipients since it accepted a mail: {why}")
        if again is None or refused.given_up:
            self._given_up(notice, why)
        else:
            self._put_off(notice, why, again)

    async def _not_sent(self, notice: Notice, error: Undelivered) -> None:
        if error.blames_recipient:
            await self._recipient_refused(notice, error)
            return
        now, why = self.runtime.clock(), str(error)
        again: datetime | None = None
        if not error.permanent:
            of_relay = isinstance(error, RelayDown | SenderRefused)
            soon = of_relay or notice.kind.traits.urgent
            longest = LONGEST_URGENT_PAUSE if soon else LONGEST_PAUSE
            tried = notice.attempts
            again = next_attempt(notice.created_at, tried, now, self.jitter(), longest)
            if again is None and isinstance(error, RelayDown):
                again = now + longest  # nobody has refused this mail
        if again is None:
            # What was to be sent may be refused by a status that blames the address.
            status = presumed_status(error.status, why, of_content=error.of_content)
            hard = bool(error.code) and classify(status, "failed", error.code) is Failure.HARD
            give_up = partial(outbox.give_up, notice=notice.id, error=why, hard=hard, now=now)
            await record(self.runtime, give_up)
            self._given_up(notice, why)
            return
        put_off = partial(outbox.put_off, notice=notice.id, due_at=again, error=why)
        await record(self.runtime, put_off)
        self._put_off(notice, why, again)

    def _given_up(self, notice: Notice, why: str) -> None:
        self.runtime.metrics.notice("send_failed")
        events.send_failed(_named(notice), notice.attempts, why)

    def _put_off(self, notice: Notice, why: str, again: datetime) -> None:
        self.runtime.metrics.notice("send_delayed")
        events.send_delayed(_named(notice), notice.attempts, why, again.isoformat())


def _named(mail: Notice | Dropped) -> events.OutgoingMail:
    """The mail as the log names it."""
    return events.OutgoingMail(
        str(mail.id), mail.kind.value, mail.mailbox.address, mail.address, mail.ticket
    )
