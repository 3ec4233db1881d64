"""The queues of a mailbox: how long each is, since when its oldest entry waits, and which of its
entries no digest has named yet.

Most queues are a query for entries with the columns `mailbox_id`, `item` (an id), `at`,
`by_anybody`, and the values of a digest's line; some are computed from a few rows. Each is looked
at by one statement for all mailboxes that are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, text

from rules.mail import Mailbox
from rules.mail.extent import whole_words
from rules.policy import Policy
from rules.service.digests import (
    LINES,
    TICKETS,
    UNNAMED,
    UNSUBMITTED_AFTER,
    QueueState,
    full_rooms,
    leaves_at,
    listed,
    shared_out,
    warned_up_to,
)
from rules.ticket.desk import DigestLine, Queue
from storage.db.tables import (
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
from storage.desk import outgoing_entries, proposed, received_entries
from storage.desk.announced import is_announced
from storage.desk.received_entries import Entries
from storage.desk.suspended import suspended_people
from storage.registry import mailboxes
from storage.ticket.clocks import FOR_PORTAL

_mail, _journal, _announced = table(MailRow), table(JournalRow), table(AnnouncedRow)
_notice, _bounced, _person = table(NoticeRow), table(BouncedRow), table(PersonRow)
_withheld = table(WithheldRow)
_comment, _ticket, _participant = table(CommentRow), table(TicketRow), table(ParticipantRow)

OF_OUTGOING = (Queue.WITHHELD, Queue.DEAD, Queue.LATE, Queue.SUSPENDED)
SHORTENED = 200
"""Characters of a text in a digest's line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueScope:
    """Whose queues are looked at, when, and which of their entries are named."""

    connection: Connection
    desks: Mapping[int, Policy]
    """Mailboxes with their policies."""
    now: datetime
    most: int
    """Entries of a queue that are named, of each mailbox."""
    announced_too: bool = False
    """Also those that a digest has named."""

    def named(self, entries: Entries, mailbox: int, queue: Queue) -> Entries:
        """Those entries of a mailbox that are named, in their order."""
        if self.announced_too:
            found = entries.subquery()
            return select(found).order_by(found.c.at)
        new = not_named(entries, mailbox, queue)
        return _by_turns(new, queue, self.connection.dialect.name)

    def announced(self, items: Collection[UUID], mailbox: int, queue: Queue) -> Set[UUID]:
        """Those of some entries that are not named, since a digest has named them."""
        if self.announced_too or not self.most:
            return frozenset()
        query = select(_announced.c.item).where(
            _announced.c.mailbox_id == mailbox,
            _announced.c.queue == queue.value,
            _announced.c.item.in_(items),
        )
        return set(self.connection.execute(query).scalars())


def states(
    connection: Connection, mailbox: Mailbox, policy: Policy, now: datetime, named: int = LINES
) -> list[QueueState]:
    """All queues of a mailbox, with `named` new entries of theirs together at most. Of one that
    takes no mail those of outgoing mail: nothing of what it holds is discarded, and no link to it
    leads anywhere."""
    scope = QueueScope(connection=connection, desks={mailbox.id: policy}, now=now, most=named)
    takes_mail = mailboxes.takes_mail(connection, mailbox)
    found = (
        look(scope, queue).get(mailbox.id, QueueState(queue, 0, None))
        for queue, look in _QUEUES.items()
        if takes_mail or queue in OF_OUTGOING
    )
    return shared_out(found, named)


def first_of(
    connection: Connection, desks: Mapping[int, Policy], now: datetime, queue: Queue, most: int
) -> Mapping[int, QueueState]:
    """A queue of each mailbox where it is not empty, with its first entries, whether or not a
    digest has named them."""
    scope = QueueScope(connection=connection, desks=desks, now=now, most=most, announced_too=True)
    return _QUEUES[queue](scope, queue)


def lengths(
    connection: Connection, desks: Mapping[int, Policy], now: datetime
) -> Mapping[int, list[QueueState]]:
    """The queues of each mailbox that are not empty, without their entries."""
    found: dict[int, list[QueueState]] = {mailbox: [] for mailbox in desks}
    for queue in _QUEUES:
        for mailbox, state in first_of(connection, desks, now, queue, most=0).items():
            found[mailbox].append(state)
    return found


def not_named(entries: Entries, mailbox: int, queue: Queue) -> Entries:
    """The entries of a queue that no digest has named, in any order."""
    found = entries.subquery()
    return select(found).where(~is_announced(mailbox, queue, found.c.item))


def _by_turns(entries: Entries, queue: Queue, dialect: str) -> Entries:
    """Proven mail first. What many mails of one side may fill, the sides take turns at, so that
    nobody's flood keeps back another's mail: of folded mails, which have no limit of their own, the
    senders; of held and refused ones the domains, in which anybody may invent senders."""
    found = entries.subquery()
    if queue is Queue.FOLDED:
        side: ColumnElement[str] = found.c.sender
    elif queue in (Queue.HELD, Queue.LEAVING, Queue.REFUSED):
        side = _domain_of(found.c.sender, dialect)
    else:
        return select(found).order_by(found.c.by_anybody, found.c.at)
    turn = func.row_number().over(partition_by=(found.c.by_anybody, side), order_by=found.c.at)
    return select(found).order_by(found.c.by_anybody, turn, found.c.at)


def _domain_of(address: ColumnElement[str], dialect: str) -> ColumnElement[str]:
    """Of an address as it is stored, which has one `@`."""
    if dialect == "postgresql":
        return func.split_part(address, "@", 2)
    return func.substr(address, func.instr(address, "@") + 1)


def item_of(*names: object) -> UUID:
    """An id for an entry that has none."""
    return uuid5(NAMESPACE_URL, "postern:" + ":".join(map(str, names)))


def _leaving(scope: QueueScope) -> Entries | None:
    before = {mailbox: warned_up_to(policy, scope.now) for mailbox, policy in scope.desks.items()}
    old = [
        and_(_mail.c.mailbox_id == mailbox, _journal.c.received_at < time)
        for mailbox, time in before.items()
        if time is not None
    ]
    return received_entries.held_entries(scope.desks).where(or_(*old)) if old else None


def _queried(
    entries: Callable[[QueueScope], Entries | None], scope: QueueScope, queue: Queue
) -> Mapping[int, QueueState]:
    query = entries(scope)
    if query is None:
        return {}
    found = query.subquery()
    counted = select(found.c.mailbox_id, func.count(), func.min(found.c.at))
    return {
        mailbox: _with_entries(entries, scope, mailbox, QueueState(queue, number, since))
        for mailbox, number, since in scope.connection.execute(
            counted.group_by(found.c.mailbox_id)
        ).all()
    }


def _with_entries(
    entries: Callable[[QueueScope], Entries | None],
    scope: QueueScope,
    mailbox: int,
    state: QueueState,
) -> QueueState:
    policy = scope.desks[mailbox]
    here = entries(replace(scope, desks={mailbox: policy}))
    if here is None or not scope.most or state.queue in UNNAMED:
        return state
    new = scope.named(here, mailbox, state.queue)
    rows = scope.connection.execute(new.limit(scope.most))
    lines = tuple(_line(state.queue, row, policy) for row in rows)
    more = 0
    if len(lines) == scope.most:
        unnamed = select(func.count()).select_from(new.order_by(None).subquery())
        more = scope.connection.execute(unnamed).scalar_one() - scope.most
    return replace(state, new=lines, more=more)


def _line(queue: Queue, row: Any, policy: Policy) -> DigestLine:
    until = leaves_at(policy, row.at) if queue in (Queue.HELD, Queue.LEAVING) else None
    return DigestLine(
        queue=queue.value,
        item=str(row.item),
        sender=row.sender,
        subject=whole_words(row.subject, SHORTENED),
        reason=row.reason,
        since=row.at.isoformat(),
        until=until.isoformat() if until else "",
        ticket=str(row.ticket or ""),
    )


_Lines = Iterator[tuple[int, DigestLine]]
"""The lines of a queue, each with its mailbox."""


def _suspended(scope: QueueScope, queue: Queue) -> _Lines:
    """Addresses that get no more mail, though they are on open tickets."""
    for person in suspended_people(scope.connection, scope.desks):
        since, more = person.since.isoformat(), len(person.tickets) - TICKETS
        yield (
            person.mailbox,
            DigestLine(
                queue.value,
                item=str(item_of(person.mailbox, person.address, since)),
                sender=person.address,
                subject=whole_words(person.why, SHORTENED),
                reason=str(more) if more > 0 else "",
                since=since,
                ticket=",".join(map(str, person.tickets[:TICKETS])),
            ),
        )


def _full(scope: QueueScope, queue: Queue) -> _Lines:
    """Senders and domains whose further mail is deferred; named once a day."""
    held = received_entries.every_held(scope.desks).subquery()
    of = (held.c.mailbox_id, held.c.sender, held.c.by_anybody)
    counted = select(*of, func.count().label("number")).group_by(*of)
    rows = scope.connection.execute(counted).all()
    for mailbox, policy in scope.desks.items():
        here = [row for row in rows if row.mailbox_id == mailbox]
        proven = {row.sender: row.number for row in here if not row.by_anybody}
        others = sum(row.number for row in here if row.by_anybody)
        for sender, limit in full_rooms(proven, others, policy).items():
            item = item_of(mailbox, "full", sender, scope.now.date())
            since = scope.now.isoformat()
            yield (
                mailbox,
                DigestLine(
                    queue.value, item=str(item), sender=sender, reason=str(limit), since=since
                ),
            )


def _of_budgets(scope: QueueScope, queue: Queue) -> _Lines:
    """Tickets about which notices were withheld, with their recipients."""
    query = (
        select(_withheld)
        .join(_ticket, _ticket.c.id == _withheld.c.ticket_id)
        .where(_withheld.c.mailbox_id.in_(sorted(scope.desks)), _ticket.c.deleted_at.is_(None))
    )
    by_ticket: dict[int, list[Any]] = {}
    for row in scope.connection.execute(query.order_by(_withheld.c.since, _withheld.c.address)):
        by_ticket.setdefault(row.ticket_id, []).append(row)
    for ticket, rows in by_ticket.items():
        mailbox, since = rows[0].mailbox_id, rows[0].since.isoformat()
        yield (
            mailbox,
            DigestLine(
                queue.value,
                item=str(item_of(mailbox, "withheld", ticket, since)),
                sender=listed([row.address for row in rows]),
                reason=str(sum(row.number for row in rows)),
                since=since,
                ticket=str(ticket),
            ),
        )


def _unsubmitted(scope: QueueScope, queue: Queue) -> _Lines:
    """Requests by mail without a promise, which nobody has submitted or accepted for a day."""
    columns = (_ticket.c.mailbox_id, _ticket.c.id, _ticket.c.requester, _ticket.c.subject)
    query = (
        select(*columns, _ticket.c.opened_at)
        .where(
            _ticket.c.mailbox_id.in_(sorted(scope.desks)),
            text(f"ticket.{WAITS}"),  # exactly the condition of the index
            _ticket.c.waiting.like(FOR_PORTAL),
            _ticket.c.opened_at < scope.now - UNSUBMITTED_AFTER,
        )
        .order_by(_ticket.c.opened_at)
    )
    for row in scope.connection.execute(query):
        yield (
            row.mailbox_id,
            DigestLine(
                queue.value,
                item=str(item_of(row.mailbox_id, "for_portal", row.id)),
                sender=row.requester,
                subject=whole_words(row.subject, SHORTENED),
                since=row.opened_at.isoformat(),
                ticket=str(row.id),
            ),
        )


def _computed(
    lines: Callable[[QueueScope, Queue], _Lines], scope: QueueScope, queue: Queue
) -> Mapping[int, QueueState]:
    by_mailbox: dict[int, dict[UUID, DigestLine]] = {}
    for mailbox, line in lines(scope, queue):
        by_mailbox.setdefault(mailbox, {})[UUID(line.item)] = line
    found = {}
    for mailbox, every in by_mailbox.items():
        before = scope.announced(every, mailbox, queue)
        new = [line for item, line in every.items() if item not in before]
        since = min(datetime.fromisoformat(line.since) for line in every.values())
        more = max(0, len(new) - scope.most)
        found[mailbox] = QueueState(queue, len(every), since, tuple(new[: scope.most]), more)
    return found


_Look = Callable[[QueueScope, Queue], Mapping[int, QueueState]]
"""A queue of each mailbox where it is not empty."""


_QUEUES: Mapping[Queue, _Look] = MappingProxyType(
    {
        Queue.HELD: partial(_queried, lambda of: received_entries.held_entries(of.desks)),
        Queue.LEAVING: partial(_queried, _leaving),
        Queue.FULL: partial(_computed, _full),
        Queue.FOLDED: partial(
            _queried, lambda of: received_entries.folded_entries(of.desks, of.now)
        ),
        Queue.REFUSED: partial(
            _queried, lambda of: received_entries.refused_entries(of.desks, of.now)
        ),
        Queue.WITHHELD: partial(_computed, _of_budgets),
        Queue.DEAD: partial(_queried, lambda of: outgoing_entries.dead(of.desks, of.now)),
        Queue.LATE: partial(_queried, lambda of: outgoing_entries.late(of.desks, of.now)),
        Queue.SUSPENDED: partial(_computed, _suspended),
        Queue.UNSUBMITTED: partial(_computed, _unsubmitted),
        Queue.INVITED: partial(_queried, lambda of: outgoing_entries.invited(of.desks, of.now)),
        Queue.FLAGGED: partial(_queried, lambda of: received_entries.flagged_entries(of.desks)),
        Queue.PROPOSED: partial(_queried, lambda of: proposed.entries(of.desks)),
        Queue.STRANGERS: partial(_queried, lambda of: received_entries.of_strangers(of.desks)),
    }
)
"""In the order of a digest."""
