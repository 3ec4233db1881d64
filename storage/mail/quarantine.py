"""Held mails: listed, released once their author is enrolled, discarded."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    Connection,
    Row,
    and_,
    case,
    delete,
    func,
    or_,
    select,
    text,
    update,
)

from rules.decision.reasons import Reason, Verdict
from rules.mail import Delivery, Envelope, Mailbox
from rules.sender.authentication import Authentication, from_dict
from storage.db import raw_mail, short_ids
from storage.db.ledger import Conflict
from storage.db.tables import (
    WAITING_OR_REFUSED,
    CompanyRow,
    DeferralRow,
    JournalRow,
    MailboxRow,
    MailRow,
    PersonRow,
    table,
)
from storage.mail.journal import envelope_of

_mail, _journal, _mailbox = table(MailRow), table(JournalRow), table(MailboxRow)
_person, _deferral = table(PersonRow), table(DeferralRow)
_company, _again = table(CompanyRow), _journal.alias("again")

OF_STRANGERS = (Reason.STRANGER_HELD.value, Reason.STRANGER_RELAYED.value)
"""Digests count these, and name none of them."""
TRIED_AGAIN_AFTER = timedelta(days=1)

_HELD = (
    select(
        _journal,
        _mail.c.raw_digest,
        _mailbox.c.address.label("mailbox"),
        _mailbox.c.policy,
    )
    .join_from(_mail, _journal, _mail.c.journal_id == _journal.c.id)
    .join(_mailbox, _mail.c.mailbox_id == _mailbox.c.id)
    .where(text("mail.state = 'held'"))  # exactly the condition of the index
)


@dataclass(frozen=True, slots=True)
class HeldMail:
    """A mail in quarantine, with all that is needed to decide it again."""

    journal_id: UUID
    mailbox: Mailbox
    came_at: datetime
    reason: str
    author: str
    """Empty where From names no single mailbox."""
    subject: str
    envelope: Envelope
    authentication: Authentication
    size_bytes: int
    raw_digest: str
    network: str
    """The client's network, if anybody could have sent the mail; empty if its sender is proven."""

    @property
    def may_enrol(self) -> bool:
        """Whether a release may register its author: it is proven to be theirs, and their company
        is known. Of any other mail that would register the person whom a forged one names."""
        return self.reason == Reason.NOT_ENROLLED.value

    @property
    def key(self) -> HeldKey:
        return HeldKey(bool(self.network), self.came_at, self.journal_id)


@dataclass(frozen=True, slots=True)
class HeldGroup:
    """Held mails that are shown together: of one reason, and one sender's domain or one network."""

    reason: str
    of: str
    """The domain of proven senders, else the client network."""
    mails: tuple[HeldMail, ...]
    """The oldest first."""

    @property
    def is_proven(self) -> bool:
        return not self.mails[0].network


@dataclass(frozen=True, slots=True)
class HeldQueue:
    """How many mails are held, and since when the oldest."""

    number: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class LeftQuarantine:
    """A mail that was held, and is not any more."""

    mailbox_id: int
    was_discarded: bool
    """Else it was filed."""
    ticket: int | None
    """None for a mail that was recorded without one."""


class HeldKey(NamedTuple):
    """The place of a held mail in the list; the next page starts behind it."""

    by_anybody: bool
    came_at: datetime
    id: UUID


def held_mails(
    connection: Connection,
    limit: int = 10_000,
    mailboxes: Collection[int] | None = None,
    after: HeldKey | None = None,
) -> Sequence[HeldMail]:
    """Held mails, of these mailboxes or of all, behind a place in the list: those of proven senders
    first, then the oldest first.

    What anybody can send is listed last, so that it hides nothing.
    """
    by_anybody = case((_journal.c.network != "", 1), else_=0)
    order = (by_anybody, _journal.c.received_at, _journal.c.id)
    query = _HELD.order_by(*order).limit(limit)
    if mailboxes is not None:
        query = query.where(_journal.c.mailbox_id.in_(mailboxes))
    if after is not None:
        at, row = _journal.c.received_at, _journal.c.id
        later = or_(at > after.came_at, and_(at == after.came_at, row > after.id))
        query = query.where(
            or_(
                by_anybody > int(after.by_anybody), and_(by_anybody == int(after.by_anybody), later)
            )
        )
    rows = connection.execute(query)
    return [_as_held(row) for row in rows]


def grouped(mails: Sequence[HeldMail]) -> Sequence[HeldGroup]:
    """The mails in groups, in the order of the first mail of each."""
    groups: dict[tuple[str, str], list[HeldMail]] = {}
    for mail in mails:
        of = mail.network or mail.author.rpartition("@")[2]
        groups.setdefault((mail.reason, of), []).append(mail)
    return [HeldGroup(reason, of, tuple(found)) for (reason, of), found in groups.items()]


def find(connection: Connection, journal_id: UUID) -> HeldMail | None:
    """One held mail; None if there is none, or it is no longer held."""
    row = connection.execute(_HELD.where(_journal.c.id == journal_id)).one_or_none()
    return _as_held(row) if row is not None else None


def left_as(connection: Connection, journal_id: UUID) -> LeftQuarantine | None:
    """What became of a mail that was held under this id; None if none was, or it is held still."""
    row = connection.execute(
        select(_mail.c.mailbox_id, _mail.c.state, _mail.c.ticket_id)
        .join_from(_journal, _mail, _mail.c.mailbox_id == _journal.c.mailbox_id)
        .where(
            _journal.c.id == journal_id,
            _journal.c.verdict == Verdict.HELD.value,
            _mail.c.identity == _journal.c.identity,
            _mail.c.state != "held",
        )
    ).one_or_none()
    if row is None:
        return None
    return LeftQuarantine(row.mailbox_id, row.state == "discarded", row.ticket_id)


def ids_named(connection: Connection, text: str) -> Sequence[UUID] | None:
    """Up to two ids of held mails that begin with a text; None if it is no beginning of an id."""
    return short_ids.named(connection, _mail.c.journal_id, text, _mail.c.state == "held")


def enrolled_meanwhile(connection: Connection, now: datetime) -> Sequence[HeldMail]:
    """Mails held because their author was not enrolled, who has been enrolled since.

    A mail that could not be filed even then (the author is over a limit, the ticket belongs to
    another company) is listed again a day later.
    """
    enrolled = (
        (_person.c.mailbox_id == _journal.c.mailbox_id)
        & (_person.c.address == _journal.c.author)
        & _person.c.active
    )
    suspended = (_company.c.id == _person.c.company_id) & ~_company.c.active
    tried = (
        select(_again.c.id)
        .where(
            _again.c.mailbox_id == _journal.c.mailbox_id,
            _again.c.received_at > now - TRIED_AGAIN_AFTER,
            _again.c.identity == _journal.c.identity,
            _again.c.id != _journal.c.id,
            text(f"again.{WAITING_OR_REFUSED}"),  # exactly the condition of the index
        )
        .exists()
    )
    query = (
        _HELD.join(_person, enrolled)
        .join(_company, suspended, isouter=True)
        .where(
            _journal.c.reason == Reason.NOT_ENROLLED.value,
            _company.c.id.is_(None),
            ~tried,
        )
    )
    return [_as_held(row) for row in connection.execute(query.order_by(_journal.c.received_at))]


def delivery(connection: Connection, mail: HeldMail) -> Delivery:
    """The mail as it came: envelope and bytes. Raises Conflict if it was discarded meanwhile."""
    try:
        raw = raw_mail.load(connection, mail.mailbox.id, mail.raw_digest)
    except LookupError as error:
        raise Conflict(f"mail {mail.journal_id} was discarded meanwhile") from error
    return Delivery(mail.envelope, raw)


def discard(connection: Connection, journal_id: UUID) -> bool:
    """Remove a mail from quarantine without filing it, and its bytes from the store; False if it is
    no longer held. Its identity stays: a repeat is answered as the first time."""
    guard = (_mail.c.journal_id == journal_id) & (_mail.c.state == "held")
    found = connection.execute(
        update(_mail)
        .where(guard)
        .values(state="discarded")
        .returning(_mail.c.mailbox_id, _mail.c.raw_digest)
    ).one_or_none()
    if found is None:
        return False
    raw_mail.free(connection, found.mailbox_id, found.raw_digest)
    freed = update(_mail).where(_mail.c.journal_id == journal_id)
    connection.execute(freed.values(raw_digest=""))
    return True


def forget_deferrals(connection: Connection, now: datetime) -> None:
    """Delete the records of mails that were deferred and have not come again for ten days."""
    connection.execute(delete(_deferral).where(_deferral.c.since < now - timedelta(days=10)))


def waiting(connection: Connection, mailbox: int | None = None) -> HeldQueue:
    """How many mails are held, by one mailbox or by all, and since when the oldest of them."""
    query = (
        select(func.count().label("number"), func.min(_journal.c.received_at).label("since"))
        .join_from(_mail, _journal, _mail.c.journal_id == _journal.c.id)
        .where(_mail.c.state == "held")
    )
    if mailbox is not None:
        query = query.where(_mail.c.mailbox_id == mailbox)
    row = connection.execute(query).one()
    return HeldQueue(row.number, row.since)


def _as_held(row: Row[Any]) -> HeldMail:
    return HeldMail(
        journal_id=row.id,
        mailbox=Mailbox(row.mailbox_id, row.mailbox, row.policy),
        came_at=row.received_at,
        reason=row.reason,
        author=row.author,
        subject=row.subject,
        envelope=envelope_of(row),
        authentication=from_dict(json.loads(row.authentication)),
        size_bytes=row.size_bytes,
        raw_digest=row.raw_digest,
        network=row.network,
    )
