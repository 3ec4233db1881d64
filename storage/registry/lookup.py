"""The people and companies that a mail may come from, as the rules see them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, bindparam, literal_column, select

from rules.facts import Company, Person, Role, Staff
from rules.mail import Mailbox
from rules.mail.addresses import domain_of
from storage.db.statements import Pending, bind_list, compiled, compiled_in, placeholders
from storage.db.tables import (
    BouncedRow,
    CompanyDomainRow,
    CompanyRow,
    ContractRow,
    PersonRow,
    table,
)

_company, _domain, _person = table(CompanyRow), table(CompanyDomainRow), table(PersonRow)
_contract, _bounced = table(ContractRow), table(BouncedRow)


def _of_contract(column: Column[Any]) -> Any:
    """A column of the contract that is in force for the company now."""
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
    _of_contract(_contract.c.tier).label("tier"),
    _of_contract(_contract.c.targets).label("targets"),
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

_STAFF = compiled(
    select(_person.c.address, _person.c.language)
    .where(
        _person.c.mailbox_id == bindparam("mailbox"), _person.c.role == literal_column("'staff'")
    )
    .where(_person.c.active)
    .order_by(_person.c.id)
)

_BOUNCED = compiled_in(
    lambda count: select(_bounced.c.address).where(
        _bounced.c.mailbox_id == bindparam("mailbox"),
        _bounced.c.address.in_(placeholders("address", count)),
        _bounced.c.suspended_at.is_not(None),
    )
)


def knows_domain_of(connection: Connection, mailboxes: Iterable[Mailbox], author: str) -> bool:
    """Whether any of these mailboxes has a company or a person of this author's domain.

    The address itself is not looked up: a look-up in the DNS, which the owner of a domain can watch
    and everybody can time, tells nobody which of its addresses are registered or on a ticket.
    """
    return any(
        _has_company(connection, mailbox, author) or has_people(connection, mailbox, author)()
        for mailbox in mailboxes
    )


def staff(connection: Connection, mailbox: Mailbox) -> Pending[tuple[Staff, ...]]:
    """The active staff of a mailbox."""
    asked = _STAFF.submit(connection, mailbox=mailbox.id)
    return lambda: tuple(Staff(row.address, row.language) for row in asked())


def bounced_of(
    connection: Connection, mailbox: Mailbox, addresses: Sequence[str]
) -> Pending[frozenset[str]]:
    """Those of the addresses that mail came back from too often."""
    if not addresses:
        return frozenset
    asked = _BOUNCED(len(addresses)).submit(
        connection, mailbox=mailbox.id, **bind_list("address", addresses)
    )
    return lambda: frozenset(row.address for row in asked())


def people(
    connection: Connection, mailbox: Mailbox, addresses: Iterable[str | None], now: datetime
) -> Pending[Mapping[str, Person]]:
    """Whoever of the addresses is registered, by address."""
    wanted = [address for address in dict.fromkeys(addresses) if address is not None]
    if not wanted:
        return dict
    asked = _PEOPLE(len(wanted)).submit(
        connection, mailbox=mailbox.id, now=now, **bind_list("address", wanted)
    )
    return lambda: {row.address: _as_person(row) for row in asked()}


def company_of(
    connection: Connection, mailbox: Mailbox, address: str, now: datetime
) -> Pending[Company | None]:
    """The company that an address's domain is registered for."""
    domain = domain_of(address)
    asked = _COMPANY_OF_DOMAIN.submit(connection, mailbox=mailbox.id, domain=domain, now=now)
    return lambda: next(map(_as_company, asked()), None)


def has_people(connection: Connection, mailbox: Mailbox, author: str) -> Pending[bool]:
    """Whether anybody of the author's domain is registered."""
    asked = _ANYBODY_OF_DOMAIN.submit(connection, mailbox=mailbox.id, domain=domain_of(author))
    return lambda: bool(asked())


def _has_company(connection: Connection, mailbox: Mailbox, author: str) -> bool:
    return bool(_DOMAIN.rows(connection, mailbox=mailbox.id, domain=domain_of(author)))


def _as_person(row: Any) -> Person:
    company = _as_company(row) if row.company_id is not None else None
    return Person(
        row.id,
        row.address,
        row.name,
        Role(row.role),
        row.active,
        row.machine,
        company,
        row.language,
    )


def _as_company(row: Any) -> Company:
    return Company(
        row.company_id,
        row.company_name,
        row.company_active,
        row.tier or "",
        json.loads(row.targets) if row.targets else {},
        tuple(row.account_team.split()),
        row.success_manager,
        row.channel,
    )


def success_manager(connection: Connection, company: int) -> str:
    """The address of a company's success manager; empty where it has none."""
    query = select(_company.c.success_manager).where(_company.c.id == company)
    return connection.execute(query).scalar() or ""
