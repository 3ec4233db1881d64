"""Digests that reached nobody, or that the relay puts off: what they named is named again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    TextClause,
    delete,
    exists,
    select,
    text,
    update,
)

from rules.mail import Mailbox
from rules.service.digests import LATE_AFTER, NOT_SHOWN, RECENT
from rules.ticket.desk import DigestLine, Queue
from rules.ticket.notice_payloads import from_stored
from rules.ticket.notices import NoticeKind, NoticeState
from rules.ticket.payloads import DigestPayload
from storage.db.tables import DEAD, AnnouncedRow, NoticeRow, table
from storage.ticket.withheld import count_withheld

_announced, _notice = table(AnnouncedRow), table(NoticeRow)
_other = _notice.alias("other")


PUT_OFF = LATE_AFTER / 2
"""The relay accepts mail if it has accepted any that was ordered lately, so long ago at least:
after an outage a digest is sent within this time."""
REPLACED = "a later digest has what it named"


def is_any_lost(connection: Connection, mailbox: Mailbox, now: datetime) -> bool:
    """Whether anything counts as named that nobody was sent."""
    return bool(_lost_at(connection, mailbox, now))


def take_back(connection: Connection, mailbox: Mailbox, now: datetime) -> None:
    """What only such digests of the last week have named counts as not named. One that is put off
    still is given up for the next."""
    for at in _lost_at(connection, mailbox, now):
        put_off = update(_notice).where(
            _is_digest(mailbox),
            _notice.c.created_at == at,
            _notice.c.state == NoticeState.DUE.value,
            _notice.c.claimed_by.is_(None),
        )
        connection.execute(put_off.values(state=NoticeState.DEAD.value, last_error=REPLACED))
        here = (_announced.c.mailbox_id == mailbox.id) & (_announced.c.announced_at == at)
        if not connection.execute(delete(_announced).where(here)).rowcount:
            continue  # another node has done it meanwhile
        details = connection.execute(
            select(_notice.c.detail).where(_is_digest(mailbox), _notice.c.created_at == at).limit(1)
        ).scalars()
        for detail in details:
            lines = from_stored(DigestPayload, json.loads(detail)).lines
            count_withheld(connection, [row for line in lines for row in _withheld(mailbox, line)])


def reached_nobody(connection: Connection, mailbox: Mailbox, at: datetime | None) -> bool:
    """Whether the digests that were ordered at a time were given up, or came back, one and all."""
    query = select(_notice.c.state).where(_is_digest(mailbox), _notice.c.created_at == at)
    found = connection.execute(query).scalars().all()
    return bool(found) and all(state == NoticeState.DEAD.value for state in found)


def was_made_again(connection: Connection, mailbox: Mailbox, at: datetime | None) -> bool:
    """Whether the digests that were ordered at a time came in place of ones before."""
    query = select(_notice.c.detail).where(_is_digest(mailbox), _notice.c.created_at == at)
    detail = connection.execute(query.limit(1)).scalar()
    return detail is not None and from_stored(DigestPayload, json.loads(detail)).again


def _lost_at(connection: Connection, mailbox: Mailbox, now: datetime) -> Sequence[datetime]:
    """When the digests of the last week were ordered that reached nobody and have named something.
    One that still waits, or was sent to one of the staff, is not lost."""
    refused = _ordered_at(
        mailbox,
        now,
        text(f"notice.{DEAD}"),  # exactly the condition of the index
        ~_has_copy(mailbox, _other.c.state != NoticeState.DEAD.value),
    )
    found = list(connection.execute(refused).scalars())
    put_off = _ordered_at(
        mailbox,
        now,
        _notice.c.state == NoticeState.DUE.value,
        _notice.c.attempts > 0,
        _notice.c.created_at < now - LATE_AFTER,
        ~_has_copy(mailbox, _other.c.state == NoticeState.SENT.value),
    )
    late = connection.execute(put_off).scalars().all()
    return [*found, *late] if late and _accepts_mail(connection, mailbox, now) else found


def _accepts_mail(connection: Connection, mailbox: Mailbox, now: datetime) -> bool:
    """Whether the relay accepts mail: then one that it puts off has something that it does not
    like."""
    accepted = select(_notice.c.id).where(
        _notice.c.mailbox_id == mailbox.id,
        _notice.c.created_at > now - LATE_AFTER,
        _notice.c.state == NoticeState.SENT.value,
        _notice.c.sent_at < now - PUT_OFF,
    )
    return connection.execute(accepted.limit(1)).first() is not None


def _has_copy(mailbox: Mailbox, which: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(
        _other.c.mailbox_id == mailbox.id,
        _other.c.ticket_id.is_(None),
        _other.c.kind == NoticeKind.DIGEST.value,
        _other.c.created_at == _notice.c.created_at,
        which,
    )


def _ordered_at(
    mailbox: Mailbox, now: datetime, *which: ColumnElement[bool] | TextClause
) -> Select[Any]:
    """When digests of the last week were ordered that have named something."""
    has_named = exists().where(
        _announced.c.mailbox_id == mailbox.id, _announced.c.announced_at == _notice.c.created_at
    )
    query = select(_notice.c.created_at).where(
        *which, _notice.c.created_at > now - RECENT, _is_digest(mailbox), has_named
    )
    return query.distinct()


def _is_digest(mailbox: Mailbox) -> ColumnElement[bool]:
    return (
        (_notice.c.mailbox_id == mailbox.id)
        & _notice.c.ticket_id.is_(None)  # has an index with the time
        & (_notice.c.kind == NoticeKind.DIGEST.value)
    )


def _withheld(mailbox: Mailbox, line: DigestLine) -> Iterator[dict[str, object]]:
    """The counts that a line about withheld notices replaced; of several recipients each has one,
    and the first has the rest. A line that shows no recipient has one count for all of them."""
    if line.queue != Queue.WITHHELD.value:
        return
    addresses = [each for each in line.sender.replace(",", " ").split() if "@" in each]
    addresses = addresses or [NOT_SHOWN]
    for place, address in enumerate(addresses):
        yield {
            "mailbox_id": mailbox.id,
            "ticket_id": int(line.ticket),
            "address": address,
            "number": int(line.reason) - len(addresses) + 1 if place == 0 else 1,
            "since": datetime.fromisoformat(line.since),
        }
