"""What a decision writes on a ticket: effects as values, in the order in which they are written.

`storage.ticket.write` is their only writer. An effect with a `was` names the state that was decided
on, and the writer raises Conflict if the ticket is no longer in that state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from rules.decision.staff_effects import (
    NoticesPreferred,
    RequesterChanged,
    Snoozed,
    TagAdded,
    TagRemoved,
)
from rules.mail import Attachment
from rules.people import Presence
from rules.sentence import Sentence, sentence
from rules.service.participants import Addition
from rules.service.sla_rules import ClockChange
from rules.ticket.changes import Rating
from rules.ticket.fields import FoundFields
from rules.ticket.lifecycle import Status
from rules.ticket.notices import NoticeOrder
from rules.ticket.severity import MailSeverity
from rules.ticket.sla import Clock, Stage
from rules.ticket.visibility import Visibility
from rules.ticket.waiting import Beginning, Waiting

NOT_STORED = 0
"""The id of a participant whose row is not written yet."""


@dataclass(frozen=True, slots=True)
class StatusChanged:
    was: Status
    became: Status
    reason: str


@dataclass(frozen=True, slots=True)
class SeverityChanged:
    was: str
    became: str
    critical: bool
    critical_claimed: bool
    """Whether the ticket has a critical claim next to its severity from now on."""
    reason: str


@dataclass(frozen=True, slots=True)
class ClaimMade:
    """Somebody claims a level after the ticket was opened; its severity stays."""

    author: str
    was: str
    """The level that was claimed before; empty for none."""
    became: str
    critical_claimed: bool
    """Whether the ticket has a critical claim next to its severity from now on."""


@dataclass(frozen=True, slots=True)
class Assigned:
    was: str
    became: str
    """The address of a staff person; empty for nobody."""


@dataclass(frozen=True, slots=True)
class Escalated:
    was: int
    became: int
    """The same level if that level is asked again."""
    reason: str
    notified: str = ""
    """The address of the person who is notified, or `DESK`."""
    passed: tuple[str, ...] = ()
    """The addresses before theirs that no mail reaches."""


@dataclass(frozen=True, slots=True)
class PeopleNamed:
    """People whom a mail names in To or Cc; those already on the ticket stay as they are. The audit
    trail names its author and the mail."""

    additions: tuple[Addition, ...]


@dataclass(frozen=True, slots=True)
class PersonAdded:
    """A person is added explicitly; the audit trail names who added them."""

    addition: Addition


@dataclass(frozen=True, slots=True)
class PresenceChanged:
    address: str
    was: Presence
    became: Presence


@dataclass(frozen=True, slots=True)
class Unsubscribed:
    participant: int
    address: str


@dataclass(frozen=True, slots=True)
class Resubscribed:
    address: str
    audited: bool = True
    """False if a staff person resumes notifications by writing on the ticket."""


@dataclass(frozen=True, slots=True)
class NewComment:
    """A comment to be written. `degraded` is the reason why its text could not be read, if so."""

    author: str
    visibility: Visibility
    text: str
    written_at: datetime
    proof: str = ""
    """How its author is proven: by a mail's evidence, else the door that they wrote by."""
    degraded: str | None = None
    charset_guessed: bool = False
    has_html: bool = False
    """Its mail has HTML."""
    attachments: tuple[Attachment, ...] = ()
    subject: str = ""
    """Of its mail, without our tags and marks of a reply."""
    would_be: Visibility | None = None
    """Of a folded comment that a person may have written: its visibility otherwise."""
    meant_as_note: bool = False
    """Flagged, and sent to the note address of its author."""
    files_digest: str = ""
    """Of the raw mail with its attachments, where they came by no mail."""


@dataclass(frozen=True, slots=True)
class CommentWritten:
    comment: NewComment


@dataclass(frozen=True, slots=True)
class CommentPublished:
    """A flagged comment becomes public, or a folded one what it would have been."""

    comment: int
    was: Visibility
    became: Visibility
    moved_from: int | None = None
    """The merged ticket that it is on so far, where it moves to the one that this is part of."""


@dataclass(frozen=True, slots=True)
class Notified:
    """Outgoing mails; those that quote a comment quote the last one written or published before."""

    orders: tuple[NoticeOrder, ...]
    withheld: tuple[NoticeOrder, ...] = ()
    """Left out for what their readers were sent within the hour."""


@dataclass(frozen=True, slots=True)
class MergedInto:
    ticket: int
    carried: tuple[Addition, ...]
    """People on the merged ticket who are not yet on the other."""
    accepted: tuple[str, ...]
    """People who were only proposed on the other ticket and are active on it from now on."""
    effects: tuple[Effect, ...] = ()
    """What the merge changes on the other ticket besides its people."""


@dataclass(frozen=True, slots=True)
class SplitOff:
    """A new ticket, which has the requester and the promises of this one."""

    subject: str
    requester: str
    language: str
    company: int | None
    severity: MailSeverity
    tier: str
    targets: Mapping[str, Mapping[str, str]]
    calendar: str
    clock: Clock | None
    comment: NewComment
    orders: tuple[NoticeOrder, ...]
    """The outgoing mails about it; those that quote a comment quote its first."""


@dataclass(frozen=True, slots=True)
class Deleted:
    reason: str


@dataclass(frozen=True, slots=True)
class ClockSaved:
    clock: Clock | None
    """None if nothing is promised any more, or not yet."""
    answered_at: datetime | None = None
    """When staff answered in public, if they did."""
    waiting: Waiting | None = None
    """What the clock waits for, if it has not begun."""


@dataclass(frozen=True, slots=True)
class OverdueReported:
    """The warning or the breach of the clock was reported."""

    was: datetime
    """When it was due to be reported."""
    clock: Clock


@dataclass(frozen=True, slots=True)
class WaitingChanged:
    """The ticket waits on, for something else or until another time."""

    was: datetime | None
    """When something was due while it waited."""
    waiting: Waiting | None


@dataclass(frozen=True, slots=True)
class PromiseBegan:
    """The clock that waited begins: `ClockSaved` has it."""

    why: Beginning


@dataclass(frozen=True, slots=True)
class AskedAgain:
    """The requester was asked once more for the facts of these names."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeclaredComplete:
    missing: tuple[str, ...]
    """The names of the facts that were missing."""
    reason: str


@dataclass(frozen=True, slots=True)
class SlaBreached:
    stage: Stage
    passed: tuple[str, ...] = ()
    """Whom no mail reaches of those who would be notified of it."""


@dataclass(frozen=True, slots=True)
class MissingChanged:
    """The names of the facts that are still missing from the request."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FieldsFound:
    """Values for fields; a field that has a value keeps it, or adds to its list."""

    fields: FoundFields


@dataclass(frozen=True, slots=True)
class FieldSet:
    """A field gets this value, whatever it had."""

    name: str
    was: str
    became: str
    """Empty to clear it."""


@dataclass(frozen=True, slots=True)
class FeedbackAsked:
    """A request for feedback or a review goes out: the only one of the ticket."""


@dataclass(frozen=True, slots=True)
class Touched:
    """The ticket moves to the top of the lists, which are sorted by the latest change."""


@dataclass(frozen=True, slots=True)
class Rated:
    was: Rating | None
    became: Rating
    audited: bool = True
    """False once its owner has changed it often: only the last one is kept."""


Effect = (
    StatusChanged
    | SeverityChanged
    | ClaimMade
    | Assigned
    | Escalated
    | PeopleNamed
    | PersonAdded
    | PresenceChanged
    | RequesterChanged
    | Unsubscribed
    | Resubscribed
    | CommentWritten
    | CommentPublished
    | Notified
    | MergedInto
    | SplitOff
    | Deleted
    | ClockSaved
    | OverdueReported
    | WaitingChanged
    | PromiseBegan
    | AskedAgain
    | DeclaredComplete
    | SlaBreached
    | MissingChanged
    | FieldsFound
    | FieldSet
    | TagAdded
    | TagRemoved
    | Snoozed
    | NoticesPreferred
    | FeedbackAsked
    | Touched
    | Rated
)


@dataclass(frozen=True, slots=True)
class Effects:
    """All that one or several changes do, decided together."""

    rows: tuple[Effect, ...] = ()
    done: tuple[Sentence, ...] = ()
    """What is reported to the person who requested the changes."""

    @property
    def merges(self) -> tuple[MergedInto, ...]:
        return tuple(effect for effect in self.rows if isinstance(effect, MergedInto))

    @property
    def notices(self) -> tuple[NoticeOrder, ...]:
        """Every outgoing mail that the changes cause, those about the other ticket of a merge
        and about a new one included."""
        there = (effect for merged in self.merges for effect in merged.effects)
        every = (*self.rows, *there)
        about = (e.orders for e in every if isinstance(e, Notified | SplitOff))
        return tuple(order for orders in about for order in orders)

    @property
    def splits(self) -> tuple[SplitOff, ...]:
        return tuple(effect for effect in self.rows if isinstance(effect, SplitOff))

    @property
    def withheld(self) -> tuple[NoticeOrder, ...]:
        """Every one that they do not cause, since its reader was sent enough."""
        found = (effect.withheld for effect in self.rows if isinstance(effect, Notified))
        return tuple(order for orders in found for order in orders)


@dataclass(frozen=True, slots=True)
class ChangeRefused:
    """A change that cannot be made; then none of the changes requested with it is made."""

    why: Sentence


def no_such_ticket(number: int) -> ChangeRefused:
    """The same for a ticket that never existed and for one that was deleted."""
    return ChangeRefused(sentence("there is no ticket #{ticket}", ticket=number))


def clock_effects(change: ClockChange, answered_at: datetime | None = None) -> tuple[Effect, ...]:
    """The new clock, and the breach of the old one if nobody was notified of it."""
    ended = change.ended
    unseen = ended is not None and ended.breached and not ended.notified
    breach = (SlaBreached(ended.stage),) if ended is not None and unseen else ()
    began = (PromiseBegan(change.began),) if change.began is not None else ()
    return (*breach, *began, ClockSaved(change.clock, answered_at, change.waiting))


def notified(orders: Iterable[NoticeOrder]) -> tuple[Effect, ...]:
    """The outgoing mails as an effect, apart from those that are withheld; nothing where there are
    none."""
    every = tuple(orders)
    kept = tuple(order for order in every if not order.withheld)
    withheld = tuple(order for order in every if order.withheld)
    return (Notified(kept, withheld),) if every else ()
