"""The queues of a mailbox: how long each is, since when its oldest entry waits, and which of its
entries no digest has named yet.

Most queues are a query for entries with the columns `item` (an id), `at`, `by_anybody`, and the
values of a digest's line; two are computed from a few rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import Connection, Select, case, exists, func, literal, select, text

from rules.decision.reasons import Reason
from rules.mail import Mailbox
from rules.policy import Policy
from rules.service.digests import (
    FOLDED_FOR,
    LINES,
    UNNAMED,
    UNSUBMITTED_AFTER,
    QueueState,
    full_rooms,
    leaves_at,
    shared_out,
    warned_up_to,
)
from rules.ticket.desk import DigestLine, Queue
from rules.ticket.lifecycle import Status
from storage.db.tables import (
    FLAGGED,
    FOLDED,
    WAITS,
    AnnouncedRow,
    BouncedRow,
    CommentRow,
    JournalRow,
    MailRow,
    NoticeRow,
    ParticipantRow,
    PersonRow,
    TicketRow,
    WithheldRow,
    table,
)
from storage.desk import outgoing_entries, proposed
from storage.desk.suspended import suspended_people
from storage.ticket.clocks import FOR_PORTAL

_mail, _journal, _announced = table(MailRow), table(JournalRow), table(AnnouncedRow)
_notice, _bounced, _person = table(NoticeRow), table(BouncedRow), table(PersonRow)
_withheld = table(WithheldRow)
_comment, _ticket, _participant = table(CommentRow), table(TicketRow), table(ParticipantRow)

OF_STRANGERS = (Reason.STRANGER_HELD.value, Reason.STRANGER_RELAYED.value)
SHORTENED = 200
"""Characters of a text in a digest's line."""

Entries = Select[Any]


@dataclass(frozen=True, slots=True)
class QueueScope:
    """Whose queues are looked at, and when."""

    connection: Connection
    mailbox: Mailbox
    policy: Policy
    now: datetime
    announced_too: bool = False
    """Also the entries that a digest has named."""


def states(
    connection: Connection, mailbox: Mailbox, policy: Policy, now: datetime, named: int = LINES
) -> list[QueueState]:
    """All queues of a mailbox, with `named` new entries of theirs together at most."""
    scope = QueueScope(connection, mailbox, policy, now)
    return shared_out((look(scope, queue, named) for queue, look in _QUEUES.items()), named)


def first_of(
    connection: Connection, mailbox: Mailbox, policy: Policy, now: datetime, queue: Queue, most: int
) -> QueueState:
    """A queue of a mailbox with its first entries, whether or not a digest has named them."""
    scope = QueueScope(connection, mailbox, policy, now, announced_too=True)
    return _QUEUES[queue](scope, queue, most)


def held_entries(mailbox: int) -> Entries:
    """The held mails that digests name: those of proven senders first."""
    return _held(mailbox).where(_journal.c.reason.not_in(OF_STRANGERS))


def not_named(entries: Entries, mailbox: int, queue: Queue) -> Entries:
    """The entries of a queue that no digest has named. Folded mails have no limit of their own, so
    the senders take turns there: nobody's flood keeps back another's mail."""
    found = entries.subquery()
    named = exists().where(
        _announced.c.mailbox_id == mailbox,
        _announced.c.queue == queue.value,
        _announced.c.item == found.c.item,
    )
    new = select(found).where(~named)
    if queue is not Queue.FOLDED:
        return new.order_by(found.c.by_anybody, found.c.at)
    turn = func.row_number().over(partition_by=found.c.sender, order_by=found.c.at)
    return new.order_by(turn, found.c.at)


def item_of(*names: object) -> UUID:
    """An id for an entry that has none."""
    return uuid5(NAMESPACE_URL, "postern:" + ":".join(map(str, names)))


def _held(mailbox: int) -> Entries:
    return (
        select(
            _journal.c.id.label("item"),
            _journal.c.received_at.label("at"),
            case((_journal.c.network != "", 1), else_=0).label("by_anybody"),
            _journal.c.author.label("sender"),
            _journal.c.subject.label("subject"),
            _journal.c.reason.label("reason"),
            literal("").label("ticket"),
        )
        .join_from(_mail, _journal, _mail.c.journal_id == _journal.c.id)
        .where(_mail.c.mailbox_id == mailbox, _mail.c.state == "held")
    )


def _leaving(scope: QueueScope) -> Entries | None:
    before = warned_up_to(scope.policy, scope.now)
    return held_entries(scope.mailbox.id).where(_journal.c.received_at < before) if before else None


def _flagged(scope: QueueScope) -> Entries:
    return (
        select(_comment.c.written_at.label("at"))
        .join_from(_comment, _ticket, _comment.c.ticket_id == _ticket.c.id)
        .where(
            _comment.c.mailbox_id == scope.mailbox.id,
            text(f"comment.{FLAGGED}"),  # exactly the condition of the index
            _ticket.c.status != Status.CLOSED.value,
            _ticket.c.deleted_at.is_(None),
        )
    )


def folded_entries(mailbox: int, now: datetime) -> Entries:
    """The folded mails that digests name, on closed tickets too: there nothing else says it."""
    return (
        select(
            _comment.c.journal_id.label("item"),
            _comment.c.written_at.label("at"),
            literal(0).label("by_anybody"),
            _comment.c.author.label("sender"),
            _comment.c.subject.label("subject"),
            literal(Reason.AUTOMATIC_FOLDED.value).label("reason"),
            _comment.c.ticket_id.label("ticket"),
        )
        .join_from(_comment, _ticket, _comment.c.ticket_id == _ticket.c.id)
        .where(
            _comment.c.mailbox_id == mailbox,
            text(f"comment.{FOLDED}"),  # exactly the condition of the index
            _comment.c.written_at > now - FOLDED_FOR,
            _ticket.c.deleted_at.is_(None),
        )
    )


def _folded(scope: QueueScope) -> Entries:
    return folded_entries(scope.mailbox.id, scope.now)


def _late(scope: QueueScope) -> Entries:
    return outgoing_entries.late(scope.mailbox.id, scope.now)


def _dead(scope: QueueScope) -> Entries:
    return outgoing_entries.dead(scope.mailbox.id, scope.now)


def _invited(scope: QueueScope) -> Entries:
    return outgoing_entries.invited(scope.mailbox.id, scope.now)


def _queried(
    entries: Callable[[QueueScope], Entries | None], scope: QueueScope, queue: Queue, named: int
) -> QueueState:
    connection, mailbox = scope.connection, scope.mailbox
    query = entries(scope)
    if query is None:
        return QueueState(queue, 0, None)
    found = query.subquery()
    number, since = connection.execute(select(func.count(), func.min(found.c.at))).one()
    if not (number and named) or (queue in UNNAMED and not scope.announced_too):
        return QueueState(queue, number, since)
    if scope.announced_too:
        new = select(found).order_by(found.c.at)
    else:
        new = not_named(query, mailbox.id, queue)
    lines = tuple(_line(queue, row, scope.policy) for row in connection.execute(new.limit(named)))
    more = 0
    if len(lines) == named:
        unnamed = new.order_by(None).subquery()
        more = connection.execute(select(func.count()).select_from(unnamed)).scalar_one() - named
    return QueueState(queue, number, since, lines, more)


def _line(queue: Queue, row: Any, policy: Policy) -> DigestLine:
    until = leaves_at(policy, row.at) if queue in (Queue.HELD, Queue.LEAVING) else None
    return DigestLine(
        queue=queue.value,
        item=str(row.item),
        sender=row.sender,
        subject=row.subject[:SHORTENED],
        reason=row.reason,
        since=row.at.isoformat(),
        until=until.isoformat() if until else "",
        ticket=str(row.ticket or ""),
    )


def _suspended(scope: QueueScope, queue: Queue, named: int) -> QueueState:
    """Addresses that get no more mail, though they are on open tickets."""
    lines: dict[UUID, DigestLine] = {}
    for person in suspended_people(scope.connection, scope.mailbox.id):
        since = person.since.isoformat()
        item = item_of(scope.mailbox.id, person.address, since)
        lines[item] = DigestLine(
            queue.value,
            item=str(item),
            sender=person.address,
            subject=person.why[:SHORTENED],
            since=since,
            ticket=",".join(map(str, person.tickets))[:SHORTENED],
        )
    return _computed(scope, queue, lines, named)


def _full(scope: QueueScope, queue: Queue, named: int) -> QueueState:
    """Senders and domains whose further mail is deferred; named once a day."""
    connection, mailbox, now = scope.connection, scope.mailbox, scope.now
    held = _held(mailbox.id).subquery()
    counted = select(held.c.sender, held.c.by_anybody, func.count().label("number"))
    rows = connection.execute(counted.group_by(held.c.sender, held.c.by_anybody)).all()
    proven = {row.sender: row.number for row in rows if not row.by_anybody}
    others = sum(row.number for row in rows if row.by_anybody)
    lines = {}
    for of, limit in full_rooms(proven, others, scope.policy).items():
        item = item_of(mailbox.id, "full", of, now.date())
        lines[item] = DigestLine(
            queue.value, item=str(item), sender=of, reason=str(limit), since=now.isoformat()
        )
    return _computed(scope, queue, lines, named)


def _of_budgets(scope: QueueScope, queue: Queue, named: int) -> QueueState:
    """Tickets about which notices were withheld, with their recipients."""
    query = select(_withheld).where(_withheld.c.mailbox_id == scope.mailbox.id)
    by_ticket: dict[int, list[Any]] = {}
    for row in scope.connection.execute(query.order_by(_withheld.c.since, _withheld.c.address)):
        by_ticket.setdefault(row.ticket_id, []).append(row)
    lines: dict[UUID, DigestLine] = {}
    for ticket, rows in by_ticket.items():
        since = rows[0].since.isoformat()
        item = item_of(scope.mailbox.id, "withheld", ticket, since)
        lines[item] = DigestLine(
            queue.value,
            item=str(item),
            sender=", ".join(row.address for row in rows)[:SHORTENED],
            reason=str(sum(row.number for row in rows)),
            since=since,
            ticket=str(ticket),
        )
    return _computed(scope, queue, lines, named)


def _unsubmitted(scope: QueueScope, queue: Queue, named: int) -> QueueState:
    """Requests by mail without a promise, which nobody has submitted or accepted for a day."""
    query = (
        select(_ticket.c.id, _ticket.c.requester, _ticket.c.subject, _ticket.c.opened_at)
        .where(
            _ticket.c.mailbox_id == scope.mailbox.id,
            text(f"ticket.{WAITS}"),  # exactly the condition of the index
            _ticket.c.waiting.like(FOR_PORTAL),
            _ticket.c.opened_at < scope.now - UNSUBMITTED_AFTER,
        )
        .order_by(_ticket.c.opened_at)
    )
    lines: dict[UUID, DigestLine] = {}
    for row in scope.connection.execute(query):
        item = item_of(scope.mailbox.id, "for_portal", row.id)
        lines[item] = DigestLine(
            queue.value,
            item=str(item),
            sender=row.requester,
            subject=row.subject[:SHORTENED],
            since=row.opened_at.isoformat(),
            ticket=str(row.id),
        )
    return _computed(scope, queue, lines, named)


def _computed(
    scope: QueueScope, queue: Queue, lines: dict[UUID, DigestLine], named: int
) -> QueueState:
    if not lines:
        return QueueState(queue, 0, None)
    query = select(_announced.c.item).where(
        _announced.c.mailbox_id == scope.mailbox.id,
        _announced.c.queue == queue.value,
        _announced.c.item.in_(lines),
    )
    before = set() if scope.announced_too else set(scope.connection.execute(query).scalars())
    new = [line for item, line in lines.items() if item not in before]
    since = min(datetime.fromisoformat(line.since) for line in lines.values())
    return QueueState(queue, len(lines), since, tuple(new[:named]), max(0, len(new) - named))


def _held_named(scope: QueueScope) -> Entries:
    return held_entries(scope.mailbox.id)


def _of_strangers(scope: QueueScope) -> Entries:
    return _held(scope.mailbox.id).where(_journal.c.reason.in_(OF_STRANGERS))


_Look = Callable[[QueueScope, Queue, int], QueueState]
_QUEUES: Mapping[Queue, _Look] = MappingProxyType(
    {
        Queue.HELD: partial(_queried, _held_named),
        Queue.LEAVING: partial(_queried, _leaving),
        Queue.FULL: _full,
        Queue.FOLDED: partial(_queried, _folded),
        Queue.WITHHELD: _of_budgets,
        Queue.DEAD: partial(_queried, _dead),
        Queue.LATE: partial(_queried, _late),
        Queue.SUSPENDED: _suspended,
        Queue.UNSUBMITTED: _unsubmitted,
        Queue.INVITED: partial(_queried, _invited),
        Queue.FLAGGED: partial(_queried, _flagged),
        Queue.PROPOSED: partial(_queried, lambda scope: proposed.entries(scope.mailbox.id)),
        Queue.STRANGERS: partial(_queried, _of_strangers),
    }
)
"""In the order of a digest."""
