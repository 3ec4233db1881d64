"""What the relay has refused for good since it last accepted a mail: evidence against the relay, or
against the only address that it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, delete, exists, func, select, update

from rules.mail.addresses import domain_of
from rules.mail.relay_refusals import DOMAINS, is_of_relay
from rules.ticket.notice_timing import GIVE_UP_AFTER
from rules.ticket.notices import NoticeKind, NoticeState
from storage.db.statements import insert_into
from storage.db.tables import NoticeRow, RelayRefusalRow, table
from storage.notices import outbox, suppression
from storage.notices.outbox import Notice
from storage.ticket.rows import storable

_refusal, _notice = table(RelayRefusalRow), table(NoticeRow)
_THE_RELAY = UUID(int=0)
_RECENT = (_refusal.c.notice_id != _THE_RELAY) & ~_refusal.c.accepted_since
"""Refused since the relay last accepted a mail."""
WITH_ANOTHER = 2
"""Distinct addresses, of which the other shows that the relay is to blame."""


@dataclass(frozen=True, slots=True)
class RefusedMail:
    """What became of a mail whose recipient was refused."""

    given_up: bool
    """Otherwise the relay is to blame, and it is put off."""
    taken_back: int = 0
    """Mails that had been given up before anything blamed the relay, and are due again."""


@dataclass(frozen=True, slots=True)
class RelayTrouble:
    """The relay accepts nothing."""

    since: datetime
    why: str
    """Its words, or what keeps it from being reached."""
    recipients: int
    """So many were refused one after the other; 0 for a relay that is down."""
    is_certain: bool = True
    """Where little is sent, a few recipients may be wrong addresses one after the other."""


def recipient_refused(
    connection: Connection,
    notice: Notice,
    why: str,
    *,
    hard: bool,
    now: datetime,
    again: datetime | None,
) -> RefusedMail:
    """Record that the relay refused the recipient of a mail for good. If that blames their address,
    the mail is given up, and a `hard` failure counts; else it is tried `again`, and what was given
    up before it is taken back. None for a mail that was tried long enough: it is given up, and does
    not count.

    An invitation, which anybody can have sent anywhere, is no evidence: nothing is taken
    back for it.
    """
    here = _refusal.c.notice_id == notice.id
    before = connection.execute(select(_refusal.c.accepted_since).where(here)).scalar()
    others = select(_refusal.c.address).where(_RECENT, _refusal.c.address != notice.address)
    refused = connection.execute(others.limit(1)).scalars().all()
    if not is_of_relay(notice.address, refused, accepted_since=bool(before)):
        counted = outbox.give_up(connection, notice.id, why, hard=hard, now=now)
        if before:
            connection.execute(delete(_refusal).where(here))
        else:
            _remember(connection, notice, why, now, given_up=True, counted=counted)
        return RefusedMail(given_up=True)
    _remember(connection, notice, why, now, given_up=False, counted=False)
    if again is None:
        outbox.give_up(connection, notice.id, why, hard=False, now=now)
    else:
        outbox.put_off(connection, notice.id, again, why)
    is_evidence = notice.kind is not NoticeKind.INVITATION
    return RefusedMail(again is None, _take_back(connection, now) if is_evidence else 0)


def down(connection: Connection, why: str, now: datetime) -> None:
    """Record that the relay accepts nothing from us."""
    _insert(connection, _THE_RELAY, "", why, now)


def accepted(connection: Connection) -> None:
    """The relay has accepted a mail: nothing of before says anything about it any more. If it
    refuses one of the same mails again, it knows others, and that address is to blame."""
    is_due = exists().where(
        _notice.c.id == _refusal.c.notice_id, _notice.c.state == NoticeState.DUE.value
    )
    connection.execute(delete(_refusal).where(~is_due))
    connection.execute(update(_refusal).where(_RECENT).values(accepted_since=True))


def trouble(connection: Connection) -> RelayTrouble | None:
    """None while the relay accepts mail, as far as is known."""
    is_down = _refusal.c.notice_id == _THE_RELAY
    counted = select(func.count(_refusal.c.address.distinct()), func.min(_refusal.c.at))
    number, since = connection.execute(counted.where(_RECENT)).one()
    latest = select(_refusal.c.at, _refusal.c.why).order_by(_refusal.c.at.desc()).limit(1)
    found = connection.execute(latest.where(is_down)).one_or_none()
    if found is not None:
        return RelayTrouble(found.at, found.why, 0)
    if number < WITH_ANOTHER:
        return None
    why = connection.execute(latest.where(_RECENT)).one().why
    return RelayTrouble(since, why, number, is_certain=_of_many_domains(connection))


def _of_many_domains(connection: Connection) -> bool:
    """Whether the recipients that were refused are of so many domains that all would be."""
    query = select(_refusal.c.address).where(_RECENT).limit(1)
    for _ in range(DOMAINS):
        found = connection.execute(query).scalar()
        if found is None:
            return False
        query = query.where(~_refusal.c.address.endswith(f"@{domain_of(found)}", autoescape=True))
    return True


def _remember(
    connection: Connection,
    notice: Notice,
    why: str,
    now: datetime,
    *,
    given_up: bool,
    counted: bool,
) -> None:
    if notice.kind is not NoticeKind.INVITATION:
        of = {"given_up": given_up, "counted": counted}
        _insert(connection, notice.id, notice.address, why, now, **of)


def _insert(
    connection: Connection, notice: UUID, address: str, why: str, now: datetime, **of: bool
) -> None:
    row = {"notice_id": notice, "address": address, "at": now, "why": storable(why, 500), **of}
    statement = insert_into(_refusal, connection.dialect.name).values(row)
    connection.execute(statement.on_conflict_do_nothing(index_elements=["notice_id"]))


def _take_back(connection: Connection, now: datetime) -> int:
    """Have those mails tried again that were given up while nothing blamed the relay."""
    columns = (_refusal.c.notice_id, _refusal.c.counted, _notice.c.mailbox_id, _notice.c.address)
    rows = connection.execute(
        select(*columns)
        .join_from(_refusal, _notice, _notice.c.id == _refusal.c.notice_id)
        .where(_refusal.c.given_up, _notice.c.state == NoticeState.DEAD.value)
    ).all()
    number = 0
    for row in rows:
        # Somebody may have had it tried again meanwhile.
        taken = _due_again(connection, now, _notice.c.id == row.notice_id)
        number += taken
        if taken and row.counted:
            number += _count_less(connection, row.mailbox_id, row.address, now)
    neither = {"given_up": False, "counted": False}
    connection.execute(update(_refusal).where(_refusal.c.given_up).values(neither))
    return number


def _count_less(connection: Connection, mailbox: int, address: str, now: datetime) -> int:
    """Where that ends a suspension, have those mails sent that it has stopped lately; returns how
    many."""
    if not suppression.take_back(connection, mailbox, address):
        return 0
    return _due_again(
        connection,
        now,
        _notice.c.mailbox_id == mailbox,
        _notice.c.address == address,
        _notice.c.last_error == outbox.DISCONTINUED,
        _notice.c.created_at > now - GIVE_UP_AFTER,
    )


def _due_again(connection: Connection, now: datetime, *which: ColumnElement[bool]) -> int:
    """Have mails that were given up tried again; returns how many."""
    dead = update(_notice).where(*which, _notice.c.state == NoticeState.DEAD.value)
    return connection.execute(dead.values(state=NoticeState.DUE.value, due_at=now)).rowcount
