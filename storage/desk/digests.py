"""The digests of a mailbox: ordered at most once an hour by all nodes together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, delete, exists, insert, literal, select, tuple_

from rules.decision.reasons import Reason
from rules.mail import Mailbox
from rules.people import Role
from rules.policy import Policy
from rules.service.digests import (
    REMEMBERED_FOR,
    QueueState,
    digest_orders,
    is_due,
    is_worth_it,
)
from rules.ticket.changes import Source
from rules.ticket.desk import Queue
from storage.db.tables import (
    AnnouncedRow,
    DigestRow,
    JournalRow,
    PersonRow,
    TicketRow,
    WithheldRow,
    table,
)
from storage.desk import empty_desk, lost_digests, queues, received_entries, turns
from storage.registry import lookup, mailboxes
from storage.ticket.rows import ChangeContext, queue_notices

_announced, _digest, _withheld = table(AnnouncedRow), table(DigestRow), table(WithheldRow)
_journal, _person, _ticket = table(JournalRow), table(PersonRow), table(TicketRow)
FORGOTTEN_AT_ONCE = 500


def may_be_ordered(connection: Connection, mailbox: Mailbox, now: datetime) -> bool:
    """Whether the last digest of a mailbox is an hour old, or there was none."""
    return is_due(connection.execute(_last(mailbox)).scalar(), now)


def has_new_held(connection: Connection, mailbox: Mailbox) -> bool:
    """Whether a mail is held that no digest has named: the quick look between two full ones.

    Without what may be an answer to the last digest, see `is_worth_it`.
    """
    by_staff = exists().where(
        _person.c.mailbox_id == mailbox.id,
        _person.c.address == _journal.c.author,
        _person.c.role == Role.STAFF.value,
    )
    may_answer = (_journal.c.reason == Reason.AUTOMATIC_UNCLEAR.value) & by_staff
    entries = received_entries.held_entries([mailbox.id]).where(~may_answer)
    new = queues.not_named(entries, mailbox.id, Queue.HELD)
    return connection.execute(new.limit(1)).first() is not None


def order_digest(
    connection: Connection,
    mailbox: Mailbox,
    policy: Policy,
    now: datetime,
    new_id: Callable[[], UUID],
) -> int | None:
    """Order a digest for each of the staff if anything is new; returns how many. None if something
    is new, or a ticket is open, and mail reaches nobody of the staff: administrators are notified,
    and it is looked at again an hour later.

    If the one before reached nobody, since a filter refused it for the words of a subject, the next
    one has none of them, and the one after that no senders either: else one mail would keep the
    others from being seen.
    """
    lost_digests.take_back(connection, mailbox, now)
    if policy.staff.notify == "none":
        return 0
    found = queues.states(connection, mailbox, policy, now)
    is_new = any(state.new for state in found)
    staff = lookup.reachable_staff(connection, mailbox)
    if not staff:
        waits = is_new or mailboxes.has_open_tickets(connection, mailbox)
        if not (waits and empty_desk.take_turn(connection, mailbox, now)):
            return 0
        empty_desk.notify_administrators(connection, mailbox, now, new_id)
        return None
    last = connection.execute(_last(mailbox)).scalar()
    if not is_new or not is_worth_it(found, {each.address for each in staff}, last, now):
        return 0
    again = lost_digests.reached_nobody(connection, mailbox, last)
    orders = digest_orders(
        found,
        staff,
        mailboxes.own_addresses(connection),
        policy,
        again=again,
        without_senders=again and lost_digests.was_made_again(connection, mailbox, last),
    )
    if not _take_turn(connection, mailbox, now):
        return 0
    context = ChangeContext(mailbox, "", Source.SYSTEM, now, new_id)
    queue_notices(connection, context, orders, ticket=None)
    _remember(connection, mailbox, found, now)
    return len(orders)


def forget(connection: Connection, now: datetime) -> int:
    """Delete some records of what was named long ago; returns how many."""
    key = (_announced.c.mailbox_id, _announced.c.queue, _announced.c.item)
    old = (
        select(*key)
        .where(_announced.c.announced_at < now - REMEMBERED_FOR)
        .limit(FORGOTTEN_AT_ONCE)
    )
    return connection.execute(delete(_announced).where(tuple_(*key).in_(old))).rowcount


def _last(mailbox: Mailbox) -> Select[Any]:
    return select(_digest.c.last_at).where(_digest.c.mailbox_id == mailbox.id)


def _take_turn(connection: Connection, mailbox: Mailbox, now: datetime) -> bool:
    """Record that a digest is ordered now; False if another node has ordered one within the
    hour."""
    return turns.take(connection, _digest, mailbox, now)


def _remember(
    connection: Connection, mailbox: Mailbox, found: Sequence[QueueState], now: datetime
) -> None:
    """Record what a digest names. Of mails that anybody can have sent, its number of further ones
    is enough: however many come, they cause no digest of their own."""
    rows = [
        {"mailbox_id": mailbox.id, "queue": line.queue, "item": UUID(line.item)}
        for state in found
        for line in state.new
    ]
    connection.execute(insert(_announced), [row | {"announced_at": now} for row in rows])
    _forget_withheld(connection, mailbox, found)
    for state in found:
        if state.more and state.queue is Queue.HELD:
            _remember_rest(connection, mailbox, now)


def _forget_withheld(connection: Connection, mailbox: Mailbox, found: Sequence[QueueState]) -> None:
    """Withheld notices wait for nothing but the digest that names them; of a deleted ticket, which
    nobody reads any more, for nothing."""
    lines = (line for state in found if state.queue is Queue.WITHHELD for line in state.new)
    tickets = [int(line.ticket) for line in lines]
    is_deleted = exists().where(
        _ticket.c.id == _withheld.c.ticket_id, _ticket.c.deleted_at.is_not(None)
    )
    here = _withheld.c.mailbox_id == mailbox.id
    connection.execute(delete(_withheld).where(here, _withheld.c.ticket_id.in_(tickets)))
    connection.execute(delete(_withheld).where(here, is_deleted))


def _remember_rest(connection: Connection, mailbox: Mailbox, now: datetime) -> None:
    held = received_entries.held_entries([mailbox.id])
    rest = queues.not_named(held, mailbox.id, Queue.HELD).subquery()
    columns = ["mailbox_id", "queue", "item", "announced_at"]
    values = select(
        literal(mailbox.id),
        literal(Queue.HELD.value),
        rest.c.item,
        literal(now, _announced.c.announced_at.type),
    ).where(rest.c.by_anybody == 1)
    connection.execute(insert(_announced).from_select(columns, values))
