"""The journal as pages, the newest first, for a reader who sees some mailboxes.

A page continues from the key of its last line, and no page examines more than `EXAMINED` rows: a
search for a rare word ends there, and goes on further back when somebody asks for more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select, text

from rules.mail.presented import Mask
from storage.db.columns import FIRST, LAST
from storage.db.tables import TAKEN, JournalRow, MailRow, table
from storage.mail.journal import kinds

_journal, _mail = table(JournalRow), table(MailRow)

EXAMINED = 20_000
LOOKED_AT = 200
"""Rows that are read at once to find those in which a reader sees a text."""
LOOKS = 3
"""How often, for one page."""
WATCHED = 10_000
OVERLAP = timedelta(seconds=30)
"""A row can become visible after a younger one."""


class PageKey(NamedTuple):
    """Where a page ends: the rows before it are on the next."""

    at: datetime
    id: UUID

    def __str__(self) -> str:
        return f"{self.at.isoformat()}_{self.id}"

    @classmethod
    def read(cls, written: str) -> PageKey | None:
        """None for what is no key."""
        at, _, name = written.partition("_")
        try:
            key = cls(datetime.fromisoformat(at), UUID(name))
        except ValueError:
            return None
        known = key.at.tzinfo is not None and FIRST < key.at < LAST
        return key if known else None


@dataclass(frozen=True, slots=True)
class PageFilter:
    """Selects rows: every condition that is not empty must hold."""

    mailboxes: frozenset[int]
    """Rows of these only, always."""
    verdict: str = ""
    reason: str = ""
    text: str = ""
    """A part of the subject, or of the address of author or envelope, in any case."""
    since: datetime | None = None
    """Received then or later."""

    def takes(self, line: JournalLine) -> bool:
        """The same for a row that was read already."""
        text = self.text.lower()
        return (
            line.mailbox_id in self.mailboxes
            and self.verdict in ("", line.verdict)
            and self.reason in ("", line.reason)
            and (self.since is None or self.since <= line.received_at)
            and any(text in each.lower() for each in line.searched)
        )

    def is_seen_in(self, line: JournalLine, mask: Mask) -> bool:
        """Whether a reader sees the text in a line. One that is only in what they see masked counts
        for nothing: else they would find a reply address letter by letter."""
        text = self.text.lower()
        has = (each for each in line.searched if text in each.lower())
        return not text or any(text in mask(each).lower() for each in has)


@dataclass(frozen=True, slots=True)
class JournalLine:
    """What a list has of a mail."""

    id: UUID
    mailbox_id: int
    received_at: datetime
    verdict: str
    reason: str
    ticket: int | None
    author: str
    mail_from: str
    subject: str
    size_bytes: int
    is_held: bool
    """It is in quarantine still."""

    @property
    def key(self) -> PageKey:
        return PageKey(self.received_at, self.id)

    @property
    def searched(self) -> tuple[str, str, str]:
        """Where a text is looked for."""
        return self.subject, self.author, self.mail_from


@dataclass(frozen=True, slots=True)
class JournalPage:
    lines: tuple[JournalLine, ...]
    following: PageKey | None
    """The end of the page; None if there is nothing before it."""
    is_cut: bool = False
    """The page has fewer lines than it could have, since enough rows were examined for them."""


def page(
    connection: Connection, wanted: PageFilter, before: PageKey | None, limit: int, mask: Mask
) -> JournalPage:
    """The newest rows before a key, the newest first: of those with a text, the ones in which a
    reader sees it. `mask` is how they see a text."""
    if not wanted.text:
        return _page(connection, wanted, before, limit)
    lines: list[JournalLine] = []
    for _ in range(LOOKS):
        found = _page(connection, wanted, before, max(limit, LOOKED_AT))
        seen = (line for line in found.lines if wanted.is_seen_in(line, mask))
        lines.extend(islice(seen, limit + 1 - len(lines)))
        if len(lines) > limit:
            return JournalPage(tuple(lines[:limit]), lines[limit - 1].key)
        if found.following is None or found.is_cut:
            return replace(found, lines=tuple(lines))
        before = found.following
    return JournalPage(tuple(lines), before, is_cut=True)


def _page(
    connection: Connection, wanted: PageFilter, before: PageKey | None, limit: int
) -> JournalPage:
    keys: list[PageKey] = []
    starts: list[datetime] = []
    every = list(_kinds(connection, wanted))
    examined = max(1, EXAMINED // max(1, len(every)))
    for kind in every:
        conditions = [*kind, *_before(before), *_since(wanted.since)]
        ordered = _journal.c.received_at.desc()
        times = select(_journal.c.received_at).where(*conditions).order_by(ordered)
        start = connection.execute(times.offset(examined).limit(1)).scalar()
        if start is not None:
            starts.append(start)
            conditions.append(_journal.c.received_at >= start)
        found = (
            select(_journal.c.received_at, _journal.c.id)
            .where(*conditions, *_conditions(wanted))
            .order_by(ordered, _journal.c.id.desc())
        )
        rows = connection.execute(found.limit(limit + 1))
        keys.extend(PageKey(row.received_at, row.id) for row in rows)
    start = max(starts, default=None)
    last = sorted((key for key in keys if start is None or key.at >= start), reverse=True)
    lines = lines_of(connection, [key.id for key in last[:limit]])
    if len(last) > limit:
        return JournalPage(lines, last[limit - 1])
    if start is not None:
        return JournalPage(lines, PageKey(start, UUID(int=0)), is_cut=True)
    return JournalPage(lines, None)


def newest(connection: Connection, since: datetime, limit: int) -> tuple[JournalLine, ...]:
    """The newest rows of all mailboxes from a time on, the newest first."""
    query = _LINES.where(_journal.c.received_at >= since)
    return tuple(map(_line, connection.execute(query.limit(limit))))


def keys_since(connection: Connection, since: datetime) -> Sequence[PageKey]:
    """The keys of all rows from a time on, the newest first; `WATCHED` at most."""
    query = select(_journal.c.received_at, _journal.c.id).where(_journal.c.received_at >= since)
    ordered = query.order_by(_journal.c.received_at.desc(), _journal.c.id.desc())
    rows = connection.execute(ordered.limit(WATCHED))
    return [PageKey(row.received_at, row.id) for row in rows]


def taken_of(
    connection: Connection, mailbox: int, author: str, limit: int
) -> tuple[JournalLine, ...]:
    """The newest mails of an author that were taken in a mailbox, the newest first."""
    query = _LINES.where(
        _journal.c.mailbox_id == mailbox,
        _journal.c.author == author,
        text(TAKEN),  # exactly the condition of the index
    )
    return tuple(map(_line, connection.execute(query.limit(limit))))


_LINES: Select[Any] = (
    select(
        *(_journal.c[name] for name in ("id", "mailbox_id", "received_at", "verdict", "reason")),
        *(_journal.c[name] for name in ("author", "mail_from", "subject", "size_bytes")),
        _journal.c.ticket_id.label("ticket"),
        (_mail.c.state == "held").label("is_held"),
    )
    .join_from(_journal, _mail, _mail.c.journal_id == _journal.c.id, isouter=True)
    .order_by(_journal.c.received_at.desc(), _journal.c.id.desc())
)


def one(connection: Connection, row: UUID) -> JournalLine | None:
    """The row with this id; None where there is none."""
    return next(iter(lines_of(connection, [row])), None)


def lines_of(connection: Connection, ids: Collection[UUID]) -> tuple[JournalLine, ...]:
    return tuple(map(_line, connection.execute(_LINES.where(_journal.c.id.in_(ids)))))


def _line(row: Any) -> JournalLine:
    return JournalLine(**{**row._mapping, "is_held": bool(row.is_held)})


def _kinds(connection: Connection, wanted: PageFilter) -> Iterator[list[ColumnElement[bool]]]:
    """Conditions whose rows an index has in the order of a list: all of them, or one for each
    verdict and reason that is wanted."""
    if not wanted.verdict and not wanted.reason:
        yield []
        return
    for verdict, reason in kinds(connection, wanted.verdict or None, wanted.reason or None):
        yield [_journal.c.verdict == verdict, _journal.c.reason == reason]


def _before(key: PageKey | None) -> list[ColumnElement[bool]]:
    if key is None:
        return []
    at, row = _journal.c.received_at, _journal.c.id
    # With a limit of its own for the time, which the index has in this order.
    return [at <= key.at, or_(at < key.at, and_(at == key.at, row < key.id))]


def _since(start: datetime | None) -> list[ColumnElement[bool]]:
    return [_journal.c.received_at >= start] if start is not None else []


def _conditions(wanted: PageFilter) -> Iterator[ColumnElement[bool]]:
    yield _journal.c.mailbox_id.in_(sorted(wanted.mailboxes))
    if wanted.text:
        columns = (_journal.c.subject, _journal.c.author, _journal.c.mail_from)
        yield or_(*(each.icontains(wanted.text, autoescape=True) for each in columns))
