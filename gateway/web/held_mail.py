"""What staff see of a held mail in a browser, and what they do with it: release or delete it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import assert_never

from gateway import log
from gateway.ingest import Ingest
from gateway.mailbox_cache import Snapshot
from gateway.outgoing.mime import one_line, plain
from gateway.outgoing.sentences import worded
from gateway.reception import StatedByStaff
from gateway.runtime import Runtime
from gateway.ticket_requests import LONGEST_WHY
from rules.decision.content import body_of
from rules.decision.model import AddComment, Decision, OpenTicket
from rules.decision.reasons import Verdict
from rules.decision.receipt import Receipt
from rules.mail import Body, Mail
from rules.policy import Policy
from rules.sender.authentication import Authentication
from rules.service.digests import held_because
from rules.service.participants import is_ours, named_addresses
from rules.ticket.changes import Source
from rules.ticket.visibility import Visibility
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


@dataclass(frozen=True, slots=True)
class HeldResult:
    """What became of a held mail."""

    outcome: HeldOutcome
    ticket: int | None = None
    reason: str = ""
    """Why it is held still."""
    enrolled: bool = False
    """Whether its author was registered."""


@dataclass(frozen=True, slots=True)
class HeldDesk:
    """One person's decision on held mail."""

    runtime: Runtime
    ingest: Ingest
    by: str
    """Their address, for the audit trail and the log."""
    source: Source

    async def act(self, mail: HeldMail, choice: Choice, stated: StatedByStaff) -> HeldResult:
        """Do with a held mail what was chosen, by what is stated about it."""
        if choice is Choice.DISCARD:
            return await self.discard(mail)
        stated = replace(stated, as_new=choice is Choice.NEW)
        return await self.release(mail, stated, enrol=choice is Choice.ENROL)

    async def discard(self, mail: HeldMail) -> HeldResult:
        """Delete a held mail without filing it."""
        job = partial(quarantine.discard, journal_id=mail.journal_id)
        if not await self.runtime.write(job):
            return HeldResult(HeldOutcome.GONE)
        log.discarded(str(mail.journal_id), self.by)
        return HeldResult(HeldOutcome.DISCARDED)

    async def release(
        self, mail: HeldMail, stated: StatedByStaff, *, enrol: bool = False
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
                    mail, delivery, vouched, stated
                )
            else:
                receipt = await self.ingest.release(mail, delivery, vouched, stated)
        except Conflict:  # another person was first
            return HeldResult(HeldOutcome.GONE)
        if receipt is None:
            return HeldResult(HeldOutcome.NOT_ENROLLED)
        if receipt.verdict in (Verdict.HELD, Verdict.REFUSED):
            return HeldResult(HeldOutcome.HELD, reason=receipt.reason)
        if enrolled := became is Enrolled.NOW:
            log.enrolled(mail.mailbox.address, mail.author, self.by)
        return HeldResult(HeldOutcome.FILED, receipt.ticket, enrolled=enrolled)


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
    ticket: int | None = None
    """The ticket that a release files it on: who passed the mail on may have chosen that."""
    public: bool = False
    """Whether the people on that ticket read it then."""


async def shown(
    runtime: Runtime, ingest: Ingest, mail: HeldMail, by: str, language: str
) -> HeldText:
    """The mail, and what becomes of it if `by` releases it."""
    cached = await runtime.mailbox_cache.current()
    found = await _previewed(runtime, ingest, mail, by)
    read, action = (found[0].mail, found[1].action) if found is not None else (None, None)
    policy = runtime.policy_of(mail.mailbox)
    # In a thread: to mask a text that somebody wrote for that takes a second.
    text = await asyncio.to_thread(_text_of, mail, read, cached, policy, language)
    match action:
        case AddComment(ticket=ticket, visibility=visibility):
            return replace(text, ticket=ticket, public=visibility is Visibility.PUBLIC)
        case OpenTicket(follows=ticket):  # of its people everybody is sent the mail
            return replace(text, ticket=ticket, public=ticket is not None)
        case _:
            return text


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
    runtime: Runtime, ingest: Ingest, mail: HeldMail, by: str
) -> tuple[Entry, Decision] | None:
    """The mail with the decision on it if it is released; None if it was discarded meanwhile."""
    try:
        delivery = await runtime.read(partial(quarantine.delivery, mail=mail))
    except Conflict:
        return None
    return await ingest.preview_release(mail, delivery, Authentication.by_staff(by))
