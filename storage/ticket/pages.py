"""The tickets of a desk as pages, for a reader who sees some mailboxes.

A page continues from the key of its last ticket. It reads what an index has in the order of the
list, and no page examines more than `EXAMINED` tickets of a kind for its other conditions: a search
for what is rare ends there, and goes on further back when somebody asks for more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select, text

from rules.ticket.lifecycle import Status
from rules.ticket.visibility import Visibility
from storage.db.columns import FIRST, LAST
from storage.db.tables import (
    CLAIMED,
    FLAGGED,
    AuditRow,
    CommentRow,
    CompanyRow,
    PersonRow,
    TicketRow,
    TicketTagRow,
    table,
)
from storage.ticket.conditions import ACTIVE, ANSWERED, Condition, assigned_to, due, unassigned
from storage.ticket.summaries import TicketSummary, summaries_of

_ticket, _comment, _person = table(TicketRow), table(CommentRow), table(PersonRow)
_audit, _tag, _company = table(AuditRow), table(TicketTagRow), table(CompanyRow)

LARGEST = 10**18 - 1
"""No ticket has a larger number."""
EXAMINED = 20_000
AT_FIRST = 1_000
"""Tickets that are examined first, and only if they do not fill the page, `EXAMINED`: PostgreSQL
may read all that is examined before it sorts it, since it cannot know how much of it is listed."""
RARE = 2_000
"""Tickets of a tag that are read as a whole; of a more frequent one, the latest are looked for."""
COMPANIES = 20
"""Companies whose names have what was asked for, at most."""
EVERY = frozenset(status.value for status in Status)


class TicketKey(NamedTuple):
    """Where a page ends: the tickets behind it are on the next."""

    at: datetime
    number: int

    def __str__(self) -> str:
        return f"{self.at.isoformat()}_{self.number}"

    @classmethod
    def read(cls, written: str) -> TicketKey | None:
        """None for what is no key."""
        at, _, number = written.partition("_")
        try:
            key = cls(datetime.fromisoformat(at), int(number[:18]))
        except ValueError:
            return None
        known = key.at.tzinfo is not None and FIRST < key.at < LAST
        return key if known else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketFilter:
    """Selects tickets: every condition that is not empty must hold. Deleted ones are none."""

    mailboxes: frozenset[int]
    """Tickets of these only, always."""
    numbers: tuple[int, ...] | None = None
    """Those that a search has found."""
    statuses: frozenset[str] = frozenset()
    severity: str = ""
    assignee: str | None = None
    """Empty for tickets that nobody is assigned to."""
    requester: str = ""
    companies: frozenset[int] | None = None
    tag: str = ""
    overdue_at: datetime | None = None
    """An answer is due before this time: then the longest overdue comes first."""
    claimed: bool = False
    """Claimed as critical, which staff have not answered since, nor set another severity."""
    to_review: bool = False
    """With comments or drafts that wait to be published."""
    changed_since: datetime | None = None
    """Changed then or later."""


@dataclass(frozen=True, slots=True)
class TicketPage:
    tickets: tuple[TicketSummary, ...]
    following: TicketKey | None
    """The end of the page; None if there is nothing behind it."""
    is_cut: bool = False
    """The page has fewer tickets than it could have, since enough were examined for them."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """Tickets that an index has, by conditions of its own."""

    conditions: tuple[Condition, ...]
    covers: frozenset[str]
    """The fields of the filter that they meet."""
    in_order: bool = True
    """The index has them in the order of the list; else they are few."""


@dataclass(frozen=True, slots=True)
class _Order:
    """Of a list: the time by which it is sorted, and in which direction."""

    time: ColumnElement[datetime]
    latest_first: bool

    @property
    def columns(self) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
        if self.latest_first:
            return self.time.desc(), _ticket.c.id.desc()
        return self.time.asc(), _ticket.c.id.asc()

    def by_time(self, key: TicketKey | None) -> list[Condition]:
        """Those of the time of a key, and behind it."""
        if key is None:
            return []
        if key == self.end_of(key.at):
            return [self.time < key.at if self.latest_first else self.time > key.at]
        return [self.time <= key.at if self.latest_first else self.time >= key.at]

    def behind(self, key: TicketKey | None) -> list[Condition]:
        if key is None:
            return []
        at, number = self.time, _ticket.c.id
        is_later = number < key.number if self.latest_first else number > key.number
        # With a limit of its own for the time, which the index has in this order.
        return [*self.by_time(key), or_(at != key.at, is_later)]

    def end_of(self, at: datetime) -> TicketKey:
        """Behind all tickets of a time."""
        return TicketKey(at, 0 if self.latest_first else LARGEST)

    def up_to(self, last: datetime) -> Condition:
        return self.time >= last if self.latest_first else self.time <= last

    def sorted(self, keys: list[TicketKey]) -> list[TicketKey]:
        return sorted(keys, reverse=self.latest_first)


def page(
    connection: Connection,
    wanted: TicketFilter,
    after: TicketKey | None,
    limit: int,
    examined: int = EXAMINED,
) -> TicketPage:
    """The tickets behind a key: those that changed last first, or the longest overdue."""
    is_by_due = wanted.overdue_at is not None
    order = _Order(_ticket.c.due_at if is_by_due else _ticket.c.updated_at, not is_by_due)
    keys: list[TicketKey] = []
    ends: list[TicketKey] = []
    for kind in _kinds(connection, wanted):
        conditions = [*kind.conditions, *order.by_time(after), *_changed(wanted, order)]
        rest = list(_conditions(wanted, kind.covers))
        of_page = (*order.behind(after), *rest, _ticket.c.deleted_at.is_(None))
        for most in sorted({min(AT_FIRST, examined), examined}):
            is_bounded = rest and kind.in_order
            end = _end(connection, conditions, order, most) if is_bounded else None
            up_to = [order.up_to(end.at)] if end is not None else []
            query = select(order.time.label("at"), _ticket.c.id)
            first = query.where(*conditions, *up_to, *of_page).order_by(*order.columns)
            rows = connection.execute(first.limit(limit + 1)).all()
            if end is None or len(rows) > limit:
                break
        keys += [TicketKey(row.at, row.id) for row in rows]
        ends += [end] if end is not None else []
    # What one kind has behind the end of another comes after what that one was not searched for.
    first_end = order.sorted(ends)[0] if ends else None
    found = order.sorted(keys)
    if first_end is not None:
        found = [key for key in found if order.sorted([key, first_end])[0] == key]
    tickets = summaries_of(connection, [key.number for key in found[:limit]])
    if len(found) > limit:
        return TicketPage(tickets, found[limit - 1])
    return TicketPage(tickets, first_end, is_cut=first_end is not None)


def companies_named(connection: Connection, mailboxes: frozenset[int], name: str) -> frozenset[int]:
    """Companies of some mailboxes with this in their names, in any case."""
    query = select(_company.c.id).where(
        _company.c.mailbox_id.in_(sorted(mailboxes)),
        _company.c.name.icontains(name, autoescape=True),
    )
    return frozenset(connection.execute(query.order_by(_company.c.name).limit(COMPANIES)).scalars())


def _kinds(connection: Connection, wanted: TicketFilter) -> Iterator[_Kind]:
    """Kinds of which all tickets of the list are: as few as an index has in its order."""
    mailboxes = sorted(wanted.mailboxes)
    here: tuple[Condition, ...]
    if wanted.numbers is not None:
        yield _Kind((_ticket.c.id.in_(wanted.numbers),), frozenset({"numbers"}), in_order=False)
    elif wanted.overdue_at is not None:
        for mailbox in mailboxes:
            yield _Kind(due([mailbox], wanted.overdue_at), frozenset({"mailboxes", "overdue_at"}))
    elif wanted.claimed:
        for mailbox, status in product(mailboxes, sorted(wanted.statuses or ACTIVE)):
            claimed = and_(text(f"ticket.{CLAIMED}"))
            here = (_ticket.c.mailbox_id == mailbox, _ticket.c.status == status, claimed)
            yield _Kind(here, frozenset({"mailboxes", "statuses"}))
    elif wanted.to_review:
        flagged = select(_comment.c.ticket_id).where(
            _comment.c.mailbox_id.in_(mailboxes), text(f"comment.{FLAGGED}")
        )
        yield _Kind((_ticket.c.id.in_(flagged),), frozenset({"to_review"}), in_order=False)
    elif wanted.requester:
        yield _Kind((_ticket.c.requester == wanted.requester,), frozenset({"requester"}))
    elif wanted.companies is not None:
        for company in sorted(wanted.companies):
            yield _Kind((_ticket.c.company_id == company,), frozenset({"companies"}))
    elif wanted.assignee == "" and wanted.statuses and wanted.statuses <= ACTIVE:
        for mailbox, status in product(mailboxes, sorted(wanted.statuses)):
            here = (*unassigned(mailbox), _ticket.c.status == status)
            yield _Kind(here, frozenset({"mailboxes", "assignee", "statuses"}))
    elif wanted.assignee:
        for mailbox, status in product(mailboxes, sorted(wanted.statuses or EVERY)):
            here = (*assigned_to(mailbox, wanted.assignee), _ticket.c.status == status)
            yield _Kind(here, frozenset({"mailboxes", "assignee", "statuses"}))
    else:
        for mailbox in mailboxes:
            yield from _kinds_of(connection, wanted, mailbox)


def _kinds_of(connection: Connection, wanted: TicketFilter, mailbox: int) -> Iterator[_Kind]:
    """Those of one mailbox, of a list that no more than a tag or statuses choose."""
    here = _ticket.c.mailbox_id == mailbox
    if wanted.tag and _is_rare(connection, mailbox, wanted.tag):
        few = _ticket.c.id.in_(_tagged(mailbox, wanted.tag))
        yield _Kind((few,), frozenset({"tag"}), in_order=False)
    elif wanted.statuses:
        for status in sorted(wanted.statuses):
            of_status = _ticket.c.status == status
            yield _Kind((here, of_status), frozenset({"mailboxes", "statuses"}))
    else:
        yield _Kind((here,), frozenset({"mailboxes"}))


def _changed(wanted: TicketFilter, order: _Order) -> list[Condition]:
    """In the order of a list it is its other end."""
    if wanted.changed_since is None or not order.latest_first:
        return []
    return [_ticket.c.updated_at >= wanted.changed_since]


def _conditions(wanted: TicketFilter, covered: frozenset[str]) -> Iterator[Condition]:
    """Those that a kind does not meet by itself. A column that another index begins with is in an
    expression, for which that index is not read instead."""
    if "mailboxes" not in covered:
        yield (_ticket.c.mailbox_id + 0).in_(sorted(wanted.mailboxes))
    if wanted.statuses and "statuses" not in covered:
        yield _ticket.c.status.concat("").in_(sorted(wanted.statuses))
    if wanted.changed_since is not None and wanted.overdue_at is not None:
        yield _ticket.c.updated_at >= wanted.changed_since
    if wanted.severity:
        yield _ticket.c.severity == wanted.severity
    if wanted.assignee is not None and "assignee" not in covered:
        yield _ticket.c.assignee == wanted.assignee
    if wanted.requester and "requester" not in covered:
        yield _ticket.c.requester.concat("") == wanted.requester
    if wanted.companies is not None and "companies" not in covered:
        yield (_ticket.c.company_id + 0).in_(sorted(wanted.companies))
    if wanted.tag and "tag" not in covered:
        yield exists().where(_tag.c.ticket_id == _ticket.c.id, _tag.c.tag == wanted.tag)
    if wanted.overdue_at is not None and "overdue_at" not in covered:
        yield _ticket.c.due_at < wanted.overdue_at
    if wanted.claimed:
        yield and_(_ticket.c.critical_claimed, ~ANSWERED)
    if wanted.to_review and "to_review" not in covered:
        yield exists().where(
            _comment.c.ticket_id == _ticket.c.id, _comment.c.visibility == Visibility.PRIVATE.value
        )


def _end(
    connection: Connection, conditions: Sequence[Condition], order: _Order, examined: int
) -> TicketKey | None:
    """The end of what is examined of a kind; None where all are.

    By the time alone, which the index has: with their numbers PostgreSQL reads and sorts all.
    """
    time, _ = order.columns
    query = select(order.time).where(*conditions).order_by(time).offset(examined).limit(1)
    last = connection.execute(query).scalar()
    return order.end_of(last) if last is not None else None


def _tagged(mailbox: int, tag: str) -> Any:
    return select(_tag.c.ticket_id).where(_tag.c.mailbox_id == mailbox, _tag.c.tag == tag)


def _is_rare(connection: Connection, mailbox: int, tag: str) -> bool:
    first = _tagged(mailbox, tag).limit(RARE + 1).subquery()
    return connection.execute(select(func.count()).select_from(first)).scalar_one() <= RARE
