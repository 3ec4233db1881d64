"""What the rules can decide on a mail: an action, its reason and the trace.

The reason is the same identifier in the log, the journal, the metric, the console and the tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Generic, Literal, TypeVar, assert_never
from uuid import UUID

from rules.decision.effects import (
    CommentWritten,
    Effect,
    Effects,
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
from rules.mail.bounces import Failure
from rules.service.participants import Addition
from rules.service.permissions import RequestedSeverity
from rules.service.sla_rules import AgreedTargets, ClockChange
from rules.ticket.lifecycle import Status
from rules.ticket.notices import NoticeOrder
from rules.ticket.severity import MailSeverity
from rules.ticket.sla import Clock
from rules.ticket.visibility import Visibility

SeverityT = TypeVar("SeverityT", bound=MailSeverity | RequestedSeverity)
"""What opens a ticket: a mail, whose severity cannot be critical, or a request over the API."""


class Verdict(StrEnum):
    OPENED = "opened"
    COMMENTED = "commented"
    FLAGGED = "flagged"
    RECORDED = "recorded"
    HELD = "held"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    DEFERRED = "deferred"


class Reason(StrEnum):
    """Why a mail was decided as it was. A test proves that each of them can happen."""

    # opened
    NEW_REQUEST = "new_request"
    FOLLOW_UP = "follow_up"
    """It answers a ticket that can no longer be reopened."""
    # commented: the pointer that led to the ticket
    REPLY_TOKEN = "reply_token"
    OUR_MESSAGE_ID = "our_message_id"
    KNOWN_MESSAGE_ID = "known_message_id"
    LATE_PARENT = "late_parent"
    SUBJECT_TAG = "subject_tag"
    STATED = "stated"
    """Staff released it onto this ticket."""
    FEEDBACK = "feedback"
    """Feedback on the help that was given; it never reopens."""
    # flagged
    PENDING_PARTICIPANT = "pending_participant"
    NOT_A_PARTICIPANT = "not_a_participant"
    STAFF_WITHOUT_TOKEN = "staff_without_token"
    NOTHING_SAID = "nothing_said"
    """A staff person's reply without text for the customer."""
    COMMAND_REFUSED = "command_refused"
    FOREIGN_POINTER = "foreign_pointer"
    """Only an id that another company brought to the ticket led a guest or a colleague there."""
    TOKEN_ONLY = "token_only"
    """Nothing but its author's own reply address proves it."""
    # recorded
    AUTOMATIC = "automatic"
    AUTOMATIC_FOLDED = "automatic_folded"
    """Of a proven author, and perhaps a machine's: a digest names it."""
    BOUNCE = "bounce"
    UNSUBSCRIBED = "unsubscribed"
    # held
    FROM_AMBIGUOUS = "from_ambiguous"
    NOT_ENROLLED = "not_enrolled"
    FOREIGN_COMPANY = "foreign_company"
    NOT_ADDRESSED = "not_addressed"
    NOT_SIGNED = "not_signed"
    """Only a signature proves it, and unsigned fields could change how it is read."""
    DMARC_QUARANTINE = "dmarc_quarantine"
    DMARC_REJECT_HELD = "dmarc_reject_held"
    """Held because strangers are: a refusal would show that the domain is a customer's."""
    UNPROVEN_HELD = "unproven_held"
    DNS_FAILURE_HELD = "dns_failure_held"
    STRANGER_HELD = "stranger_held"
    STRANGER_RELAYED = "stranger_relayed"
    """Held as well, but because the listener holds the mail of strangers."""
    TOO_MANY_TICKETS = "too_many_tickets"
    NO_SUCH_TICKET = "no_such_ticket"
    """Held still: there is no ticket of the number that staff released it onto."""
    LIST_MAIL = "list_mail"
    """Through a mailing list, and addressed to that: who is asked, is not clear."""
    AUTOMATIC_UNCLEAR = "automatic_unclear"
    """Of a registered person, and declared as a machine's."""
    # duplicate
    SEEN_BEFORE = "seen_before"
    # refused
    FROM_AMBIGUOUS_REFUSED = "from_ambiguous_refused"
    STRANGER = "stranger"
    UNPROVEN = "unproven"
    DMARC_REJECT = "dmarc_reject"
    DMARC_QUARANTINE_REFUSED = "dmarc_quarantine_refused"
    """Refused because strangers are."""
    DEACTIVATED = "deactivated"
    SUSPENDED = "suspended"
    NO_SUPPORT = "no_support"
    """The company's plan includes none; its people are referred to the community."""
    # deferred
    DNS_FAILURE = "dns_failure"
    TOO_MANY_WAITING = "too_many_waiting"
    """Of the client's large mails, so many wait to be read that it must try again later."""
    SENDER_RATE = "sender_rate"
    DOMAIN_RATE = "domain_rate"
    QUOTA = "quota"
    """The client's network has had enough stored today."""
    QUARANTINE_FULL = "quarantine_full"
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True, slots=True)
class ForCustomer:
    """How a staff person's mail becomes the request of a customer."""

    text: str
    """Of the request; the rest of the mail is in the note."""
    note: str = ""
    """What only staff read; empty for none."""
    note_orders: tuple[NoticeOrder, ...] = ()
    """The outgoing mails that the note causes."""


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
    tier: str = ""
    targets: AgreedTargets = field(default_factory=dict)
    """What the company's contract promises in addition to its tier."""
    language: str = ""
    """Of the requester; empty if it is not known."""
    fields: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    clock: Clock | None = None
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
    fields: Mapping[str, str] = field(default_factory=dict)
    """Values found in its text for fields that the ticket has no value for."""
    command_effects: Effects = field(default_factory=Effects)
    """What its commands do; if one were refused, the comment would be a draft without any."""

    @property
    def answers(self) -> bool:
        """Whether it is an answer by staff to the customer."""
        return self.by_staff and self.visibility is Visibility.PUBLIC

    def effects(self, comment: NewComment, at: datetime) -> tuple[Effect, ...]:
        """What it writes on the ticket, except for its commands."""
        rows: tuple[Effect, ...] = (CommentWritten(comment), PeopleNamed(self.additions))
        if self.moved is not None:
            rows = (*rows, StatusChanged(self.moved.was, self.moved.became, "a reply"))
        elif self.visibility is Visibility.PUBLIC:
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
        return (*rows, *notified(self.orders))


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
class Step:
    """One line of the trace: a check, what it examined, and its result."""

    check: str
    saw: str
    outcome: str


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
