"""Gathers what the rules need to know about one mail, in as few queries as possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, select, text, true

from rules.decision.considered import Attempt, Considered
from rules.decision.reasons import Verdict
from rules.facts import Earlier, Facts, Recent, Returned
from rules.mail import Mailbox
from rules.mail.addresses import without_detail
from rules.mail.automatic import may_be_recorded
from rules.mail.header import Author
from rules.people import Company, Role, Staff
from rules.service.escalation import contacts_for
from rules.service.limits import BUSY, BUSY_BYTES, HOUR, REMEMBERED
from rules.service.participants import named_addresses
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind, NoticeState
from storage.db.statements import Pending, compiled, pipelined
from storage.db.tables import (
    TAKEN,
    BouncedRow,
    DeferralRow,
    JournalRow,
    MailIdentityRow,
    MailRow,
    NoticeRow,
    table,
)
from storage.mail import traces as mail_traces
from storage.mail.contacts import notified_of
from storage.mail.rates import of_domain, recorded
from storage.mail.replies import with_named
from storage.registry import lookup
from storage.ticket import load
from storage.ticket.change import escalated_lately, escalation_facts

_mail, _notice, _deferral = table(MailRow), table(NoticeRow), table(DeferralRow)
_identity = table(MailIdentityRow)
_journal, _bounced = table(JournalRow), table(BouncedRow)

_HERE = _mail.c.mailbox_id == bindparam("mailbox")

_RETURNED = compiled(
    select(_notice.c.address, _notice.c.ticket_id, _notice.c.state, _notice.c.kind, _bounced.c.hard)
    .join_from(
        _notice,
        _bounced,
        (_bounced.c.mailbox_id == _notice.c.mailbox_id) & (_bounced.c.address == _notice.c.address),
        isouter=True,
    )
    .where(_notice.c.mailbox_id == bindparam("mailbox"), _notice.c.id == bindparam("notice"))
)


def _last_notice(kind: str) -> Any:
    """A query of its own for each kind: only so is it one step in the index."""
    return (
        select(func.max(_notice.c.created_at))
        .where(
            _notice.c.mailbox_id == bindparam("mailbox"),
            _notice.c.address == bindparam("address"),
            _notice.c.kind == bindparam(kind),
        )
        .scalar_subquery()
    )


_WAITS_UNTIL = (
    select(func.max(_notice.c.created_at))
    .where(
        _notice.c.mailbox_id == bindparam("mailbox"),
        _notice.c.address == bindparam("address"),
        _notice.c.kind == bindparam("kind"),
        _notice.c.created_at > bindparam("now"),
        _notice.c.state == NoticeState.DUE.value,
        _notice.c.claimed_by.is_(None),
    )
    .scalar_subquery()
)
_recent = (
    select(
        _journal.c.received_at,
        _journal.c.verdict,
        _journal.c.ticket_id,
        _journal.c.network,
        _journal.c.kept_bytes,
    )
    .where(
        _journal.c.mailbox_id == bindparam("mailbox"),
        _journal.c.author == bindparam("address"),
        _journal.c.received_at > bindparam("since"),
        text(TAKEN),  # exactly the condition of the index
    )
    .order_by(_journal.c.received_at.desc())
    .limit(REMEMBERED)
    .subquery()
)
_notified = select(
    _last_notice("kind").label("at"),
    _last_notice("other").label("other_at"),
    _WAITS_UNTIL.label("waits_until"),
).subquery()
_LATELY = compiled(
    select(*_notified.c, *_recent.c)
    .join_from(_notified, _recent, true(), isouter=True)
    .order_by(_recent.c.received_at.desc())
)
"""The author's mails of the last hour, each with the times of the last notices to them; a row of
the times alone where there are no mails."""

_DEFERRED_SINCE = compiled(
    select(_deferral.c.since).where(
        _deferral.c.mailbox_id == bindparam("mailbox"),
        _deferral.c.identity == bindparam("identity"),
    )
)


def gather(connection: Connection, considered: Considered, attempt: Attempt) -> Facts:
    """The facts of one mail in one mailbox; no row of another mailbox is ever among them.

    The row under which a held mail is in quarantine does not count as an earlier copy of it.
    """
    # Each block submits all its queries before it reads: one round trip to PostgreSQL per block.
    with pipelined(connection):
        facts = _gathered(connection, considered, attempt)
    # Outside of the pipeline: these few queries for few mails are read one by one.
    known = facts.people or facts.author_company is not None or facts.tickets
    if considered.needed.escalation and known:
        facts = _with_escalations(connection, facts, considered.mail.author)
    facts = with_named(connection, facts, considered.needed, considered.mail)
    if considered.needed.contacts and known:
        facts = _with_unreachable(connection, facts, considered)
    return facts


def _gathered(connection: Connection, considered: Considered, attempt: Attempt) -> Facts:
    mail, mailbox = considered.mail, considered.mailbox
    decided_at, came_at = attempt.decided_at, attempt.came_at
    author = mail.author.address if isinstance(mail.author, Author) else None
    named = named_addresses(mail)
    thread_found = _thread(connection, considered, attempt.held)
    owner = without_detail(author)[0] if author is not None else None
    addresses = (author, owner, *named, *considered.needed.addresses)
    registered = lookup.people(connection, mailbox, addresses, came_at)
    came_back = _returned(connection, mailbox, considered.returned)
    deferred = _deferred_since(connection, considered)
    automatic = may_be_recorded(mail, considered.envelope)
    by_author = recorded(connection, mailbox, author if automatic else None, decided_at)

    people = registered()
    enrolled = author in people
    company, domain_known = _origin(connection, mailbox, author, came_at, enrolled)

    acknowledged = NoticeKind.ACKNOWLEDGEMENT
    kind = acknowledged if enrolled else NoticeKind.INVITATION if company is not None else None
    around = partial(_around, connection, mailbox, author, named, kind, decided_at)
    expected = enrolled or company is not None or considered.returned is not None
    surroundings = around() if expected else None

    thread = thread_found()
    asked = {author, *addresses}
    others = (each for each in thread.introducers if each not in asked)
    introducers = lookup.people(connection, mailbox, others, came_at)
    tickets = _tickets(connection, considered, thread, decided_at)
    surroundings = surroundings or (around() if tickets else None)
    person = people.get(author or "")
    is_staff = person is not None and person.role is Role.STAFF
    may_be_contact = considered.authentication.aligned and not is_staff
    others_tickets = _not_on(tickets, author) if may_be_contact else ()
    contact = notified_of(connection, mailbox.id, author, others_tickets, decided_at)
    staff, bounced, recent, last = surroundings() if surroundings is not None else _NOBODY
    of_author = by_author()
    busy_bytes = sum(each.kept_bytes for each in recent) + of_author.bytes_lately
    rate = of_domain(
        connection,
        considered,
        person,
        company,
        is_busy=len(recent) + of_author.lately >= BUSY or busy_bytes >= BUSY_BYTES,
        automatic=automatic,
        now=decided_at,
    )
    return Facts(
        decided_at=decided_at,
        mailbox=mailbox,
        own_addresses=considered.own_addresses,
        envelope=considered.envelope,
        authentication=considered.authentication,
        pointers=considered.pointers,
        people=people,
        author_company=company,
        domain_known=domain_known,
        tickets=tickets,
        notified_of=contact(),
        known_ids=thread.known_ids,
        named_before=thread.named_before,
        introducers=introducers(),
        earlier=thread.earlier,
        id_seen=thread.id_seen,
        acknowledged_at=last.acknowledged_at,
        acknowledged_later=last.acknowledged_later,
        invited_at=last.invited_at,
        kept_at=last.kept_at,
        deferred_since=deferred(),
        folded_at=of_author.folded_at,
        recorded_lately=of_author.lately,
        recorded_bytes=of_author.bytes_lately,
        recorded_of_domain=rate.recorded,
        recorded_bytes_of_domain=rate.recorded_bytes,
        staff=staff,
        bounced=bounced,
        recent=recent,
        of_domain=rate.written,
        bytes_of_domain=rate.written_bytes,
        returned=came_back(),
        looped=considered.looped,
        structure_is_open=considered.structure_is_open,
        came_at=came_at,
        forwarded=considered.needed.forwarded,
    )


@dataclass(frozen=True, slots=True)
class _Thread:
    """What is known of a mail and of the ids that it names."""

    earlier: Earlier | None
    id_seen: bool
    known_ids: mail_traces.KnownIds
    named_before: mail_traces.KnownIds

    @property
    def introducers(self) -> tuple[str, ...]:
        return mail_traces.introducers(self.known_ids, self.named_before)


def _thread(connection: Connection, considered: Considered, held: UUID | None) -> Pending[_Thread]:
    traces = mail_traces.traces(connection, considered, held)
    known = mail_traces.known_ids(connection, considered)
    before = mail_traces.named_before(connection, considered.mailbox.id, considered.mail)
    return lambda: _Thread(*traces(), known(), before())


@dataclass(frozen=True, slots=True)
class _Notified:
    """The last notices to the author."""

    acknowledged_at: datetime | None = None
    kept_at: datetime | None = None
    acknowledged_later: datetime | None = None
    invited_at: datetime | None = None


def _with_escalations(connection: Connection, facts: Facts, author: object) -> Facts:
    escalations = {n: escalation_facts(connection, t) for n, t in facts.tickets.items()}
    lately: tuple[datetime, ...] = ()
    if isinstance(author, Author):
        at, mailbox = facts.decided_at, facts.mailbox.id
        lately = escalated_lately(connection, mailbox, author.address, at)
    return replace(facts, escalations=escalations, escalated_lately=lately)


def _with_unreachable(connection: Connection, facts: Facts, considered: Considered) -> Facts:
    contacts = contacts_for(considered.policy, facts.staff, facts.tickets.values())
    found = lookup.unreachable_among(connection, considered.mailbox, contacts)
    return replace(facts, unreachable=found)


def _origin(
    connection: Connection, mailbox: Mailbox, author: str | None, now: datetime, enrolled: bool
) -> tuple[Company | None, bool]:
    """The company of an author who is not enrolled, and whether their domain is known here."""
    if author is None or enrolled:
        return None, enrolled
    company_of = lookup.company_of(connection, mailbox, author, now)
    has_people = lookup.has_people(connection, mailbox, author)
    company = company_of()
    return company, company is not None or has_people()


def _tickets(
    connection: Connection, considered: Considered, thread: _Thread, now: datetime
) -> Mapping[int, Ticket]:
    """The tickets that a mail points to, and those that its commands name."""
    mailbox, needed, since = considered.mailbox, considered.needed, now - HOUR
    tickets = load.load_pointed_to(
        connection, mailbox, considered.pointers, thread.named_before, thread.known_ids, since
    )
    if not tickets:
        return {}
    named = needed.tickets - tickets.keys()
    if named:
        tickets = tickets | load.load_with_next(connection, mailbox, named, since)
    return tickets


def _not_on(tickets: Mapping[int, Ticket], author: str | None) -> tuple[int, ...]:
    """Those tickets that a person is not on, and never was."""
    return tuple(n for n, t in tickets.items() if author and t.participant(author) is None)


_Around = tuple[tuple[Staff, ...], frozenset[str], tuple[Recent, ...], _Notified]
_NOBODY: _Around = ((), frozenset(), (), _Notified())


def _around(
    connection: Connection,
    mailbox: Mailbox,
    author: str | None,
    named: Sequence[str],
    kind: NoticeKind | None,
    now: datetime,
) -> Pending[_Around]:
    """The staff, the addresses that bounce, the author's mails of the last hour, and when they were
    last sent a notice of this kind."""
    people = lookup.staff_and_suppressed(connection, mailbox, named)
    lately = _LATELY.submit(
        connection,
        mailbox=mailbox.id,
        address=author,
        since=now - HOUR,
        kind=kind.value if kind is not None else None,
        other=NoticeKind.KEPT.value,
        now=now,
    )

    def read() -> _Around:
        staff, bounced = people()
        rows = lately()
        recent = tuple(_recent_mail(row) for row in rows if row.received_at is not None)
        return staff, bounced, recent, _last_notices(rows[0], kind)

    return read


def _recent_mail(row: Any) -> Recent:
    opened = row.verdict == Verdict.OPENED.value
    return Recent(row.received_at, opened, row.ticket_id, not row.network, row.kept_bytes)


def _last_notices(row: Any, kind: NoticeKind | None) -> _Notified:
    match kind:
        case NoticeKind.ACKNOWLEDGEMENT:
            return _Notified(row.at, row.other_at, row.waits_until)
        case NoticeKind.INVITATION:
            return _Notified(invited_at=row.at)
        case _:
            return _Notified()


def _returned(
    connection: Connection, mailbox: Mailbox, notice: UUID | None
) -> Pending[Returned | None]:
    if notice is None:
        return _none
    pending = _RETURNED.submit(connection, mailbox=mailbox.id, notice=notice)

    def read(row: Any) -> Returned:
        counted = row.state != NoticeState.SENT.value
        invites = row.kind == NoticeKind.INVITATION.value
        return Returned(notice, row.address, row.ticket_id, row.hard or 0, counted, invites)

    return lambda: next(map(read, pending()), None)


def _deferred_since(connection: Connection, considered: Considered) -> Pending[datetime | None]:
    if not considered.authentication.temporary:
        return _none
    pending = _DEFERRED_SINCE.submit(
        connection, mailbox=considered.mailbox.id, identity=considered.deferred_as
    )
    return lambda: next((row.since for row in pending()), None)


def _none() -> None:
    return None
