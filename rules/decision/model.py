"""What the rules can decide on a mail: an action, its reason and the trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Generic, Literal, TypeVar, assert_never
from uuid import UUID

from rules.decision.effects import (
    ClaimMade,
    CommentWritten,
    Effect,
    Effects,
    Escalated,
    FieldsFound,
    MissingChanged,
    NewComment,
    PeopleNamed,
    Resubscribed,
    StatusChanged,
    Touched,
    clock_effects,
    notified,
)
from rules.decision.reasons import Reason, Verdict
from rules.decision.trace import Step
from rules.mail import Attachment
from rules.mail.bounces import Failure
from rules.service.participants import Addition
from rules.service.permissions import RequestedSeverity
from rules.service.sla_rules import AgreedTargets, ClockChange
from rules.ticket.fields import FoundFields
from rules.ticket.lifecycle import Status
from rules.ticket.notices import NoticeOrder
from rules.ticket.severity import MailSeverity
from rules.ticket.sla import Clock
from rules.ticket.visibility import Visibility
from rules.ticket.waiting import Waiting

SeverityT = TypeVar("SeverityT", bound=MailSeverity | RequestedSeverity)
"""What opens a ticket: a mail, whose severity cannot be critical, or a request over the API."""


@dataclass(frozen=True, slots=True)
class ForCustomer:
    """How a staff person's mail becomes the request of a customer."""

    text: str
    """Of the request; the rest of the mail is in the note."""
    note: str = ""
    """What only staff read; empty for none."""
    note_orders: tuple[NoticeOrder, ...] = ()
    """The outgoing mails that the note causes."""
    proof: str = ""
    """Of a request that was forwarded: how its author is proven."""
    files: tuple[Attachment, ...] = ()
    """Of a request that was forwarded; all others are with the note."""

    def request(self, comment: NewComment) -> NewComment:
        """The request, of the comment of the whole mail."""
        if not self.note:
            return replace(comment, text=self.text)
        kept = replace(comment, text=self.text, subject="", attachments=self.files)
        return replace(kept, proof=self.proof or comment.proof)

    def with_note(self, comment: NewComment) -> NewComment:
        """The note, of the same. Files that may be the staff person's own are where fewer people
        read them."""
        others = tuple(each for each in comment.attachments if each not in self.files)
        return replace(comment, visibility=Visibility.NOTE, text=self.note, attachments=others)


@dataclass(frozen=True, slots=True)
class OpenTicket(Generic[SeverityT]):
    subject: str
    requester: str
    requester_id: int | None
    """The registered person."""
    company: int | None
    severity: SeverityT
    additions: tuple[Addition, ...]
    orders: tuple[NoticeOrder, ...]
    enrol: bool
    """The requester is enrolled by this mail, in the company of their domain."""
    mentions: int | None
    """A ticket that the subject names although the sender has no right there; staff see it."""
    author: str = ""
    """Who wrote it: the requester, except for a follow-up that another participant opens."""
    muted: bool = False
    """The requester has unsubscribed from the ticket that it goes on from."""
    follows: int | None = None
    """The closed ticket that it goes on from, with its requester and its people."""
    carried: frozenset[str] = frozenset()
    """Of the additions those who come from there: nobody names them."""
    tier: str = ""
    targets: AgreedTargets = field(default_factory=dict)
    """What the company's contract promises in addition to its tier."""
    language: str = ""
    """Of the requester; empty if it is not known."""
    fields: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    clock: Clock | None = None
    endless: str = ""
    """Why it has no due time although an answer is promised; empty if it has one."""
    waiting: Waiting | None = None
    """What the clock waits for, if it has not begun."""
    calendar: str = ""
    """The calendar that it runs by; empty for the policy's."""
    escalated: Escalated | None = None
    """The mail asks for an escalation besides, and it is granted."""
    not_escalated: str = ""
    """Why it is not granted; empty if it is, or if the mail asks for none."""
    named_with: datetime | None = None
    """When an acknowledgement is sent to its author that waits already: it names the ticket."""
    for_customer: ForCustomer | None = None
    """A staff person's mail opens it for its requester; None for a mail of the requester's own."""
    audited: bool = False
    """Whether opening it is audited; a mail is in the journal, and needs no audit entry."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The ticket's status changes."""

    was: Status
    became: Status


@dataclass(frozen=True, slots=True)
class AddComment:
    ticket: int
    visibility: Visibility
    additions: tuple[Addition, ...]
    orders: tuple[NoticeOrder, ...] = ()
    moved: Moved | None = None
    clock_change: ClockChange | None = None
    by_staff: bool = False
    """By a staff person's own reply or note address."""
    by_registered: bool = False
    """Flagged, by a person who is registered: it counts against them."""
    missing: tuple[str, ...] | None = None
    """What is still missing from the request; None if that is unchanged."""
    fields: FoundFields = field(default_factory=FoundFields)
    """Values found in its text that the ticket does not have yet."""
    claim: ClaimMade | None = None
    """The severity that it claims."""
    meant_as_note: bool = False
    """Flagged, and sent to the note address of its author: it never becomes public."""
    text: str | None = None
    """In place of the mail's own: with a saved reply before it."""
    woken: tuple[Effect, ...] = ()
    """The end of a snooze."""
    command_effects: Effects = field(default_factory=Effects)
    """What its commands do; if one were refused, the comment would be a draft without any."""

    @property
    def answers(self) -> bool:
        """Whether it is an answer by staff to the customer."""
        return self.by_staff and self.visibility is Visibility.PUBLIC

    def effects(self, comment: NewComment, at: datetime) -> tuple[Effect, ...]:
        """What it writes on the ticket, except for its commands."""
        if self.text is not None:
            comment = replace(comment, text=self.text)
        if self.meant_as_note:
            comment = replace(comment, meant_as_note=True)
        rows: tuple[Effect, ...] = (CommentWritten(comment), PeopleNamed(self.additions))
        if self.moved is not None:
            rows = (*rows, StatusChanged(self.moved.was, self.moved.became, "a reply"))
        elif self.visibility in (Visibility.PUBLIC, Visibility.NOTE):
            rows = (*rows, Touched())
        if self.clock_change is not None:
            answered_at = at if self.answers else None
            rows = (*rows, *clock_effects(self.clock_change, answered_at))
        if self.by_staff:
            rows = (*rows, Resubscribed(comment.author, audited=False))
        if self.missing is not None:
            rows = (*rows, MissingChanged(self.missing))
        if self.fields:
            rows = (*rows, FieldsFound(self.fields))
        if self.claim is not None:
            rows = (*rows, self.claim)
        return (*rows, *self.woken, *notified(self.orders))


@dataclass(frozen=True, slots=True)
class Bounced:
    """A notice of ours that bounced."""

    notice: UUID
    address: str
    failure: Failure
    why: str
    suspends: bool
    """No more mail is sent to the address."""


@dataclass(frozen=True, slots=True)
class Record:
    """The mail is kept and triggers nothing."""

    ticket: int | None
    author: str
    """The author under whom it is kept; empty if nothing proves the sender."""
    bounced: Bounced | None = None
    orders: tuple[NoticeOrder, ...] = ()
    body_dropped: str = ""
    """Why only its header is kept; empty if the whole mail is."""
    would_be: Visibility | None = None
    """Which comment it would be if it had no sign of automatic mail; None for a machine's."""
    unregistered: bool = False


@dataclass(frozen=True, slots=True)
class EndSubscription:
    """A participant unsubscribes from a ticket. They stay on it and get a confirmation."""

    ticket: int
    participant: int
    author: str
    orders: tuple[NoticeOrder, ...]
    unregistered: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """Quarantine: kept, shown to staff, can be released."""

    orders: tuple[NoticeOrder, ...] = ()


@dataclass(frozen=True, slots=True)
class Refuse:
    text: str
    """The text of the reply; one line of ASCII."""


DeferralCause = Literal["dns", "room", "rate"]
"""The DNS did not answer, there is no room, or the sender has sent too many mails."""


@dataclass(frozen=True, slots=True)
class Defer:
    """Not decided: the sender must try again later."""

    cause: DeferralCause = "dns"


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same mail again: answer as the first time."""

    journal_id: UUID
    answer: str
    ticket: int | None


Action = (
    OpenTicket[MailSeverity]
    | AddComment
    | Record
    | EndSubscription
    | Hold
    | Refuse
    | Defer
    | Repeat
)


@dataclass(frozen=True, slots=True)
class Decision:
    action: Action
    reason: Reason
    trace: tuple[Step, ...]
    proof: str = ""
    """How its author is proven; it is kept with the comment."""
    withheld: tuple[NoticeOrder, ...] = ()
    """The outgoing mails that it does not cause, since their readers were sent enough."""
    versions: Mapping[int, int] = field(default_factory=dict, compare=False)
    """The tickets that it was decided on, each with its version."""
    unread: bool = False
    """It is a refusal that its sender does not see, since another mailbox takes the mail: staff
    hear of it."""

    @property
    def orders(self) -> tuple[NoticeOrder, ...]:
        """Every outgoing mail that it causes."""
        match self.action:
            case AddComment(orders=orders, command_effects=by_commands):
                return (*orders, *by_commands.notices)
            case OpenTicket(orders=orders, for_customer=ForCustomer(note_orders=of_note)):
                return (*orders, *of_note)
            case OpenTicket() | Record() | EndSubscription() | Hold():
                return self.action.orders
            case Refuse() | Defer() | Repeat():
                return ()
            case _:
                assert_never(self.action)

    @property
    def keeps_mail(self) -> bool:
        """Whether the raw mail is stored as a whole."""
        match self.action:
            case OpenTicket() | AddComment() | EndSubscription() | Hold():
                return True
            case Record(body_dropped=why):
                return not why
            case Refuse() | Defer() | Repeat():
                return False
            case _:
                assert_never(self.action)

    @property
    def keeps_text(self) -> bool:
        """Whether the text of the mail is kept on a ticket."""
        match self.action:
            case OpenTicket() | AddComment() | EndSubscription():
                return True
            case Record(ticket=ticket, body_dropped=dropped):
                return ticket is not None and not dropped
            case Hold() | Refuse() | Defer() | Repeat():
                return False
            case _:
                assert_never(self.action)

    @property
    def verdict(self) -> Verdict:
        match self.action:
            case OpenTicket():
                return Verdict.OPENED
            case AddComment(visibility=Visibility.PRIVATE):
                return Verdict.FLAGGED
            case AddComment():
                return Verdict.COMMENTED
            case Record() | EndSubscription():
                return Verdict.RECORDED
            case Hold():
                return Verdict.HELD
            case Refuse():
                return Verdict.REFUSED
            case Defer():
                return Verdict.DEFERRED
            case Repeat():
                return Verdict.DUPLICATE
            case _:
                assert_never(self.action)
