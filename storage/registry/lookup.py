"""Looks up the people and companies that a decision needs, as values of the rules."""

from __future__ import annotations

import json
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence, Set
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, bindparam, exists, literal_column, select

from rules.mail import Mailbox
from rules.mail.addresses import domain_of
from rules.people import Company, Person, Role, Staff, StaffNotices
from rules.sender.neighbours import US, Register, is_of_another_company, names_above
from storage.db.statements import Pending, bind_list, compiled, compiled_in, placeholders
from storage.db.tables import (
    BouncedRow,
    CompanyDomainRow,
    CompanyRow,
    ContractRow,
    MailboxRow,
    PersonRow,
    table,
)

_company, _domain, _person = table(CompanyRow), table(CompanyDomainRow), table(PersonRow)
_contract, _bounced, _mailbox = table(ContractRow), table(BouncedRow), table(MailboxRow)


def _contract_in_force(column: Column[Any]) -> Any:
    """A column of the company's contract that is in force at `now`."""
    return (
        select(column)
        .where(_contract.c.company_id == _company.c.id, _contract.c.starts_at <= bindparam("now"))
        .order_by(_contract.c.starts_at.desc())
        .limit(1)
        .correlate(_company)
        .scalar_subquery()
    )


_COMPANY = (
    _company.c.id.label("company_id"),
    _company.c.name.label("company_name"),
    _company.c.active.label("company_active"),
    _company.c.account_team,
    _company.c.success_manager,
    _company.c.channel,
    _company.c.visibility,
    _contract_in_force(_contract.c.tier).label("tier"),
    _contract_in_force(_contract.c.targets).label("targets"),
    _contract_in_force(_contract.c.calendar).label("calendar"),
)

_PEOPLE = compiled_in(
    lambda count: (
        select(
            _person.c.id,
            _person.c.address,
            _person.c.name,
            _person.c.role,
            _person.c.active,
            _person.c.machine,
            _person.c.language,
            *_COMPANY,
        )
        .join_from(_person, _company, _person.c.company_id == _company.c.id, isouter=True)
        .where(
            _person.c.mailbox_id == bindparam("mailbox"),
            _person.c.address.in_(placeholders("address", count)),
        )
    )
)

_COMPANY_OF_DOMAIN = compiled(
    select(*_COMPANY)
    .join_from(_domain, _company, _domain.c.company_id == _company.c.id)
    .where(_domain.c.mailbox_id == bindparam("mailbox"), _domain.c.domain == bindparam("domain"))
)

_DOMAIN = compiled(
    select(_domain.c.company_id).where(
        _domain.c.mailbox_id == bindparam("mailbox"), _domain.c.domain == bindparam("domain")
    )
)

_ANYBODY_OF_DOMAIN = compiled(
    select(_person.c.id)
    .where(_person.c.mailbox_id == bindparam("mailbox"), _person.c.domain == bindparam("domain"))
    .limit(1)
)

_SUSPENDED = (
    select(_bounced.c.suspended_at)
    .where(_bounced.c.mailbox_id == _person.c.mailbox_id, _bounced.c.address == _person.c.address)
    .correlate(_person)
    .scalar_subquery()
    .label("suspended_at")
)
_STAFF_COLUMNS = (
    _person.c.address,
    _person.c.language,
    _person.c.name,
    _person.c.notices,
    _SUSPENDED,
)
_ACTIVE_STAFF = (
    _person.c.mailbox_id == bindparam("mailbox"),
    _person.c.role == literal_column("'staff'"),
    _person.c.active,
)
_REACHABLE_STAFF = (
    _person.c.role == Role.STAFF.value,
    _person.c.active,
    _person.c.address.not_in(select(_mailbox.c.address)),
    ~exists().where(
        _bounced.c.mailbox_id == _person.c.mailbox_id,
        _bounced.c.address == _person.c.address,
        _bounced.c.suspended_at.is_not(None),
    ),
)
_STAFF = compiled(select(*_STAFF_COLUMNS).where(*_ACTIVE_STAFF).order_by(_person.c.id))

_STAFF_AND_BOUNCED = compiled_in(
    lambda count: (
        select(_person.c.id, *_STAFF_COLUMNS)
        .where(*_ACTIVE_STAFF)
        .union_all(
            select(literal_column("0"), _bounced.c.address, *[literal_column("NULL")] * 4).where(
                _bounced.c.mailbox_id == bindparam("mailbox"),
                _bounced.c.address.in_(placeholders("address", count)),
                _bounced.c.suspended_at.is_not(None),
            )
        )
    )
)

_BOUNCED = compiled_in(
    lambda count: select(_bounced.c.address).where(
        _bounced.c.mailbox_id == bindparam("mailbox"),
        _bounced.c.address.in_(placeholders("address", count)),
        _bounced.c.suspended_at.is_not(None),
    )
)

_UNREACHABLE = compiled_in(
    lambda count: (
        select(_bounced.c.address)
        .where(
            _bounced.c.mailbox_id == bindparam("mailbox"),
            _bounced.c.address.in_(placeholders("address", count)),
            _bounced.c.suspended_at.is_not(None),
        )
        .union_all(
            select(_person.c.address)
            .join_from(_person, _company, _person.c.company_id == _company.c.id, isouter=True)
            .where(
                _person.c.mailbox_id == bindparam("mailbox"),
                _person.c.address.in_(placeholders("address", count)),
                ~_person.c.active | ~_company.c.active,
            )
        )
    )
)


def knows_domain_of(connection: Connection, mailboxes: Iterable[Mailbox], author: str) -> bool:
    """Whether any of these mailboxes has a company or a person of the author's domain.

    DNS look-ups depend on this, and the owner of a domain can watch them and anybody can time them.
    So the address itself is not looked up: nobody learns which addresses are registered.
    """
    return any(
        _has_company(connection, mailbox, author) or has_people(connection, mailbox, author)()
        for mailbox in mailboxes
    )


def may_forward_for(
    connection: Connection, mailboxes: Iterable[Mailbox], staff: str, customer: str
) -> bool:
    """Whether one address is of active staff of any of these mailboxes, and the other of an active
    user there."""
    query = select(_person.c.mailbox_id, _person.c.role).where(
        _person.c.mailbox_id.in_([mailbox.id for mailbox in mailboxes]),
        _person.c.address.in_([staff, customer]),
        _person.c.active,
        (_person.c.role == Role.STAFF.value) == (_person.c.address == staff),
    )
    found = connection.execute(query).all()
    ours = {row.mailbox_id for row in found if row.role == Role.STAFF.value}
    return any(row.mailbox_id in ours for row in found if row.role != Role.STAFF.value)


def company_domains_among(
    connection: Connection, mailboxes: Iterable[Mailbox], domains: Collection[str]
) -> frozenset[str]:
    """Those of the domains that belong to an active company of any of these mailboxes."""
    query = (
        select(_domain.c.domain)
        .join_from(_domain, _company, _domain.c.company_id == _company.c.id)
        .where(
            _domain.c.mailbox_id.in_([mailbox.id for mailbox in mailboxes]),
            _domain.c.domain.in_(domains),
            _company.c.active,
        )
    )
    return frozenset(connection.execute(query).scalars())


def of_other_companies(
    connection: Connection,
    mailboxes: Iterable[Mailbox],
    domains: Collection[str],
    author_domain: str,
) -> frozenset[str]:
    """Those of the domains that belong to another company than the author's domain, in any of these
    mailboxes. That of a mailbox is ours, unless a company is registered with it; one that no
    company is registered with belongs to those of the people who have an address in it."""
    here = [mailbox.id for mailbox in mailboxes]
    names = {name for each in (*domains, author_domain) for name in names_above(each)}
    registers = _registers(connection, names)
    others = [registers[m] for m in registers.keys() - here if registers[m].knows_any()]
    return frozenset(
        each
        for each in domains
        if any(is_of_another_company(each, author_domain, registers[m], others) for m in here)
    )


def _registers(connection: Connection, names: Set[str]) -> Mapping[int, Register]:
    """Whose these names are, by each mailbox. A company has one name at all of them."""
    every = connection.execute(select(_mailbox.c.id, _mailbox.c.address)).all()
    owners: dict[int, dict[str, Hashable]] = {
        row.id: dict.fromkeys(names & {domain_of(row.address)}, US) for row in every
    }
    residents: dict[int, dict[str, set[Hashable]]] = {mailbox: {} for mailbox in owners}
    of_companies = (
        select(_domain.c.mailbox_id, _domain.c.domain, _company.c.name)
        .join_from(_domain, _company, _domain.c.company_id == _company.c.id)
        .where(_domain.c.mailbox_id.in_(owners), _domain.c.domain.in_(names))
    )
    for mailbox, domain, company in connection.execute(of_companies):
        owners[mailbox][domain] = company.casefold()
    of_people = (
        select(_person.c.mailbox_id, _person.c.domain, _company.c.name)
        .join_from(_person, _company, _person.c.company_id == _company.c.id, isouter=True)
        .where(_person.c.mailbox_id.in_(owners), _person.c.domain.in_(names))
    )
    for mailbox, domain, company in connection.execute(of_people.distinct()):
        residents[mailbox].setdefault(domain, set()).add(company.casefold() if company else US)
    return {each: Register(owners[each], residents[each]) for each in owners}


def staff(connection: Connection, mailbox: Mailbox) -> Pending[tuple[Staff, ...]]:
    """The active staff of a mailbox, the longest registered first."""
    pending = _STAFF.submit(connection, mailbox=mailbox.id)
    return lambda: tuple(map(_staff_of, pending()))


def with_reachable_staff(connection: Connection, mailboxes: Collection[int]) -> frozenset[int]:
    """Those of the mailboxes of whose staff mail reaches somebody: at an address that is not
    suppressed, and of no mailbox of ours."""
    query = select(_person.c.mailbox_id).where(
        _person.c.mailbox_id.in_(sorted(mailboxes)), *_REACHABLE_STAFF
    )
    return frozenset(connection.execute(query.distinct()).scalars())


def reachable_staff(connection: Connection, mailbox: Mailbox) -> tuple[Staff, ...]:
    """Those of the staff of a mailbox whom mail reaches, the longest registered first."""
    query = select(*_STAFF_COLUMNS).where(_person.c.mailbox_id == mailbox.id, *_REACHABLE_STAFF)
    return tuple(map(_staff_of, connection.execute(query.order_by(_person.c.id))))


def staff_and_suppressed(
    connection: Connection, mailbox: Mailbox, addresses: Sequence[str]
) -> Pending[tuple[tuple[Staff, ...], frozenset[str]]]:
    """What `staff` and `suppressed_among` find, by one statement."""
    if not addresses:
        only_staff = staff(connection, mailbox)
        return lambda: (only_staff(), frozenset())
    pending = _STAFF_AND_BOUNCED(len(addresses)).submit(
        connection, mailbox=mailbox.id, **bind_list("address", addresses)
    )

    def read() -> tuple[tuple[Staff, ...], frozenset[str]]:
        rows = pending()
        members = sorted((row for row in rows if row.id), key=lambda row: int(row.id))
        bounced = frozenset(row.address for row in rows if not row.id)
        return tuple(map(_staff_of, members)), bounced

    return read


def suppressed_among(
    connection: Connection, mailbox: Mailbox, addresses: Sequence[str]
) -> Pending[frozenset[str]]:
    """Those of the addresses that are suppressed, since mail to them bounced too often."""
    if not addresses:
        return frozenset
    pending = _BOUNCED(len(addresses)).submit(
        connection, mailbox=mailbox.id, **bind_list("address", addresses)
    )
    return lambda: frozenset(row.address for row in pending())


def unreachable_among(
    connection: Connection, mailbox: Mailbox, addresses: Collection[str]
) -> frozenset[str]:
    """Those of the addresses that no mail reaches: they are suppressed, their account is closed, or
    that of their company is."""
    wanted = sorted(each for each in addresses if each)
    if not wanted:
        return frozenset()
    rows = _UNREACHABLE(len(wanted)).rows(
        connection, mailbox=mailbox.id, **bind_list("address", wanted)
    )
    return frozenset(row.address for row in rows)


def people(
    connection: Connection, mailbox: Mailbox, addresses: Iterable[str | None], now: datetime
) -> Pending[Mapping[str, Person]]:
    """The registered people among the addresses, by address; a None among them is ignored."""
    wanted = [address for address in dict.fromkeys(addresses) if address is not None]
    if not wanted:
        return dict
    pending = _PEOPLE(len(wanted)).submit(
        connection, mailbox=mailbox.id, now=now, **bind_list("address", wanted)
    )
    return lambda: {row.address: _person_of(row) for row in pending()}


def company_of(
    connection: Connection, mailbox: Mailbox, address: str, now: datetime
) -> Pending[Company | None]:
    """The company that owns the address's domain; None where none does."""
    domain = domain_of(address)
    pending = _COMPANY_OF_DOMAIN.submit(connection, mailbox=mailbox.id, domain=domain, now=now)
    return lambda: next(map(_company_of, pending()), None)


def has_people(connection: Connection, mailbox: Mailbox, author: str) -> Pending[bool]:
    """Whether any person of the author's domain is registered."""
    pending = _ANYBODY_OF_DOMAIN.submit(connection, mailbox=mailbox.id, domain=domain_of(author))
    return lambda: bool(pending())


def _has_company(connection: Connection, mailbox: Mailbox, author: str) -> bool:
    return bool(_DOMAIN.rows(connection, mailbox=mailbox.id, domain=domain_of(author)))


def _staff_of(row: Any) -> Staff:
    notices = StaffNotices(row.notices or StaffNotices.ALL)
    reachable = row.suspended_at is None
    return Staff(row.address, row.language, row.name, notices, reachable)


def _person_of(row: Any) -> Person:
    company = _company_of(row) if row.company_id is not None else None
    return Person(
        id=row.id,
        address=row.address,
        name=row.name,
        role=Role(row.role),
        active=row.active,
        machine=row.machine,
        company=company,
        language=row.language,
    )


def _company_of(row: Any) -> Company:
    return Company(
        id=row.company_id,
        name=row.company_name,
        active=row.company_active,
        tier=row.tier or "",
        targets=json.loads(row.targets) if row.targets else {},
        account_team=tuple(row.account_team.split()),
        success_manager=row.success_manager,
        channel=row.channel,
        visibility=row.visibility,
        calendar=row.calendar or "",
    )
