"""Companies: their mail domains, contracts, contacts on our side and preferred channel.

Functions that write are jobs for the ledger; they raise the errors of `storage.registry.errors`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, or_, select, update

from rules.mail import Mailbox
from rules.mail.addresses import domain_of, is_free_mail, normalise
from rules.people import Company
from storage.db.tables import CompanyDomainRow, CompanyRow, ContractRow, table
from storage.registry.checks import (
    NAMED,
    insert_new,
    named_or_none,
    not_found,
    refuse_lookalike,
    valid_address,
    valid_domain,
)
from storage.registry.errors import InvalidValue, NotFound

_company, _domain, _contract = table(CompanyRow), table(CompanyDomainRow), table(ContractRow)

LONGEST_CHANNEL = 200
_SOUGHT_AT_ONCE = 20
"""Names in one query for domains: SQLite nests a thousand conditions at most."""

Targets = Mapping[str, Mapping[str, str]]
"""What a contract promises in addition to its tier: `first` and `ongoing`, spans by level."""


@dataclass(frozen=True, slots=True)
class Contract:
    tier: str
    starts_at: datetime
    targets: Targets
    calendar: str = ""
    """A calendar of the policy; empty for the tier's."""


@dataclass(frozen=True, slots=True)
class CompanyAgreement:
    """A company with everything that is agreed with it."""

    name: str
    active: bool
    domains: tuple[str, ...]
    contracts: tuple[Contract, ...]
    """The oldest first; the last one that has started is in force."""
    account_team: tuple[str, ...]
    success_manager: str
    """Empty for none."""
    channel: str
    """Empty for none."""
    visibility: str = ""
    """`company` or `private`: who of it reads its tickets; empty for what the policy says."""
    updates_by: str = ""
    """`manager` where the success manager gets the answers at high severity too."""


def add_company(connection: Connection, mailbox: Mailbox, name: str, domains: Sequence[str]) -> int:
    """Register a company with the mail domains it owns, all or nothing; returns its id."""
    row: dict[str, object] = {"mailbox_id": mailbox.id, "name": name, "active": True}
    company = insert_new(connection, _company, row, name)
    for domain in domains:
        _add_domain(connection, mailbox, company, domain)
    return company


def _add_domain(connection: Connection, mailbox: Mailbox, company: int, domain: str) -> None:
    """Raises InvalidValue, or AlreadyExists where the domain has an owner."""
    normal = valid_domain(domain)
    if is_free_mail(normal):
        text = "{domain} is a free mail provider: anybody can have an address there"
        raise InvalidValue(text, domain=domain)
    refuse_lookalike(normal, domain)
    row = {"mailbox_id": mailbox.id, "domain": normal, "company_id": company}
    insert_new(connection, _domain, row, normal)


def list_companies(
    connection: Connection, mailbox: Mailbox
) -> list[tuple[Company, tuple[str, ...]]]:
    """Every company with its domains, by name."""
    domains: dict[int, list[str]] = {}
    query = select(_domain.c.company_id, _domain.c.domain).where(_domain.c.mailbox_id == mailbox.id)
    for company, domain in connection.execute(query.order_by(_domain.c.domain)):
        domains.setdefault(company, []).append(domain)
    rows = connection.execute(
        select(_company.c.id, _company.c.name, _company.c.active)
        .where(_company.c.mailbox_id == mailbox.id)
        .order_by(_company.c.name)
    )
    return [(Company(*row), tuple(domains.get(row.id, ()))) for row in rows]


def company_id(connection: Connection, mailbox: Mailbox, name: str) -> int:
    """The id of a company. Raises NotFound, which lists names that are known."""
    found: int | None = connection.execute(
        select(_company.c.id).where(_company.c.mailbox_id == mailbox.id, _company.c.name == name)
    ).scalar()
    if found is None:
        known = select(_company.c.name).where(_company.c.mailbox_id == mailbox.id)
        first = known.order_by(_company.c.name).limit(NAMED + 1)
        raise not_found("company {name}", connection.execute(first).scalars(), name=repr(name))
    return found


def domains_of(connection: Connection, company: int) -> tuple[str, ...]:
    """The mail domains of a company."""
    query = select(_domain.c.domain).where(_domain.c.company_id == company)
    return tuple(connection.execute(query.order_by(_domain.c.domain)).scalars())


@dataclass(frozen=True, slots=True)
class OwnedDomain:
    domain: str
    company: str
    """Its name."""


def domains_around(
    connection: Connection,
    company: int,
    mailboxes: Collection[int],
    below: Collection[str],
    exactly: Collection[str],
) -> list[OwnedDomain]:
    """The domains that other companies have at these mailboxes and that are one of the names of
    `below` or below it, or one of `exactly`. It looks at each domain of the mailboxes. Companies
    with the same name are one."""
    own: str = connection.execute(
        select(_company.c.name).where(_company.c.id == company)
    ).scalar_one()
    query = (
        select(_domain.c.domain, _company.c.name)
        .join_from(_domain, _company, _domain.c.company_id == _company.c.id)
        .where(_domain.c.mailbox_id.in_(mailboxes), _domain.c.company_id != company)
    )
    conditions = [
        *(_domain.c.domain.endswith(f".{name}", autoescape=True) for name in below),
        *(_domain.c.domain == name for name in {*below, *exactly}),
    ]
    found: set[tuple[str, str]] = set()
    for start in range(0, len(conditions), _SOUGHT_AT_ONCE):
        sought = or_(*conditions[start : start + _SOUGHT_AT_ONCE])
        found.update((row.domain, row.name) for row in connection.execute(query.where(sought)))
    others = (each for each in sorted(found) if each[1].casefold() != own.casefold())
    return [OwnedDomain(*each) for each in others]


def company_agreement(connection: Connection, mailbox: Mailbox, name: str) -> CompanyAgreement:
    """Everything that is agreed with a company. Raises NotFound."""
    row = connection.execute(
        select(_company).where(_company.c.id == company_id(connection, mailbox, name))
    )
    company = row.one()
    contracts = connection.execute(
        select(_contract)
        .where(_contract.c.company_id == company.id)
        .order_by(_contract.c.starts_at)
    )
    return CompanyAgreement(
        name=company.name,
        active=company.active,
        domains=domains_of(connection, company.id),
        contracts=tuple(
            Contract(c.tier, c.starts_at, json.loads(c.targets), c.calendar) for c in contracts
        ),
        account_team=tuple(company.account_team.split()),
        success_manager=company.success_manager,
        channel=company.channel,
        visibility=company.visibility,
        updates_by=company.updates_by,
    )


def contracts_from(
    connection: Connection, mailbox: Mailbox, now: datetime
) -> Mapping[str, Sequence[Contract]]:
    """The contracts of the active companies that are in force or start later, by company."""
    rows = connection.execute(
        select(_company.c.name, _contract)
        .join_from(_contract, _company, _contract.c.company_id == _company.c.id)
        .where(_contract.c.mailbox_id == mailbox.id, _company.c.active)
        .order_by(_company.c.name, _contract.c.starts_at)
    )
    found: dict[str, list[Contract]] = {}
    for row in rows:
        contract = Contract(row.tier, row.starts_at, json.loads(row.targets), row.calendar)
        earlier = found.setdefault(row.name, [])
        if contract.starts_at <= now:
            earlier.clear()
        earlier.append(contract)
    return found


def set_company_active(connection: Connection, mailbox: Mailbox, name: str, active: bool) -> None:
    """Take the mail of a company's users, or refuse it. Raises NotFound."""
    changed = connection.execute(
        update(_company)
        .where(_company.c.mailbox_id == mailbox.id, _company.c.name == name)
        .values(active=active)
    )
    if not changed.rowcount:
        raise NotFound("no company {name}", name=repr(name))


def add_domains(
    connection: Connection, mailbox: Mailbox, name: str, domains: Sequence[str]
) -> None:
    """Register more mail domains of a company, all or nothing."""
    company = company_id(connection, mailbox, name)
    for domain in domains:
        _add_domain(connection, mailbox, company, domain)


def remove_domains(
    connection: Connection, mailbox: Mailbox, name: str, domains: Sequence[str]
) -> None:
    """Remove mail domains from a company, all or nothing; the users there stay registered."""
    company = company_id(connection, mailbox, name)
    for domain in domains:
        removed = connection.execute(
            delete(_domain).where(
                _domain.c.company_id == company,
                _domain.c.domain == domain_of(normalise(f"postmaster@{domain}") or ""),
            )
        )
        if not removed.rowcount:
            raise NotFound(
                "{domain} is not a domain of {name}; expected one of: {known}",
                domain=domain,
                name=name,
                known=named_or_none(company_agreement(connection, mailbox, name).domains),
            )


def add_contract(connection: Connection, mailbox: Mailbox, name: str, contract: Contract) -> None:
    """Give a company a tier from a time on; a contract with the same start is replaced.

    Tickets keep the tier that was in force when they arrived.
    """
    company = company_id(connection, mailbox, name)
    same_start = (_contract.c.company_id == company) & (_contract.c.starts_at == contract.starts_at)
    values = {
        "tier": contract.tier,
        "targets": json.dumps(contract.targets, ensure_ascii=False),
        "calendar": contract.calendar,
    }
    if connection.execute(update(_contract).where(same_start).values(**values)).rowcount:
        return
    row = {"mailbox_id": mailbox.id, "company_id": company, "starts_at": contract.starts_at}
    connection.execute(insert(_contract), row | values)


def set_account_team(
    connection: Connection, mailbox: Mailbox, name: str, addresses: Sequence[str]
) -> None:
    """Set the people whom a policy may notify of a company's new tickets; empty for nobody."""
    team = " ".join(dict.fromkeys(valid_address(address) for address in addresses))
    _update(connection, mailbox, name, account_team=team)


def set_success_manager(connection: Connection, mailbox: Mailbox, name: str, address: str) -> None:
    """Set the person whom a policy may notify of a company's escalations; empty for nobody."""
    _update(connection, mailbox, name, success_manager=valid_address(address) if address else "")


def set_channel(connection: Connection, mailbox: Mailbox, name: str, channel: str) -> None:
    """Set the way of contact that a company prefers; staff see it on each of its tickets."""
    one_line = " ".join(channel.split())
    if len(one_line) > LONGEST_CHANNEL:
        raise InvalidValue(
            "a channel must have at most {most} characters, not {length}",
            most=LONGEST_CHANNEL,
            length=len(one_line),
        )
    _update(connection, mailbox, name, channel=one_line)


def set_visibility(connection: Connection, mailbox: Mailbox, name: str, visibility: str) -> None:
    """Whether all of a company's people read its tickets (`company`), or those on each of them
    (`private`); empty for what the policy says."""
    _update(connection, mailbox, name, visibility=visibility)


def set_updates_by(connection: Connection, mailbox: Mailbox, name: str, updates_by: str) -> None:
    """Whether a company's success manager gets the answers at high severity too (`manager`), or
    the team alone sends them (empty)."""
    _update(connection, mailbox, name, updates_by=updates_by)


def _update(connection: Connection, mailbox: Mailbox, name: str, **values: object) -> None:
    company = company_id(connection, mailbox, name)
    connection.execute(update(_company).where(_company.c.id == company).values(**values))
