"""The first page: what waits in each mailbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from gateway.web.console import proposed, waiting
from gateway.web.console.context import Visit
from gateway.web.console.tickets import NOBODY, list_path
from rules.mail import Mailbox
from rules.service.digests import QueueState
from rules.ticket.desk import Queue
from storage.db.database import Connection
from storage.desk import queues
from storage.desk.proposed import ProposedPerson
from storage.ticket import pages
from storage.ticket.pages import WaitingTickets

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
    **{queue: f"/waiting?queue={queue.value}" for queue in waiting.PAGES},
}
"""The page on which each queue is worked through; the others are listed on one page."""


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
        ("nobodys", pages.unassigned(connection, mailbox.id), {"assignee": NOBODY}),
    )
    return [
        TicketQueue(name, waiting, list_path({**query, "mailbox": mailbox.address}))
        for name, waiting, query in every
        if waiting.number
    ]
