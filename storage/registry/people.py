"""Users of companies, and staff.

Functions that write are jobs for the ledger; they raise the errors of `storage.registry.errors`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from rules.mail import Mailbox
from rules.mail.addresses import domain_of, normalise, without_detail
from rules.mail.language import KNOWN as LANGUAGES
from rules.people import Company, Person, Role, StaffNotices
from storage.db.ledger import Conflict
from storage.db.tables import CompanyRow, PersonRow, table
from storage.registry.checks import (
    insert_new,
    named_or_none,
    not_found,
    refuse_lookalike,
    valid_address,
)
from storage.registry.companies import company_id, domains_of, list_companies
from storage.registry.errors import AlreadyExists, ImportRefused, InvalidValue, NotFound
from storage.registry.mailboxes import names_taken

_company, _person = table(CompanyRow), table(PersonRow)


@dataclass(frozen=True, slots=True)
class NewPerson:
    address: str
    name: str
    role: Role
    company: str | None
    """The company's name; None for staff."""
    machine: bool = False
    """A program, whose automatic mail may open tickets."""
    anywhere: bool = False
    """The address may be outside the company's domains."""


def add_person(connection: Connection, mailbox: Mailbox, person: NewPerson) -> int:
    """Register a user of a company, or a staff member; returns the id.

    Raises NotFound for the company, AlreadyExists, or InvalidValue for the address.
    """
    companies = {}
    if person.role is Role.USER:
        name = person.company or ""
        number = company_id(connection, mailbox, name)
        companies[name] = number, domains_of(connection, number)
    return _add(connection, mailbox, person, _Registered(names_taken(connection), companies))


@dataclass(frozen=True, slots=True)
class _Registered:
    """What new people are checked against: of a file, read once for all of them, while mail
    waits."""

    own: frozenset[str]
    """The addresses of our mailboxes, `postmaster` included."""
    companies: Mapping[str, tuple[int, tuple[str, ...]]]
    """The id and the domains of each company, by name."""


def _registered(connection: Connection, mailbox: Mailbox) -> _Registered:
    companies = list_companies(connection, mailbox)
    return _Registered(
        names_taken(connection), {each.name: (each.id, domains) for each, domains in companies}
    )


def _add(connection: Connection, mailbox: Mailbox, person: NewPerson, known: _Registered) -> int:
    company: int | None = None
    domains: tuple[str, ...] = ()
    if person.role is Role.USER:
        name = person.company or ""
        if name not in known.companies:
            raise not_found("company {name}", known.companies, name=repr(name))
        company, domains = known.companies[name]
    address = valid_address(person.address)
    if not known.own.isdisjoint((address, without_detail(address)[0])):
        text = "{address} is one of our mailboxes; mail from it would loop"
        raise InvalidValue(text, address=address)
    refuse_lookalike(domain_of(address), person.address)
    if person.role is Role.USER and not person.anywhere:
        _check_domain(address, person.company, domains)
    return insert_new(
        connection,
        _person,
        {
            "mailbox_id": mailbox.id,
            "address": address,
            "domain": domain_of(address),
            "name": person.name,
            "role": person.role.value,
            "company_id": company,
            "active": True,
            "machine": person.machine,
        },
        address,
    )


def _check_domain(address: str, company: str | None, domains: Sequence[str]) -> None:
    """Raises InvalidValue for an address outside the company's own domains."""
    if domain_of(address) not in domains:
        raise InvalidValue(
            "{address} is not an address of {company}, whose domains are: {known}. "
            "To register it nevertheless, use `postern user add --anywhere`",
            address=address,
            company=company,
            known=named_or_none(domains),
        )


def enrol(connection: Connection, mailbox: Mailbox, address: str, company: int) -> int:
    """Register a proven sender as a user of their domain's company; returns the id.

    Raises Conflict where another process has just registered the address.
    """
    row = {
        "mailbox_id": mailbox.id,
        "address": address,
        "domain": domain_of(address),
        "name": "",
        "role": Role.USER.value,
        "company_id": company,
        "active": True,
        "machine": False,
    }
    try:
        return insert_new(connection, _person, row, address)
    except AlreadyExists as error:
        raise Conflict(f"{address} was registered by another process") from error


def import_people(
    connection: Connection, mailbox: Mailbox, rows: Sequence[tuple[int, NewPerson]], source: str
) -> int:
    """Register the people of a file, all or none; returns how many.

    `rows` are line numbers with people. Raises ImportRefused, which names every bad line.
    """
    faults = []
    known = _registered(connection, mailbox)
    for line, person in rows:
        try:
            _add(connection, mailbox, person, known)
        except (NotFound, AlreadyExists, InvalidValue) as error:
            faults.append(f"line {line}: {error}")
    if faults:
        raise ImportRefused(source, faults)
    return len(rows)


def list_people(connection: Connection, mailbox: Mailbox, role: Role) -> list[Person]:
    """Every person of a role, by address."""
    rows = connection.execute(
        select(_person, _company.c.name.label("company"), _company.c.active.label("company_active"))
        .join_from(_person, _company, _person.c.company_id == _company.c.id, isouter=True)
        .where(_person.c.mailbox_id == mailbox.id, _person.c.role == role.value)
        .order_by(_person.c.address)
    )
    return [
        Person(
            id=row.id,
            address=row.address,
            name=row.name,
            role=role,
            active=row.active,
            machine=row.machine,
            company=(
                Company(row.company_id, row.company, row.company_active) if row.company_id else None
            ),
        )
        for row in rows
    ]


def set_person_active(
    connection: Connection, mailbox: Mailbox, role: Role, address: str, active: bool
) -> None:
    """Take a person's mail, or refuse it. Raises NotFound."""
    _update(connection, mailbox, role, address, active=active)


def set_language(
    connection: Connection, mailbox: Mailbox, role: Role, address: str, language: str
) -> None:
    """Set the language of a person's notices; empty for the policy's. Raises NotFound."""
    if language and language not in LANGUAGES:
        known = ", ".join(sorted(LANGUAGES))
        text = "no notices in {language}; expected one of: {known}"
        raise InvalidValue(text, language=repr(language), known=known)
    _update(connection, mailbox, role, address, language=language)


def set_notices(
    connection: Connection, mailbox: Mailbox, address: str, notices: StaffNotices
) -> None:
    """Set of which tickets a staff person is notified. Raises NotFound."""
    _update(connection, mailbox, Role.STAFF, address, notices=notices.value)


def _update(
    connection: Connection, mailbox: Mailbox, role: Role, address: str, **values: object
) -> None:
    changed = connection.execute(
        update(_person)
        .where(
            _person.c.mailbox_id == mailbox.id,
            _person.c.role == role.value,
            _person.c.address == normalise(address),
        )
        .values(**values)
    )
    if not changed.rowcount:
        raise NotFound("no {role} {address}", role=role, address=address)
