"""The facts that the decision on a change uses besides the ticket itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rules.facts import EscalationFacts, KnownComment
from rules.mail.addresses import normalise
from rules.mail.forwards import Forwarded
from rules.people import Person, Staff
from rules.ticket.changes import (
    CRITICAL_SOURCES,
    REQUEST_SOURCES,
    AddPerson,
    Assign,
    Assignee,
    Change,
    Escalate,
    Merge,
    PublishComment,
    Rate,
    Rating,
    ReportOverdue,
    SetAnySeverity,
    SetRequester,
    SetSeverity,
    Source,
    Split,
    Workaround,
    WriteComment,
)
from rules.ticket.model import Ticket
from rules.ticket.saved_replies import SavedReplies, wanted_name


@dataclass(frozen=True, slots=True)
class FeedbackFacts:
    """The feedback on the help so far."""

    rating: Rating | None = None
    noted: frozenset[str] = frozenset()
    """Those of the texts that the ticket already has as a note by the same person."""

    notes: int = 0
    """How many notes their feedback has left on the ticket."""
    rated: int = 0
    """How many ratings of theirs the audit trail of the ticket has for the last day."""

    def after(self, change: Rate) -> FeedbackFacts:
        """The feedback once this change is made: the next one is decided on it."""
        return FeedbackFacts(
            change.rating, self.noted | {change.text}, self.notes + 1, self.rated + 1
        )


@dataclass(frozen=True, slots=True)
class ChangeFacts:
    at: datetime
    actor: str
    """Who requests the change: an address, `console:` and an account; empty for the system."""
    source: Source
    by_staff: bool
    mailbox: str
    """The address of the ticket's mailbox."""
    published: bool = False
    """A public comment goes out with the changes; its notices show the new state of the ticket."""
    comments_with: bool = False
    """A comment with words, public or not, is written with the changes."""
    staff: tuple[Staff, ...] = ()
    people: Mapping[str, Person] = field(default_factory=dict)
    """The registered among the addresses that the changes name."""
    own_addresses: frozenset[str] = frozenset()
    """Of all mailboxes; may be empty unless the changes name addresses."""
    tickets: Mapping[int, Ticket] = field(default_factory=dict)
    """The tickets that the changes name, and those that they lead to."""
    comments: Mapping[int, KnownComment] = field(default_factory=dict)
    """The comments of the ticket that the changes name."""
    merged_from: int | None = None
    """The ticket that these comments are on, where it is part of the one that is changed."""
    written: int = 0
    """Comments that a customer who writes one over the API has written there within the hour."""
    severity_changes: tuple[datetime, ...] = ()
    """When a customer who sets the severity has changed it on this ticket within the hour."""
    escalation: EscalationFacts = field(default_factory=EscalationFacts)
    escalated_lately: tuple[datetime, ...] = ()
    """When a customer who escalates has escalated any ticket of the mailbox within the hour."""
    unreachable: frozenset[str] = frozenset()
    """Of the contacts whom the changes may alert, and of staff, those to whom no mail is sent."""
    replies: SavedReplies = field(default_factory=SavedReplies)
    feedback: FeedbackFacts = field(default_factory=FeedbackFacts)

    @property
    def may_be_critical(self) -> bool:
        return self.source in CRITICAL_SOURCES

    @property
    def is_request(self) -> bool:
        """Whether somebody has written what is to be changed: no link, and no clock of ours."""
        return self.source in REQUEST_SOURCES


def follow_merges(changes: Sequence[Change]) -> bool:
    """Whether changes of a merged ticket are made on the one that it is part of, as late mail for
    it is filed there: comments that wait for staff are published where people read them."""
    return bool(changes) and all(isinstance(change, PublishComment) for change in changes)


@dataclass(frozen=True, slots=True)
class NeededFacts:
    """What must be looked up before changes can be decided."""

    addresses: frozenset[str] = frozenset()
    tickets: frozenset[int] = frozenset()
    comments: frozenset[int] = frozenset()
    written: bool = False
    """How many comments the actor has written lately."""
    severity: bool = False
    """When the actor has changed the severity lately."""
    escalation: bool = False
    contacts: bool = False
    """Which contacts of the policy can be reached."""
    feedback: frozenset[str] = frozenset()
    """The texts of feedback, the empty one included; an empty set if there is no feedback."""
    digest: bool = False
    """What waits for the author."""
    replies: frozenset[str] | None = None
    """The saved replies that are named, none for their names alone; None if nothing is asked."""
    forwarded: Forwarded | None = None
    """The mail that one forwards, whose author was looked for here."""


def facts_needed_for(changes: Iterable[Change]) -> NeededFacts:
    """What `decide_change` reads from the facts."""
    addresses: set[str] = set()
    tickets: set[int] = set()
    comments: set[int] = set()
    feedback: set[str] = set()
    replies: frozenset[str] | None = None
    contacts = escalation = written = severity = False
    for change in changes:
        match change:
            case AddPerson(address=address) | SetRequester(address=address):
                addresses.add(normalise(address) or address)
            case Merge(into=number):
                tickets.add(number)
                contacts = True  # the other ticket may become critical
            case Split(comment=int(number)):
                comments.add(number)
            case PublishComment(comment=number):
                comments.add(number)
            case WriteComment(macro=macro):
                written = True
                replies = frozenset({wanted_name(macro)}) if macro else None
            case SetAnySeverity():
                severity = contacts = True
            case SetSeverity() | Workaround():
                severity = True
            case ReportOverdue():
                contacts = True
            case Assign(to=to):
                contacts = contacts or to is not Assignee.NOBODY
            case Escalate():
                escalation = contacts = True
            case Rate(text=text):
                feedback.add(text)
            case _:
                pass
    return NeededFacts(
        addresses=frozenset(addresses),
        tickets=frozenset(tickets),
        comments=frozenset(comments),
        written=written,
        severity=severity,
        escalation=escalation,
        contacts=contacts,
        feedback=frozenset(feedback),
        replies=replies,
    )
