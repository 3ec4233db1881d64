"""What a summary shows: the comments that a budget withheld from its reader."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from gateway.outgoing.dates import date_and_time
from gateway.outgoing.quoted_comment import QuotedComment, Redactor, quoted_comment
from rules.policy import Policy
from rules.service.more import EXAMINED
from rules.ticket.payloads import MorePayload
from storage.notices.outbox import Notice, NoticeComment

LONGEST = 4000
"""Characters of one comment in a summary."""
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


def more_view(notice: Notice, policy: Policy, redactor: Redactor, language: str) -> MoreView:
    if not isinstance(notice.payload, MorePayload):
        return MoreView()
    found = (_shown(each, notice, policy, redactor) for each in notice.more.latest)
    comments = tuple(each for each in found if each is not None)
    since = _time(notice.payload.since, policy.clock.calendar.zone, language)
    number = notice.more.number
    return MoreView(number, since, comments, number - len(comments))


def _shown(
    comment: NoticeComment, notice: Notice, policy: Policy, redactor: Redactor
) -> QuotedComment | None:
    """The beginning of a comment; of a long one no more than the store has read of it."""
    cut = len(comment.text) > EXAMINED
    if cut:
        comment = replace(comment, text=redactor.redact(comment.text)[:-_CUT])
    quoted = quoted_comment(replace(notice, comment=comment), policy, redactor)
    if quoted is None or not (cut or len(quoted.text) > LONGEST):
        return quoted
    return replace(quoted, text=quoted.text[:LONGEST].rstrip(), shortened=True)


def _time(stored: str, zone: str, language: str) -> str:
    try:
        return date_and_time(datetime.fromisoformat(stored), zone, language)
    except ValueError:
        return ""
