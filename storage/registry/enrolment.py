"""Who is registered: mailboxes, companies with their domains, users, staff, keys, API tokens.

Writers here are jobs for the ledger; each raises `Unknown` or `Taken`, which name what is wrong.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from rules.facts import Company, Person, Role
from rules.mail import Mailbox
from rules.mail.addresses import domain_of, is_free_mail, normalise
from rules.sender.authentication import domain_warnings
from rules.sender.tokens import REPLY_TOKEN_LENGTH, Keys
from rules.validation.messages import InvalidFile
from storage.db.ledger import Conflict
from storage.db.tables import (
    ApiTokenRow,
    CompanyDomainRow,
    CompanyRow,
    MailboxRow,
    PersonRow,
    SigningKeyRow,
    table,
)

_mailbox, _company, _domain = table(MailboxRow), table(CompanyRow), table(CompanyDomainRow)
_person, _key, _api_token = table(PersonRow), table(SigningKeyRow), table(ApiTokenRow)

LONGEST_LOCAL_PART = 64 - 1 - REPLY_TOKEN_LENGTH
"""A mailbox's local part leaves room for `+token` in 64 octets (RFC 5321 §4.5.3.1.1)."""


class NotFound(LookupError):
    """Something named is not registered."""


class AlreadyExists(ValueError):
    """Something is registered already."""


class InvalidValue(ValueError):
    """A value that cannot be registered as it is."""


class ImportRefused(InvalidFile):
    """A file that was refused whole; `str()` names every bad line."""


@dataclass(frozen=True, slots=True)
class NewPerson:
    address: str
    name: str
    role: Role
    company: str | None
    machine: bool = False
    anywhere: bool = False
    """His address may be of a domain that is not the company's."""


def keys(connection: Connection) -> Keys:
    """The signing keys. Raises Unknown where `postern init` was never run."""
    rows = connection.execute(select(_key.c.id, _key.c.secret).order_by(_key.c.id)).all()
    if not rows:
        raise NotFound("there is no signing key: run `postern init`")
    return Keys(current=rows[-1].id, secrets={row.id: row.secret for row in rows})


def add_key(connection: Connection, secret: bytes, now: datetime) -> int:
    """Add a signing key; it signs from now on, the older ones are still read. Returns its id.

    Raises Unusable where there are too many, and Taken where another is added at the same time.
    """
    ids = connection.execute(select(_key.c.id)).scalars().all()
    number = max(ids, default=0) + 1
    if number > 255:
        raise InvalidValue("255 signing keys are the most that a token can name")
    row = {"id": number, "secret": secret, "created_at": now}
    _insert(connection, _key, row, f"signing key {number}")
    return number


def key_dates(connection: Connection) -> list[tuple[int, datetime]]:
    """The id and age of every signing key, the oldest first; the last one signs."""
    rows = connection.execute(select(_key.c.id, _key.c.created_at).order_by(_key.c.id))
    return [(row.id, row.created_at) for row in rows]


def mailboxes(connection: Connection, *, all_of_them: bool = False) -> tuple[Mailbox, ...]:
    """The mailboxes that take mail, by address; with `all_of_them` the deactivated ones too."""
    query = select(_mailbox.c.id, _mailbox.c.address, _mailbox.c.policy).order_by(
        _mailbox.c.address
    )
    if not all_of_them:
        query = query.where(_mailbox.c.active)
    return tuple(Mailbox(*row) for row in connection.execute(query))


def the_mailbox(connection: Connection, address: str | None) -> Mailbox:
    """The mailbox of an address, or the only one there is. Raises Unknown."""
    every = mailboxes(connection)
    if address is None:
        if len(every) == 1:
            return every[0]
        if not every:
            raise NotFound("there is no mailbox: run `postern init` or `postern mailbox add`")
        listed = ", ".join(mailbox.address for mailbox in every)
        raise NotFound(f"there are several mailboxes, name one with --mailbox: {listed}")
    wanted = normalise(address)
    for mailbox in every:
        if mailbox.address == wanted:
            return mailbox
    known = ", ".join(mailbox.address for mailbox in every) or "none"
    raise NotFound(f"no mailbox {address}; there are: {known}")


def add_mailbox(connection: Connection, address: str, policy: str) -> int:
    normal = _address(address)
    local = normal.rpartition("@")[0]
    if len(local) > LONGEST_LOCAL_PART or "+" in local:
        raise InvalidValue(
            f"{address}: the part before @ has at most {LONGEST_LOCAL_PART} characters and no +, "
            "so that a reply token fits behind it"
        )
    return _insert(
        connection, _mailbox, {"address": normal, "policy": policy, "active": True}, normal
    )


def add_company(connection: Connection, mailbox: Mailbox, name: str, domains: Sequence[str]) -> int:
    """Register a company with the mail domains that are its own. All or nothing."""
    company = _insert(
        connection, _company, {"mailbox_id": mailbox.id, "name": name, "active": True}, name
    )
    for domain in domains:
        add_domain(connection, mailbox, company, domain)
    return company


def add_domain(connection: Connection, mailbox: Mailbox, company: int, domain: str) -> None:
    """Give a company a mail domain. Raises Unusable, or Taken where it has an owner already."""
    normal = domain_of(_address(f"postmaster@{domain}", shown=domain))
    if is_free_mail(normal):
        raise InvalidValue(f"{domain} is a free mail provider: anybody has an address there")
    _refuse_imitation(normal, domain)
    row = {"mailbox_id": mailbox.id, "domain": normal, "company_id": company}
    _insert(connection, _domain, row, normal)


def companies(connection: Connection, mailbox: Mailbox) -> list[tuple[Company, tuple[str, ...]]]:
    """Every company with its domains, by name."""
    domains: dict[int, list[str]] = {}
    query = select(_domain.c.company_id, _domain.c.domain).where(_domain.c.mailbox_id == mailbox.id)
    for company_id, domain in connection.execute(query.order_by(_domain.c.domain)):
        domains.setdefault(company_id, []).append(domain)
    rows = connection.execute(
        select(_company.c.id, _company.c.name, _company.c.active)
        .where(_company.c.mailbox_id == mailbox.id)
        .order_by(_company.c.name)
    )
    return [(Company(*row), tuple(domains.get(row.id, ()))) for row in rows]


def add_person(connection: Connection, mailbox: Mailbox, person: NewPerson) -> int:
    """Register a user of a company, or a staff person. Raises Unknown, Taken or Unusable."""
    company: int | None = None
    if person.role is Role.USER:
        company = connection.execute(
            select(_company.c.id).where(
                _company.c.mailbox_id == mailbox.id, _company.c.name == person.company
            )
        ).scalar()
        if company is None:
            known = [c.name for c, _ in companies(connection, mailbox)]
            raise NotFound(
                f"no company {person.company!r}; there are: {', '.join(known) or 'none'}"
            )
    address = _address(person.address)
    if any(m.address == address for m in mailboxes(connection, all_of_them=True)):
        raise InvalidValue(f"{address} is a mailbox of ours; mail from it would run in a circle")
    _refuse_imitation(domain_of(address), person.address)
    if person.role is Role.USER and not person.anywhere:
        _check_domain(connection, mailbox, address, person.company)
    row = {
        "mailbox_id": mailbox.id,
        "address": address,
        "domain": domain_of(address),
        "name": person.name,
        "role": person.role.value,
        "company_id": company,
        "active": True,
        "machine": person.machine,
    }
    return _insert(connection, _person, row, address)


def _refuse_imitation(domain: str, shown: str) -> None:
    """Raises Unusable for a domain that only looks like another one."""
    if strange := domain_warnings(domain):
        raise InvalidValue(f"{shown} looks like another domain: {'; '.join(strange)}")


def _check_domain(
    connection: Connection, mailbox: Mailbox, address: str, company: str | None
) -> None:
    """Raises Unusable for an address that is not of the company's own domains."""
    domains = {c.name: own for c, own in companies(connection, mailbox)}[company or ""]
    if domain_of(address) not in domains:
        known = ", ".join(domains) or "none"
        raise InvalidValue(
            f"{address} is no address of {company}; its domains are: {known}. "
            "For somebody who writes from elsewhere all the same: `postern user add --anywhere`"
        )


def enrol(connection: Connection, mailbox: Mailbox, address: str, company: int) -> int:
    """Register a proven sender as a user of his domain's company. Raises Conflict if somebody
    else just did."""
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
        return _insert(connection, _person, row, address)
    except AlreadyExists as error:
        raise Conflict(f"{address} was enrolled meanwhile") from error


def import_people(
    connection: Connection, mailbox: Mailbox, rows: Sequence[tuple[int, NewPerson]], source: str
) -> int:
    """Register many, all or nothing; returns how many. Raises ImportRefused, lines named."""
    faults = []
    for line, person in rows:
        try:
            add_person(connection, mailbox, person)
        except (NotFound, AlreadyExists, InvalidValue) as error:
            faults.append(f"line {line}: {error}")
    if faults:
        raise ImportRefused(source, faults)
    return len(rows)


def people(connection: Connection, mailbox: Mailbox, role: Role) -> list[Person]:
    """Every person of a role, by address."""
    rows = connection.execute(
        select(_person, _company.c.name.label("company"), _company.c.active.label("company_active"))
        .join_from(_person, _company, _person.c.company_id == _company.c.id, isouter=True)
        .where(_person.c.mailbox_id == mailbox.id, _person.c.role == role.value)
        .order_by(_person.c.address)
    )
    return [
        Person(
            row.id,
            row.address,
            row.name,
            role,
            row.active,
            row.machine,
            Company(row.company_id, row.company, row.company_active) if row.company_id else None,
        )
        for row in rows
    ]


def set_person_active(
    connection: Connection, mailbox: Mailbox, role: Role, address: str, active: bool
) -> None:
    changed = connection.execute(
        update(_person)
        .where(
            _person.c.mailbox_id == mailbox.id,
            _person.c.role == role.value,
            _person.c.address == normalise(address),
        )
        .values(active=active)
    )
    if not changed.rowcount:
        raise NotFound(f"no {role} {address}")


def set_company_active(connection: Connection, mailbox: Mailbox, name: str, active: bool) -> None:
    changed = connection.execute(
        update(_company)
        .where(_company.c.mailbox_id == mailbox.id, _company.c.name == name)
        .values(active=active)
    )
    if not changed.rowcount:
        raise NotFound(f"no company {name!r}")


def set_mailbox_active(connection: Connection, address: str, active: bool) -> None:
    changed = connection.execute(
        update(_mailbox).where(_mailbox.c.address == normalise(address)).values(active=active)
    )
    if not changed.rowcount:
        raise NotFound(f"no mailbox {address}")


def set_mailbox_policy(connection: Connection, address: str, policy: str) -> None:
    """From the next mail on the mailbox works under another policy. Raises Unknown."""
    mailbox = the_mailbox(connection, address)
    connection.execute(update(_mailbox).where(_mailbox.c.id == mailbox.id).values(policy=policy))


def add_api_token(connection: Connection, token: str, name: str, scope: str, now: datetime) -> None:
    """Register a bearer token; only its digest is kept."""
    row = {"digest": _digest(token), "name": name, "scope": scope, "created_at": now}
    _insert(connection, _api_token, row, name)


def api_token_scope(connection: Connection, token: str) -> str | None:
    """What a bearer token may do; None for a token that is not ours."""
    query = select(_api_token.c.scope).where(_api_token.c.digest == _digest(token))
    return connection.execute(query).scalar()


def api_tokens(connection: Connection) -> list[tuple[str, str, datetime]]:
    """The name, scope and age of every bearer token, the oldest first."""
    columns = (_api_token.c.name, _api_token.c.scope, _api_token.c.created_at)
    rows = connection.execute(select(*columns).order_by(_api_token.c.created_at))
    return [(row.name, row.scope, row.created_at) for row in rows]


def remove_api_tokens(connection: Connection, name: str) -> int:
    """Every bearer token of a name opens nothing any more. Raises Unknown where there is none."""
    removed = connection.execute(delete(_api_token).where(_api_token.c.name == name)).rowcount
    if not removed:
        known = ", ".join(sorted({each for each, _, _ in api_tokens(connection)})) or "none"
        raise NotFound(f"no token {name!r}; there are: {known}")
    return removed


def _digest(token: str) -> str:
    # 256 random bits need no slow hash: nobody guesses them from their digest.
    return hashlib.sha256(token.encode()).hexdigest()


def _address(address: str, shown: str | None = None) -> str:
    normal = normalise(address)
    if normal is None:
        raise InvalidValue(f"{shown or address} is no mail {'domain' if shown else 'address'}")
    return normal


def _insert(connection: Connection, into: Table, row: dict[str, object], what: str) -> int:
    try:
        with connection.begin_nested():
            key = connection.execute(insert(into), row).inserted_primary_key
    except IntegrityError as error:
        raise AlreadyExists(f"{what} is registered already") from error
    return int(key[0]) if key is not None and isinstance(key[0], int) else 0
