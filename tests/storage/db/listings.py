"""Every list that the program reads, by a name and as a query. Their plans are asserted by
`test_list_plans`, and their times in a full store are measured by `tests.bench.lists`, which has
the people and the tag that are named here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from rules.mail import Mailbox
from rules.ticket.lifecycle import Status
from rules.ticket.notices import NoticeState
from storage.desk import figures, queues
from storage.desk.proposed import proposed_people
from storage.mail import journal, journal_pages, quarantine
from storage.mail.journal import JournalFilter
from storage.mail.journal_pages import PageFilter, PageKey
from storage.mail.quarantine import HeldKey
from storage.notices import outbox_pages, overview
from storage.notices.outbox_pages import NoticeKey, OutboxScope, OutboxView
from storage.notices.overview import NoticeFilter
from storage.registry import lookup
from storage.ticket import lists, pages, search, summaries, waiting_tickets
from storage.ticket.lists import CopiedTo, OfCompany, RequestedBy, Which
from storage.ticket.pages import TicketFilter
from tests.rules.building import preset

SUPPORT = Mailbox(1, "support@help.example", "default")
ANN = "ann@a.example"
"""The requester of a tenth of the tickets, and of nearly all of their company's."""
COMPANY = 1
BEN = "ben@a.example"
"""A colleague, who is copied to all of these."""
SAM = "sam@help.example"
"""Works on a tenth of the tickets, which are open."""
FREQUENT, RARE = "ink", "paper"
"""Tags of a twentieth of the tickets, and of a few."""
TICKET = 13
"""It has a long thread."""
SHOWN = 50
NOW = datetime.now(UTC)
YESTERDAY = NOW - timedelta(days=1)
ROW = UUID("01980000-0000-7000-8000-000000000000")
OURS = OutboxScope(frozenset({SUPPORT.id}), NOW)
OPEN = frozenset({Status.OPEN.value})

Listing = Callable[[Connection], object]


def of_tickets(which: Which, status: Status | None = None) -> Listing:
    named = status.value if status is not None else None
    return partial(lists.page, mailbox=SUPPORT, which=which, status=named, limit=SHOWN, before=None)


def newest(**conditions: Any) -> Listing:
    return partial(summaries.newest, limit=SHOWN, **conditions)


def tail(**conditions: Any) -> Listing:
    return partial(journal.newest, wanted=JournalFilter(**conditions), limit=SHOWN)


def not_sent(view: OutboxView, after: NoticeKey | None = None) -> Listing:
    return partial(outbox_pages.listing, view=view, scope=OURS, limit=SHOWN, after=after)


def of_the_journal(**conditions: Any) -> Listing:
    wanted, before = PageFilter(OURS.mailboxes, **conditions), PageKey(NOW, ROW)
    return partial(journal_pages.page, wanted=wanted, before=before, limit=SHOWN, mask=str)


def outbox(**conditions: Any) -> Listing:
    return partial(overview.listing, wanted=NoticeFilter(**conditions), limit=SHOWN)


def of_a_desk(**conditions: Any) -> Listing:
    wanted = TicketFilter(mailboxes=OURS.mailboxes, **conditions)
    return partial(pages.page, wanted=wanted, after=None, limit=SHOWN)


def with_words(*words: str) -> Listing:
    return partial(search.tickets_with, mailboxes=OURS.mailboxes, words=words)


LISTS: Mapping[str, tuple[Listing, str]] = {
    "tickets": (newest(), "ix_ticket_mailbox_id_updated_at"),
    "tickets --status": (newest(status="open"), "ix_ticket_status"),
    "tickets of a requester": (of_tickets(RequestedBy(ANN)), "ix_ticket_requester"),
    "tickets of a company": (of_tickets(OfCompany(COMPANY)), "ix_ticket_company"),
    "those of them of a status": (
        of_tickets(RequestedBy(ANN), Status.RESOLVED),
        "ix_ticket_requester",
    ),
    "those of a company of a status": (
        of_tickets(OfCompany(COMPANY), Status.PENDING),
        "ix_ticket_company",
    ),
    "tickets of a desk": (of_a_desk(), "ix_ticket_mailbox_id_updated_at"),
    "those of a status": (of_a_desk(statuses=OPEN), "ix_ticket_status"),
    "those that changed since": (
        of_a_desk(changed_since=YESTERDAY, statuses=OPEN),
        "ix_ticket_status",
    ),
    "those of a severity": (of_a_desk(severity="Low"), "ix_ticket_mailbox_id_updated_at"),
    "those of a requester": (of_a_desk(requester=ANN, statuses=OPEN), "ix_ticket_requester"),
    "those of companies": (of_a_desk(companies=frozenset({COMPANY})), "ix_ticket_company"),
    "those of an assignee of any status": (of_a_desk(assignee=SAM), "ix_ticket_assignee"),
    "those of an assignee": (of_a_desk(assignee=SAM, statuses=OPEN), "ix_ticket_assignee"),
    "those of nobody": (of_a_desk(assignee="", statuses=OPEN), "ix_ticket_unassigned"),
    "overdue ones": (of_a_desk(overdue_at=NOW, severity="Low"), "ix_ticket_due_at"),
    "claimed ones": (of_a_desk(claimed=True), "ix_ticket_claimed"),
    "tickets of an assignee, counted": (
        partial(waiting_tickets.assigned, mailbox=SUPPORT.id, address=SAM),
        "ix_ticket_assignee",
    ),
    "tickets of nobody, counted": (
        partial(waiting_tickets.unassigned, mailbox=SUPPORT.id),
        "ix_ticket_unassigned",
    ),
    "people who wait": (
        partial(proposed_people, mailboxes=OURS.mailboxes, limit=SHOWN),
        "ix_participant_proposed",
    ),
    "tail": (tail(), "ix_journal_received_at"),
    "tail --verdict": (tail(verdict="held"), "ix_journal_verdict"),
    "tail --reason": (tail(reason="stranger"), "ix_journal_verdict"),
    "mails of a person": (
        partial(journal_pages.taken_of, mailbox=SUPPORT.id, author=ANN, limit=SHOWN),
        "ix_journal_taken_author",
    ),
    "figures of mails": (
        partial(figures.decided, mailboxes=OURS.mailboxes, times=[YESTERDAY, NOW]),
        "ix_journal_received_at",
    ),
    "figures of open tickets": (
        partial(figures.of_tickets, mailboxes=OURS.mailboxes, dues=[NOW], spans=[timedelta(1)]),
        "ix_ticket_status",
    ),
    "figures of broken promises": (
        partial(figures.breaches, mailboxes=OURS.mailboxes, since=YESTERDAY),
        "ix_audit_ticket_id",
    ),
    "figures of outgoing mail": (
        partial(figures.sending_times, mailboxes=OURS.mailboxes, since=YESTERDAY),
        "ix_notice_created_at",
    ),
    "outbox list": (outbox(), "ix_notice_created_at"),
    "outbox list --dead": (outbox(state=NoticeState.DEAD), "ix_notice_dead"),
    "mail that failed": (not_sent(OutboxView.FAILED), "ix_notice_dead"),
    "a page of mail that failed": (
        not_sent(OutboxView.FAILED, NoticeKey(NOW, ROW)),
        "ix_notice_dead",
    ),
    "a page of mail that waits": (
        not_sent(OutboxView.WAITING, NoticeKey(NOW, ROW)),
        "ix_notice_state_due_at",
    ),
    "mail that is late": (not_sent(OutboxView.LATE), "ix_notice_state_due_at"),
    "outbox list --ticket": (outbox(ticket=TICKET), "ix_notice_ticket_id_created_at"),
}
"""Each with the index that has it in its order."""
BY_OTHER_ORDERS: Mapping[str, Listing] = {
    "tickets of a copied person": of_tickets(CopiedTo(BEN)),
    "those of a status that none has": of_tickets(CopiedTo(BEN), Status.RESOLVED),
    "tickets --tag": newest(tag=RARE),
    "tickets --tag, of a frequent one": newest(tag=FREQUENT),
    "tickets of a desk with a tag": of_a_desk(tag=RARE, statuses=OPEN),
    "those with a frequent tag": of_a_desk(tag=FREQUENT, statuses=OPEN),
    "tickets of a desk to review": of_a_desk(to_review=True),
    "queues": partial(queues.states, mailbox=SUPPORT, policy=preset("default"), now=NOW, named=0),
    "queues of several mailboxes": partial(
        queues.lengths, desks=dict.fromkeys(range(1, 6), preset("default")), now=NOW
    ),
    "mailboxes whose staff get mail": partial(lookup.with_reachable_staff, mailboxes=range(1, 6)),
    "overdue tickets, counted": partial(waiting_tickets.overdue, mailboxes=[SUPPORT.id], now=NOW),
    "claims, counted": partial(waiting_tickets.unanswered_claims, mailboxes=[SUPPORT.id]),
    "tail --ticket": tail(ticket=TICKET),
    "outbox list --to": outbox(address=ANN),
    "outbox list --to --dead": outbox(address=ANN, state=NoticeState.DEAD),
    "counts of the outbox": overview.counts,
    "counts of the views of the outbox": partial(outbox_pages.counts, scope=OURS),
    "figures of held mail": partial(figures.held_before, mailboxes=OURS.mailboxes, times=[NOW]),
    "held list": quarantine.held_mails,
    "a page of the journal": of_the_journal(since=YESTERDAY),
    "a page of a verdict": of_the_journal(verdict="held", since=YESTERDAY),
    "a page of held mail": partial(
        quarantine.held_mails, mailboxes=OURS.mailboxes, after=HeldKey(False, NOW, ROW)
    ),
    "a search": with_words("garden", "printer"),
    "a search for a beginning": with_words("pri*"),
}
"""Those that read all that they choose from, and nothing else: what one person or ticket has."""
