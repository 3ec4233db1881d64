"""One ticket: what was written, who is on it, what was promised, and all that happened to it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from aiohttp import web

from gateway.web.console.context import Refused, Visit, number_in
from gateway.web.console.mails import raw_of, room_for, send_file
from gateway.web.console.promises import Promise, Reading, promises
from gateway.web.console.thread import SHOWN, CommentThread, thread_of
from gateway.web.console.ticket_history import HistoryEntry, history_entry
from gateway.web.console.ticket_offers import SNOOZES, Offers, offers_of
from gateway.web.console.ticket_severity import ShownSeverity, severity_of
from gateway.web.console.ticket_words import (
    PARTS,
    presence_words,
    status_words,
)
from gateway.web.console.words import Say
from rules.mail import Mailbox
from rules.mail.presented import Mask
from rules.people import ParticipantKind, Presence, Staff
from rules.policy import Policy
from rules.service.console_roles import ConsoleRight
from rules.ticket.audit import AuditEvent
from rules.ticket.lifecycle import Status
from rules.ticket.model import Ticket
from storage.db.database import Connection
from storage.registry import console_users, directory, lookup
from storage.registry.directory import ListedPerson
from storage.registry.saved_replies import reply_names
from storage.ticket import files, load, read
from storage.ticket.change import BUDGETED
from storage.ticket.files import StoredAttachment
from storage.ticket.views import TicketView

ONCE_BYTES = 12
"""Of what makes a form that is sent twice known."""
HISTORY_SHOWN = 200
"""Entries of the audit trail, the latest."""


@dataclass(frozen=True, slots=True)
class ShownPerson:
    """Somebody on the ticket."""

    address: str
    part: str
    presence: str
    """In words; empty for somebody who is on it."""
    is_pending: bool
    may_be_removed: bool
    bounces: bool
    is_unsubscribed: bool
    path: str
    """Their page; empty if they are not registered."""


@dataclass(frozen=True, slots=True)
class ShownTicket:
    """Everything on the page of a ticket."""

    view: TicketView
    subject: str
    status: str
    severity: ShownSeverity
    thread: CommentThread
    promises: tuple[Promise, ...]
    people: tuple[ShownPerson, ...]
    fields: tuple[tuple[str, str], ...]
    history: tuple[HistoryEntry, ...]
    """The latest first."""
    older_history: int
    """So many entries are not shown."""
    offers: Offers
    staff: tuple[str, ...]
    """The addresses of the staff of its mailbox."""
    company: str
    """The page of the requester's company; empty if they are of none."""
    policy: str
    """The name of the policy in force; empty if it is missing."""
    user: str
    merged_into: Ticket | None
    """The ticket that it is part of in the end, on which its comments are published; None if it was
    not merged."""
    say: Say

    @property
    def is_over(self) -> bool:
        return Status(self.view.summary.status).is_over

    @property
    def may_write(self) -> bool:
        """Whether the user's comments are those of staff."""
        return self.user in self.staff

    @property
    def is_followed(self) -> bool:
        return any(
            each.address == self.user and each.presence == Presence.ACTIVE.value
            for each in self.view.members
        )

    @property
    def readers(self) -> list[str]:
        """Those who get a public comment, besides staff: of a merged ticket, where it is
        published."""
        if self.merged_into is not None:
            return [each.address for each in self.merged_into.notified_customers]
        return [
            each.address
            for each in self.view.members
            if each.presence == Presence.ACTIVE.value
            and each.part != ParticipantKind.FOLLOWER.value
            and not each.suspended
            and not each.muted
        ]

    @property
    def assignable(self) -> list[str]:
        """Staff, and the assignee who may have left them."""
        assignee = self.view.summary.assignee
        return sorted({*self.staff, assignee} - {""})

    @property
    def last_comment(self) -> int:
        return max((each.id for each in self.view.comments), default=0)

    @property
    def links(self) -> list[tuple[str, str]]:
        """Other tickets that this one has to do with, as numbers."""
        details, summary, say = self.view.details, self.view.summary, self.say
        named = [
            (say("Follows"), details.follows),
            (say("Split off from"), details.split_from),
            (say("Mentions"), summary.mentions),
            *((say("Split off"), each) for each in self._named_by(AuditEvent.SPLIT_INTO)),
            *(
                (say("Merged into this one"), each)
                for each in self._named_by(AuditEvent.MERGED_FROM)
            ),
        ]
        return [(label, str(number)) for label, number in named if number]

    def _named_by(self, event: AuditEvent) -> list[str]:
        return [each.subject for each in self.view.history if each.event is event]

    @property
    def statuses(self) -> list[tuple[str, str]]:
        """Each status with what setting it is called."""
        return [
            (Status.OPEN.value, self.say("Open")),
            (Status.PENDING.value, self.say("Wait for the customer")),
            (Status.RESOLVED.value, self.say("Solved")),
            (Status.CLOSED.value, self.say("Closed")),
        ]

    @property
    def next_statuses(self) -> list[tuple[str, str]]:
        """Those that can follow, as buttons."""
        if self.is_over:
            found = [(Status.OPEN.value, self.say("Reopen"))]
            if self.view.summary.status == Status.RESOLVED.value:
                found.append((Status.CLOSED.value, self.say("Close")))
            return found
        waits = self.view.summary.status == Status.PENDING.value
        return [
            (Status.RESOLVED.value, self.say("Solve")),
            (Status.OPEN.value, self.say("Open again"))
            if waits
            else (Status.PENDING.value, self.say("Wait for the customer")),
            (Status.CLOSED.value, self.say("Close")),
        ]


async def ticket(visit: Visit) -> web.Response:
    """The page of a ticket: its latest comments, or those before one."""
    return await ticket_page(visit)


async def ticket_page(
    visit: Visit, error: str = "", status: int = 200, *, is_stale: bool = False
) -> web.Response:
    """The page, with why what was asked for is not done; what was typed stays in the form.

    If `is_stale` the ticket has changed meanwhile, and the history is open.
    """
    shown = await _shown(visit, visit.request.query.get("before", ""))
    write = partial(
        visit.page,
        "ticket.html",
        status,
        ticket=shown,
        summary=shown.view.summary,
        details=shown.view.details,
        error=error,
        is_stale=is_stale,
        whole_history=_shows_all(visit),
        snoozes=SNOOZES,
        form=visit.form,
        once=secrets.token_urlsafe(ONCE_BYTES),
    )
    # The lines of thousands of entries take a third of a second, in which no mail would be taken.
    is_long = len(shown.history) > HISTORY_SHOWN
    return await asyncio.to_thread(write) if is_long else write()


def _shows_all(visit: Visit) -> bool:
    return visit.request.query.get("history") == "all"


async def file(visit: Visit) -> web.StreamResponse:
    """One file of a comment, which the browser saves."""
    number, wanted = visit.number, number_in(visit.request.match_info["part"])

    def look_up(connection: Connection) -> StoredAttachment | None:
        mailbox_in_sight(connection, visit, number)
        return files.attachment(connection, number, wanted)

    found = await visit.runtime.read(look_up)
    if found is None or found.mail is None:
        raise Refused(404, "There is no such file, or it is not stored any more.")
    with room_for(visit, 2 * found.mail.size_bytes):
        raw = await raw_of(visit, found.mail)
        return await send_file(visit, raw, found.part, found.name, found.content_type)


def mailbox_in_sight(connection: Connection, visit: Visit, number: int) -> Mailbox:
    """The mailbox of a ticket. Raises Refused, for a ticket of another desk as well."""
    mailbox = read.mailbox_of(connection, number)
    user = visit.require_right(connection)
    if mailbox is None or mailbox not in console_users.mailboxes_of(connection, user):
        raise missing()
    return mailbox


def missing() -> Refused:
    return Refused(404, "There is no such ticket, or it was deleted.")


async def _shown(visit: Visit, written_before: str) -> ShownTicket:
    mask = await visit.mask()
    is_number = written_before.isdecimal() and len(written_before) <= 18
    before = int(written_before) if is_number else None

    def look(connection: Connection) -> ShownTicket:
        mailbox = mailbox_in_sight(connection, visit, visit.number)
        view = read.ticket_view(connection, visit.number, before=before, texts=SHOWN)
        if view is None or view.details.deleted:
            raise missing()
        staff = lookup.staff(connection, mailbox)()
        policy = visit.runtime.policies.get(mailbox.policy)
        replies = reply_names(connection, mailbox) if visit.may(ConsoleRight.HANDLE) else ()
        offers = offers_of(view, policy, replies, mask)
        known = {
            each.address: person
            for each in view.members
            if (person := directory.person_with(connection, mailbox.id, each.address)) is not None
        }
        into = _end_of_merges(connection, mailbox, view, visit.now)
        return _presented(visit, view, before, mask, policy, staff, offers, known, into)

    return await visit.show(look)


def _end_of_merges(
    connection: Connection, mailbox: Mailbox, view: TicketView, now: datetime
) -> Ticket | None:
    into, since = view.summary.merged_into, now - BUDGETED
    if into is None:
        return None
    ticket = load.load(connection, mailbox, [into], since)[into]
    return load.end_of_merges(connection, mailbox, ticket, since)


def _presented(
    visit: Visit,
    view: TicketView,
    before: int | None,
    mask: Mask,
    policy: Policy | None,
    staff: tuple[Staff, ...],
    offers: Offers,
    known: Mapping[str, ListedPerson],
    into: Ticket | None,
) -> ShownTicket:
    language, say = visit.language, visit.say
    shown = partial(history_entry, visit, mask=mask)
    # The latest alone, unless all are asked for: a ticket may have thousands.
    history = view.history if _shows_all(visit) else view.history[-HISTORY_SHOWN:]
    return ShownTicket(
        view=view,
        subject=mask(view.summary.subject),
        status=status_words(view.summary.status, language),
        severity=severity_of(view, shown, policy, say),
        thread=thread_of(view, before, mask, say),
        promises=tuple(promises(Reading(view, policy, visit.now, language, say))),
        people=tuple(_people(visit, view, known)),
        fields=tuple(_fields(view, policy, mask)),
        history=tuple(map(shown, reversed(history))),
        older_history=len(view.history) - len(history),
        offers=offers,
        staff=tuple(each.address for each in staff),
        company=_company(known.get(view.summary.requester)),
        policy=policy.name if policy is not None else "",
        user=visit.user.address,
        merged_into=into,
        say=say,
    )


def _company(requester: ListedPerson | None) -> str:
    has_one = requester is not None and requester.company_id is not None
    return f"/companies/{requester.company_id}" if requester is not None and has_one else ""


def _people(
    visit: Visit, view: TicketView, known: Mapping[str, ListedPerson]
) -> Iterator[ShownPerson]:
    """Those who are on the ticket first, then those who wait, then those who are not any more."""
    in_order = [each.value for each in Presence]
    for member in sorted(view.members, key=lambda each: in_order.index(each.presence)):
        part = next((text for each, text in PARTS.items() if each == member.part), member.part)
        is_active = member.presence == Presence.ACTIVE.value
        yield ShownPerson(
            member.address,
            visit.say(part),
            "" if is_active else presence_words(member.presence, visit.say),
            member.presence == Presence.PENDING.value,
            is_active and member.address != view.summary.requester,
            member.suspended,
            is_active and member.muted,
            f"/people/{known[member.address].id}" if member.address in known else "",
        )


def _fields(view: TicketView, policy: Policy | None, mask: Mask) -> Iterator[tuple[str, str]]:
    labels = {each.name: each.label for each in policy.fields} if policy is not None else {}
    for name, value in view.details.fields.items():
        yield labels.get(name, name), mask(value)
