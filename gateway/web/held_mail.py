"""What staff see of a held mail in a browser, and what they do with it: release or delete it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import assert_never

from gateway import log
from gateway.ingest import NOTHING_STATED, Ingest, Require
from gateway.mailbox_cache import Snapshot
from gateway.outgoing.mime import one_line, plain
from gateway.outgoing.sentences import worded
from gateway.reception import StatedByStaff
from gateway.runtime import Runtime
from gateway.ticket_requests import LONGEST_WHY
from rules.decision.content import body_of
from rules.decision.foreseen import Foreseen, Outdated, awaits_author, what_changed
from rules.decision.reasons import Verdict
from rules.decision.receipt import Receipt
from rules.mail import Body, Mail
from rules.policy import Policy
from rules.sender.authentication import Authentication
from rules.sentence import Sentence
from rules.service.digests import held_because
from rules.service.participants import is_ours, named_addresses
from rules.ticket.changes import Source
from storage.db.database import Connection
from storage.db.ledger import Conflict
from storage.mail import quarantine
from storage.mail.apply import Entry
from storage.mail.quarantine import HeldMail
from storage.notices.invitations import Enrolled

SHOWN_TEXT = 3000
"""Characters of the mail's text."""
SHOWN_NAMES = 20
"""Of the people in To and Cc, and of the files."""
LONGEST_NAME = 100
LONGEST_SUBJECT = 200


class Choice(StrEnum):
    RELEASE = "release"
    NEW = "new"
    ENROL = "enrol"
    DISCARD = "discard"


def is_possible(choice: Choice, mail: HeldMail, *, takes_author: bool = False) -> bool:
    """A mail that does not name exactly one author can only be deleted, except by a form in which
    staff state the author."""
    match choice:
        case Choice.ENROL:
            return mail.may_enrol
        case Choice.RELEASE | Choice.NEW:
            return takes_author or bool(mail.author)
        case Choice.DISCARD:
            return True
        case _:
            assert_never(choice)


class HeldOutcome(StrEnum):
    FILED = "filed"
    DISCARDED = "discarded"
    HELD = "held"
    """The mail is held still: staff must state more about it."""
    NOT_ENROLLED = "not_enrolled"
    """No active company owns the domain of the author."""
    GONE = "gone"
    """It was released or discarded before."""
    OUTDATED = "outdated"
    """A release would do something else now than the page showed: nothing was done."""


@dataclass(frozen=True, slots=True)
class HeldResult:
    """What became of a held mail."""

    outcome: HeldOutcome
    ticket: int | None = None
    reason: str = ""
    """Why it is held still."""
    enrolled: bool = False
    """Whether its author was registered."""
    why: tuple[Sentence, ...] = ()
    """What has changed since the page was shown."""


@dataclass(frozen=True, slots=True)
class HeldDesk:
    """One person's decision on held mail."""

    runtime: Runtime
    ingest: Ingest
    by: str
    """Their address, for the audit trail and the log."""
    source: Source
    require: Require
    """Raises if they may not decide on the mail, in the transaction that does what they ask for:
    until then a process reads the mail, and they may lose the right meanwhile."""

    async def act(
        self, mail: HeldMail, choice: Choice, stated: StatedByStaff, shown: str
    ) -> HeldResult:
        """Do with a held mail what was chosen, by what is stated about it; nothing if a release
        would do something else now than was `shown`."""
        if choice is Choice.DISCARD:
            return await self.discard(mail, shown, stated)
        stated = replace(stated, as_new=choice is Choice.NEW)
        return await self.release(mail, stated, enrol=choice is Choice.ENROL, shown=shown)

    async def discard(
        self, mail: HeldMail, shown: str | None = None, stated: StatedByStaff = NOTHING_STATED
    ) -> HeldResult:
        """Delete a held mail without filing it. What was `shown` of it is compared by what was
        stated then."""
        try:
            discarded = await self._discarded(mail, shown, stated)
        except Outdated as outdated:
            return _outdated(shown, outdated.now)
        if not discarded:
            return HeldResult(HeldOutcome.GONE)
        log.discarded(str(mail.journal_id), self.by)
        return HeldResult(HeldOutcome.DISCARDED)

    async def _discarded(self, mail: HeldMail, shown: str | None, stated: StatedByStaff) -> bool:
        if shown is None:

            def discard(connection: Connection) -> bool:
                self.require(connection)
                return quarantine.discard(connection, mail.journal_id)

            return await self.runtime.write(discard)
        try:
            delivery = await self.runtime.read(partial(quarantine.delivery, mail=mail))
        except Conflict:
            return False
        vouched = Authentication.by_staff(self.by)
        # An author who was typed afterwards is of no account to a mail that is deleted.
        if awaits_author(shown):
            stated = NOTHING_STATED
        return await self.ingest.discard(mail, delivery, vouched, stated, shown, self.require)

    async def release(
        self,
        mail: HeldMail,
        stated: StatedByStaff,
        *,
        enrol: bool = False,
        shown: str | None = None,
    ) -> HeldResult:
        """File a held mail by what is stated about it; with `enrol` its author is registered."""
        became = Enrolled.BEFORE
        stated = replace(stated, why=one_line(stated.why, LONGEST_WHY), source=self.source)
        vouched = Authentication.by_staff(self.by)
        receipt: Receipt | None
        try:
            delivery = await self.runtime.read(partial(quarantine.delivery, mail=mail))
            if enrol:
                receipt, became = await self.ingest.release_enrolled(
                    mail, delivery, vouched, stated, shown, self.require
                )
            else:
                receipt = await self.ingest.release(
                    mail, delivery, vouched, stated, shown, self.require
                )
        except Conflict:  # another person was first
            return HeldResult(HeldOutcome.GONE)
        except Outdated as outdated:
            return _outdated(shown, outdated.now)
        if receipt is None:
            return HeldResult(HeldOutcome.NOT_ENROLLED)
        if receipt.verdict in (Verdict.HELD, Verdict.REFUSED):
            return HeldResult(HeldOutcome.HELD, reason=receipt.reason)
        if enrolled := became is Enrolled.NOW:
            log.enrolled(mail.mailbox.address, mail.author, self.by)
        return HeldResult(HeldOutcome.FILED, receipt.ticket, enrolled=enrolled)


def sentences(of: Sequence[Sentence], language: str) -> str:
    """The sentences one after the other, in a language."""
    return " ".join(worded(each, language) for each in of)


def _outdated(shown: str | None, now: Foreseen) -> HeldResult:
    return HeldResult(HeldOutcome.OUTDATED, why=what_changed(shown or "", now))


@dataclass(frozen=True, slots=True)
class HeldText:
    """A held mail as staff may read it: without anybody's tokens and links of ours."""

    author: str
    subject: str
    why: str
    people: tuple[str, ...]
    """Those in To and Cc whom a release may add to the ticket."""
    files: tuple[str, ...]
    text: str
    is_shortened: bool
    foreseen: Foreseen | None = None
    """What a release does with it: who passed the mail on may have chosen the ticket. None once it
    was discarded."""
    effect: str = ""
    """The same in words."""


async def shown(
    runtime: Runtime,
    ingest: Ingest,
    mail: HeldMail,
    by: str,
    language: str,
    stated: StatedByStaff = NOTHING_STATED,
) -> HeldText:
    """The mail, and what becomes of it if `by` releases it by what they state."""
    cached = await runtime.mailbox_cache.current()
    found = await _previewed(runtime, ingest, mail, by, stated)
    read = found[0].mail if found is not None else None
    policy = runtime.policy_of(mail.mailbox)
    # In a thread: to mask a text that somebody wrote for that takes a second.
    text = await asyncio.to_thread(_text_of, mail, read, cached, policy, language)
    if found is None:
        return text
    return replace(text, foreseen=found[1], effect=sentences(found[1].effects, language))


def _text_of(
    mail: HeldMail, read: Mail | None, cached: Snapshot, policy: Policy, language: str
) -> HeldText:
    masker = cached.masker
    body = body_of(read) if read is not None else None
    text = body.text if isinstance(body, Body) else ""

    def joins(address: str) -> bool:
        return not is_ours(address, cached.own_addresses, mail.mailbox.address, policy)

    def listed(names: Sequence[str]) -> tuple[str, ...]:
        more = (f"… (+{len(names) - SHOWN_NAMES})",) if len(names) > SHOWN_NAMES else ()
        return (*(one_line(masker.mask(n), LONGEST_NAME) for n in names[:SHOWN_NAMES]), *more)

    return HeldText(
        author=masker.mask(mail.author),
        subject=one_line(masker.mask(mail.subject), LONGEST_SUBJECT),
        why=worded(held_because(mail.reason), language),
        # A release files all of the mail: whom it adds, and its files.
        people=listed([*filter(joins, named_addresses(read))] if read is not None else []),
        files=listed([each.name for each in body.attachments] if isinstance(body, Body) else []),
        text=plain(masker.beginning(text, SHOWN_TEXT)),
        is_shortened=len(text) > SHOWN_TEXT,
    )


async def _previewed(
    runtime: Runtime, ingest: Ingest, mail: HeldMail, by: str, stated: StatedByStaff
) -> tuple[Entry, Foreseen] | None:
    """The mail with what becomes of it if it is released; None if it was discarded meanwhile."""
    try:
        delivery = await runtime.read(partial(quarantine.delivery, mail=mail))
    except Conflict:
        return None
    return await ingest.preview_release(mail, delivery, Authentication.by_staff(by), stated)
