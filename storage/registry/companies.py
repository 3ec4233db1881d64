"""What is agreed with a company: its contracts, and the people and ways of contact on both sides.

Writers here are jobs for the ledger; each raises `Unknown` or `Unusable`, which name what is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from rules.facts import Role
from rules.mail import Mailbox
from rules.mail.addresses import domain_of, normalise
from rules.mail.language import KNOWN as LANGUAGES
from storage.db.tables import CompanyDomainRow, CompanyRow, ContractRow, PersonRow, table
from storage.registry.enrolment import InvalidValue, NotFound, add_domain, companies

_company, _domain, _contract = table(CompanyRow), table(CompanyDomainRow), table(ContractRow)
_person = table(PersonRow)

Targets = Mapping[str, Mapping[str, str]]
"""What a contract promises beside its tier: `first` and `ongoing`, spans by level."""


@dataclass(frozen=True, slots=True)
class Contract:
    tier: str
    starts_at: datetime
    targets: Targets


@dataclass(frozen=True, slots=True)
class CompanyAgreement:
    """A company with all that is agreed with it."""

    name: str
    active: bool
    domains: tuple[str, ...]
    contracts: tuple[Contract, ...]
    """The oldest first; the last one that has started is in force."""
    account_team: tuple[str, ...]
    success_manager: str
    channel: str


def company_agreement(connection: Connection, mailbox: Mailbox, name: str) -> CompanyAgreement:
    row = connection.execute(
        select(_company).where(_company.c.id == _id(connection, mailbox, name))
    )
    company = row.one()
    domains = connection.execute(
        select(_domain.c.domain)
        .where(_domain.c.company_id == company.id)
        .order_by(_domain.c.domain)
    )
    contracts = connection.execute(
        select(_contract)
        .where(_contract.c.company_id == company.id)
        .order_by(_contract.c.starts_at)
    )
    return CompanyAgreement(
        company.name,
        company.active,
        tuple(domains.scalars()),
        tuple(Contract(c.tier, c.starts_at, json.loads(c.targets)) for c in contracts),
        tuple(company.account_team.split()),
        company.success_manager,
        company.channel,
    )


def add_domains(
    connection: Connection, mailbox: Mailbox, name: str, domains: Sequence[str]
) -> None:
    """More mail domains that are a company's own. All or nothing."""
    company = _id(connection, mailbox, name)
    for domain in domains:
        add_domain(connection, mailbox, company, domain)


def remove_domains(
    connection: Connection, mailbox: Mailbox, name: str, domains: Sequence[str]
) -> None:
    """Mail domains that are a company's no more; its users there stay. All or nothing."""
    company = _id(connection, mailbox, name)
    for domain in domains:
        removed = connection.execute(
            delete(_domain).where(
                _domain.c.company_id == company,
                _domain.c.domain == domain_of(normalise(f"postmaster@{domain}") or ""),
            )
        )
        if not removed.rowcount:
            own = ", ".join(company_agreement(connection, mailbox, name).domains) or "none"
            raise NotFound(f"{domain} is no domain of {name}; its domains are: {own}")


def agree(connection: Connection, mailbox: Mailbox, name: str, contract: Contract) -> None:
    """Give a company a tier from a moment on; a contract from that very moment is replaced.

    Tickets keep the tier that was in force when they arrived.
    """
    company = _id(connection, mailbox, name)
    here = (_contract.c.company_id == company) & (_contract.c.starts_at == contract.starts_at)
    values = {"tier": contract.tier, "targets": json.dumps(contract.targets, ensure_ascii=False)}
    if connection.execute(update(_contract).where(here).values(**values)).rowcount:
        return
    row = {"mailbox_id": mailbox.id, "company_id": company, "starts_at": contract.starts_at}
    connection.execute(insert(_contract), row | values)


def set_account_team(
    connection: Connection, mailbox: Mailbox, name: str, addresses: Sequence[str]
) -> None:
    """Who is told of a company's new tickets, where the policy says so; nobody for no addresses."""
    team = " ".join(dict.fromkeys(_address(address) for address in addresses))
    _set(connection, mailbox, name, account_team=team)


def set_success_manager(connection: Connection, mailbox: Mailbox, name: str, address: str) -> None:
    """Who is told of a company's escalations, where the policy says so; nobody for no address."""
    _set(connection, mailbox, name, success_manager=_address(address) if address else "")


def set_channel(connection: Connection, mailbox: Mailbox, name: str, channel: str) -> None:
    """The way of contact that a company prefers; staff read it beside each of its tickets."""
    shown = " ".join(channel.split())
    if len(shown) > 200:
        raise InvalidValue(f"a channel is said in 200 characters at most, not {len(shown)}")
    _set(connection, mailbox, name, channel=shown)


def set_language(
    connection: Connection, mailbox: Mailbox, role: Role, address: str, language: str
) -> None:
    """The language of somebody's notices; the policy's for an empty one."""
    if language and language not in LANGUAGES:
        raise InvalidValue(f"no notices in {language!r}; there are: {', '.join(sorted(LANGUAGES))}")
    changed = connection.execute(
        update(_person)
        .where(
            _person.c.mailbox_id == mailbox.id,
            _person.c.role == role.value,
            _person.c.address == normalise(address),
        )
        .values(language=language)
    )
    if not changed.rowcount:
        raise NotFound(f"no {role} {address}")


def _set(connection: Connection, mailbox: Mailbox, name: str, **values: Any) -> None:
    company = _id(connection, mailbox, name)
    connection.execute(update(_company).where(_company.c.id == company).values(**values))


def _id(connection: Connection, mailbox: Mailbox, name: str) -> int:
    found: int | None = connection.execute(
        select(_company.c.id).where(_company.c.mailbox_id == mailbox.id, _company.c.name == name)
    ).scalar()
    if found is None:
        known = ", ".join(company.name for company, _ in companies(connection, mailbox))
        raise NotFound(f"no company {name!r}; there are: {known or 'none'}")
    return found


def _address(address: str) -> str:
    normal = normalise(address)
    if normal is None:
        raise InvalidValue(f"{address} is no mail address")
    return normal
