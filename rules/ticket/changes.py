"""The one vocabulary of changes: what a person, or a clock, can do to a ticket.

A command in a mail, the API, the command line, a signed link and the scheduler all produce these
values; `rules.decision.change` decides what each of them does. A class states who may request it
(`staff_only`) and how it reads in a refusal (`reads_as`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import ClassVar

from rules.mail import NO_FILES, SentFiles
from rules.people import StaffNotices
from rules.ticket.lifecycle import Status
from rules.ticket.severity import MailSeverity
from rules.ticket.sources import CRITICAL_SOURCES as CRITICAL_SOURCES
from rules.ticket.sources import REQUEST_SOURCES as REQUEST_SOURCES
from rules.ticket.sources import Source as Source
from rules.ticket.visibility import Visibility


class Rating(StrEnum):
    """What a customer thinks of the help."""

    GOOD = "good"
    BAD = "bad"


class Assignee(Enum):
    ME = "me"
    """The person who asks."""
    NOBODY = "none"


@dataclass(frozen=True, slots=True)
class SetStatus:
    staff_only: ClassVar[bool] = False
    reads_as: ClassVar[str] = "change the status"

    status: Status
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SetSeverity:
    """As a mail may: the type of `severity` has no critical member."""

    staff_only: ClassVar[bool] = True
    reads_as: ClassVar[str] = "set the severity"

    severity: MailSeverity
    reason: str


@dataclass(frozen=True, slots=True)
class SetAnySeverity:
    """To any level of the policy; a critical one only from the API or the console."""

    staff_only: ClassVar[bool] = False
    reads_as: ClassVar[str] = "set the severity"

    level: str
    """A level's name or alias, as it was written."""
    reason: str


@dataclass(frozen=True, slots=True)
class Workaround:
    """A workaround exists: one level lower, if the policy lowers it."""

    staff_only: ClassVar[bool] = True
    reads_as: ClassVar[str] = "record a workaround"

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Complete:
    """The request is complete, whatever is missing: the clock that waits for it begins."""

    staff_only: ClassVar[bool] = False
    reads_as: ClassVar[str] = "declare a request complete"

    reason: str = ""


@dataclass(frozen=True, slots=True)
class SetField:
    """A field gets a value, whatever it had."""

    staff_only: ClassVar[bool] = True
    reads_as: ClassVar[str] = "set a field"

    name: str
    """A field's name, as it was written."""
    value: str
    """Empty to clear it."""


@dataclass(frozen=True, slots=True)
class AddTag:
    staff_only: ClassVar[bool] = True
    reads_as: ClassVar[str] = "tag a ticket"

    tag: str
    """As it was written."""


@dataclass(frozen=True, slots=True)
class RemoveTag:
    staff_only: ClassVar[bool] = True
    reads_as: ClassVar[str] = "tag a ticket"

    tag: str


@dataclass(frozen=True, slots=True)
class Assign:
    staff_only: ClassVar[bool] = True
    reads_as: ClassVar[str] = "assign a ticket"

    to: Assignee | str
    """Or the address or name of a staff person, as it was written."""


@dataclass(frozen=True, slots=True)
class AddPerson:
    staff_only: ClassVar[bool] = False
    reads_as: ClassVar[str] = "add people"

    address: str


@dataclass(frozen=True, slots=True)
class RemovePerson:
    staff_only: ClassVar[bool] = True
    reads_as: ClassVar[str] = "remove people"

    address: str


@dataclass(frozen=True, slots=True)
class SetRequester:
    """The ticket is another customer's request; the one before them stays on it."""

    staff_only: ClassVar[bool] = True
    reads_as: ClassVar[str] = "change the requester"

    address: str


@dataclass(frozen=True, slots=True)
class SettlePerson:
    """A proposed person is accepted or declined."""

    staff_only: ClassVar[bool] = True
    reads_as: ClassVar[str] = "decide on proposed people"

    address: str
    accept: bool


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """A participant wants no more mail about the ticket; they stay on it."""

    staff_only: ClassVar[bool] = False
    reads_as: ClassVar[str] = "unsubscribe"

    address: str = ""
    """Empty for the person who asks."""


@dataclass(frozen=True, slots=True)
class WriteComment:
    staff_only: ClassVar[bool] = False
    reads_as: ClassVar[str] = "write a comment"

    text: str
    visibility: Visibility
    macro: str = ""
    """The name of a saved reply that goes before the text; empty for none."""
    files: SentFiles = NO_FILES


@dataclass(frozen=True, slots=True)
class PublishComment:
    """A flagged comment is accepted: from now on everybody on the ticket reads it. A folded one
    becomes what it would have been without its sign of automatic mail."""

    staff_only: ClassVar[bool] = True
    reads_as: ClassVar[str] = "publish a comment"

    comment: int
    seen: Visibility | None = None
    """What the person who accepts it saw, where that is known: of two clicks, or of a request and
    its repetition, the second must not publish what the first made a flagged comment."""


@dataclass(frozen=True, slots=True)
class Escalate:
    staff_only: ClassVar[bool] = False
    reads_as: ClassVar[str] = "escalate"

    reason: str
    """Empty where none was given."""


@dataclass(frozen=True, slots=True)
class Merge:
    """This ticket becomes part of another."""

    staff_only: ClassVar[bool] = True
    reads_as: ClassVar[str] = "merge tickets"

    into: int


@dataclass(frozen=True, slots=True)
class Split:
    """A new ticket is made out of a comment, or out of a text."""

    staff_only: ClassVar[bool] = True
    reads_as: ClassVar[str] = "split tickets"

    comment: int | None = None
    """The number of a public comment; None for the text."""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Follow:
    """The staff person who asks is notified of the ticket from now on."""

    staff_only: ClassVar[bool] = True
    reads_as: ClassVar[str] = "follow a ticket"


@dataclass(frozen=True, slots=True)
class Unfollow:
    staff_only: ClassVar[bool] = True
    reads_as: ClassVar[str] = "follow a ticket"


@dataclass(frozen=True, slots=True)
class PreferNotices:
    """Of which tickets the staff person who asks is notified."""

    staff_only: ClassVar[bool] = True
    reads_as: ClassVar[str] = "choose their notices"

    notices: StaffNotices


@dataclass(frozen=True, slots=True)
class Delete:
    """Leaves a tombstone: the number is never used again."""

    staff_only: ClassVar[bool] = True
    reads_as: ClassVar[str] = "delete a ticket"

    reason: str


@dataclass(frozen=True, slots=True)
class Rate:
    """Feedback on the help, by the link that asked for it."""

    staff_only: ClassVar[bool] = False
    reads_as: ClassVar[str] = "rate the help"

    rating: Rating
    text: str


@dataclass(frozen=True, slots=True)
class ReportOverdue:
    """The SLA clock has reached its warning or its due time."""

    staff_only: ClassVar[bool] = True
    reads_as: ClassVar[str] = "report the SLA clock"


@dataclass(frozen=True, slots=True)
class Snooze:
    """The ticket is set aside until a time; its status and its clock stay."""

    staff_only: ClassVar[bool] = True
    reads_as: ClassVar[str] = "snooze a ticket"

    until: str
    """As it was written: `3d`, `monday`, `2026-12-01`, or `off` to end it."""


@dataclass(frozen=True, slots=True)
class WakeUp:
    """The time until which the ticket was snoozed has come."""

    staff_only: ClassVar[bool] = True
    reads_as: ClassVar[str] = "end a snooze"


MailChange = (
    SetStatus
    | SetSeverity
    | Workaround
    | Complete
    | SetField
    | AddTag
    | RemoveTag
    | Assign
    | AddPerson
    | RemovePerson
    | SetRequester
    | Snooze
    | Merge
    | Split
    | Follow
    | Unfollow
    | PreferNotices
    | Escalate
    | Unsubscribe
)
"""The changes that a mail can ask for."""
Change = (
    MailChange
    | SetAnySeverity
    | SettlePerson
    | WriteComment
    | PublishComment
    | Delete
    | Rate
    | ReportOverdue
    | WakeUp
)
