"""Companies and people as a person looks them up: some mailboxes at a time, by a part of what they
are called."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, exists, func, or_, select

from rules.mail.addresses import normalise
from rules.people import Role
from storage.db.tables import CompanyDomainRow, CompanyRow, PersonRow, table
from storage.registry import companies
from storage.registry.companies import CompanyAgreement
from storage.registry.mailboxes import list_mailboxes

_company, _domain, _person = table(CompanyRow), table(CompanyDomainRow), table(PersonRow)


@dataclass(frozen=True, slots=True)
class ListedCompany:
    id: int
    mailbox_id: int
    name: str
    active: bool
    domains: Sequence[str]


@dataclass(frozen=True, slots=True)
class ListedPerson:
    id: int
    mailbox_id: int
    address: str
    name: str
    role: Role
    active: bool
    machine: bool
    language: str
    notices: str
    """Of which tickets a staff person is notified; empty for all."""
    company_id: int | None
    company: str
    """Its name; empty for staff."""
    company_active: bool


def find_companies(
    connection: Connection, mailboxes: Collection[int], text: str, limit: int, after: str = ""
) -> Sequence[ListedCompany]:
    """Companies with a text in their name or in a domain of theirs, by name; all for no text. Of
    one mailbox, those behind a name."""
    query = select(_company).where(_company.c.mailbox_id.in_(sorted(mailboxes)))
    if text:
        of_domain = exists().where(
            _domain.c.company_id == _company.c.id, _domain.c.domain.icontains(text, autoescape=True)
        )
        query = query.where(or_(_company.c.name.icontains(text, autoescape=True), of_domain))
    if after:
        query = query.where(_company.c.name > after)
    query = query.order_by(_company.c.mailbox_id, _company.c.name)
    return _with_domains(connection, connection.execute(query.limit(limit)).all())


def company(
    connection: Connection, mailboxes: Collection[int], number: int
) -> tuple[ListedCompany, CompanyAgreement] | None:
    """A company of these mailboxes with what is agreed with it; None where there is none."""
    query = select(_company).where(
        _company.c.id == number, _company.c.mailbox_id.in_(sorted(mailboxes))
    )
    found = _with_domains(connection, connection.execute(query).all())
    if not found:
        return None
    mailbox = next(
        each
        for each in list_mailboxes(connection, inactive_too=True)
        if each.id == found[0].mailbox_id
    )
    return found[0], companies.company_agreement(connection, mailbox, found[0].name)


def find_people(
    connection: Connection, mailboxes: Collection[int], text: str, limit: int, after: str = ""
) -> Sequence[ListedPerson]:
    """People with a text in their address or their name, by address; all for no text. Of one
    mailbox, those behind an address."""
    query = _PEOPLE.where(_person.c.mailbox_id.in_(sorted(mailboxes)))
    if text:
        # Addresses are stored in lower case.
        of_address = _person.c.address.contains(text.lower(), autoescape=True)
        query = query.where(or_(of_address, _person.c.name.icontains(text, autoescape=True)))
    if after:
        query = query.where(_person.c.address > after)
    return _people(connection, query.order_by(_person.c.mailbox_id, _person.c.address), limit)


def people_of(connection: Connection, company: int, limit: int) -> Sequence[ListedPerson]:
    """The people of a company, by address."""
    query = _PEOPLE.where(_person.c.company_id == company).order_by(_person.c.address)
    return _people(connection, query, limit)


def number_of_people(connection: Connection, company: int) -> int:
    counted = select(func.count()).select_from(_person).where(_person.c.company_id == company)
    return connection.execute(counted).scalar_one()


def person(connection: Connection, mailboxes: Collection[int], number: int) -> ListedPerson | None:
    """A person of these mailboxes; None where there is none."""
    query = _PEOPLE.where(_person.c.id == number, _person.c.mailbox_id.in_(sorted(mailboxes)))
    return next(iter(_people(connection, query, 1)), None)


def person_with(connection: Connection, mailbox: int, address: str) -> ListedPerson | None:
    """The person of a mailbox with this address; None where nobody has it."""
    query = _PEOPLE.where(_person.c.mailbox_id == mailbox, _person.c.address == normalise(address))
    return next(iter(_people(connection, query, 1)), None)


_PEOPLE = select(
    _person, _company.c.name.label("company"), _company.c.active.label("company_active")
).join_from(_person, _company, _person.c.company_id == _company.c.id, isouter=True)


def _people(connection: Connection, query: Any, limit: int) -> Sequence[ListedPerson]:
    return [
        ListedPerson(
            id=row.id,
            mailbox_id=row.mailbox_id,
            address=row.address,
            name=row.name,
            role=Role(row.role),
            active=row.active,
            machine=row.machine,
            language=row.language,
            notices=row.notices,
            company_id=row.company_id,
            company=row.company or "",
            company_active=row.company_id is None or row.company_active,
        )
        for row in connection.execute(query.limit(limit))
    ]


def _with_domains(connection: Connection, rows: Sequence[Any]) -> Sequence[ListedCompany]:
    of = select(_domain.c.company_id, _domain.c.domain).order_by(_domain.c.domain)
    domains: dict[int, list[str]] = {}
    for row in connection.execute(of.where(_domain.c.company_id.in_([each.id for each in rows]))):
        domains.setdefault(row.company_id, []).append(row.domain)
    return [
        ListedCompany(row.id, row.mailbox_id, row.name, row.active, domains.get(row.id, []))
        for row in rows
    ]
