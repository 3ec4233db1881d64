"""The saved replies of a mailbox. Functions that write are jobs for the ledger; they raise the
errors of `storage.registry.errors`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select

from rules.commands.savable import cannot_be_saved
from rules.mail import Mailbox
from rules.mail.language import KNOWN
from rules.ticket.model import Ticket
from rules.ticket.saved_replies import MOST_REPLIES, SavedReplies, as_reply_name, wanted_name
from storage.db.tables import SavedReplyRow, table
from storage.registry import lookup
from storage.registry.checks import not_found
from storage.registry.errors import InvalidValue

_reply = table(SavedReplyRow)


@dataclass(frozen=True, slots=True)
class SavedReplyView:
    name: str
    language: str
    text: str
    changed_at: datetime
    changed_by: str


def list_replies(connection: Connection, mailbox: Mailbox) -> Sequence[SavedReplyView]:
    query = (
        select(
            _reply.c.name,
            _reply.c.language,
            _reply.c.text,
            _reply.c.changed_at,
            _reply.c.changed_by,
        )
        .where(_reply.c.mailbox_id == mailbox.id)
        .order_by(_reply.c.name, _reply.c.language)
    )
    return [SavedReplyView(*row) for row in connection.execute(query)]


def reply_names(connection: Connection, mailbox: Mailbox) -> tuple[str, ...]:
    query = (
        select(_reply.c.name)
        .where(_reply.c.mailbox_id == mailbox.id)
        .distinct()
        .order_by(_reply.c.name)
    )
    return tuple(connection.execute(query).scalars())


def set_reply(
    connection: Connection,
    mailbox: Mailbox,
    name: str,
    language: str,
    text: str,
    *,
    by: str,
    now: datetime,
) -> SavedReplyView:
    """Save a reply, in place of one of the same name and language. Raises InvalidValue."""
    named = as_reply_name(name)
    if named is None:
        raise InvalidValue(
            "{name} cannot name a saved reply: 40 letters and digits at most", name=repr(name)
        )
    if language and language not in KNOWN:
        raise InvalidValue(
            "language {language}: expected one of: {known}",
            language=repr(language),
            known=", ".join(KNOWN),
        )
    if (why := cannot_be_saved(named, text)) is not None:
        raise InvalidValue(why.english, **dict(why.values))
    _delete(connection, mailbox, named, language)
    count = select(func.count()).where(_reply.c.mailbox_id == mailbox.id)
    if connection.execute(count).scalar_one() >= MOST_REPLIES:
        raise InvalidValue(
            "{mailbox} has {most} saved replies; remove one first",
            mailbox=mailbox.address,
            most=MOST_REPLIES,
        )
    saved = SavedReplyView(named, language, text.strip(), now, by)
    row = {"mailbox_id": mailbox.id, "name": named, "language": language, "text": saved.text}
    connection.execute(insert(_reply), row | {"changed_at": now, "changed_by": by})
    return saved


def remove_reply(
    connection: Connection, mailbox: Mailbox, name: str, language: str | None = None
) -> int:
    """Remove a reply, in one language or in all; returns how many. Raises NotFound."""
    removed = _delete(connection, mailbox, wanted_name(name), language)
    if not removed:
        known = dict.fromkeys(each.name for each in list_replies(connection, mailbox))
        raise not_found("saved reply {name}", known, name=repr(name))
    return removed


def _delete(connection: Connection, mailbox: Mailbox, name: str, language: str | None) -> int:
    here = delete(_reply).where(_reply.c.mailbox_id == mailbox.id, _reply.c.name == name)
    if language is not None:
        here = here.where(_reply.c.language == language)
    return int(connection.execute(here).rowcount)


def replies_for(
    connection: Connection,
    mailbox: Mailbox,
    wanted: Collection[str],
    tickets: Iterable[Ticket],
    now: datetime,
) -> SavedReplies:
    """The names of all, the texts of those that are wanted, and the requesters of the tickets."""
    known = reply_names(connection, mailbox)
    texts: dict[str, dict[str, str]] = {}
    query = select(_reply.c.name, _reply.c.language, _reply.c.text).where(
        _reply.c.mailbox_id == mailbox.id, _reply.c.name.in_(sorted(wanted))
    )
    for row in connection.execute(query) if wanted else ():
        texts.setdefault(row.name, {})[row.language] = row.text
    asked = [each.requester for each in tickets if each.requester]
    people = lookup.people(connection, mailbox, asked if wanted else (), now)
    return SavedReplies(known, texts, people())
