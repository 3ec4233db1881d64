"""How much the people of one company and domain have written within the hour."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select, text

from rules.mail import Mailbox
from rules.mail.addresses import domain_of
from rules.people import Company, Person
from rules.service.limits import HOUR
from storage.db.statements import compiled
from storage.db.tables import TAKEN, JournalRow, PersonRow, table

_journal, _person = table(JournalRow), table(PersonRow)

_OF_DOMAIN = compiled(
    select(func.count().label("number")).where(
        _journal.c.mailbox_id == bindparam("mailbox"),
        _journal.c.author.in_(
            select(_person.c.address).where(
                _person.c.mailbox_id == bindparam("mailbox"),
                _person.c.domain == bindparam("domain"),
                _person.c.company_id == bindparam("company"),
            )
        ),
        _journal.c.received_at > bindparam("since"),
        text(TAKEN),  # exactly the condition of the index
        _journal.c.network == "",
    )
)


def mails_of_domain(
    connection: Connection,
    mailbox: Mailbox,
    author: str | None,
    person: Person | None,
    company: Company | None,
    now: datetime,
) -> int:
    """The proven mails of the people of the author's company whose addresses are in the author's
    domain. `person` is the author if they are enrolled, `company` theirs if they are not."""
    own = person.company if person is not None else company
    if author is None or own is None:
        return 0
    rows = _OF_DOMAIN.rows(
        connection,
        mailbox=mailbox.id,
        domain=domain_of(author),
        company=own.id,
        since=now - HOUR,
    )
    return int(rows[0].number)
