"""Gathers what the rules need to know about one mail, in as few queries as possible."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Connection, bindparam, func, select
from sqlalchemy.sql.expression import ClauseElement

from rules.addresses import domain_of
from rules.authentication import Authentication
from rules.facts import Company, Earlier, Facts, Part, Participant, Person, Presence, Role, Ticket
from rules.header import Author
from rules.mail import Envelope, Mail, Mailbox
from rules.notices import Kind
from rules.participants import named_addresses
from rules.threads import Signal, Via, thread_ids
from storage.statements import Statement, always
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


def _numbered(name: str, count: int) -> list[BindParameter[Any]]:
    return [bindparam(f"{name}_{n}") for n in range(count)]


def _filled(name: str, values: Sequence[object]) -> dict[str, object]:
    return {f"{name}_{n}": value for n, value in enumerate(values)}


def _by_count(build: Callable[[int], ClauseElement]) -> Callable[[int], Statement]:
    """A statement with an IN list, compiled once for each length that occurs."""
    return lru_cache(maxsize=256)(lambda count: always(build(count)))


_TRACES = _by_count(
    lambda count: select(
        _mail.c.identity,
        _mail.c.message_id,
        _mail.c.journal_id,
        _mail.c.answer,
        _mail.c.ticket_id,
    ).where(
        _mail.c.mailbox_id == bindparam("mailbox"),
        (_mail.c.identity == bindparam("identity"))
        | _mail.c.message_id.in_(_numbered("id", count)),
    )
)
"""What we know of a mail and of the mails before it in its thread."""
_PEOPLE = _by_count(
    lambda count: (
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
            _person.c.address.in_(_numbered("address", count)),
        )
    )
)
_COMPANY_OF_DOMAIN = always(
    select(_company.c.id, _company.c.name, _company.c.active)
    .join_from(_domain, _company, _domain.c.company_id == _company.c.id)
    .where(_domain.c.mailbox_id == bindparam("mailbox"), _domain.c.domain == bindparam("domain"))
)
_ANYBODY_OF_DOMAIN = always(
    select(_person.c.id)
    .where(_person.c.mailbox_id == bindparam("mailbox"), _person.c.domain == bindparam("domain"))
    .limit(1)
)
_ON_A_TICKET = always(
    select(_participant.c.id)
    .where(
        _participant.c.mailbox_id == bindparam("mailbox"),
        _participant.c.address == bindparam("address"),
        _participant.c.presence != Presence.REMOVED.value,
    )
    .limit(1)
)
_TICKETS = _by_count(
    lambda count: (
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
            _ticket.c.id.in_(_numbered("ticket", count)),
        )
    )
)
_NOTIFIED_AT = always(
    select(func.max(_notice.c.created_at).label("moment")).where(
        _notice.c.mailbox_id == bindparam("mailbox"),
        _notice.c.address == bindparam("address"),
        _notice.c.kind == bindparam("kind"),
    )
)
_DEFERRED_SINCE = always(
    select(_deferral.c.since).where(
        _deferral.c.mailbox_id == bindparam("mailbox"),
        _deferral.c.identity == bindparam("identity"),
    )
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
    earlier, known_ids, id_seen = _traces(connection, mailbox, mail, held)
    people = _people(connection, mailbox, (author, *named_addresses(mail)))
    enrolled = author in people
    company = None if author is None or enrolled else _company_of(connection, mailbox, author)
    domain_known = (
        enrolled
        or company is not None
        or (author is not None and _has_people(connection, mailbox, author))
    )
    return Facts(
        received_at=received_at,
        mailbox=mailbox,
        own_addresses=own_addresses,
        envelope=envelope,
        authentication=authentication,
        signals=signals,
        people=people,
        author_company=company,
        domain_known=domain_known,
        author_known=domain_known
        or (author is not None and _is_on_a_ticket(connection, mailbox, author)),
        tickets=_tickets(connection, mailbox, signals, known_ids),
        known_ids=known_ids,
        earlier=earlier,
        id_seen=id_seen,
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
    (row,) = _NOTIFIED_AT.rows(connection, mailbox=mailbox.id, address=author, kind=kind.value)
    moment: datetime | None = row.moment
    return moment


def _deferred_since(connection: Connection, mailbox: Mailbox, mail: Mail) -> datetime | None:
    rows = _DEFERRED_SINCE.rows(connection, mailbox=mailbox.id, identity=mail.identity)
    return rows[0].since if rows else None


def _traces(
    connection: Connection, mailbox: Mailbox, mail: Mail, held: UUID | None
) -> tuple[Earlier | None, Mapping[str, int], bool]:
    """The same mail before; the tickets of its thread's ids; whether its own id came before."""
    # "<>" is nobody's id: a list must not be empty, and "" is what mails without an id have.
    ids = [i for i in (mail.message_id, *thread_ids(mail)) if i] or ["<>"]
    rows = _TRACES(len(ids)).rows(
        connection, mailbox=mailbox.id, identity=mail.identity, **_filled("id", ids)
    )
    earlier = None
    known: dict[str, int] = {}
    id_seen = False
    for row in rows:
        if row.identity == mail.identity:
            if row.journal_id != held:
                earlier = Earlier(row.journal_id, row.answer, row.ticket_id)
            continue
        id_seen = id_seen or (bool(mail.message_id) and row.message_id == mail.message_id)
        if row.ticket_id is not None:
            known[row.message_id] = row.ticket_id
    return earlier, known, id_seen


def _people(
    connection: Connection, mailbox: Mailbox, addresses: Iterable[str | None]
) -> Mapping[str, Person]:
    wanted = [address for address in dict.fromkeys(addresses) if address is not None]
    if not wanted:
        return {}
    rows = _PEOPLE(len(wanted)).rows(connection, mailbox=mailbox.id, **_filled("address", wanted))
    return {row.address: _as_person(row) for row in rows}


def _as_person(row: Any) -> Person:
    company = (
        Company(row.company_id, row.company_name, row.company_active)
        if row.company_id is not None
        else None
    )
    return Person(row.id, row.address, row.name, Role(row.role), row.active, row.machine, company)


def _company_of(connection: Connection, mailbox: Mailbox, address: str) -> Company | None:
    rows = _COMPANY_OF_DOMAIN.rows(connection, mailbox=mailbox.id, domain=domain_of(address))
    return Company(*rows[0]) if rows else None


def knows_author(connection: Connection, mailboxes: Iterable[Mailbox], author: str) -> bool:
    """Whether any of these mailboxes has a reason to look into who this author is.

    The answer hangs on the domain, not on the address (but for guests): a look-up in the DNS, which
    the owner of a domain can watch, tells nobody which of its addresses are registered.
    """
    return any(
        _company_of(connection, mailbox, author) is not None
        or _has_people(connection, mailbox, author)
        or _is_on_a_ticket(connection, mailbox, author)
        for mailbox in mailboxes
    )


def _has_people(connection: Connection, mailbox: Mailbox, author: str) -> bool:
    return bool(_ANYBODY_OF_DOMAIN.rows(connection, mailbox=mailbox.id, domain=domain_of(author)))


def _is_on_a_ticket(connection: Connection, mailbox: Mailbox, author: str) -> bool:
    return bool(_ON_A_TICKET.rows(connection, mailbox=mailbox.id, address=author))


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
    rows = _TICKETS(len(numbers)).rows(
        connection, mailbox=mailbox.id, **_filled("ticket", sorted(numbers))
    )
    for row in rows:
        companies[row.ticket] = row.company_id
        joined = members.setdefault(row.ticket, [])
        if row.id is not None:
            joined.append(Participant(row.id, row.address, Part(row.part), Presence(row.presence)))
    return {n: Ticket(n, companies[n], tuple(members[n])) for n in companies}
