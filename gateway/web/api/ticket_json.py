"""Tickets as JSON: for staff all that there is, for customers what may be shown to them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from rules.mail.quoting import REPLY_MARK, masked, published, visible
from rules.people import Presence
from rules.ticket.visibility import Visibility
from storage.ticket.read import AttachmentView, AuditEntry, CommentView, TicketSummary, TicketView

Json: TypeAlias = "str | int | bool | list[Json] | dict[str, Json] | None"

_LINK = re.compile(r"/(signup|people|feedback|unsubscribe)/\d{1,20}/[A-Za-z2-7]{16,}")


@dataclass(frozen=True, slots=True)
class TicketJson:
    """Tickets as one kind of reader sees them."""

    for_staff: bool
    own_addresses: frozenset[str]
    """Of all our mailboxes."""

    def line(self, summary: TicketSummary) -> dict[str, Json]:
        """A ticket in a list."""
        shown: dict[str, Json] = {
            "number": summary.number,
            "mailbox": summary.mailbox,
            "subject": self._without_tokens(summary.subject, summary.mailbox),
            "status": summary.status,
            "severity": summary.severity,
            "severity_claimed": summary.severity_claimed,
            "requester": summary.requester,
            "company": summary.company,
            "merged_into": summary.merged_into,
            "due_at": _moment(summary.due_at),
            "opened_at": _moment(summary.opened_at),
            "updated_at": _moment(summary.updated_at),
        }
        if self.for_staff:
            shown |= {
                "assignee": summary.assignee,
                "critical_claimed": summary.critical_claimed,
                "mentions": summary.mentions,
            }
        return shown

    def whole(self, whole: TicketView) -> dict[str, Json]:
        """A ticket with all of it that this reader may see."""
        details = whole.details
        members = (
            member
            for member in whole.members
            if self.for_staff or member.presence == Presence.ACTIVE.value
        )
        shown = self.line(whole.summary)
        shown |= {
            "tier": details.tier,
            "fields": dict(details.fields),
            "missing": list(details.missing),
            "escalation_level": details.escalation_level,
            "first_due_at": _moment(details.first_due_at),
            "first_answered_at": _moment(details.first_answered_at),
            "follows": details.follows,
            "people": [
                {"address": m.address, "part": m.part, "presence": m.presence} for m in members
            ],
            "comments": self._comments(whole),
        }
        if self.for_staff:
            shown |= {
                "preferred_channel": details.channel,
                "rating": details.rating,
                "history": [_audited(each) for each in whole.history],
            }
        return shown

    def comments(self, whole: TicketView) -> Iterable[CommentView]:
        """Notes, flagged and folded comments are for staff."""
        public = Visibility.PUBLIC.value
        return (said for said in whole.comments if self.for_staff or said.visibility == public)

    def _comments(self, whole: TicketView) -> list[Json]:
        summary = whole.summary
        return [self._comment(said, summary) for said in self.comments(whole)]

    def _comment(self, said: CommentView, summary: TicketSummary) -> dict[str, Json]:
        text = self._without_tokens(said.text, summary.mailbox)
        if said.by_staff and said.journal_id is not None and not self.for_staff:
            # What a staff person's mail quotes may be our notice to him, with private words.
            text = published(text, REPLY_MARK)
        begin = f"/api/v1/tickets/{summary.number}"
        shown: dict[str, Json] = {
            "id": said.id,
            "author": said.author,
            "by_staff": said.by_staff,
            "visibility": said.visibility,
            "text": text,
            "shown": visible(text).text,
            "degraded": said.degraded,
            "charset_guessed": said.charset_guessed,
            "written_at": _moment(said.written_at),
            "attachments": [_attached(each, begin) for each in said.attachments],
        }
        if self.for_staff:
            raw = f"{begin}/raw/{said.journal_id}" if said.journal_id is not None else None
            shown["raw"] = raw
        return shown

    def _without_tokens(self, text: str, mailbox: str) -> str:
        """The text without reply addresses and links: whoever holds one acts as its owner."""
        return _LINK.sub(r"/\1", masked(text, self.own_addresses | {mailbox}))


def _attached(attached: AttachmentView, begin: str) -> Json:
    return {
        "id": attached.id,
        "name": attached.name,
        "content_type": attached.content_type,
        "size_bytes": attached.size_bytes,
        "url": f"{begin}/attachments/{attached.id}",
    }


def _audited(audited: AuditEntry) -> Json:
    return {
        "at": _moment(audited.at),
        "actor": audited.actor,
        "source": audited.source,
        "what": audited.what,
        "was": audited.was,
        "became": audited.became,
        "why": audited.why,
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
