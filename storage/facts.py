"""Gathers what the rules need to know about one mail, in as few queries as possible."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, select

from rules.addresses import domain_of
from rules.authentication import Authentication
from rules.facts import Company, Earlier, Facts, Part, Participant, Person, Presence, Role, Ticket
from rules.header import Author
from rules.mail import Envelope, Mail, Mailbox
from rules.notices import Kind
from rules.participants import named_addresses
from rules.threads import Signal, Via, thread_ids
from storage.tables import (
    CompanyDomainRow,
    CompanyRow,
    DeferralRow,
    MailRow,
    NoticeRow,
    ParticipantRow,
    PersonRow,
    TicketRow,
    table,
)

_company, _domain, _person = table(CompanyRow), table(CompanyDomainRow), table(PersonRow)
_ticket, _participant = table(TicketRow), table(ParticipantRow)
_mail, _notice, _deferral = table(MailRow), table(NoticeRow), table(DeferralRow)

_EARLIER = select(_mail.c.journal_id, _mail.c.answer, _mail.c.ticket_id).where(
    _mail.c.mailbox_id == bindparam("mailbox"), _mail.c.identity == bindparam("identity")
)
_KNOWN_IDS = select(_mail.c.message_id, _mail.c.ticket_id, _mail.c.identity).where(
    _mail.c.mailbox_id == bindparam("mailbox"),
    _mail.c.message_id.in_(bindparam("ids", expanding=True)),
)
_PEOPLE = (
    select(
        _person.c.id,
        _person.c.address,
        _person.c.name,
        _person.c.role,
        _person.c.active,
        _person.c.machine,
        _company.c.id.label("company_id"),
        _company.c.name.label("company_name"),
        _company.c.active.label("company_active"),
    )
    .join_from(_person, _company, _person.c.company_id == _company.c.id, isouter=True)
    .where(
        _person.c.mailbox_id == bindparam("mailbox"),
        _person.c.address.in_(bindparam("addresses", expanding=True)),
    )
)
_COMPANY_OF_DOMAIN = (
    select(_company.c.id, _company.c.name, _company.c.active)
    .join_from(_domain, _company, _domain.c.company_id == _company.c.id)
    .where(_domain.c.mailbox_id == bindparam("mailbox"), _domain.c.domain == bindparam("domain"))
)
_ANYBODY_OF_DOMAIN = select(_person.c.id).where(
    _person.c.mailbox_id == bindparam("mailbox"), _person.c.domain == bindparam("domain")
)
_ON_A_TICKET = select(_participant.c.id).where(
    _participant.c.mailbox_id == bindparam("mailbox"),
    _participant.c.address == bindparam("address"),
    _participant.c.presence != Presence.REMOVED.value,
)
_TICKETS = (
    select(
        _ticket.c.id.label("ticket"),
        _ticket.c.company_id,
        _participant.c.id,
        _participant.c.address,
        _participant.c.part,
        _participant.c.presence,
    )
    .join_from(_ticket, _participant, _participant.c.ticket_id == _ticket.c.id, isouter=True)
    .where(
        _ticket.c.mailbox_id == bindparam("mailbox"),
        _ticket.c.id.in_(bindparam("tickets", expanding=True)),
    )
)
_NOTIFIED_AT = select(func.max(_notice.c.created_at)).where(
    _notice.c.mailbox_id == bindparam("mailbox"),
    _notice.c.address == bindparam("address"),
    _notice.c.kind == bindparam("kind"),
)
_DEFERRED_SINCE = select(_deferral.c.since).where(
    _deferral.c.mailbox_id == bindparam("mailbox"), _deferral.c.identity == bindparam("identity")
)


def gather(
    connection: Connection,
    *,
    mail: Mail,
    envelope: Envelope,
    authentication: Authentication,
    signals: tuple[Signal, ...],
    mailbox: Mailbox,
    own_addresses: frozenset[str],
    received_at: datetime,
    held: UUID | None = None,
) -> Facts:
    """The facts of one mail in one mailbox; no row of another mailbox is ever among them.

    `held` is the journal row under which the mail is in quarantine: that is no earlier copy.
    """
    author = mail.author.address if isinstance(mail.author, Author) else None
    earlier = connection.execute(
        _EARLIER, {"mailbox": mailbox.id, "identity": mail.identity}
    ).one_or_none()
    known_ids, id_seen = _known_ids(connection, mailbox, mail)
    people = _people(connection, mailbox, (author, *named_addresses(mail)))
    enrolled = author in people
    company = None if author is None or enrolled else _company_of(connection, mailbox, author)
    return Facts(
        received_at=received_at,
        mailbox=mailbox,
        own_addresses=own_addresses,
        envelope=envelope,
        authentication=authentication,
        signals=signals,
        people=people,
        author_company=company,
        author_known=enrolled
        or company is not None
        or (author is not None and _is_known(connection, mailbox, author)),
        tickets=_tickets(connection, mailbox, signals, known_ids),
        known_ids=known_ids,
        earlier=Earlier(*earlier) if earlier and earlier.journal_id != held else None,
        id_seen=id_seen and held is None,
        acknowledged_at=_notified_at(connection, mailbox, author, Kind.ACKNOWLEDGEMENT)
        if enrolled
        else None,
        invited_at=_notified_at(connection, mailbox, author, Kind.INVITATION)
        if company is not None
        else None,
        deferred_since=_deferred_since(connection, mailbox, mail)
        if authentication.temporary
        else None,
    )


def _notified_at(
    connection: Connection, mailbox: Mailbox, author: str | None, kind: Kind
) -> datetime | None:
    to_author = {"mailbox": mailbox.id, "address": author, "kind": kind.value}
    return connection.execute(_NOTIFIED_AT, to_author).scalar()


def _deferred_since(connection: Connection, mailbox: Mailbox, mail: Mail) -> datetime | None:
    same_mail = {"mailbox": mailbox.id, "identity": mail.identity}
    return connection.execute(_DEFERRED_SINCE, same_mail).scalar()


def _known_ids(
    connection: Connection, mailbox: Mailbox, mail: Mail
) -> tuple[Mapping[str, int], bool]:
    """Which ids of the thread we received, with their tickets; whether the mail's own id came."""
    ids = [i for i in (mail.message_id, *thread_ids(mail)) if i]
    if not ids:
        return {}, False
    rows = connection.execute(_KNOWN_IDS, {"mailbox": mailbox.id, "ids": ids}).all()
    known = {row.message_id: row.ticket_id for row in rows if row.ticket_id is not None}
    seen = any(row.message_id == mail.message_id for row in rows)
    return known, seen


def _people(
    connection: Connection, mailbox: Mailbox, addresses: Iterable[str | None]
) -> Mapping[str, Person]:
    wanted = [address for address in dict.fromkeys(addresses) if address is not None]
    if not wanted:
        return {}
    rows = connection.execute(_PEOPLE, {"mailbox": mailbox.id, "addresses": wanted})
    return {row.address: _as_person(row) for row in rows}


def _as_person(row: Any) -> Person:
    company = (
        Company(row.company_id, row.company_name, row.company_active)
        if row.company_id is not None
        else None
    )
    return Person(row.id, row.address, row.name, Role(row.role), row.active, row.machine, company)


def _company_of(connection: Connection, mailbox: Mailbox, address: str) -> Company | None:
    row = connection.execute(
        _COMPANY_OF_DOMAIN, {"mailbox": mailbox.id, "domain": domain_of(address)}
    ).one_or_none()
    return Company(*row) if row is not None else None


def knows_author(connection: Connection, mailboxes: Iterable[Mailbox], author: str) -> bool:
    """Whether any of these mailboxes has a reason to look into who this author is.

    The answer hangs on the domain, not on the address (but for guests): a look-up in the DNS, which
    the owner of a domain can watch, tells nobody which of its addresses are registered.
    """
    return any(
        _company_of(connection, mailbox, author) is not None
        or _is_known(connection, mailbox, author)
        for mailbox in mailboxes
    )


def _is_known(connection: Connection, mailbox: Mailbox, author: str) -> bool:
    of_domain = {"mailbox": mailbox.id, "domain": domain_of(author)}
    if connection.execute(_ANYBODY_OF_DOMAIN.limit(1), of_domain).first() is not None:
        return True
    on_ticket = {"mailbox": mailbox.id, "address": author}
    return connection.execute(_ON_A_TICKET.limit(1), on_ticket).first() is not None


def _tickets(
    connection: Connection,
    mailbox: Mailbox,
    signals: tuple[Signal, ...],
    known_ids: Mapping[str, int],
) -> Mapping[int, Ticket]:
    numbers = {signal.ticket for signal in signals if signal.ticket is not None}
    numbers |= {
        known_ids[signal.message_id]
        for signal in signals
        if signal.via is Via.KNOWN_MESSAGE_ID and signal.message_id in known_ids
    }
    if not numbers:
        return {}
    companies: dict[int, int | None] = {}
    members: dict[int, list[Participant]] = {}
    for row in connection.execute(_TICKETS, {"mailbox": mailbox.id, "tickets": sorted(numbers)}):
        companies[row.ticket] = row.company_id
        joined = members.setdefault(row.ticket, [])
        if row.id is not None:
            joined.append(Participant(row.id, row.address, Part(row.part), Presence(row.presence)))
    return {n: Ticket(n, companies[n], tuple(members[n])) for n in companies}
