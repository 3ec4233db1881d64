"""What the rules can say of a mail: an action, its one-word reason and the way to it.

The reason is the same word in the reply log, the journal, the metric, the console and the tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never
from uuid import UUID

from rules.participants import Addition
from rules.severity import MailSeverity


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
    """Why; one word each. A test proves that every one of them can happen."""

    # opened
    NEW_REQUEST = "new_request"
    # commented: the signal that led to the ticket
    REPLY_TOKEN = "reply_token"
    OUR_MESSAGE_ID = "our_message_id"
    KNOWN_MESSAGE_ID = "known_message_id"
    SUBJECT_TAG = "subject_tag"
    # flagged
    PENDING_PARTICIPANT = "pending_participant"
    NOT_A_PARTICIPANT = "not_a_participant"
    STAFF_WITHOUT_TOKEN = "staff_without_token"
    # recorded
    AUTOMATIC = "automatic"
    # held
    FROM_AMBIGUOUS = "from_ambiguous"
    NOT_ENROLLED = "not_enrolled"
    FOREIGN_COMPANY = "foreign_company"
    NOT_ADDRESSED = "not_addressed"
    DMARC_QUARANTINE = "dmarc_quarantine"
    UNPROVEN_HELD = "unproven_held"
    DNS_FAILURE_HELD = "dns_failure_held"
    STRANGER_HELD = "stranger_held"
    # duplicate
    SEEN_BEFORE = "seen_before"
    # refused
    STRANGER = "stranger"
    UNPROVEN = "unproven"
    DMARC_REJECT = "dmarc_reject"
    DEACTIVATED = "deactivated"
    SUSPENDED = "suspended"
    # deferred
    DNS_FAILURE = "dns_failure"
    INTERNAL_ERROR = "internal_error"


class Visibility(StrEnum):
    PUBLIC = "public"
    """Everyone on the ticket reads it."""
    PRIVATE = "private"
    """Flagged: staff alone read it, and may accept it."""
    NOTE = "note"
    """Staff's own words among themselves."""
    FOLDED = "folded"
    """Automatic mail: kept with the ticket, shown folded, tells nobody."""


@dataclass(frozen=True, slots=True)
class OpenTicket:
    subject: str
    requester: str
    requester_id: int | None
    """The registered person."""
    company: int | None
    severity: MailSeverity
    additions: tuple[Addition, ...]
    acknowledge: bool
    enrol: bool
    """The requester is enrolled by this mail, in the company of his domain."""
    mentions: int | None
    """A ticket that the subject names although the sender has no right there; staff see it."""


@dataclass(frozen=True, slots=True)
class AddComment:
    ticket: int
    visibility: Visibility
    additions: tuple[Addition, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """Keep, trigger nothing."""

    ticket: int | None
    author: str
    """Whose words it is kept as; empty where nothing proves them."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Quarantine: kept, shown to staff, can be released."""

    invite: str = ""
    """The address that is sent a sign-up notice; empty for none."""


@dataclass(frozen=True, slots=True)
class Refuse:
    text: str
    """What the sender is told; one line of ASCII."""
    dmarc: bool = False
    """The sender's own domain asked for it (550 5.7.26)."""


@dataclass(frozen=True, slots=True)
class Defer:
    """Not decided: the sender is to try again later."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same mail again: answer as the first time."""

    journal_id: UUID
    answer: str
    ticket: int | None


Action = OpenTicket | AddComment | Record | Hold | Refuse | Defer | Repeat


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the trace: which check looked at what, and what came of it."""

    check: str
    saw: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Decision:
    action: Action
    reason: Reason
    trace: tuple[Step, ...]

    @property
    def verdict(self) -> Verdict:
        match self.action:
            case OpenTicket():
                return Verdict.OPENED
            case AddComment(visibility=Visibility.PRIVATE):
                return Verdict.FLAGGED
            case AddComment():
                return Verdict.COMMENTED
            case Record():
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
