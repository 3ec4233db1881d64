"""The way of one mail: parse → authenticate → consider → one transaction → reply.

Every ingress ends here, and so does every replay. `reception` makes the entries, one for each
mailbox; `storage.mail.filing` is the transaction: gather → decide → apply.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from gateway import log
from gateway.authentication.authenticator import Authenticator
from gateway.parsing.parser import Parser
from gateway.parsing.turns import Overloaded
from gateway.reception import FEW_MAILBOXES, Reception, StatedByStaff
from gateway.runtime import Runtime
from rules import replies
from rules.decision.content import is_text_read_in_part
from rules.decision.foreseen import Foreseen
from rules.decision.model import Decision
from rules.decision.reasons import Reason
from rules.decision.receipt import Receipt
from rules.mail import BodyNeeded, Delivery
from rules.networks import network_of, provider_of
from rules.replies import Reply
from rules.sender.authentication import Authentication
from storage.db.database import Connection
from storage.mail import filing
from storage.mail.apply import Entry
from storage.mail.filing import ShownHeld
from storage.mail.quarantine import HeldMail
from storage.notices.invitations import Enrolled

NOTHING_STATED = StatedByStaff()

T = TypeVar("T")


Require = Callable[[Connection], None]
"""Raises if something may not be done."""


def _nothing(_: Connection) -> None:
    """Nothing is required."""


class PolicyReplaced(Exception):
    """The policies were replaced after a mail was considered by them: consider it again."""


async def _under_policies_in_force(file: Callable[[], Awaitable[T]]) -> T:
    """What `file` returns, which considers a mail and writes it; again whenever the policies were
    replaced in between."""
    while True:
        try:
            return await file()
        except PolicyReplaced:
            continue


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """Takes mails. It has no state of its own."""

    runtime: Runtime
    parser: Parser
    authenticator: Authenticator
    refusal_s: float = 1.0
    """A reply whose timing must reveal nothing is given at a multiple of this time after DATA."""

    async def take(self, delivery: Delivery) -> Sequence[Reply]:
        """One reply for each recipient, in order. A mail accepted here is on disk."""
        started = asyncio.get_running_loop().time()
        recipients = delivery.envelope.rcpt_tos
        try:
            with self.runtime.metrics.filing():
                entries, receipts = await self._taken(delivery)
        except Overloaded:
            log.deferred_busy(delivery, self.parser.turns.waiting)
            self.runtime.metrics.failed(Reason.TOO_MANY_WAITING)
            return [replies.TOO_MANY_WAITING] * len(recipients)
        except Exception as error:  # noqa: BLE001 - a bug or a broken store loses no mail: 451
            reference, reply = log.failed(error, delivery), replies.TEMPORARY_FAILURE
            self.runtime.metrics.failed()
            return [reply.with_text(f"{reply.text} ({reference})")] * len(recipients)
        if any(receipt.is_delayed for receipt in receipts):
            taken_s = asyncio.get_running_loop().time() - started
            least_s = taken_s
            if any(each.considered.authentication.names_chosen for each in entries):
                least_s = max(taken_s, self.authenticator.budget_s)
            await asyncio.sleep(math.ceil(least_s / self.refusal_s) * self.refusal_s - taken_s)
        replies_by_recipient = {
            recipient: receipt.reply
            for entry, receipt in zip(entries, receipts, strict=True)
            for recipient in entry.delivery.envelope.rcpt_tos
        }
        return [
            replies_by_recipient.get(recipient, replies.NO_SUCH_MAILBOX) for recipient in recipients
        ]

    async def _taken(self, delivery: Delivery) -> tuple[Sequence[Entry], Sequence[Receipt]]:
        async def take(*, judged: bool) -> tuple[Sequence[Entry], Sequence[Receipt]]:
            entries = await self._reception().entries(delivery, judged=judged)
            return entries, await self._file(entries)

        try:
            return await _under_policies_in_force(partial(take, judged=False))
        except BodyNeeded:
            # What was known changed after the mail had been judged with its body unread.
            return await _under_policies_in_force(partial(take, judged=True))

    async def preview(
        self, delivery: Delivery, assumed: Authentication | None = None
    ) -> Sequence[tuple[Entry, Decision]]:
        """The decision about a mail for each of its mailboxes; nothing is written. Its author is
        proven as the mail proves them, or as is assumed."""
        entries = await self._reception().entries(delivery, assumed=assumed)
        job = partial(filing.preview, entries=entries)
        return await self.runtime.read(job)

    async def preview_release(
        self,
        held: HeldMail,
        delivery: Delivery,
        authentication: Authentication,
        stated: StatedByStaff = NOTHING_STATED,
    ) -> tuple[Entry, Foreseen]:
        """What becomes of a held mail if it is released now; nothing is written."""
        (entry,) = await self._reception().held_entries(
            held, delivery, authentication, stated.foreseen_by
        )
        look = partial(filing.foreseen_of, entry=entry, held_for=held.reason)
        return entry, await self.runtime.read(look)

    async def release(
        self,
        held: HeldMail,
        delivery: Delivery,
        authentication: Authentication,
        stated: StatedByStaff = NOTHING_STATED,
        shown: str | None = None,
        require: Require = _nothing,
    ) -> Receipt:
        """Decide a held mail again. It leaves the quarantine at most once.

        One that was released before is a duplicate; Conflict is raised for one that was discarded.
        With what was `shown`, Outdated is raised if a release does something else now. `require`
        raises, in the same transaction, if it may not be done.
        """

        async def release() -> Receipt:
            entry, as_shown = await self._held(held, delivery, authentication, stated, shown)
            (receipt,) = await self._file([entry], as_shown, require)
            return receipt

        return await _under_policies_in_force(release)

    async def release_enrolled(
        self,
        held: HeldMail,
        delivery: Delivery,
        authentication: Authentication,
        stated: StatedByStaff,
        shown: str | None = None,
        require: Require = _nothing,
    ) -> tuple[Receipt | None, Enrolled]:
        """The same for a mail whose author is registered in the same transaction; nobody is
        registered, and `Enrolled.NOT` returned, unless the mail is filed."""

        async def release() -> tuple[Receipt | None, Enrolled]:
            entry, as_shown = await self._held(held, delivery, authentication, stated, shown)
            file = partial(filing.file_enrolled, entry=entry, shown=as_shown)
            job = partial(self._in_force, [entry], file, require)
            receipt, became = await self.runtime.write(job, apart=entry.is_large)
            if receipt is not None:
                self._report([entry], [receipt])
            return receipt, became

        return await _under_policies_in_force(release)

    async def discard(
        self,
        held: HeldMail,
        delivery: Delivery,
        authentication: Authentication,
        stated: StatedByStaff,
        shown: str,
        require: Require = _nothing,
    ) -> bool:
        """Remove a held mail without filing it; False if it is no longer held. Raises Outdated as
        for a release."""

        async def discard() -> bool:
            entry, as_shown = await self._held(held, delivery, authentication, stated, shown)
            remove = partial(filing.discard_held, journal_id=held.journal_id, shown=as_shown)
            job = partial(self._in_force, [entry], remove, require)
            return await self.runtime.write(job, apart=entry.is_large)

        return await _under_policies_in_force(discard)

    async def _held(
        self,
        held: HeldMail,
        delivery: Delivery,
        authentication: Authentication,
        stated: StatedByStaff,
        shown: str | None,
    ) -> tuple[Entry, ShownHeld | None]:
        """A held mail by what staff state about it, and what they were shown of it."""
        entry, plain = await self._reception().held_entries(
            held, delivery, authentication, stated, stated.foreseen_by
        )
        return entry, ShownHeld(plain, held.reason, shown) if shown is not None else None

    async def _file(
        self,
        entries: Sequence[Entry],
        shown: ShownHeld | None = None,
        require: Require = _nothing,
    ) -> Sequence[Receipt]:
        """All mailboxes of a mail are written in one transaction."""
        if not entries:
            return []
        file = partial(filing.file, entries=entries, shown=shown)
        job = partial(self._in_force, entries, file, require)
        apart = len(entries) > FEW_MAILBOXES or any(each.is_large for each in entries)
        receipts = await self.runtime.write(job, apart=apart)
        self._report(entries, receipts)
        return receipts

    def _in_force(
        self,
        entries: Sequence[Entry],
        write: Callable[[Connection], T],
        require: Require,
        connection: Connection,
    ) -> T:
        """Write what was considered, within its transaction. PolicyReplaced if by other policies
        than those in force now: what a reload has checked holds for every mail after it."""
        for entry in entries:
            if self.runtime.policies.get(entry.mailbox.policy) is not entry.considered.policy:
                raise PolicyReplaced
        require(connection)
        return write(connection)

    def _report(self, entries: Sequence[Entry], receipts: Sequence[Receipt]) -> None:
        for entry, receipt in zip(entries, receipts, strict=True):
            if not receipt.counted:
                log.filed(receipt, entry.delivery)
            elif receipt.counted == 1:
                peer = entry.delivery.envelope.peer
                log.refusals_counted(network_of(peer), provider_of(peer))
            self.runtime.metrics.filed(receipt)
            if is_text_read_in_part(entry.mail):
                self.runtime.metrics.read_in_part()
            if receipt.notices:
                self.runtime.wake()
            if receipt.withheld:
                cause = f"mail {receipt.journal_id}"
                log.notices_withheld(receipt.mailbox, receipt.ticket, receipt.withheld, cause)
                self.runtime.metrics.withheld(receipt.withheld)

    def _reception(self) -> Reception:
        return Reception(runtime=self.runtime, parser=self.parser, authenticator=self.authenticator)
