"""How much an author, and the people of one company and domain, have written within the hour."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select, text

from rules.decision.considered import Considered
from rules.mail import Mailbox
from rules.mail.addresses import domain_of
from rules.mail.header import Author
from rules.people import Company, Person
from rules.service.limits import HOUR
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
_size = func.coalesce(func.sum(_journal.c.kept_bytes), 0).label("size")
_OF_DOMAIN = compiled(
    select(_number, _size).where(
        *_LATELY,
        _IN_COMPANY,
        text(TAKEN),  # exactly the condition of the index
        _journal.c.network == "",
    )
)
_RECORDED_OF_COMPANY = compiled(
    select(_number, _size).where(
        *_LATELY,
        _IN_COMPANY,
        text(RECORDED),  # exactly the condition of the index
    )
)
_RECORDED_OF_DOMAIN = compiled(
    select(_number, _size).where(
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
        _number,
        _size,
        select(func.max(_comment.c.written_at))
        .where(
            _comment.c.mailbox_id == bindparam("mailbox"),
            _comment.c.author == bindparam("address"),
            text(FOLDED),  # exactly the condition of the index
        )
        .scalar_subquery()
        .label("folded_at"),
    )
    .select_from(_journal)
    .where(
        *_LATELY,
        _journal.c.author == bindparam("address"),
        text(RECORDED),  # exactly the condition of the index
    )
)


@dataclass(frozen=True, slots=True)
class AuthorsAutomatic:
    """The automatic mail of one author."""

    folded_at: datetime | None = None
    """When one was last folded."""
    lately: int = 0
    """Recorded within the hour."""
    bytes_lately: int = 0


def recorded(
    connection: Connection, mailbox: Mailbox, author: str | None, now: datetime
) -> Pending[AuthorsAutomatic]:
    """What was recorded of the author; none, without a query, where the mail is not automatic."""
    if author is None:
        return AuthorsAutomatic
    pending = _RECORDED.submit(connection, mailbox=mailbox.id, address=author, since=now - HOUR)
    return lambda: next(
        AuthorsAutomatic(row.folded_at, int(row.number), int(row.size)) for row in pending()
    )


@dataclass(frozen=True, slots=True)
class DomainRate:
    """The mails of the people of a company and domain within the hour."""

    written: int = 0
    """Proven mails that were filed."""
    written_bytes: int = 0
    """What those take in the store."""
    recorded: int = 0
    """Automatic ones; counted for another one."""
    recorded_bytes: int = 0


def of_domain(
    connection: Connection,
    considered: Considered,
    person: Person | None,
    company: Company | None,
    *,
    is_busy: bool,
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
    if not isinstance(author, Author) or own is None or not (is_busy or invented):
        return DomainRate()
    domain = domain_of(author.address)
    within = {
        "mailbox": considered.mailbox.id,
        "domain": domain,
        "company": own.id,
        "since": now - HOUR,
    }
    (filed,) = _OF_DOMAIN.rows(connection, **within)
    written = DomainRate(filed.number, int(filed.size))
    if not automatic:
        return written
    if person is not None:
        (of_people,) = _RECORDED_OF_COMPANY.rows(connection, **within)
        return replace(written, recorded=of_people.number, recorded_bytes=int(of_people.size))
    escaped = domain.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    (of_all,) = _RECORDED_OF_DOMAIN.rows(connection, **within, pattern=f"%@{escaped}")
    return replace(written, recorded=of_all.number, recorded_bytes=int(of_all.size))
