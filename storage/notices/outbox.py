"""Outgoing mails as rows: claimed by a node, then sent, postponed or given up."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, func, select, update

from rules.mail import Mailbox
from rules.people import ParticipantKind, Presence, Role
from rules.ticket.changes import Source
from rules.ticket.notice_payloads import Payload, from_stored
from rules.ticket.notice_timing import GIVE_UP_AFTER
from rules.ticket.notices import NoticeKind, NoticeState, require_payload
from rules.ticket.payloads import AcknowledgementPayload
from rules.ticket.waiting import Waiting
from storage.db.statements import Statement, bind_list, compiled, compiled_in, filled_up
from storage.db.tables import NoticeRow, table
from storage.notices import claims, named_tickets, suppression
from storage.notices.attached import NO_FILES, AttachedFiles, attached_to
from storage.notices.claimed_rows import claimed_ids, claimed_rows
from storage.notices.comments import NOTHING_WITHHELD, MoreComments, NoticeComment, as_comment
from storage.notices.namesakes import staff_names
from storage.ticket import clocks
from storage.ticket.rows import storable

_notice = table(NoticeRow)

WITHDRAWN = (
    DELETED := "the ticket is deleted",
    CLOSED := "the recipient's account is closed",
    LEFT := "the recipient is not on the ticket any more",
    UNSUBSCRIBED := "the recipient has unsubscribed",
    DISCONTINUED := "mail to this address comes back: it is suspended",
)
"""Why a notice is not sent to somebody who must not get it, or gets nothing: no failure."""
UNREADABLE_PAUSE = timedelta(minutes=10)
"""A notice that this version cannot read is left for a node with a newer one."""


@dataclass(frozen=True, slots=True)
class NoticeTicket:
    """The ticket that a notice is about, and the recipient's place on it."""

    ticket: int
    participant: int | None
    """None for a recipient who is not on the ticket: they get no reply address."""
    subject: str
    status: str
    severity: str
    severity_claimed: str | None
    critical_claimed: bool
    requester: str
    company: str
    """Its name; empty where the requester belongs to none."""
    tier: str
    fields: Mapping[str, str]
    missing: tuple[str, ...]
    """Names of the facts that are missing from the request."""
    opened_by: str
    """The Message-ID of the mail that opened it; empty where there was none."""
    due_at: datetime | None
    """When the next answer is due."""
    channel: str = ""
    """The way of contact that the company prefers."""
    waiting: Waiting | None = None
    """What its promise waits for."""
    door: Source = Source.MAIL
    """Where it was opened."""
    calendar: str = ""
    """The calendar of the policy that it was opened under; empty for the policy's own."""
    is_guest: bool = False
    """The recipient is on the ticket as a guest."""
    company_visibility: str = ""
    """Who of the company reads it; empty for what the policy says."""
    is_colleague: bool = False
    """The recipient is registered in the company that the ticket is of."""
    follows: int | None = None
    """The closed ticket that this one follows."""

    @property
    def is_for_its_company(self) -> bool:
        """Whether the recipient may read what was agreed with the company of the ticket: neither a
        guest nor somebody who wrote about it without being on it."""
        return self.is_colleague or (self.participant is not None and not self.is_guest)


@dataclass(frozen=True, slots=True)
class Notice:
    """All that is needed to write and send one outgoing mail."""

    id: UUID
    kind: NoticeKind
    mailbox: Mailbox
    about: NoticeTicket | None
    """None for an invitation, which is about no ticket."""
    comment: NoticeComment | None
    address: str
    name: str
    language: str
    """Empty for the policy's."""
    payload: Payload
    """What else the templates of this kind need."""
    answers: str
    """The Message-ID of the mail that caused it; empty where there was none."""
    created_at: datetime
    attempts: int
    """This one included."""
    person: int | None = None
    """The recipient's row, if they are registered."""
    is_staff: bool = False
    """The recipient works for the mailbox."""
    more: MoreComments = NOTHING_WITHHELD

    def __post_init__(self) -> None:
        require_payload(self.kind, self.payload)

    def with_more(self, more: MoreComments) -> Notice:
        return replace(self, more=more)

    @property
    def ticket(self) -> int | None:
        return self.about.ticket if self.about is not None else None


class Claimed(list[Notice]):
    """The notices to send."""

    def __init__(self) -> None:
        super().__init__()
        self.dropped: list[Dropped] = []
        """Those that must no longer be sent."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """A notice that was given up when it was due: its reader may not have it any more."""

    id: UUID
    kind: NoticeKind
    mailbox: Mailbox
    address: str
    ticket: int | None
    why: str


def claim(
    connection: Connection, now: datetime, limit: int, node: UUID = claims.NO_NODE
) -> Claimed:
    """Take up to `limit` due notices: urgent ones first, then the longest due. Two senders never
    get the same notice.

    A notice that must no longer be sent is given up at once: the recipient has left the ticket or
    was never accepted, their account is closed, or their address is suppressed. One that a newer
    version has ordered, and that this one cannot read, is postponed.
    """
    found = Claimed()
    ids = claimed_ids(connection, now, limit, node)
    if not ids:
        return found
    if node != claims.NO_NODE:
        claims.arrive(connection, node)
    rows = claimed_rows(connection, ids)
    attached = attached_to(connection, [row.comment_id for row in rows if row.comment_id])
    mailboxes = {row.mailbox_id for row in rows}
    of_staff = {each: staff_names(connection, each) for each in mailboxes}
    for row in rows:
        try:
            kind = NoticeKind(row.kind)
            files = attached.get(row.comment_id, NO_FILES)
            notice = as_notice(row, kind, files, of_staff[row.mailbox_id])
        except (ValueError, KeyError, TypeError) as error:
            _postpone_unreadable(connection, row, error, now)
            continue
        why = _forbidden(row, kind)
        if why == DELETED and _is_handed_on(connection, row, notice.payload):
            continue
        if why is not None:
            _settle(connection, row.id, state=NoticeState.DEAD.value, last_error=why)
            here = Mailbox(row.mailbox_id, row.mailbox, row.policy)
            found.dropped.append(Dropped(row.id, kind, here, row.address, row.ticket_id, why))
        else:
            found.append(notice)
    found.sort(key=lambda notice: not notice.kind.traits.urgent)
    return found


def _is_handed_on(connection: Connection, row: Row[Any], payload: Payload) -> bool:
    if not isinstance(payload, AcknowledgementPayload) or not payload.also:
        return False
    return named_tickets.hand_on(connection, row, payload)


def _postpone_unreadable(
    connection: Connection, row: Row[Any], error: Exception, now: datetime
) -> None:
    why = f"this version of Postern cannot read a notice of kind {row.kind}: {error}"[:500]
    if now - row.created_at > GIVE_UP_AFTER:
        _settle(connection, row.id, state=NoticeState.DEAD.value, last_error=why)
    else:
        put_off(connection, row.id, now + UNREADABLE_PAUSE, why)


def _forbidden(row: Row[Any], kind: NoticeKind) -> str | None:
    """Why a notice must no longer be sent; None if it may."""
    if row.deleted_at is not None:
        return DELETED
    if row.suspended_at is not None:
        return DISCONTINUED
    is_closed = row.person_active is False or row.company_active is False
    if is_closed and not kind.traits.to_console_users:
        return CLOSED
    if not kind.traits.participants_only or row.ticket_id is None:
        return None
    if row.presence != Presence.ACTIVE.value:
        return LEFT
    if row.muted:
        return UNSUBSCRIBED
    return None


def next_due(connection: Connection) -> datetime | None:
    """When the next notice is due; None while there is none."""
    query = select(func.min(_notice.c.due_at)).where(_notice.c.state == NoticeState.DUE.value)
    return connection.execute(query).scalar()


_IS_DUE = (_notice.c.id == bindparam("notice")) & (_notice.c.state == NoticeState.DUE.value)
_SENT = compiled_in(
    lambda count: (
        update(_notice)
        .where(
            _notice.c.id.in_(
                bindparam(f"notice_{n}", type_=_notice.c.id.type) for n in range(count)
            ),
            _notice.c.state == NoticeState.DUE.value,
        )
        .values(
            state=NoticeState.SENT.value, sent_at=bindparam("at"), last_error="", claimed_by=None
        )
    )
)
_COUNTS = (1, 2, 4, 8, 16, 32)
"""For so many notices the statement is compiled; a shorter list is filled up."""
_NO_NOTICE = UUID(int=0)


def sent(connection: Connection, notices: Sequence[UUID], now: datetime) -> None:
    """Record that the relay has accepted these."""
    most = _COUNTS[-1]
    for first in range(0, len(notices), most):
        some = filled_up(notices[first : first + most], _COUNTS, _NO_NOTICE)
        _SENT(len(some)).run(connection, {"at": now, **bind_list("notice", some)})


def put_off(connection: Connection, notice: UUID, due_at: datetime, error: str) -> None:
    _settle(connection, notice, due_at=due_at, last_error=storable(error))


def give_up(connection: Connection, notice: UUID, error: str, *, hard: bool, now: datetime) -> bool:
    """Never try again; a `hard` failure counts against the address as a bounce would, unless it is
    of an invitation, which anybody can have sent there. Returns whether it counts."""
    why = storable(error)  # a relay answers in whatever octets it likes
    settled = _settle(connection, notice, state=NoticeState.DEAD.value, last_error=why)
    if not (hard and settled):
        return False
    query = select(_notice.c.mailbox_id, _notice.c.address).where(
        _notice.c.id == notice, _notice.c.kind != NoticeKind.INVITATION.value
    )
    found = connection.execute(query).all()
    for mailbox, address in found:
        suppression.record_hard_failure(connection, mailbox, address, why, now)
    return bool(found)


def _settle(connection: Connection, notice: UUID, **values: Any) -> bool:
    """Change a notice that is due; False if another sender has settled it."""
    new = {f"new_{name}": value for name, value in values.items()}
    return bool(_settled(frozenset(values)).rows(connection, notice=notice, **new))


@lru_cache(maxsize=16)
def _settled(columns: frozenset[str]) -> Statement:
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in sorted(columns)}
    settled = update(_notice).where(_IS_DUE).values(values | {"claimed_by": None})
    return compiled(settled.returning(_notice.c.id))


def as_notice(
    row: Row[Any], kind: NoticeKind, files: AttachedFiles, of_staff: frozenset[str]
) -> Notice:
    """A notice of its row, as `NOTICES` has it, with the names of the mailbox's staff. ValueError
    for what this version cannot read."""
    has_comment = row.visibility is not None
    return Notice(
        id=row.id,
        kind=kind,
        mailbox=Mailbox(row.mailbox_id, row.mailbox, row.policy),
        about=_about(row) if row.ticket_id is not None else None,
        comment=as_comment(row, files, row.subject or "", of_staff) if has_comment else None,
        address=row.address,
        name=row.name or "",
        language=row.language,
        payload=from_stored(kind.traits.payload, json.loads(row.detail)),
        answers=row.answers or "",
        created_at=row.created_at,
        attempts=row.attempts,
        person=row.person_id,
        is_staff=row.person_role == Role.STAFF.value,
    )


def _about(row: Row[Any]) -> NoticeTicket:
    return NoticeTicket(
        ticket=row.ticket_id,
        participant=row.participant_id if row.presence == Presence.ACTIVE.value else None,
        subject=row.subject,
        status=row.status,
        severity=row.severity,
        severity_claimed=row.severity_claimed,
        critical_claimed=row.critical_claimed,
        requester=row.requester,
        company=row.ticket_company or "",
        tier=row.tier,
        fields=json.loads(row.fields),
        missing=tuple(json.loads(row.missing)),
        opened_by=row.opened_by,
        due_at=row.ticket_due_at,
        channel=row.channel or "",
        waiting=clocks.read_waiting(row.waiting),
        door=Source(row.door or Source.MAIL),
        calendar=row.calendar,
        is_guest=row.part == ParticipantKind.GUEST.value,
        company_visibility=row.company_visibility or "",
        is_colleague=bool(row.is_colleague),
        follows=row.follows,
    )
