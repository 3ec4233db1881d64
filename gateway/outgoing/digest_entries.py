"""What a digest shows: each line with times as its reader has them, and the links of held mails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gateway.outgoing.dates import date_and_time
from gateway.outgoing.mime import one_line
from gateway.outgoing.quoted_comment import Redactor
from gateway.outgoing.recipient_links import RecipientLinks
from gateway.outgoing.sentences import worded
from rules.sender.tokens import MailUse
from rules.service.digests import held_because
from rules.ticket.desk import DigestLine, Queue
from rules.ticket.payloads import DigestPayload
from storage.notices.outbox import Notice

LONGEST_SUBJECT = 120
LONGEST_SENDER = 100
_PAGES: Mapping[str, MailUse] = {
    Queue.HELD.value: MailUse.HELD,
    Queue.LEAVING.value: MailUse.HELD,
    Queue.FOLDED.value: MailUse.FOLDED,
}


_HAVE_REASONS = (*_PAGES, Queue.REFUSED.value)


@dataclass(frozen=True, slots=True)
class DigestEntry:
    """A line of a digest as its reader sees it."""

    queue: str
    item: str
    """The journal id of a held mail."""
    sender: str
    subject: str
    reason: str
    why: str
    """The reason in the reader's language, for a held, folded or refused mail."""
    since: str
    until: str
    """When a held mail is discarded; empty if it is kept."""
    ticket: str
    """A number, or several with commas."""
    link: str
    """The page of a held or folded mail; empty for anything else."""


@dataclass(frozen=True, slots=True)
class QueueTotal:
    """How much waits in a queue."""

    queue: str
    number: str
    since: str


@dataclass(frozen=True, slots=True)
class DigestView:
    """A digest as its reader sees it; empty in notices of other kinds."""

    entries: tuple[DigestEntry, ...] = ()
    totals: tuple[QueueTotal, ...] = ()


def digest_view(
    notice: Notice, links: RecipientLinks, redactor: Redactor, zone: str, language: str
) -> DigestView:
    """What waits comes from strangers: no text in it is shown with a token, or on several lines."""
    if not isinstance(notice.payload, DigestPayload):
        return DigestView()

    def shown(text: str, most: int) -> str:
        return one_line(redactor.redact(text), most)

    def entry(line: DigestLine) -> DigestEntry:
        return DigestEntry(
            queue=line.queue,
            item=line.item,
            sender=shown(line.sender, LONGEST_SENDER),
            subject=shown(line.subject, LONGEST_SUBJECT),
            reason=line.reason,
            why=worded(held_because(line.reason), language) if line.queue in _HAVE_REASONS else "",
            since=_time(line.since, zone, language),
            until=_time(line.until, zone, language),
            ticket=line.ticket,
            link=_page(line, links),
        )

    payload = notice.payload
    totals = (QueueTotal(t.queue, t.number, _time(t.since, zone, language)) for t in payload.totals)
    return DigestView(tuple(map(entry, payload.lines)), tuple(totals))


def _page(line: DigestLine, links: RecipientLinks) -> str:
    use = _PAGES.get(line.queue)
    return links.mail(UUID(line.item), use) if use is not None else ""


def _time(stored: str, zone: str, language: str) -> str:
    return date_and_time(datetime.fromisoformat(stored), zone, language) if stored else ""
