"""The first page: what waits in each mailbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from gateway.outgoing.mime import one_line
from gateway.web.console import proposed, waiting
from gateway.web.console.context import Visit
from gateway.web.console.tickets import LONGEST_SUBJECT, NOBODY, list_path
from rules.mail import Mailbox
from rules.mail.presented import Mask
from rules.service.digests import QueueState
from rules.ticket.desk import Queue
from storage.db.database import Connection
from storage.desk import queues
from storage.desk.proposed import ProposedPerson
from storage.notices import relay_refusals
from storage.notices.relay_refusals import RelayTrouble
from storage.registry import lookup
from storage.ticket import waiting_tickets
from storage.ticket.waiting_tickets import NONE, WaitingTickets

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
    has_reader: bool
    """Mail reaches somebody of its staff, or its policy notifies nobody."""


async def home(visit: Visit) -> web.Response:
    """Whether mail is sent and reaches somebody, and the queues of the user's mailboxes, with their
    lengths and the ages of their oldest."""
    every, runtime, now = await visit.mailboxes(), visit.runtime, visit.now
    policies = {each.id: runtime.policies.get(each.policy) for each in every}
    desks = {mailbox: policy for mailbox, policy in policies.items() if policy is not None}
    mailboxes = [each for each in every if each.id in desks]
    mask = await visit.mask()

    def look(connection: Connection) -> tuple[RelayTrouble | None, list[MailboxQueues]]:
        tickets = _of_tickets(connection, visit.user.address, mailboxes, now)
        states = queues.lengths(connection, desks, now)
        reached = lookup.with_reachable_staff(connection, desks)
        return relay_refusals.trouble(connection), [
            MailboxQueues(
                mailbox,
                tickets[mailbox.id],
                states[mailbox.id],
                _proposed(connection, mailbox, states[mailbox.id], mask),
                has_reader=mailbox.id in reached or desks[mailbox.id].staff.notify == "none",
            )
            for mailbox in mailboxes
        ]

    relay, found = await visit.show(look)
    why = one_line(mask(relay.why), LONGEST_SUBJECT) if relay is not None else ""
    return visit.page("home.html", relay=relay, why=why, mailboxes=found, places=PLACES)


def _proposed(
    connection: Connection, mailbox: Mailbox, states: Sequence[QueueState], mask: Mask
) -> Sequence[ProposedPerson]:
    if all(each.queue is not Queue.PROPOSED for each in states):
        return ()
    return proposed.shown(connection, [mailbox.id], IN_PLACE, mask)


def _of_tickets(
    connection: Connection, user: str, mailboxes: Sequence[Mailbox], now: datetime
) -> Mapping[int, Sequence[TicketQueue]]:
    """Those of each mailbox, what is most urgent first."""
    ids = [each.id for each in mailboxes]
    claimed = waiting_tickets.unanswered_claims(connection, ids)
    overdue = waiting_tickets.overdue(connection, ids, now)

    def queues_of(mailbox: Mailbox) -> Sequence[TicketQueue]:
        every = (
            ("claimed", claimed.get(mailbox.id, NONE), {"view": "claimed"}),
            ("overdue", overdue.get(mailbox.id, NONE), {"view": "overdue"}),
            ("mine", waiting_tickets.assigned(connection, mailbox.id, user), {"assignee": user}),
            ("nobodys", waiting_tickets.unassigned(connection, mailbox.id), {"assignee": NOBODY}),
        )
        return [
            TicketQueue(name, waiting, list_path({**query, "mailbox": mailbox.address}))
            for name, waiting, query in every
            if waiting.number
        ]

    return {mailbox.id: queues_of(mailbox) for mailbox in mailboxes}
