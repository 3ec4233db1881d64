"""How a person of a registered company signs up: an address, a mailed link, a name."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, case, delete, false, func, select, update

from rules.mail import Mailbox
from rules.mail.addresses import domain_of, without_detail
from rules.networks import network_of, provider_of
from rules.service.limits import SignUpsSent, has_sign_up_share, may_send_sign_up
from rules.ticket.notice_timing import INVITATION_PAUSE, may_be_invited
from rules.ticket.notices import NoticeKind
from storage.db.tables import CompanyDomainRow, CompanyRow, NoticeRow, PersonRow, table
from storage.notices import direct
from storage.registry import people
from storage.registry.mailboxes import names_taken

_company, _domain = table(CompanyRow), table(CompanyDomainRow)
_person, _notice = table(PersonRow), table(NoticeRow)


class Invited(StrEnum):
    """What became of a request for a link: for the log and the metrics, never for the visitor."""

    QUEUED = "queued"
    NOT_ELIGIBLE = "not_eligible"
    """The address is at no active company, it is registered, or it is of a mailbox of ours."""
    LATELY = "lately"
    """The address was sent one within a day."""
    OVER_BUDGET = "over_budget"
    """Too many were sent to its domain, or from the mailbox."""
    OVER_NETWORK_BUDGET = "over_network_budget"
    """Too many were requested from one client network."""
    OVER_NETWORK_SHARE = "over_network_share"
    """The client's network has had its share of what is sent to this domain."""


class Enrolled(StrEnum):
    NOW = "now"
    BEFORE = "before"
    NOT = "not"
    """The person is deactivated, the company is not, or no longer, registered, or the address is of
    a mailbox of ours."""


def invite(
    connection: Connection,
    mailbox: Mailbox,
    address: str,
    notice: UUID,
    now: datetime,
    language: str = "",
    client: str = "",
) -> Invited:
    """Queue a sign-up link if the address may have one: at an active company's domain, not yet
    enrolled, not invited within a day, and within the budgets of its domain and of the mailbox, and
    the share of the network of the client that asks; that of an unknown client has no limit."""
    if _company_of(connection, mailbox, address, lock=True) is None:
        return Invited.NOT_ELIGIBLE
    if _is_ours(connection, address):
        return Invited.NOT_ELIGIBLE
    if _find(connection, mailbox, address) is not None:
        return Invited.NOT_ELIGIBLE
    last = _last_invited(connection, mailbox, address, now)
    if not may_be_invited(last, now):
        return Invited.LATELY
    origin = _origin(client)
    sent = _sent(connection, mailbox, domain_of(address), now, origin)
    if not may_send_sign_up(sent):
        return Invited.OVER_BUDGET
    if origin and not has_sign_up_share(sent):
        return Invited.OVER_NETWORK_SHARE
    direct.order_invitation(
        connection, mailbox, address, language, notice=notice, now=now, detail=origin
    )
    return Invited.QUEUED


def _last_invited(
    connection: Connection, mailbox: Mailbox, address: str, now: datetime
) -> datetime | None:
    """When the address was invited within a day, under any `+detail`: most providers deliver them
    all to one person."""
    person = without_detail(address)[0]
    found = connection.execute(
        select(_notice.c.address, _notice.c.created_at).where(
            _within_a_day(mailbox, now),
            _notice.c.address.endswith(f"@{domain_of(address)}", autoescape=True),
        )
    )
    return max((at for to, at in found if without_detail(to)[0] == person), default=None)


def _within_a_day(mailbox: Mailbox, now: datetime) -> ColumnElement[bool]:
    """The invitations of the last day: they are on no ticket, which an index has with the time."""
    return and_(
        _notice.c.ticket_id.is_(None),
        _notice.c.created_at > now - INVITATION_PAUSE,
        _notice.c.mailbox_id == mailbox.id,
        _notice.c.kind == NoticeKind.INVITATION.value,
    )


def _origin(client: str) -> dict[str, str]:
    """Whose share a link counts against, as it is stored with the notice."""
    found = {"network": network_of(client), "provider": provider_of(client)} if client else {}
    return {what: name for what, name in found.items() if name}


def _sent(
    connection: Connection, mailbox: Mailbox, domain: str, now: datetime, origin: dict[str, str]
) -> SignUpsSent:
    """How many links were mailed within the hour and the day."""
    lately = _notice.c.created_at > now - timedelta(hours=1)
    there = _notice.c.address.endswith(f"@{domain}", autoescape=True)
    here, around = (
        there & _notice.c.detail.contains(f'"{what}": "{origin[what]}"', autoescape=True)
        if what in origin
        else false()
        for what in ("network", "provider")
    )
    shares = (here & lately, here, around & lately, around)
    row = connection.execute(
        select(
            func.count(case((lately & there, 1))),
            func.count(case((there, 1))),
            func.count(case((lately, 1))),
            func.count(),
            *(func.count(case((each, 1))) for each in shares),
        ).where(_within_a_day(mailbox, now))
    ).one()
    return SignUpsSent(*map(int, row))


def accept(connection: Connection, mailbox: Mailbox, address: str, name: str) -> Enrolled:
    """Enrol the holder of a sign-up link under a name."""
    known = _find(connection, mailbox, address)
    if known is not None:
        return Enrolled.BEFORE if known else Enrolled.NOT
    company = _company_of(connection, mailbox, address)
    if company is None or _is_ours(connection, address):
        return Enrolled.NOT
    person = people.enrol(connection, mailbox, address, company)
    connection.execute(update(_person).where(_person.c.id == person).values(name=name[:200]))
    return Enrolled.NOW


def take_back(connection: Connection, mailbox: Mailbox, address: str) -> None:
    """Undo an `accept` of this transaction: nothing else refers to the person yet."""
    here = (_person.c.mailbox_id == mailbox.id) & (_person.c.address == address)
    connection.execute(delete(_person).where(here))


def _find(connection: Connection, mailbox: Mailbox, address: str) -> bool | None:
    """Whether a registered person is active; None for nobody registered. Who is deactivated is so
    under any `+detail` of their address that is not registered itself."""
    owner = without_detail(address)[0]
    query = select(_person.c.address, _person.c.active).where(
        _person.c.mailbox_id == mailbox.id, _person.c.address.in_([address, owner])
    )
    found = {row.address: bool(row.active) for row in connection.execute(query)}
    return found.get(address, None if found.get(owner, True) else False)


def _is_ours(connection: Connection, address: str) -> bool:
    """Whether mail to the address comes to a mailbox of ours, which would answer itself."""
    return not names_taken(connection).isdisjoint((address, without_detail(address)[0]))


def _company_of(
    connection: Connection, mailbox: Mailbox, address: str, lock: bool = False
) -> int | None:
    """The active company of an address; with `lock` its domain's row is locked, so that of
    several concurrent requests each sees what the one before has queued."""
    query = (
        select(_company.c.id)
        .join_from(_domain, _company, _domain.c.company_id == _company.c.id)
        .where(
            _domain.c.mailbox_id == mailbox.id,
            _domain.c.domain == domain_of(address),
            _company.c.active,
        )
    )
    if lock:
        query = query.with_for_update(of=_domain, key_share=True)
    company: int | None = connection.execute(query).scalar()
    return company
