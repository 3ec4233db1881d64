"""Reads what goes with the comments of notices, for one round of the dispatcher."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial

from gateway import log
from gateway.outgoing import events
from gateway.outgoing.carried import Carried, all_gone, packing
from gateway.parsing.html_views import HtmlViews
from gateway.parsing.mail_files import MailFiles
from gateway.runtime import Runtime
from rules.mail.shown_html import HtmlView
from rules.policy import Policy
from rules.service.travelling import FileWay
from rules.ticket.notices import NoticeKind
from rules.ticket.visibility import Visibility
from storage.db.database import Connection
from storage.notices.comments import NoticeComment
from storage.notices.outbox import Notice
from storage.ticket import files
from storage.ticket.comment_mail import comment_with_mail

CARRYING = (
    NoticeKind.COMMENT,
    NoticeKind.NEW_COMMENT,
    NoticeKind.NEW_TICKET,
    NoticeKind.ASSIGNMENT,
)
"""Kinds with the files of their comment. Others name them."""
NOTHING = Carried()


class Carrier:
    """One raw mail is in memory at a time, and what goes with the last comment: many are notified
    of it, one after the other."""

    def __init__(self, runtime: Runtime, html_views: HtmlViews, mail_files: MailFiles) -> None:
        self._runtime = runtime
        self._html_views = html_views
        self._mail_files = mail_files
        self._turn = asyncio.Lock()
        self._last: tuple[object, Carried] = (None, NOTHING)

    async def carried(self, notice: Notice, policy: Policy) -> Carried:
        """What goes with the comment of a notice."""
        comment = notice.comment
        if comment is None or notice.kind not in CARRYING or notice.about is None:
            return NOTHING
        if comment.is_the_last:
            return NOTHING
        for_staff = notice.kind.traits.for_staff
        public = comment.visibility is Visibility.PUBLIC
        formatted = notice.kind is NoticeKind.COMMENT and comment.by_staff and public
        if not (formatted or comment.files):
            return NOTHING
        room_bytes = policy.files.attach_mib * 2**20
        key = (comment.number, for_staff, formatted, room_bytes)
        async with self._turn:
            if self._last[0] != key:
                self._last = (None, NOTHING)
                found = await self._read(notice, comment, for_staff, formatted, room_bytes)
                self._last = (key, found)
                self._report(notice.about.ticket, comment.number, found)
            return self._last[1]

    def _report(self, ticket: int, comment: int, found: Carried) -> None:
        ways = Counter(found.ways.values())
        for way, count in ways.items():
            self._runtime.metrics.files_sent(way.value, count)
        withheld, gone, unread = (
            ways[way] for way in (FileWay.WITHHELD, FileWay.GONE, FileWay.UNREAD)
        )
        if withheld or gone or unread:
            events.files_not_sent(ticket, comment, withheld, gone, unread)

    async def _read(
        self,
        notice: Notice,
        comment: NoticeComment,
        for_staff: bool,
        formatted: bool,
        room_bytes: int,
    ) -> Carried:
        ticket = notice.about.ticket if notice.about is not None else 0
        raw = await self._runtime.read(partial(_raw_of, ticket, comment.number))
        if raw is None:
            return all_gone(comment)
        view: HtmlView | None = None
        if formatted or any(file.inline for file in comment.files):
            view = await self._html_views.view(raw)
            if view.plain_only is not None and view.plain_only.is_costly:
                log.html_not_shown(ticket, comment.number, view.plain_only.value)
        plan = partial(packing, comment, view)
        packed = await asyncio.to_thread(
            plan, for_staff=for_staff, formatted=formatted, room_bytes=room_bytes
        )
        found = await self._mail_files.taken(raw, packed.wanted, examined=not for_staff)
        return packed.carried(found)


def _raw_of(ticket: int, comment: int, connection: Connection) -> bytes | None:
    """The mail of a comment; None where it came by none, or where that is no longer stored."""
    found = comment_with_mail(connection, ticket, comment)
    if found is None or found.mail is None:
        return None
    try:
        return files.read_mail(connection, found.mail)
    except LookupError:
        return None
