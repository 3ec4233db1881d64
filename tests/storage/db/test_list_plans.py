"""Every list is read by an index, in its order: its time does not grow with the store."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, event

from rules.mail import Mailbox
from rules.ticket.notices import NoticeState
from storage.db.database import Database
from storage.db.ledger import open_ledger
from storage.desk import figures
from storage.desk.proposed import proposed_people
from storage.mail import journal, journal_pages, quarantine
from storage.mail.journal import JournalFilter
from storage.mail.journal_pages import PageFilter, PageKey
from storage.mail.quarantine import HeldKey
from storage.notices import outbox_pages, overview
from storage.notices.outbox_pages import NoticeKey, OutboxScope, OutboxView
from storage.notices.overview import NoticeFilter
from storage.registry import mailboxes
from storage.ticket import lists, pages, summaries
from storage.ticket.lists import CopiedTo, OfCompany, RequestedBy, Which
from storage.ticket.pages import TicketFilter
from tests.rules.building import NOON

GROWING = ("audit", "comment", "journal", "mail", "notice", "participant", "ticket")
"""Tables with a row for each mail or more; the others have one for a person or a company."""
_SCAN = re.compile(rf"SCAN ({'|'.join(GROWING)})$|Seq Scan on ({'|'.join(GROWING)})\b")
_SORT = re.compile(r"USE TEMP B-TREE FOR ORDER BY$|^(-> +)?Sort$")

Listing = Callable[[Connection], object]


def of_tickets(which: Which, status: str | None = None) -> Listing:
    mailbox = Mailbox(1, "support@help.example", "default")
    return partial(lists.page, mailbox=mailbox, which=which, status=status, limit=9, before=None)


def tail(**conditions: Any) -> Listing:
    return partial(journal.newest, wanted=JournalFilter(**conditions), limit=9)


OURS = OutboxScope(frozenset({1}), datetime(2026, 11, 29, tzinfo=UTC))


ROW = UUID("01980000-0000-7000-8000-000000000000")


def not_sent(view: OutboxView, after: NoticeKey | None = None) -> Listing:
    return partial(outbox_pages.listing, view=view, scope=OURS, limit=9, after=after)


def of_the_journal(**conditions: Any) -> Listing:
    wanted = PageFilter(frozenset({1}), **conditions)
    before = PageKey(OURS.now, ROW)
    return partial(journal_pages.page, wanted=wanted, before=before, limit=9, mask=str)


def outbox(**conditions: Any) -> Listing:
    return partial(overview.listing, wanted=NoticeFilter(**conditions), limit=9)


def of_a_desk(**conditions: Any) -> Listing:
    wanted = TicketFilter(mailboxes=frozenset({1}), **conditions)
    return partial(pages.page, wanted=wanted, after=None, limit=9)


LISTS: Mapping[str, tuple[Listing, str]] = {
    "tickets": (partial(summaries.newest, limit=9), "ix_ticket_mailbox_id_updated_at"),
    "tickets --status": (partial(summaries.newest, limit=9, status="open"), "ix_ticket_status"),
    "tickets of a requester": (of_tickets(RequestedBy("ann@a.example")), "ix_ticket_requester"),
    "tickets of a company": (of_tickets(OfCompany(7)), "ix_ticket_company"),
    "tickets of a desk": (of_a_desk(), "ix_ticket_mailbox_id_updated_at"),
    "those of a status": (of_a_desk(statuses=frozenset({"open"})), "ix_ticket_status"),
    "those that changed since": (
        of_a_desk(changed_since=NOON, statuses=frozenset({"open"})),
        "ix_ticket_status",
    ),
    "those of a severity": (of_a_desk(severity="Low"), "ix_ticket_mailbox_id_updated_at"),
    "those of a requester": (
        of_a_desk(requester="ann@a.example", statuses=frozenset({"open"})),
        "ix_ticket_requester",
    ),
    "those of companies": (of_a_desk(companies=frozenset({7})), "ix_ticket_company"),
    "those of an assignee": (
        of_a_desk(assignee="sam@help.example", statuses=frozenset({"open"})),
        "ix_ticket_assignee",
    ),
    "overdue ones": (of_a_desk(overdue_at=NOON, severity="Low"), "ix_ticket_due_at"),
    "claimed ones": (of_a_desk(claimed=True), "ix_ticket_claimed"),
    "people who wait": (
        partial(proposed_people, mailboxes=[1], limit=9),
        "ix_participant_proposed",
    ),
    "tail": (tail(), "ix_journal_received_at"),
    "tail --verdict": (tail(verdict="held"), "ix_journal_verdict"),
    "tail --reason": (tail(reason="stranger"), "ix_journal_verdict"),
    "mails of a person": (
        partial(journal_pages.taken_of, mailbox=1, author="ann@a.example", limit=9),
        "ix_journal_taken_author",
    ),
    "figures of mails": (
        partial(figures.decided, mailboxes=[1], times=[OURS.now, OURS.now + timedelta(days=1)]),
        "ix_journal_received_at",
    ),
    "figures of open tickets": (partial(figures.of_tickets, mailboxes=[1]), "ix_ticket_status"),
    "figures of outgoing mail": (
        partial(figures.sending_times, mailboxes=[1], since=OURS.now),
        "ix_notice_created_at",
    ),
    "outbox list": (outbox(), "ix_notice_created_at"),
    "outbox list --dead": (outbox(state=NoticeState.DEAD), "ix_notice_dead"),
    "mail that failed": (not_sent(OutboxView.FAILED), "ix_notice_dead"),
    "a page of mail that failed": (
        not_sent(OutboxView.FAILED, NoticeKey(OURS.now, ROW)),
        "ix_notice_dead",
    ),
    "a page of mail that waits": (
        not_sent(OutboxView.WAITING, NoticeKey(OURS.now, ROW)),
        "ix_notice_state_due_at",
    ),
    "mail that is late": (not_sent(OutboxView.LATE), "ix_notice_state_due_at"),
    "outbox list --ticket": (outbox(ticket=7), "ix_notice_ticket_id_created_at"),
}
"""Each with the index that has it in its order."""
BY_OTHER_ORDERS: Mapping[str, Listing] = {
    "tickets of a copied person": of_tickets(CopiedTo("ann@a.example")),
    "tickets of a desk with a tag": of_a_desk(tag="ink", statuses=frozenset({"open"})),
    "tickets of a desk to review": of_a_desk(to_review=True),
    "overdue tickets, counted": partial(pages.overdue, mailbox=1, now=NOON),
    "claims, counted": partial(pages.unanswered_claims, mailbox=1),
    "tickets of an assignee, counted": partial(pages.assigned, mailbox=1, address="a@b.example"),
    "tail --ticket": tail(ticket=7),
    "outbox list --to": outbox(address="ann@a.example"),
    "counts of the outbox": overview.counts,
    "counts of the views of the outbox": partial(outbox_pages.counts, scope=OURS),
    "figures of held mail": partial(figures.held_before, mailboxes=[1], times=[OURS.now]),
    "held list": quarantine.held_mails,
    "a page of the journal": of_the_journal(since=OURS.now),
    "a page of a verdict": of_the_journal(verdict="held", since=OURS.now),
    "a page of held mail": partial(
        quarantine.held_mails, mailboxes=[1], after=HeldKey(False, OURS.now, ROW)
    ),
}
"""Those that read all that they choose from, and nothing else: what one person or ticket has."""


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Iterator[Database]:
    # A new one: what other tests have left in PostgreSQL's statistics would decide on the plans.
    database = Database(request.getfixturevalue(f"{request.param}_stores").new())
    ledger = open_ledger(database)
    add = partial(mailboxes.add_mailbox, address="support@help.example", policy="default")
    ledger.submit(add).result()
    ledger.close()
    yield database
    database.close()


def plans_of(listing: Listing, store: Database) -> list[str]:
    """The steps of all statements of a list, on PostgreSQL as they are in a full store."""
    asked: list[tuple[str, Any]] = []

    def note(*arguments: Any) -> None:
        asked.append(arguments[2:4])

    def plan(connection: Connection) -> list[str]:
        listing(connection)
        statements = [*asked]
        explain = "EXPLAIN QUERY PLAN" if store.is_sqlite else "EXPLAIN (COSTS OFF)"
        if not store.is_sqlite:
            for costly in ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
                connection.exec_driver_sql(f"SET LOCAL {costly} = off")
        rows = [
            row
            for statement, values in statements
            for row in connection.exec_driver_sql(f"{explain} {statement}", values)
        ]
        return [row[-1].strip() for row in rows]

    event.listen(store.engine, "before_cursor_execute", note)
    try:
        return store.read(plan)
    finally:
        event.remove(store.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_read_in_the_order_of_its_index(name: str, store: Database) -> None:
    listing, index = LISTS[name]
    steps = plans_of(listing, store)

    assert any(re.search(rf"\b{index}\b", step) for step in steps), steps
    assert not [step for step in steps if _SCAN.search(step) or _SORT.search(step)], steps


@pytest.mark.parametrize("name", BY_OTHER_ORDERS)
def test_a_list_in_another_order_scans_no_table(name: str, store: Database) -> None:
    steps = plans_of(BY_OTHER_ORDERS[name], store)

    assert not [step for step in steps if _SCAN.search(step)], steps
