"""What waits in the queues that have no page of their own, and where it is decided on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from gateway.outgoing.mime import one_line
from gateway.web.console.context import Visit
from gateway.web.console.tickets import LONGEST_SUBJECT
from rules.mail import Mailbox
from rules.mail.presented import Mask
from rules.service.digests import QueueState
from rules.ticket.desk import DigestLine, Queue
from storage.db.database import Connection
from storage.desk.queues import first_of

LISTED = 100
"""Entries of one queue of a mailbox."""
MOST_TICKETS = 20
"""Of one address: a digest's line has them as far as they fit."""
_MAILS = "/mails/{}"
PAGES: Mapping[Queue, str] = {
    Queue.FULL: "/held",
    Queue.FOLDED: _MAILS,
    Queue.REFUSED: _MAILS,
    Queue.WITHHELD: "",
    Queue.SUSPENDED: "",
    Queue.UNSUBMITTED: "",
    Queue.INVITED: "/outbox/{}",
}
"""The queues, in the order of a digest, with the page of an entry besides those of its tickets."""


@dataclass(frozen=True, slots=True)
class WaitingEntry:
    since: datetime
    who: str
    """An address, or several; empty for everybody whose mail nothing proves."""
    subject: str
    """Of a mail or a request; of an address that bounces, the words of the server that refused."""
    number: str
    """Of the notices that were left out, or of the held mails that are taken at most."""
    path: str
    tickets: Sequence[str]


@dataclass(frozen=True, slots=True)
class WaitingQueue:
    name: str
    mailbox: str
    number: int
    entries: Sequence[WaitingEntry]
    """The first, at most `LISTED`."""


async def listing(visit: Visit) -> web.Response:
    """All of these queues, or the one that is asked for."""
    asked = visit.request.query.get("queue", "")
    wanted = [each for each in PAGES if asked in ("", each.value)]
    mailboxes, now = await visit.mailboxes(), visit.now
    policies = {each.id: visit.runtime.policies.get(each.policy) for each in mailboxes}
    desks = {mailbox: policy for mailbox, policy in policies.items() if policy is not None}
    mask = await visit.mask()

    def look(connection: Connection) -> list[WaitingQueue]:
        found = [first_of(connection, desks, now, queue, LISTED) for queue in wanted]
        return [
            _shown(states[mailbox.id], mailbox, mask)
            for states in found
            for mailbox in mailboxes
            if mailbox.id in states
        ]

    queues = await visit.show(look)
    several = len(mailboxes) > 1
    return visit.page("waiting.html", queues=queues, several=several, most=LISTED)


def _shown(state: QueueState, mailbox: Mailbox, mask: Mask) -> WaitingQueue:
    page = PAGES[state.queue]
    entries = [_entry(line, page.format(line.item), mask) for line in state.new]
    return WaitingQueue(state.queue.value, mailbox.address, state.number, entries)


def _entry(line: DigestLine, path: str, mask: Mask) -> WaitingEntry:
    return WaitingEntry(
        since=datetime.fromisoformat(line.since),
        who=one_line(mask(line.sender), LONGEST_SUBJECT),
        subject=one_line(mask(line.subject), LONGEST_SUBJECT),
        number=line.reason if line.reason.isdigit() else "",
        path=path,
        tickets=[each for each in line.ticket.split(",")[:MOST_TICKETS] if each],
    )
