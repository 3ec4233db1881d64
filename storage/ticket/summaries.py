"""Tickets as lists show them, and the list of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import nlargest
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    ScalarSelect,
    exists,
    func,
    literal_column,
    select,
)

from storage.db.tables import CompanyRow, MailboxRow, TicketRow, TicketTagRow, table

_ticket, _mailbox = table(TicketRow), table(MailboxRow)
_company, _tag = table(CompanyRow), table(TicketTagRow)
NEWEST_FIRST = (_ticket.c.updated_at.desc(), _ticket.c.id.desc())
_SPACE: Any = literal_column("' '")
AT_ONCE = 500
"""Tickets that are read by one statement."""
LATEST = 2_000
"""Tickets of a mailbox among which those with a tag are looked for first."""
TAGS = (
    select(func.aggregate_strings(_tag.c.tag, _SPACE))
    .where(_tag.c.ticket_id == _ticket.c.id)
    .correlate(_ticket)
    .scalar_subquery()
    .label("tags")
)
"""All tags of a ticket, separated by spaces; a tag has none."""
SUMMARY = (
    select(
        _ticket,
        _mailbox.c.address.label("mailbox"),
        _company.c.name.label("company"),
        _company.c.channel,
        TAGS,
    )
    .join_from(_ticket, _mailbox, _ticket.c.mailbox_id == _mailbox.c.id)
    .join(_company, _ticket.c.company_id == _company.c.id, isouter=True)
)


@dataclass(frozen=True, slots=True)
class TicketSummary:
    number: int
    mailbox: str
    subject: str
    status: str
    severity: str
    is_critical: bool
    severity_claimed: str | None
    critical_claimed: bool
    requester: str
    company: str
    """Its name; empty where the requester belongs to none."""
    assignee: str
    mentions: int | None
    merged_into: int | None
    due_at: datetime | None
    """When the next answer is due."""
    opened_at: datetime
    updated_at: datetime
    tags: tuple[str, ...] = ()
    snooze_until: datetime | None = None


def newest(
    connection: Connection, limit: int, status: str | None = None, tag: str | None = None
) -> Sequence[TicketSummary]:
    """The tickets with the latest changes, newest first."""
    if tag is not None:
        return summaries_of(connection, _first_tagged(connection, limit, status, tag))
    query = SUMMARY.where(_ticket.c.deleted_at.is_(None))
    if status is not None:
        query = query.where(_ticket.c.status == status)
    ordered = query.order_by(*NEWEST_FIRST).limit(limit)
    # An index has each mailbox's in this order: of each the first are read, and of these the first.
    found: list[Row[Any]] = []
    for mailbox in connection.execute(select(_mailbox.c.id)).scalars().all():
        found.extend(connection.execute(ordered.where(_ticket.c.mailbox_id == mailbox)))
    first = nlargest(limit, found, key=lambda row: (row.updated_at, row.id))
    return [summary(row) for row in first]


def summaries_of(connection: Connection, numbers: Sequence[int]) -> tuple[TicketSummary, ...]:
    """These tickets, in this order."""
    found: dict[int, TicketSummary] = {}
    for begin in range(0, len(numbers), AT_ONCE):
        query = SUMMARY.where(_ticket.c.id.in_(numbers[begin : begin + AT_ONCE]))
        found |= {row.id: summary(row) for row in connection.execute(query)}
    return tuple(found[number] for number in numbers)


def _first_tagged(
    connection: Connection, limit: int, status: str | None, tag: str
) -> Sequence[int]:
    """The numbers alone are sorted: rows with all that a list shows take three times as long."""
    conditions: list[ColumnElement[bool]] = [_ticket.c.deleted_at.is_(None)]
    if status is not None:
        conditions.append(_ticket.c.status.concat("") == status)  # by no index
    numbered = select(_ticket.c.updated_at, _ticket.c.id).where(*conditions)
    ordered = numbered.order_by(*NEWEST_FIRST).limit(limit)
    found: list[Any] = []
    for mailbox in connection.execute(select(_mailbox.c.id)).scalars().all():
        here = _ticket.c.mailbox_id == mailbox
        tagged = (_tag.c.mailbox_id == mailbox, _tag.c.tag == tag)
        # A frequent tag is on enough of the latest tickets, so that not all of its own are sorted.
        latest = here & (_ticket.c.updated_at >= _begin_of_latest(mailbox))
        has_tag = exists().where(_tag.c.ticket_id == _ticket.c.id, *tagged)
        first = connection.execute(ordered.where(latest, has_tag)).all()
        if len(first) < limit:
            every = (_ticket.c.mailbox_id + 0 == mailbox) & _ticket.c.id.in_(
                select(_tag.c.ticket_id).where(*tagged)
            )
            first = connection.execute(ordered.where(every)).all()
        found.extend(first)
    return [row.id for row in nlargest(limit, found, key=lambda row: (row.updated_at, row.id))]


def _begin_of_latest(mailbox: int) -> ScalarSelect[Any]:
    """When the `LATEST`th of its tickets, or its first, was changed."""
    times = select(_ticket.c.updated_at).where(_ticket.c.mailbox_id == mailbox)
    latest = times.order_by(_ticket.c.updated_at.desc()).limit(LATEST).subquery()
    return select(func.min(latest.c.updated_at)).scalar_subquery()


def tags_of(listed: str | None) -> tuple[str, ...]:
    """The tags that `TAGS` has of a ticket."""
    return tuple(sorted((listed or "").split()))


def summary(row: Row[Any]) -> TicketSummary:
    """A row of `SUMMARY`."""
    return TicketSummary(
        number=row.id,
        mailbox=row.mailbox,
        subject=row.subject,
        status=row.status,
        severity=row.severity,
        is_critical=row.critical,
        severity_claimed=row.severity_claimed,
        critical_claimed=row.critical_claimed,
        requester=row.requester,
        company=row.company or "",
        assignee=row.assignee,
        mentions=row.mentions,
        merged_into=row.merged_into,
        due_at=row.due_at,
        opened_at=row.opened_at,
        updated_at=row.updated_at,
        tags=tags_of(row.tags),
        snooze_until=row.snooze_until,
    )
