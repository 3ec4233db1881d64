"""The first page: what waits in each mailbox; and held mail, which is decided on here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from aiohttp import web

from gateway.outgoing.mime import one_line
from gateway.outgoing.sentences import worded
from gateway.web.console import proposed
from gateway.web.console.context import Refused, Visit
from gateway.web.console.tickets import list_path
from gateway.web.held_mail import (
    LONGEST_SUBJECT,
    Choice,
    HeldDesk,
    HeldOutcome,
    HeldResult,
    is_possible,
    shown,
)
from rules.mail import Mailbox
from rules.service.digests import QueueState, held_because, leaves_at
from rules.ticket.changes import Source
from rules.ticket.desk import Queue
from storage.db.database import Connection
from storage.desk import queues
from storage.desk.proposed import ProposedPerson
from storage.mail import quarantine
from storage.mail.quarantine import HeldMail
from storage.ticket import pages
from storage.ticket.pages import WaitingTickets

LISTED = 200
"""Held mails on one page."""
IN_PLACE = 5
"""People of one mailbox on whom the first page offers to decide."""
PLACES: Mapping[Queue, str] = {
    Queue.HELD: "/held",
    Queue.LEAVING: "/held",
    Queue.STRANGERS: "/held",
    Queue.LATE: "/outbox?view=late",
    Queue.DEAD: "/outbox",
    Queue.FLAGGED: "/tickets?view=review",
    Queue.PROPOSED: "/proposed",
}
"""The page on which each queue is worked through, where there is one."""


@dataclass(frozen=True, slots=True)
class TicketQueue:
    """Tickets that wait for something."""

    name: str
    waiting: WaitingTickets
    place: str
    """The list that has them."""


@dataclass(frozen=True, slots=True)
class MailboxQueues:
    """What waits in one mailbox."""

    mailbox: Mailbox
    tickets: Sequence[TicketQueue]
    """Those that have tickets."""
    states: Sequence[QueueState]
    """Of the queues that are not empty."""
    proposed: Sequence[ProposedPerson]
    """Those who have waited the longest to be added to a ticket."""


async def home(visit: Visit) -> web.Response:
    """The queues of the user's mailboxes, with their lengths and the ages of their oldest."""
    mailboxes, runtime, now = await visit.mailboxes(), visit.runtime, visit.now
    mask = await visit.mask()

    def look(connection: Connection) -> list[MailboxQueues]:
        found = []
        for mailbox in mailboxes:
            policy = runtime.policies.get(mailbox.policy)
            if policy is not None:
                states = queues.states(connection, mailbox, policy, now, named=0)
                filled = [each for each in states if each.number]
                tickets = _of_tickets(connection, visit.user.address, mailbox, now)
                people = proposed.shown(connection, [mailbox.id], IN_PLACE, mask)
                found.append(MailboxQueues(mailbox, tickets, filled, people))
        return found

    return visit.page("home.html", mailboxes=await visit.show(look), places=PLACES)


def _of_tickets(
    connection: Connection, user: str, mailbox: Mailbox, now: datetime
) -> list[TicketQueue]:
    """What is most urgent first."""
    every = (
        ("claimed", pages.unanswered_claims(connection, mailbox.id), {"view": "claimed"}),
        ("overdue", pages.overdue(connection, mailbox.id, now), {"view": "overdue"}),
        ("mine", pages.assigned(connection, mailbox.id, user), {"assignee": user}),
    )
    return [
        TicketQueue(name, waiting, list_path({**query, "mailbox": mailbox.address}))
        for name, waiting, query in every
        if waiting.number
    ]


async def held(visit: Visit) -> web.Response:
    """Held mails: those of proven senders first, and the oldest of each first."""
    mailboxes = {mailbox.id: mailbox for mailbox in await visit.mailboxes()}
    mask = await visit.mask()

    def look(connection: Connection) -> tuple[list[tuple[HeldMail, str, str]], int]:
        # Only theirs are looked up: a flood at another desk hides nothing here.
        mails = quarantine.held_mails(connection, mailboxes=list(mailboxes))
        listed = [
            (mail, mask(mail.author), one_line(mask(mail.subject), LONGEST_SUBJECT))
            for mail in mails[:LISTED]
        ]
        return listed, max(0, len(mails) - LISTED)

    mails, more = await visit.show(look)
    return visit.page(
        "held.html",
        mails=mails,
        more=more,
        why={each.reason: worded(held_because(each.reason), visit.language) for each, *_ in mails},
        several=len(mailboxes) > 1,
    )


async def held_mail(visit: Visit) -> web.Response:
    """One held mail, with what can be done with it."""
    return await _held_page(visit, await _held_mail(visit))


async def decide(visit: Visit) -> web.Response:
    """Release or delete a held mail."""
    mail, form = await _held_mail(visit), visit.form
    choice = next((each for each in Choice if each.value == form.get("do")), None)
    # One that the page does not offer would, say, register the person whom a forged mail names.
    if choice is None or not is_possible(choice, mail):
        return await _held_page(visit, mail, "Please choose what becomes of the mail.", 422)
    context = visit.context
    desk = HeldDesk(context.runtime, context.ingest, visit.user.address, Source.CONSOLE)
    return await _answer(visit, mail, await desk.act(mail, choice, form.get("why", "")))


async def _answer(visit: Visit, mail: HeldMail, result: HeldResult) -> web.Response:
    match result.outcome:
        case HeldOutcome.FILED if result.enrolled:
            text = "{author} was registered, and the mail was filed on #{ticket}."
            return visit.done("/held", text, author=mail.author, ticket=result.ticket)
        case HeldOutcome.FILED:
            return visit.done("/held", "The mail was filed on #{ticket}.", ticket=result.ticket)
        case HeldOutcome.DISCARDED:
            return visit.done("/held", "The mail was deleted.")
        case HeldOutcome.GONE:
            return visit.done("/held", "Another person has decided on this mail already.")
        case HeldOutcome.NOT_ENROLLED:
            text = "No active company has the domain of {author}. Register the company first."
            return await _held_page(visit, mail, visit.say(text, author=mail.author), 409)
        case HeldOutcome.HELD:
            why = worded(held_because(result.reason), visit.language)
            text = "The mail is still held: {why}"
            return await _held_page(visit, mail, visit.say(text, why=why), 409)


async def _held_mail(visit: Visit) -> HeldMail:
    """The mail that the path names. Raises Refused, for a mail of another desk as well."""
    if (journal_id := visit.journal_id) is not None:
        mail = await visit.runtime.read(partial(quarantine.find, journal_id=journal_id))
        if mail is not None and mail.mailbox in await visit.mailboxes():
            return mail
    raise Refused(404, "This mail is no longer held, or there is none of this name.")


async def _held_page(
    visit: Visit, mail: HeldMail, error: str = "", status: int = 200
) -> web.Response:
    runtime = visit.runtime
    policy = runtime.policy_of(mail.mailbox)
    async with visit.turn():
        text = await shown(runtime, visit.context.ingest, mail, visit.language)
    return visit.page(
        "held_mail.html",
        status,
        mail=mail,
        text=text,
        until=leaves_at(policy, mail.came_at),
        choices=[each.value for each in Choice if is_possible(each, mail)],
        error=error and visit.say(error),
    )
