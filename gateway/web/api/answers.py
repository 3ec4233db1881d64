"""What the API answers with, as types: mypy checks them where an answer is made, and the OpenAPI
document describes them.

A key that may be missing is only for staff: for the scopes `staff` and `read`.
"""

from __future__ import annotations

from typing import Annotated, NotRequired

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

EXACT = ConfigDict(extra="forbid", use_attribute_docstrings=True)

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


@with_config(EXACT)
class ProblemAnswer(TypedDict):
    """An error (RFC 9457)."""

    title: str
    status: int
    detail: str
    """What is wrong, and what to do."""


@with_config(EXACT)
class RecipientReply(TypedDict):
    recipient: str
    reply: str
    """As SMTP would have replied."""


@with_config(EXACT)
class PushedMailAnswer(TypedDict):
    reply: str
    """For all recipients together."""
    recipients: list[RecipientReply]


@with_config(EXACT)
class RefusedMailAnswer(ProblemAnswer):
    """An error; of a mail that no recipient gets, with its replies."""

    reply: NotRequired[str]
    recipients: NotRequired[list[RecipientReply]]


@with_config(EXACT)
class TicketInList(TypedDict):
    number: int
    mailbox: str
    subject: str
    status: str
    severity: str
    """By which staff work."""
    severity_claimed: str | None
    """That the customer asked for."""
    requester: str
    company: str
    merged_into: int | None
    due_at: Time | None
    """When the next answer is due."""
    opened_at: Time
    updated_at: Time
    assignee: NotRequired[str]
    tags: NotRequired[list[str]]
    snooze_until: NotRequired[Time | None]
    critical_claimed: NotRequired[bool]
    mentions: NotRequired[int | None]


@with_config(EXACT)
class TicketsAnswer(TypedDict):
    tickets: list[TicketInList]
    before: str | None
    """Leads to the next page; null on the last one."""
    searched_in_part: bool
    """The page has fewer tickets than it could have, since enough were searched for them."""
    matched_in_part: NotRequired[bool]
    """With `q`: more comments have the words than were looked at, and older ones are not found."""


@with_config(EXACT)
class ParticipantAnswer(TypedDict):
    address: str
    part: str
    presence: str
    suspended: NotRequired[bool]
    """They receive no more mail, because it bounces."""


@with_config(EXACT)
class AttachmentAnswer(TypedDict):
    id: int
    name: str
    content_type: str
    size_bytes: int
    url: str


@with_config(EXACT)
class HiddenAnswer(TypedDict):
    """What `text` has and `shown` has not."""

    lines: int
    kind: str


@with_config(EXACT)
class CommentAnswer(TypedDict):
    id: int
    author: str
    by_staff: bool
    visibility: str
    subject: str
    text: str
    shown: str
    """What its author wrote, without quotations and signature."""
    hidden: HiddenAnswer | None
    shortened: bool
    degraded: str | None
    charset_guessed: bool
    written_at: Time
    unproven: bool
    attachments: list[AttachmentAnswer]
    attachments_shortened: bool
    raw: NotRequired[str | None]
    """The path of its mail."""
    proof: NotRequired[str]
    feedback: NotRequired[bool]


@with_config(EXACT)
class AuditEntryAnswer(TypedDict):
    at: Time
    actor: str
    source: str
    event: str
    subject: str
    was: str
    became: str
    reason: str
    journal_id: str
    text: str
    """In English, for people."""


@with_config(EXACT)
class TicketAnswer(TicketInList):
    tier: str
    fields: dict[str, str]
    missing: list[str]
    """The required facts that the request does not state."""
    waits_for: str
    escalation_level: int
    first_due_at: Time | None
    first_answered_at: Time | None
    follows: int | None
    split_from: int | None
    people: list[ParticipantAnswer]
    comments: list[CommentAnswer]
    comments_since: Time | None
    """Comments from before are not shown: the reader joined then, and those were written to others.
    Null where nothing is left out for that."""
    preferred_channel: NotRequired[str]
    calendar: NotRequired[str]
    phone: NotRequired[str]
    rating: NotRequired[str]
    version: NotRequired[int]
    """Counts what was written on it: a change that names it is refused after the next one."""
    history: NotRequired[list[AuditEntryAnswer]]
    history_shortened: NotRequired[bool]


@with_config(EXACT)
class ChangedAnswer(TypedDict):
    effects: list[str]
    ticket: TicketAnswer | None
    """Null after a deletion, and where the change was made and the ticket cannot be read."""


@with_config(EXACT)
class CommentHtmlAnswer(TypedDict):
    id: int
    html: str
    html_quoted: str
    remote_images: int
    plain_only: str | None
    """Why the text is shown in place of the HTML."""
    shortened: bool
    degraded: str | None
    charset_guessed: bool


@with_config(EXACT)
class SavedReplyAnswer(TypedDict):
    name: str
    language: str
    text: str
    changed_at: Time
    changed_by: str


@with_config(EXACT)
class SavedRepliesAnswer(TypedDict):
    macros: list[SavedReplyAnswer]


@with_config(EXACT)
class RemovedAnswer(TypedDict):
    removed: int


@with_config(EXACT)
class NoticesAnswer(TypedDict):
    notices: str


@with_config(EXACT)
class QueueAnswer(TypedDict):
    """What waits in a mailbox for one reason."""

    queue: str
    waiting: int
    since: Time | None
    """When the oldest of it came; null where nothing waits."""


@with_config(EXACT)
class QueuesAnswer(TypedDict):
    queues: list[QueueAnswer]


@with_config(EXACT)
class ProposedPersonAnswer(TypedDict):
    """Somebody who waits to be added to a ticket that is not over."""

    ticket: int
    subject: str
    """Of the ticket."""
    address: str
    asked_by: str
    """Empty where it was not recorded."""
    since: Time


@with_config(EXACT)
class ProposedPeopleAnswer(TypedDict):
    people: list[ProposedPersonAnswer]
    more: bool
    """Others wait as well; decide on these first."""
