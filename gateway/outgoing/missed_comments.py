"""What a summary shows: the comments that a budget withheld from its reader."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from gateway.outgoing.dates import date_and_time
from gateway.outgoing.quoted_comment import QuotedComment, Redactor, fitting_text, quoted_comment
from gateway.outgoing.recipient_links import RecipientLinks
from rules.policy import Policy
from rules.service.more import EXAMINED
from rules.ticket.payloads import MorePayload
from storage.notices.comments import NoticeComment
from storage.notices.outbox import Notice

LONGEST = 3000
"""Octets of one comment in the HTML of a summary."""
FILES_NAMED = 5
"""Of one comment."""
_CUT = 1024
"""Characters before a cut that are not shown: it may go through a reply address, which no mask then
finds."""


@dataclass(frozen=True, slots=True)
class MoreView:
    """A summary as its reader sees it; empty in notices of other kinds."""

    number: int = 0
    """Of the comments that were withheld."""
    since: str = ""
    comments: tuple[QuotedComment, ...] = ()
    """The latest of them, the oldest first."""
    not_shown: int = 0


def more_view(
    notice: Notice, policy: Policy, redactor: Redactor, links: RecipientLinks, language: str
) -> MoreView:
    if not isinstance(notice.payload, MorePayload):
        return MoreView()
    found = (_shown(each, notice, policy, redactor, links) for each in notice.more.latest)
    comments = tuple(each for each in found if each is not None)
    since = _time(notice.payload.since, policy.clock.calendar.zone, language)
    number = notice.more.number
    return MoreView(number, since, comments, number - len(comments))


def _shown(
    comment: NoticeComment,
    notice: Notice,
    policy: Policy,
    redactor: Redactor,
    links: RecipientLinks,
) -> QuotedComment | None:
    """The beginning of a comment; of a long one no more than the store has read of it."""
    comment = _with_first_files(comment)
    cut = len(comment.text) > EXAMINED
    if cut:
        comment = replace(comment, text=redactor.redact(comment.text)[:-_CUT])
    quoted = quoted_comment(replace(notice, comment=comment), policy, redactor, links=links)
    if quoted is None:
        return None
    fitting = fitting_text(quoted.text, LONGEST)
    if not cut and len(fitting) == len(quoted.text):
        return quoted
    return replace(quoted, text=fitting.rstrip(), shortened=True)


def _with_first_files(comment: NoticeComment) -> NoticeComment:
    more = max(0, len(comment.attachments) - FILES_NAMED)
    return replace(
        comment,
        attachments=comment.attachments[:FILES_NAMED],
        files=comment.files[:FILES_NAMED],
        files_left_out=comment.files_left_out + more,
    )


def _time(stored: str, zone: str, language: str) -> str:
    try:
        return date_and_time(datetime.fromisoformat(stored), zone, language)
    except ValueError:
        return ""
