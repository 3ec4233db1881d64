"""Lists of tickets: what waits, by what a desk looks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from urllib.parse import urlencode

from aiohttp import web

from gateway.outgoing.mime import one_line
from gateway.web.console.context import PREFIX, Visit
from gateway.web.console.ticket_words import status_words
from gateway.web.console.words import Say, age
from rules.mail import Mailbox
from rules.mail.addresses import normalise
from rules.mail.presented import Mask
from rules.ticket.lifecycle import Status
from rules.ticket.tags import as_tag
from storage.db.database import Connection
from storage.registry import lookup
from storage.ticket import pages, search
from storage.ticket.conditions import ACTIVE
from storage.ticket.pages import EXAMINED, TicketFilter, TicketKey, TicketPage
from storage.ticket.summaries import TicketSummary

LISTED = 50
LONGEST_VALUE = 254
LONGEST_SUBJECT = 200
FILTERS = ("q", "view", "mailbox", "status", "severity", "assignee", "customer", "tag")
NOBODY = "nobody"
ALL = "all"
"""Of any status; without one the tickets that are not over are listed."""
OVERDUE, CLAIMED, REVIEW = "overdue", "claimed", "review"

VIEWS: Mapping[str, str] = MappingProxyType(
    {
        "": "All",
        OVERDUE: "Overdue",
        CLAIMED: "Claimed as critical",
        REVIEW: "To review",
    }
)

KEYS = frozenset(VIEWS.values())


@dataclass(frozen=True, slots=True)
class ListedTicket:
    """A ticket in a list as a reader sees it."""

    number: int
    subject: str
    status: str
    """The identifier, for the colour."""
    status_words: str
    severity: str
    is_critical: bool
    claimed: str
    """What was claimed as critical; empty where nothing was."""
    requester: str
    company: str
    assignee: str
    mailbox: str
    tags: tuple[str, ...]
    changed_at: datetime
    due: str
    """How late the answer is, or how much time is left; empty where none is due."""
    due_at: datetime | None
    is_late: bool


@dataclass(frozen=True, slots=True)
class Choices:
    """What the fields of the form offer."""

    severities: tuple[str, ...]
    staff: tuple[str, ...]


async def tickets(visit: Visit) -> web.Response:
    """Tickets that a filter selects, or those behind a key."""
    mailboxes = await visit.mailboxes()
    query = _query(visit)
    after = TicketKey.read(visit.request.query.get("after", ""))

    mask = await visit.mask()

    def look(connection: Connection) -> tuple[TicketPage, list[ListedTicket], Choices, bool]:
        wanted = _wanted(connection, visit, mailboxes, query)
        is_short = False
        if "q" in query:
            words = search.words_of(query["q"])
            matching = search.tickets_with(connection, wanted.mailboxes, words)
            wanted, is_short = replace(wanted, numbers=matching.tickets), matching.is_cut
        found = pages.page(connection, wanted, after, LISTED)
        staff = {s.address for m in mailboxes for s in lookup.staff(connection, m)()}
        listed = [_listed(visit, each, mask) for each in found.tickets]
        choices = Choices(tuple(_levels(visit, mailboxes)), tuple(sorted(staff)))
        return found, listed, choices, is_short

    found, listed, choices, is_short = await visit.show(look)
    following = ""
    if found.following is not None:
        following = list_path({**query, "after": str(found.following)})
    return visit.page(
        "tickets.html",
        tickets=listed,
        choices=choices,
        mailboxes=mailboxes,
        several=len(mailboxes) > 1,
        chosen={**dict.fromkeys(FILTERS, ""), **query},
        is_filtered=bool(query),
        statuses=[(each.value, status_words(each.value, visit.language)) for each in Status],
        views=[
            (
                list_path({"mailbox": query.get("mailbox", ""), "view": view}),
                visit.say(text),
                query.get("view", "") == view and "assignee" not in query,
            )
            for view, text in VIEWS.items()
        ],
        mine=list_path({"assignee": visit.user.address}),
        unassigned=list_path({"assignee": NOBODY}),
        following=following,
        first=list_path(query) if after is not None else "",
        is_cut=found.is_cut,
        is_short=is_short,
        matches=f"{search.MATCHES:,}",
        examined=f"{EXAMINED:,}",
    )


def _query(visit: Visit) -> dict[str, str]:
    """What is asked for, without all that asks for nothing."""
    asked = visit.request.query
    found = {name: one_line(asked.get(name, ""), LONGEST_VALUE) for name in FILTERS}
    return {name: value for name, value in found.items() if value}


def list_path(query: Mapping[str, str]) -> str:
    """Where the list is that a query asks for."""
    asked = {name: value for name, value in query.items() if value}
    return f"{PREFIX}/tickets" + (f"?{urlencode(asked)}" if asked else "")


def _wanted(
    connection: Connection, visit: Visit, mailboxes: Sequence[Mailbox], query: Mapping[str, str]
) -> TicketFilter:
    named = frozenset(m.id for m in mailboxes if query.get("mailbox", m.address) == m.address)
    view, status = query.get("view", ""), query.get("status", "")
    assignee: str | None = query.get("assignee", "").lower() or None
    customer, tag = query.get("customer", ""), query.get("tag", "")
    by_address = "@" in customer
    companies = None
    if customer and not by_address:
        companies = pages.companies_named(connection, named, customer)
    return TicketFilter(
        mailboxes=named,
        statuses=_statuses(view, status),
        severity=query.get("severity", ""),
        assignee="" if assignee == NOBODY else assignee,
        requester=(normalise(customer) or customer) if by_address else "",
        companies=companies,
        tag=(as_tag(tag) or tag) if tag else "",
        overdue_at=visit.now if view == OVERDUE else None,
        claimed=view == CLAIMED,
        to_review=view == REVIEW,
    )


def _statuses(view: str, status: str) -> frozenset[str]:
    if status == ALL:
        return frozenset()
    if status:
        return frozenset({status})
    # A comment on a solved ticket waits as long, and the queue counts it.
    return ACTIVE | {Status.RESOLVED.value} if view == REVIEW else ACTIVE


def _levels(visit: Visit, mailboxes: Sequence[Mailbox]) -> list[str]:
    """The severities of the policies of some mailboxes, each once, in their order."""
    found: dict[str, None] = {}
    for mailbox in mailboxes:
        policy = visit.runtime.policies.get(mailbox.policy)
        for level in policy.levels if policy is not None else ():
            found.setdefault(level.name)
    return list(found)


def _listed(visit: Visit, ticket: TicketSummary, mask: Mask) -> ListedTicket:
    due_at, now = ticket.due_at, visit.now
    return ListedTicket(
        number=ticket.number,
        subject=one_line(mask(ticket.subject), LONGEST_SUBJECT),
        status=ticket.status,
        status_words=status_words(ticket.status, visit.language),
        severity=ticket.severity,
        is_critical=ticket.is_critical,
        claimed=(ticket.severity_claimed or "") if ticket.critical_claimed else "",
        requester=ticket.requester,
        company=ticket.company,
        assignee=ticket.assignee,
        mailbox=ticket.mailbox,
        tags=ticket.tags,
        changed_at=ticket.updated_at,
        due=_due_words(due_at, now, visit.say) if due_at is not None else "",
        due_at=due_at,
        is_late=due_at is not None and due_at < now,
    )


def masked_subjects(tickets: Sequence[TicketSummary], mask: Mask) -> Sequence[TicketSummary]:
    """Tickets as a short list of them shows them."""
    return [
        replace(each, subject=one_line(mask(each.subject), LONGEST_SUBJECT)) for each in tickets
    ]


def _due_words(due_at: datetime, now: datetime, say: Say) -> str:
    if due_at < now:
        return say("{late} late", late=age(due_at, now, say))
    return say("{left} left", left=age(now, due_at, say))
