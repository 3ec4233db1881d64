"""What is known of a mail and its thread: an earlier copy, and the tickets of the ids it names.

Senders choose Message-IDs, and anybody may have any number of mails kept with the same one. So what
is read for an id is bounded, however many mails have it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain, islice, zip_longest
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, bindparam, select, text, union_all

from rules.decision.considered import Considered
from rules.facts import Earlier, ThreadTicket
from rules.mail import Mail
from rules.sender.pointers import EXAMINED_IDS, thread_ids
from storage.db.statements import (
    Pending,
    Statement,
    bind_list,
    compiled,
    filled_up,
    placeholders,
)
from storage.db.tables import HAS_CONTENT, MailIdentityRow, MailRow, ThreadReferenceRow, table

MOST_NAMING = 50
"""Of the tickets that named or had an id at most so many are considered: any mail may name any."""
MOST_INTRODUCING = 10 * MOST_NAMING
"""So many authors of mails that have or name an id are looked up for one mail, the ids in turn."""
MOST_READ = 1000
"""So many mails are read for an id, those of the oldest tickets first: others may be on those."""
_NO_ID = "<>"
"""Is never an id; mails without an id are stored with an empty one."""

_mail, _identity = table(MailRow), table(MailIdentityRow)
_reference = table(ThreadReferenceRow)
_HERE = _mail.c.mailbox_id == bindparam("mailbox")
_TRACE = (_mail.c.message_id, _mail.c.journal_id, _mail.c.answer, _mail.c.ticket_id)

Traces = tuple[Earlier | None, bool]
KnownIds = Mapping[str, tuple[ThreadTicket, ...]]


def _trace_query(identities: int) -> Statement:
    """The mail itself if it was received before, and other mails with its Message-ID: one more than
    could be the mail itself."""
    listed = placeholders("identity", identities)
    columns = (*_TRACE, _mail.c.identity)
    same_id = (
        select(*columns)
        .where(_HERE, _mail.c.message_id == bindparam("id"))
        .limit(identities + 1)
        .subquery()
    )
    by_id = select(*same_id.c)
    itself = select(*columns).where(_HERE, _mail.c.identity.in_(listed))
    by_content = select(*_TRACE, _mail.c.content.label("identity")).where(
        _HERE, _mail.c.content == bindparam("content"), text(HAS_CONTENT)
    )
    if identities == 1:  # a mail without signatures
        return compiled(union_all(itself, by_content, by_id))
    by_further = (
        select(*_TRACE, _identity.c.identity)
        .join_from(
            _identity,
            _mail,
            (_mail.c.mailbox_id == _identity.c.mailbox_id) & (_mail.c.identity == _identity.c.mail),
        )
        .where(_identity.c.mailbox_id == bindparam("mailbox"), _identity.c.identity.in_(listed))
    )
    return compiled(union_all(itself, by_further, by_content, by_id))


_TRACES = lru_cache(maxsize=64)(_trace_query)


def _known_query(ids: int) -> Statement:
    """The tickets of the mails with these ids, and their authors, each id bounded on its own."""

    def tickets_of(number: int) -> Select[Any]:
        read = (
            select(_mail.c.message_id, _mail.c.ticket_id, _mail.c.author)
            .where(_HERE, _mail.c.message_id == bindparam(f"id_{number}"))
            .where(_mail.c.ticket_id > 0)  # not of those on no ticket, which anybody can send
            .order_by(_mail.c.ticket_id, _mail.c.author)
            .limit(MOST_READ)
            .subquery()
        )
        return select(read.c.message_id, read.c.ticket_id, read.c.author).distinct()

    return compiled(union_all(*map(tickets_of, range(ids))))


_KNOWN = lru_cache(maxsize=16)(_known_query)
_COUNTS = (1, 2, 4, 8, 16, 32, EXAMINED_IDS + 1)
"""For so many ids the statements are compiled; a shorter list is filled up."""


def _named_before_query(ids: int) -> Statement:
    """Tickets whose mails named these ids before we had them, the oldest first, each id bounded on
    its own."""

    def tickets_of(number: int) -> Select[Any]:
        named = (
            select(_reference.c.message_id, _reference.c.ticket_id, _reference.c.author)
            .where(
                _reference.c.mailbox_id == bindparam("mailbox"),
                _reference.c.message_id == bindparam(f"id_{number}"),
            )
            .order_by(_reference.c.ticket_id)
            .limit(MOST_NAMING)
            .subquery()
        )
        return select(named.c.message_id, named.c.ticket_id, named.c.author)

    return compiled(union_all(*map(tickets_of, range(ids))))


_NAMED_BEFORE = lru_cache(maxsize=16)(_named_before_query)


def traces(connection: Connection, considered: Considered, held: UUID | None) -> Pending[Traces]:
    """The earlier copy, and whether the Message-ID was seen before."""
    mail = considered.mail
    identities = _known_as(considered, held)
    pending = _TRACES(len(identities)).submit(
        connection,
        mailbox=considered.mailbox.id,
        id=mail.message_id or _NO_ID,
        content=considered.content,
        **bind_list("identity", identities),
    )

    def read() -> Traces:
        earlier = None
        id_seen = False
        for row in pending():
            if row.identity not in (*identities, considered.content):
                id_seen = True
                continue
            # The mail itself before a lesser copy of it, in whatever order they are found.
            is_better = earlier is None or row.identity in considered.of_the_mail
            if row.journal_id != held and is_better:
                earlier = Earlier(row.journal_id, row.answer, row.ticket_id)
        return earlier, id_seen

    return read


def known_ids(connection: Connection, considered: Considered) -> Pending[KnownIds]:
    """The tickets of the ids that the mail refers to, by id, the oldest first."""
    mail = considered.mail
    ids = [each for each in thread_ids(mail) if each != mail.message_id]
    if not ids:
        return dict
    filled = filled_up(ids, _COUNTS, _NO_ID)
    pending = _KNOWN(len(filled)).submit(
        connection, mailbox=considered.mailbox.id, **bind_list("id", filled)
    )

    return lambda: _by_id(pending())


def named_before(connection: Connection, mailbox: int, mail: Mail) -> Pending[KnownIds]:
    """The tickets whose mails named the mail or its ancestors before we had them, by id."""
    ids = list(dict.fromkeys(i for i in (mail.message_id, *thread_ids(mail)) if i))
    if not ids:
        return dict
    filled = filled_up(ids, _COUNTS, _NO_ID)
    pending = _NAMED_BEFORE(len(filled)).submit(
        connection, mailbox=mailbox, **bind_list("id", filled)
    )
    return lambda: _by_id(pending())


def introducers(*ids: KnownIds) -> tuple[str, ...]:
    """The authors of the mails by which ids lead to tickets: of each id, in turn, the next of its
    oldest tickets, so that no id with many hides those of another."""
    by_id = [_authors_of(found) for known in ids for found in known.values()]
    turns = chain.from_iterable(zip_longest(*by_id, fillvalue=""))
    return tuple(islice(dict.fromkeys(filter(None, turns)), MOST_INTRODUCING))


def _authors_of(found: Iterable[ThreadTicket]) -> Iterable[str]:
    """The first authors of an id; those of the oldest tickets first."""
    oldest = sorted(found, key=lambda each: each.number)
    authors = (author for each in oldest for author in sorted(each.authors) if author)
    return islice(dict.fromkeys(authors), MOST_NAMING)


def _by_id(rows: Iterable[Any]) -> KnownIds:
    found: defaultdict[str, defaultdict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in rows:
        found[row.message_id][row.ticket_id].add(row.author)
    return {
        message_id: tuple(
            ThreadTicket(number, frozenset(authors))
            for number, authors in sorted(tickets.items())[:MOST_NAMING]
        )
        for message_id, tickets in found.items()
    }


def _known_as(considered: Considered, held: UUID | None) -> Sequence[str]:
    """The identities by which an earlier copy is recognised.

    If the mail itself was filed, a lesser copy of it is a repeat as well; except that an unproven
    one must not learn that, and that staff decide on what is held.
    """
    identities = considered.identities
    if considered.authentication.aligned and held is None:
        identities += considered.of_the_mail
    return list(dict.fromkeys(identities))
