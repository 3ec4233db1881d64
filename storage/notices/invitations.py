"""How a person of a registered company signs up: an address, a mailed link, a name."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Connection, func, select, update

from rules.mail import Mailbox
from rules.mail.addresses import domain_of
from rules.ticket.notice_timing import may_be_invited
from rules.ticket.notices import NoticeKind
from storage.db.tables import CompanyDomainRow, CompanyRow, NoticeRow, PersonRow, table
from storage.notices import outbox
from storage.registry import people

_company, _domain = table(CompanyRow), table(CompanyDomainRow)
_person, _notice = table(PersonRow), table(NoticeRow)


class Enrolled(StrEnum):
    NOW = "now"
    BEFORE = "before"
    NOT = "not"
    """The person is deactivated, or the company is not, or no longer, registered."""


def invite(
    connection: Connection,
    mailbox: Mailbox,
    address: str,
    notice: UUID,
    now: datetime,
    language: str = "",
) -> bool:
    """Queue a sign-up link if the address may have one: at an active company's domain, not yet
    enrolled, and not invited within a day. The result is for the log, never for the requester."""
    if _company_of(connection, mailbox, address, lock=True) is None:
        return False
    if _find(connection, mailbox, address) is not None:
        return False
    last = connection.execute(
        select(func.max(_notice.c.created_at)).where(
            _notice.c.mailbox_id == mailbox.id,
            _notice.c.address == address,
            _notice.c.kind == NoticeKind.INVITATION.value,
        )
    ).scalar()
    if not may_be_invited(last, now):
        return False
    outbox.order_invitation(connection, mailbox, address, language, notice=notice, now=now)
    return True


def accept(connection: Connection, mailbox: Mailbox, address: str, name: str) -> Enrolled:
    """Enrol the holder of a sign-up link under a name."""
    known = _find(connection, mailbox, address)
    if known is not None:
        return Enrolled.BEFORE if known else Enrolled.NOT
    company = _company_of(connection, mailbox, address)
    if company is None:
        return Enrolled.NOT
    person = people.enrol(connection, mailbox, address, company)
    connection.execute(update(_person).where(_person.c.id == person).values(name=name[:200]))
    return Enrolled.NOW


def _find(connection: Connection, mailbox: Mailbox, address: str) -> bool | None:
    """Whether a registered person is active; None for nobody registered."""
    query = select(_person.c.active).where(
        _person.c.mailbox_id == mailbox.id, _person.c.address == address
    )
    active: bool | None = connection.execute(query).scalar()
    return active


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
