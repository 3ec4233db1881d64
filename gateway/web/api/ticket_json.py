"""Tickets as JSON: complete for staff, for customers what may be shown to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import takewhile

from gateway.web.api.answers import (
    AttachmentAnswer,
    AuditEntryAnswer,
    CommentAnswer,
    HiddenAnswer,
    ParticipantAnswer,
    TicketAnswer,
    TicketInList,
)
from gateway.web.api.masked_texts import MaskedTexts
from rules.commands.readable import readable
from rules.identity import is_unproven
from rules.mail.extent import shown_part
from rules.mail.internal import leaves_out_words
from rules.mail.quoting import VisibleText, visible
from rules.people import Presence
from rules.policy import Policy
from rules.sender.masking import Masker
from rules.ticket.audit import AuditEvent
from rules.ticket.visibility import Visibility
from storage.ticket.reading import NOTHING, Withheld
from storage.ticket.summaries import TicketSummary
from storage.ticket.views import (
    AttachmentView,
    AuditView,
    CommentView,
    ParticipantView,
    TicketView,
)

TEXTS_SHOWN = 1024 * 1024
"""Characters of all comments in one response: each is searched for what must be masked."""
HISTORY_SHOWN = 1000
"""Entries of the audit trail in one response, the latest."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What of a ticket its reader does not see, besides what only staff do."""

    as_guest: bool = False
    """What its company was promised: the reader is a guest of another one."""
    withheld: Withheld = NOTHING


ALL_OF_IT = Sight()


@dataclass(frozen=True, slots=True)
class TicketJson:
    """Tickets as one kind of reader may see them."""

    for_staff: bool
    masker: Masker
    """Takes reply addresses and links out of a text: their holder could act as their owner."""
    masked_texts: MaskedTexts
    policies: Mapping[str, Policy] = field(default_factory=dict)
    """By the address of the mailbox."""

    def in_list(self, summary: TicketSummary, *, as_guest: bool = False) -> TicketInList:
        """A ticket in a list. What its company was promised is not for guests of others."""
        shown: TicketInList = {
            "number": summary.number,
            "mailbox": summary.mailbox,
            "subject": self._masked(summary.subject),
            "status": summary.status,
            "severity": summary.severity,
            "severity_claimed": summary.severity_claimed,
            "requester": summary.requester,
            "company": summary.company,
            "merged_into": summary.merged_into,
            "due_at": _timestamp(summary.due_at) if not as_guest else None,
            "opened_at": summary.opened_at.isoformat(),
            "updated_at": summary.updated_at.isoformat(),
        }
        if self.for_staff:
            shown |= {
                "assignee": summary.assignee,
                "tags": list(summary.tags),
                "snooze_until": _timestamp(summary.snooze_until),
                "critical_claimed": summary.critical_claimed,
                "mentions": summary.mentions,
            }
        return shown

    def in_full(
        self, ticket: TicketView, sight: Sight = ALL_OF_IT, before: int | None = None
    ) -> TicketAnswer:
        """A ticket with everything that this reader may see; with `before` the comments before
        this one alone."""
        details = ticket.details
        if sight.as_guest:
            details = replace(details, tier="", first_due_at=None)
        members = (
            member
            for member in ticket.members
            if self.for_staff or member.presence == Presence.ACTIVE.value
        )
        shown: TicketAnswer = {
            # As mypy sees it, it may have more keys.
            **self.in_list(ticket.summary, as_guest=sight.as_guest),  # type: ignore[typeddict-item]
            "tier": details.tier,
            "fields": {name: self._masked(value) for name, value in details.fields.items()},
            "missing": list(details.missing),
            "waits_for": details.waits_for,
            "escalation_level": details.escalation_level,
            "first_due_at": _timestamp(details.first_due_at),
            "first_answered_at": _timestamp(details.first_answered_at),
            "follows": details.follows,
            "split_from": details.split_from,
            "people": [self._participant(member) for member in members],
            "comments": self._comments(ticket, sight, before),
            "comments_since": _timestamp(sight.withheld.since),
        }
        if self.for_staff:
            shown |= {
                "preferred_channel": details.channel,
                "calendar": details.calendar,
                "phone": self._phone(ticket.summary.mailbox, details.tier),
                "rating": details.rating,
                "version": details.version,
                "history": [self._audit_entry(each) for each in ticket.history[-HISTORY_SHOWN:]],
                "history_shortened": len(ticket.history) > HISTORY_SHOWN,
            }
        return shown

    def _phone(self, mailbox: str, tier: str) -> str:
        """The phone support of a plan; empty where it has none."""
        policy = self.policies.get(mailbox)
        section = policy.tier(tier) if policy is not None else None
        return (section.phone or "") if section is not None else ""

    def comments(self, ticket: TicketView) -> Iterable[CommentView]:
        """The comments that this reader may see: only staff see notes, flagged and folded ones."""
        public = Visibility.PUBLIC.value
        return (
            comment for comment in ticket.comments if self.for_staff or comment.visibility == public
        )

    def _participant(self, member: ParticipantView) -> ParticipantAnswer:
        shown: ParticipantAnswer = {
            "address": member.address,
            "part": member.part,
            "presence": member.presence,
        }
        if self.for_staff:
            shown["suspended"] = member.suspended
        return shown

    def _comments(
        self, ticket: TicketView, sight: Sight, before: int | None
    ) -> list[CommentAnswer]:
        """The oldest first; the latest have their texts, as far as `TEXTS_SHOWN` goes."""
        until = takewhile(lambda comment: comment.id != before, self.comments(ticket))
        members = {member.address for member in ticket.members}
        left, shown = TEXTS_SHOWN, list[CommentAnswer]()
        for comment in reversed(list(until)):
            size = len(shown_part(comment.text))
            left = left - size if size <= left else 0
            outside = not comment.by_staff and comment.author not in members
            text = comment.text if left else ""
            answer = self._comment(comment, ticket.summary, text, outside=outside)
            if not sight.withheld.quotes_of(comment.author):
                answer["text"] = answer["shown"]
            shown.append(answer)
        return shown[::-1]

    def _comment(
        self, comment: CommentView, summary: TicketSummary, text: str, *, outside: bool
    ) -> CommentAnswer:
        shortened = comment.text_left_out or len(shown_part(text)) < len(comment.text)
        # Cut afterwards: of what the cut divides, the first part alone is not recognised.
        text = shown_part(self._masked(text))
        if not self.for_staff:
            by_mail = comment.by_staff and comment.journal_id is not None
            whole, text = text, readable(text, mail_of_staff=by_mail, outside=outside)
            cut = text != whole and not by_mail
            shortened = shortened or (cut and leaves_out_words(whole, visible(text).text))
        path = f"/api/v1/tickets/{summary.number}"
        seen = visible(text)
        shown: CommentAnswer = {
            "id": comment.id,
            "author": comment.author,
            "by_staff": comment.by_staff,
            "visibility": comment.visibility,
            "subject": self._masked(comment.subject),
            "text": text,
            "shown": seen.text,
            "hidden": _hidden(seen),
            "shortened": shortened,
            "degraded": comment.degraded,
            "charset_guessed": comment.charset_guessed,
            "written_at": comment.written_at.isoformat(),
            "unproven": is_unproven(comment.proof),
            "attachments": [self._attachment(each, path) for each in comment.attachments],
            "attachments_shortened": comment.files_left_out,
        }
        if self.for_staff:
            raw = f"{path}/raw/{comment.journal_id}" if comment.journal_id is not None else None
            shown |= {"raw": raw, "proof": comment.proof, "feedback": comment.is_feedback}
        return shown

    def _attachment(self, attachment: AttachmentView, path: str) -> AttachmentAnswer:
        return {
            "id": attachment.id,
            "name": self._masked(attachment.name),
            "content_type": attachment.content_type,
            "size_bytes": attachment.size_bytes,
            "url": f"{path}/attachments/{attachment.id}",
        }

    def _masked(self, text: str) -> str:
        return self.masked_texts.mask(self.masker, text)

    def _audit_entry(self, entry: AuditView) -> AuditEntryAnswer:
        if entry.event == AuditEvent.FIELD_CHANGED:  # the values may be a customer's words
            was, became = self._masked(entry.was), self._masked(entry.became)
            entry = replace(entry, was=was, became=became)
        return {
            "at": entry.at.isoformat(),
            "actor": entry.actor,
            "source": entry.source,
            "event": entry.event,
            "subject": entry.subject,
            "was": entry.was,
            "became": entry.became,
            "reason": self._masked(entry.reason),
            "journal_id": str(entry.journal_id) if entry.journal_id is not None else "",
            "text": str(entry.text),
        }


def _hidden(seen: VisibleText) -> HiddenAnswer | None:
    """What `text` has and `shown` has not; null if that is nothing."""
    return {"lines": seen.hidden_lines, "kind": seen.hidden_kinds} if seen.lines else None


def _timestamp(time: datetime | None) -> str | None:
    return time.isoformat() if time is not None else None
