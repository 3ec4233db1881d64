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

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, or_, select, text

from rules.people import Role
from rules.ticket.audit import AuditEvent
from rules.ticket.lifecycle import Status
from rules.ticket.visibility import Visibility
from storage.db.tables import (
    ASSIGNED,
    CLAIMED,
    DUE,
    FLAGGED,
    AuditRow,
    CommentRow,
    CompanyRow,
    PersonRow,
    TicketRow,
    TicketTagRow,
    table,
)
from storage.ticket.summaries import TicketSummary, summaries_of

_ticket, _comment, _person = table(TicketRow), table(CommentRow), table(PersonRow)
_audit, _tag, _company = table(AuditRow), table(TicketTagRow), table(CompanyRow)

EXAMINED = 20_000
RARE = 2_000
"""Tickets of a tag that are read as a whole; of a more frequent one, the latest are looked for."""
COMPANIES = 20
"""Companies whose names have what was asked for, at most."""
EVERY = frozenset(status.value for status in Status)
ACTIVE = frozenset((Status.OPEN.value, Status.PENDING.value))

Condition = ColumnElement[bool]


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
        return key if key.at.tzinfo is not None else None


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


class WaitingTickets(NamedTuple):
    """How many tickets wait for something, and since when the first of them does."""

    number: int
    since: datetime | None
    is_cut: bool = False
    """There may be more."""


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

    def behind(self, key: TicketKey | None) -> list[Condition]:
        if key is None:
            return []
        at, number = self.time, _ticket.c.id
        # With a limit of its own for the time, which the index has in this order.
        if self.latest_first:
            return [at <= key.at, or_(at < key.at, and_(at == key.at, number < key.number))]
        return [at >= key.at, or_(at > key.at, and_(at == key.at, number > key.number))]

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
        conditions = [*kind.conditions, *order.behind(after), *_changed(wanted, order)]
        rest = list(_conditions(wanted, kind.covers))
        if rest and kind.in_order and (end := _end(connection, conditions, order, examined)):
            ends.append(end)
            conditions.append(order.up_to(end.at))
        query = (
            select(order.time.label("at"), _ticket.c.id)
            .where(*conditions, *rest, _ticket.c.deleted_at.is_(None))
            .order_by(*order.columns)
            .limit(limit + 1)
        )
        keys.extend(TicketKey(row.at, row.id) for row in connection.execute(query))
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


def overdue(connection: Connection, mailbox: int, now: datetime) -> WaitingTickets:
    """The tickets of a mailbox whose answer is overdue, and since when the first is."""
    # The index has all that is read: nothing is due on a deleted ticket.
    query = select(func.count(), func.min(_ticket.c.due_at)).where(*_due(mailbox, now))
    return WaitingTickets(*connection.execute(query).one())


def unanswered_claims(connection: Connection, mailbox: int) -> WaitingTickets:
    """The tickets of a mailbox that are claimed as critical, without an answer since."""
    query = select(func.count(), func.min(_CLAIMED_AT)).where(
        _ticket.c.mailbox_id == mailbox,
        _ticket.c.status.in_(sorted(ACTIVE)),
        text(f"ticket.{CLAIMED}"),
        _ticket.c.deleted_at.is_(None),
        ~_ANSWERED,
    )
    return WaitingTickets(*connection.execute(query).one())


def assigned(connection: Connection, mailbox: int, address: str) -> WaitingTickets:
    """The tickets of a mailbox that a person works on, and when the first of them last changed."""
    query = select(func.count(), func.min(_ticket.c.updated_at)).where(
        *_assigned(mailbox, address),  # the index has all that is read
        _ticket.c.status.in_(sorted(ACTIVE)),
        _ticket.c.deleted_at.is_(None),
    )
    return WaitingTickets(*connection.execute(query).one())


def unassigned(connection: Connection, mailbox: int, examined: int = EXAMINED) -> WaitingTickets:
    """The tickets of a mailbox that nobody works on, of each status among the `examined` that have
    waited the longest for a change, and when the first of them last changed."""
    number, sinces, is_cut = 0, list[datetime](), False
    for status in sorted(ACTIVE):
        oldest = (
            select(_ticket.c.assignee, _ticket.c.deleted_at, _ticket.c.updated_at)
            .where(_ticket.c.mailbox_id == mailbox, _ticket.c.status == status)
            .order_by(_ticket.c.updated_at)
            .limit(examined)
            .subquery()
        )
        is_nobodys = (oldest.c.assignee == "") & oldest.c.deleted_at.is_(None)
        query = select(
            func.count(),
            func.count(case((is_nobodys, 1))),
            func.min(case((is_nobodys, oldest.c.updated_at))),
        )
        looked_at, found, since = connection.execute(query).one()
        number, is_cut = number + found, is_cut or looked_at == examined
        sinces += [since] if since is not None else []
    return WaitingTickets(number, min(sinces, default=None), is_cut)


_CLAIMED_AT: ColumnElement[datetime] = func.coalesce(
    select(func.max(_audit.c.at))
    .where(
        _audit.c.ticket_id == _ticket.c.id,
        _audit.c.event == AuditEvent.SEVERITY_CLAIMED.value,
    )
    .correlate(_ticket)
    .scalar_subquery(),
    _ticket.c.opened_at,
    type_=_ticket.c.opened_at.type,
)
"""When the last claim was made: the first one is in the mail that opened the ticket."""
_ANSWERED = exists().where(
    _comment.c.ticket_id == _ticket.c.id,
    _comment.c.visibility == Visibility.PUBLIC.value,
    _comment.c.written_at > _CLAIMED_AT,
    _person.c.mailbox_id == _comment.c.mailbox_id,
    _person.c.address == _comment.c.author,
    _person.c.role == Role.STAFF.value,
)


def _due(mailbox: int, before: datetime) -> tuple[Condition, ...]:
    # The text is exactly the condition of the index.
    due = text(f"ticket.{DUE}")
    return _ticket.c.mailbox_id == mailbox, and_(due), _ticket.c.due_at < before


def _assigned(mailbox: int, address: str) -> tuple[Condition, ...]:
    is_assigned = and_(text(ASSIGNED))  # exactly the condition of the index
    return _ticket.c.mailbox_id == mailbox, is_assigned, _ticket.c.assignee == address


def _kinds(connection: Connection, wanted: TicketFilter) -> Iterator[_Kind]:
    """Kinds of which all tickets of the list are: as few as an index has in its order."""
    mailboxes = sorted(wanted.mailboxes)
    here: tuple[Condition, ...]
    if wanted.numbers is not None:
        yield _Kind((_ticket.c.id.in_(wanted.numbers),), frozenset({"numbers"}), in_order=False)
    elif wanted.overdue_at is not None:
        for mailbox in mailboxes:
            yield _Kind(_due(mailbox, wanted.overdue_at), frozenset({"mailboxes", "overdue_at"}))
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
    elif wanted.assignee:
        for mailbox, status in product(mailboxes, sorted(wanted.statuses or EVERY)):
            here = (*_assigned(mailbox, wanted.assignee), _ticket.c.status == status)
            yield _Kind(here, frozenset({"mailboxes", "assignee", "statuses"}))
    elif wanted.tag and _is_rare(connection, wanted):
        yield _Kind((_ticket.c.id.in_(_tagged(wanted)),), frozenset({"tag"}), in_order=False)
    elif wanted.statuses:
        for mailbox, status in product(mailboxes, sorted(wanted.statuses)):
            here = (_ticket.c.mailbox_id == mailbox, _ticket.c.status == status)
            yield _Kind(here, frozenset({"mailboxes", "statuses"}))
    else:
        for mailbox in mailboxes:
            yield _Kind((_ticket.c.mailbox_id == mailbox,), frozenset({"mailboxes"}))


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
        yield and_(_ticket.c.critical_claimed, ~_ANSWERED)
    if wanted.to_review and "to_review" not in covered:
        yield exists().where(
            _comment.c.ticket_id == _ticket.c.id, _comment.c.visibility == Visibility.PRIVATE.value
        )


def _end(
    connection: Connection, conditions: Sequence[Condition], order: _Order, examined: int
) -> TicketKey | None:
    """The last ticket of a kind that is examined; None where all are."""
    query = select(order.time.label("at"), _ticket.c.id).where(*conditions)
    row = connection.execute(query.order_by(*order.columns).offset(examined).limit(1)).one_or_none()
    return TicketKey(row.at, row.id) if row is not None else None


def _tagged(wanted: TicketFilter) -> Any:
    return select(_tag.c.ticket_id).where(
        _tag.c.mailbox_id.in_(sorted(wanted.mailboxes)), _tag.c.tag == wanted.tag
    )


def _is_rare(connection: Connection, wanted: TicketFilter) -> bool:
    first = _tagged(wanted).limit(RARE + 1).subquery()
    return connection.execute(select(func.count()).select_from(first)).scalar_one() <= RARE
