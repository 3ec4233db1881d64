"""How much an author, and the people of one company and domain, have written within the hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select, text

from rules.decision.considered import Considered
from rules.mail import Mailbox
from rules.mail.addresses import domain_of
from rules.mail.header import Author
from rules.people import Company, Person
from rules.service.limits import BUSY, HOUR
from storage.db.statements import Pending, compiled
from storage.db.tables import (
    FOLDED,
    RECORDED,
    TAKEN,
    CommentRow,
    JournalRow,
    PersonRow,
    table,
)

_journal, _person, _comment = table(JournalRow), table(PersonRow), table(CommentRow)

_LATELY = (
    _journal.c.mailbox_id == bindparam("mailbox"),
    _journal.c.received_at > bindparam("since"),
)
_REGISTERED_THERE = select(_person.c.address).where(
    _person.c.mailbox_id == bindparam("mailbox"), _person.c.domain == bindparam("domain")
)
_IN_COMPANY = _journal.c.author.in_(
    _REGISTERED_THERE.where(_person.c.company_id == bindparam("company"))
)
_number = func.count().label("number")
_OF_DOMAIN = compiled(
    select(_number).where(
        *_LATELY,
        _IN_COMPANY,
        text(TAKEN),  # exactly the condition of the index
        _journal.c.network == "",
    )
)
_RECORDED_OF_COMPANY = compiled(
    select(_number).where(
        *_LATELY,
        _IN_COMPANY,
        text(RECORDED),  # exactly the condition of the index
    )
)
_RECORDED_OF_DOMAIN = compiled(
    select(_number).where(
        *_LATELY,
        _IN_COMPANY
        | (
            _journal.c.author.like(bindparam("pattern"), escape="\\")
            & _journal.c.author.not_in(_REGISTERED_THERE)
        ),
        text(RECORDED),  # exactly the condition of the index
    )
)
"""With those whom nobody registered, in a domain that is the company's."""

_RECORDED = compiled(
    select(
        select(func.max(_comment.c.written_at))
        .where(
            _comment.c.mailbox_id == bindparam("mailbox"),
            _comment.c.author == bindparam("address"),
            text(FOLDED),  # exactly the condition of the index
        )
        .scalar_subquery()
        .label("folded_at"),
        select(func.count())
        .select_from(_journal)
        .where(
            *_LATELY,
            _journal.c.author == bindparam("address"),
            text(RECORDED),  # exactly the condition of the index
        )
        .scalar_subquery()
        .label("lately"),
    )
)


def recorded(
    connection: Connection, mailbox: Mailbox, author: str | None, now: datetime
) -> Pending[tuple[datetime | None, int]]:
    """When a mail of the author was last folded, and how many of theirs were recorded within the
    hour; looked up for no author, without a query, where the mail is not automatic."""
    if author is None:
        return lambda: (None, 0)
    pending = _RECORDED.submit(connection, mailbox=mailbox.id, address=author, since=now - HOUR)
    return lambda: next((row.folded_at, int(row.lately)) for row in pending())


@dataclass(frozen=True, slots=True)
class DomainRate:
    """The mails of the people of a company and domain within the hour."""

    written: int = 0
    """Proven mails that were filed."""
    recorded: int = 0
    """Automatic ones; counted for another one."""


def of_domain(
    connection: Connection,
    considered: Considered,
    person: Person | None,
    company: Company | None,
    *,
    written: int,
    automatic: bool,
    now: datetime,
) -> DomainRate:
    """The mails of the people of the author's company whose addresses are in the author's domain;
    not counted before the author is busy, unless anybody can invent the next author.

    `person` is the author if they are enrolled, `company` theirs if they are not.
    """
    invented = company is not None and (automatic or considered.policy.registration == "domain")
    own = person.company if person is not None else company
    author = considered.mail.author
    if not isinstance(author, Author) or own is None or (written < BUSY and not invented):
        return DomainRate()
    domain = domain_of(author.address)
    within = {
        "mailbox": considered.mailbox.id,
        "domain": domain,
        "company": own.id,
        "since": now - HOUR,
    }
    (filed,) = _OF_DOMAIN.rows(connection, **within)
    if not automatic:
        return DomainRate(filed.number)
    if person is not None:
        (of_people,) = _RECORDED_OF_COMPANY.rows(connection, **within)
        return DomainRate(filed.number, of_people.number)
    escaped = domain.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    (of_all,) = _RECORDED_OF_DOMAIN.rows(connection, **within, pattern=f"%@{escaped}")
    return DomainRate(filed.number, of_all.number)
