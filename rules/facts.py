"""Everything that the rules may know besides the mail itself, gathered once before the decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from rules.mail import Envelope, Mailbox
from rules.mail.forwards import Forwarded
from rules.people import Company, Person, Staff
from rules.sender.authentication import Authentication
from rules.sender.pointers import Pointer
from rules.ticket.model import Ticket
from rules.ticket.personal_digest import PersonalDigest
from rules.ticket.saved_replies import SavedReplies
from rules.ticket.visibility import Visibility


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was answered when the same mail was received before."""

    journal_id: UUID
    answer: str
    ticket: int | None


@dataclass(frozen=True, slots=True)
class Returned:
    """The notice to whose own return path a mail was sent."""

    notice: UUID
    address: str
    """The recipient of the notice."""
    ticket: int | None
    hard_before: int
    """How many permanent failures of that address were counted before."""
    counted: bool
    """The notice was reported before, or was never sent: a further report of it does not count."""
    is_invitation: bool = False
    """Anybody can have one sent to any address of a customer's domain: it counts for nothing."""


@dataclass(frozen=True, slots=True)
class ThreadTicket:
    """A ticket that a Message-ID leads to."""

    number: int
    authors: frozenset[str]
    """The authors of its mails that have or name the id; an empty address where it is not known."""


@dataclass(frozen=True, slots=True)
class Recent:
    """One mail of the author that was decided within the last hour."""

    decided_at: datetime
    opened: bool
    ticket: int | None
    proven: bool = True
    """False if only a token proved it: anybody who has that may have sent it."""
    kept_bytes: int = 0
    """What it takes in the store."""


@dataclass(frozen=True, slots=True)
class KnownComment:
    """A comment that is on the ticket already."""

    author: str
    visibility: Visibility
    text: str
    written_at: datetime
    subject: str = ""
    """Of its mail, where it says something besides the ticket's subject."""
    has_files: bool = False
    would_be: Visibility | None = None
    """Of a folded comment that a person may have written: its visibility otherwise."""
    has_commands: bool = False
    """A staff person's mail, which may begin with commands."""
    meant_as_note: bool = False
    """Flagged, and sent to the note address of its author."""
    proof: str = ""
    """How its author is proven, see `rules.identity.proof_of`."""


DESK = "desk"
"""Stands for all staff of the mailbox where one address is expected."""


@dataclass(frozen=True, slots=True)
class EarlierRequest:
    """An escalation of the ticket, as the audit trail has it."""

    at: datetime
    was: int
    became: int
    """The level that was notified; the same as before where it was asked again."""
    notified: str
    """The address of the person, or DESK; empty where it is not known."""


@dataclass(frozen=True, slots=True)
class EscalationFacts:
    """What an escalation needs to know of a ticket."""

    history: tuple[KnownComment, ...] = ()
    """Its last public comments, the oldest first."""
    earlier: tuple[EarlierRequest, ...] = ()
    """Its latest escalations, the latest first."""


@dataclass(frozen=True, slots=True)
class Facts:
    decided_at: datetime
    """When the mail is decided: on arrival, or for a held mail on its release."""
    mailbox: Mailbox
    own_addresses: frozenset[str]
    """Every address that we serve; none of them ever becomes a participant."""
    envelope: Envelope
    authentication: Authentication
    pointers: tuple[Pointer, ...]
    people: Mapping[str, Person]
    """The registered people among the author and the addresses in To and Cc."""
    author_company: Company | None
    """The company that owns the domain of the author's address."""
    domain_known: bool
    """Somebody with an address in the author's domain is registered, or a company owns it."""
    tickets: Mapping[int, Ticket]
    """The tickets that the pointers name, and those that these were merged into or continue in."""
    known_ids: Mapping[str, tuple[ThreadTicket, ...]]
    """Message-IDs of mails that we received, each with the tickets of all mails that had it, the
    oldest first: anybody can give their mail the Message-ID of another."""
    named_before: Mapping[str, tuple[ThreadTicket, ...]]
    """Message-IDs that tickets' mails reference but that we have not received, with the tickets."""
    earlier: Earlier | None
    id_seen: bool
    """A mail with the same Message-ID but other bytes was received before."""
    acknowledged_at: datetime | None
    """When the last acknowledgement was sent to the author, or will be. One in the future need not
    wait: a node whose clock was ahead may have sent it."""
    invited_at: datetime | None
    """When the last sign-up notice was sent to the author."""
    deferred_since: datetime | None
    """When this mail was first answered with "try again" because the DNS did not respond."""
    acknowledged_later: datetime | None = None
    """When an acknowledgement to the author that waits will be sent."""
    kept_at: datetime | None = None
    """When the author was last notified that a mail of theirs is held."""
    folded_at: datetime | None = None
    """When a mail of the author was last folded that a person may have written."""
    recorded_lately: int = 0
    """How many automatic mails of the author were recorded within the hour, folded ones included;
    counted where this may be one more. Of who is not registered, only the folded ones."""
    recorded_bytes: int = 0
    """What those take in the store."""
    recorded_of_domain: int = 0
    """The same of the people who count for `of_domain`; and of everybody else in the domain, if it
    is the company's and the author is not registered."""
    recorded_bytes_of_domain: int = 0
    introducers: Mapping[str, Person] = field(default_factory=dict)
    """The registered among the authors of `known_ids` and `named_before`, besides `people`."""
    staff: tuple[Staff, ...] = ()
    """The active staff of the mailbox."""
    bounced: frozenset[str] = frozenset()
    """Of the addresses in To and Cc, those to which our mail cannot be delivered."""
    recent: tuple[Recent, ...] = ()
    """The author's mails within the last hour, in any order."""
    of_domain: int = 0
    """How many proven mails the registered people of the author's company and domain have sent
    within the hour; counted only where many or large ones may have come."""
    bytes_of_domain: int = 0
    """What those take in the store."""
    returned: Returned | None = None
    looped: bool = False
    """The mail carries our own loop mark: somebody sends our mails back to us."""
    structure_is_open: bool = False
    """Only a signature proved the mail when it came, and what nobody signed may change what of it
    is read as its text. It is held; staff may have released it."""
    came_at: datetime | None = None
    """When the mail arrived; None where it is decided on arrival."""
    forwarded: Forwarded | None = None
    """The mail that this one forwards: its author is among `people`, if they are registered."""
    unreachable: frozenset[str] = frozenset()
    """Of the contacts whom this mail may alert, those to whom no mail is sent: suspended, or not
    active. Looked up where a mail asks for an escalation, or claims a critical severity."""
    notified_of: frozenset[int] = frozenset()
    """The tickets that the author is not on and never was, and was notified of as a contact."""
    escalations: Mapping[int, EscalationFacts] = field(default_factory=dict)
    """For the tickets of a mail that asks for an escalation."""
    digest: PersonalDigest = field(default_factory=PersonalDigest)
    """For a mail that asks for it."""
    comments: Mapping[int, Mapping[int, KnownComment]] = field(default_factory=dict)
    """Those that the commands of the mail name, by their ticket."""
    replies: SavedReplies = field(default_factory=SavedReplies)
    """For a mail that names one, or asks for their names."""
    escalated_lately: tuple[datetime, ...] = ()
    """When the author of such a mail has escalated tickets of the mailbox within the hour."""

    @property
    def opens_at(self) -> datetime:
        """When the clock of a ticket opened by this mail starts."""
        return self.came_at or self.decided_at
