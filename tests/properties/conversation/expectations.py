"""What one mailbox must contain after the steps so far: tickets, participants, comments, held mail.

Written from docs/semantics.md and not from the code, because the code is judged by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from rules.decision.reasons import Reason
from tests.properties.conversation.mails import WrittenMail
from tests.properties.conversation.registry import AccountState, ExpectedRegistry

ACTIVE, PENDING, REMOVED = "active", "pending", "removed"
IsOver = Callable[[int], bool]


@dataclass(frozen=True)
class PolicyChoices:
    """The settings of the policy that the state machine varies."""

    guests: str = "propose"
    """`cc.guests` of the policy."""
    registration: str = "user"
    strangers: str = "refuse"
    unauthenticated: str = "refuse"


@dataclass
class ExpectedParticipant:
    """A person on a ticket."""

    presence: str
    unsubscribed: bool = False


@dataclass
class ExpectedComment:
    """The comment that contains a marker; no other comment contains it."""

    ticket: int
    author: str
    visibility: str


@dataclass
class IssuedToken:
    """A reply address that one participant received from us."""

    holder: str
    ticket: int
    note: bool


@dataclass
class ExpectedHeldMail:
    """A mail in quarantine."""

    mail: WrittenMail
    since: datetime
    reason: Reason
    tried: datetime | None = None
    """When it was last decided again and stayed in quarantine; None if never."""

    @property
    def for_enrolment(self) -> bool:
        return self.reason is Reason.NOT_ENROLLED


@dataclass
class Expectations:
    """The expected state of one mailbox. Keys are ticket numbers unless stated otherwise."""

    registry: ExpectedRegistry
    choices: PolicyChoices
    participants: dict[int, dict[str, ExpectedParticipant]] = field(default_factory=dict)
    company: dict[int, str | None] = field(default_factory=dict)
    requester: dict[int, str] = field(default_factory=dict)
    merged: dict[int, int] = field(default_factory=dict)
    follow_up: dict[int, int] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    comments: dict[str, ExpectedComment] = field(default_factory=dict)
    """By marker."""
    tokens: dict[str, IssuedToken] = field(default_factory=dict)
    """By reply address."""
    ticket_by_message_id: dict[str, int] = field(default_factory=dict)
    """For each Message-ID of a mail that we sent or filed."""
    own_message_ids: set[str] = field(default_factory=set)
    """Message-IDs that we generated."""
    introducers: dict[str, str] = field(default_factory=dict)
    """For each Message-ID of a filed mail its author; empty if an id of others led it there."""
    opening_references: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    """For each Message-ID, the tickets whose first mail referred to it, and that mail's author."""
    contacts: dict[str, set[int]] = field(default_factory=dict)
    """For each contact the tickets of which they were notified."""
    held: dict[UUID, ExpectedHeldMail] = field(default_factory=dict)
    """The quarantine, by journal id."""
    opened_at: dict[str, list[datetime]] = field(default_factory=dict)
    """For each author, when they opened tickets."""

    @property
    def mailbox(self) -> str:
        return self.registry.people.mailbox

    def presence(self, ticket: int, address: str) -> str:
        participant = self.participants[ticket].get(address)
        return participant.presence if participant is not None else ""

    def is_notified(self, ticket: int, address: str) -> bool:
        """Whether a public comment on a ticket is sent to an address."""
        participant = self.participants[ticket].get(address)
        if participant is None or participant.presence != ACTIVE or participant.unsubscribed:
            return False
        return self.registry.receives_mail(address)

    def may_read(self, ticket: int, address: str) -> bool:
        """Whether a mail about a ticket may be sent to an address now."""
        if not self.registry.is_staff(address) and self.presence(ticket, address) != ACTIVE:
            return False
        return self.registry.receives_mail(address)

    def is_contact(self, ticket: int, address: str, is_over: IsOver) -> bool:
        """Whether an address was notified of a ticket, or of one that leads to it, as a contact."""
        tickets = self.contacts.get(address, ())
        return any(self.resolve_ticket(one, is_over) == ticket for one in tickets)

    # ---- which ticket a mail belongs to -------------------------------------------------------

    def way_from(self, ticket: int, is_over: IsOver) -> tuple[int, ...]:
        """A ticket and those that mail for it is passed on to by merges and follow-ups."""
        way = [ticket]
        while way[-1] not in self.deleted:
            last = way[-1]
            following = self.merged.get(last)
            if following is None and is_over(last):
                following = self.follow_up.get(last)
            if following is None or following in way:
                break
            way.append(following)
        return tuple(way)

    def end_of_merges(self, ticket: int) -> int:
        """The ticket that comments of a merged one are published on; any other ticket itself."""
        while ticket in self.merged:
            ticket = self.merged[ticket]
        return ticket

    def resolve_ticket(self, ticket: int, is_over: IsOver) -> int | None:
        """Where mail for a ticket goes now; None if that is a deleted one."""
        last = self.way_from(ticket, is_over)[-1]
        return last if last not in self.deleted else None

    def pointed_tickets(self, mail: WrittenMail, is_over: IsOver) -> Iterator[tuple[str, int]]:
        """The kinds of pointer in a mail and the tickets that they lead to, strongest first; the
        kind is `foreign` for the id of a mail that only others brought to the ticket."""
        if mail.as_new:
            return
        nearest = tuple(reversed(mail.references))
        pointed = [("token", token.ticket) for token in self._tokens_of(mail, is_over)]
        pointed += [
            ("our_message_id", self.ticket_by_message_id[one])
            for one in nearest
            if one in self.own_message_ids
        ]
        pointed += [
            (
                self._unless_foreign(mail, "known_message_id", self.introducers[one]),
                self.ticket_by_message_id[one],
            )
            for one in nearest
            if one in self.ticket_by_message_id and one not in self.own_message_ids
        ]
        for one in (mail.message_id, *nearest):
            pointed += [
                (self._unless_foreign(mail, "late_parent", author), t)
                for t, author in self.opening_references.get(one, ())
            ]
        pointed += [("tag", t) for t in self.participants if f"[#{t}]" in mail.subject]
        for pointer, ticket in pointed:
            target = self.resolve_ticket(ticket, is_over)
            if target is not None:
                yield pointer, target

    def _unless_foreign(self, mail: WrittenMail, pointer: str, introducer: str) -> str:
        """The pointer's kind for one who may follow it: the introducer, staff, a colleague of the
        introducer, and anybody who writes to the introducer too, or to whom staff gave the id."""
        to = mail.recipients if mail.to_header is None else mail.to_header
        registry, company = self.registry, self.registry.company_of(mail.author)
        is_own = (
            mail.author == introducer
            or introducer in (*to, *mail.cc)
            or registry.is_staff(mail.author)
            or registry.is_staff(introducer)
            or (registry.is_user(introducer) and registry.company_of(introducer) == company)
        )
        return pointer if is_own else "foreign"

    def is_live(self, token: IssuedToken, is_over: IsOver) -> bool:
        """Whether its holder was removed from no ticket between its own and where it leads."""
        way = self.way_from(token.ticket, is_over)
        return all(self.presence(one, token.holder) != REMOVED for one in way)

    def _tokens_of(self, mail: WrittenMail, is_over: IsOver) -> list[IssuedToken]:
        """The valid ones in the mail's recipients."""
        found = (self.tokens[one] for one in mail.recipients if one in self.tokens)
        return [] if mail.as_new else [token for token in found if self.is_live(token, is_over)]

    # ---- permissions --------------------------------------------------------------------------

    def own_token(self, mail: WrittenMail, is_over: IsOver) -> IssuedToken | None:
        own = (t for t in self._tokens_of(mail, is_over) if t.holder == mail.author)
        return next(own, None)

    def has_own_token(
        self, mail: WrittenMail, ticket: int, is_over: IsOver, note: bool | None = None
    ) -> bool:
        token = self.own_token(mail, is_over)
        return (
            token is not None
            and self.resolve_ticket(token.ticket, is_over) == ticket
            and (note is None or token.note == note)
        )

    def may_publish(self, mail: WrittenMail, ticket: int, is_over: IsOver) -> bool:
        """Whether the mail may become a public comment on the ticket."""
        author, proven = mail.author, mail.proof == "proven"
        if self._is_blocked(mail) or not proven:
            return False  # what only a token proves waits for staff
        pointed = self.pointed_tickets(mail, is_over)
        if all(target != ticket or pointer == "foreign" for pointer, target in pointed):
            return False
        if self.registry.is_staff(author):
            return self.has_own_token(mail, ticket, is_over, note=False)
        return self.presence(ticket, author) == ACTIVE

    def may_flag(self, mail: WrittenMail, ticket: int, is_over: IsOver) -> bool:
        """Whether the mail may be flagged: a private comment that staff may accept."""
        author = mail.author
        pointers = {p for p, t in self.pointed_tickets(mail, is_over) if t == ticket}
        if "foreign" in pointers and not self.registry.is_user(author):
            if self.presence(ticket, author) == ACTIVE and mail.proof == "proven":
                return not self._is_blocked(mail)
        else:
            pointers.discard("foreign")
        if self._is_blocked(mail) or not pointers:
            return False
        if mail.proof != "proven":
            here = self.registry.is_staff(author) or self.presence(ticket, author) == ACTIVE
            return mail.proof == "nothing" and here and self.has_own_token(mail, ticket, is_over)
        if self.registry.is_staff(author) or self.presence(ticket, author) == PENDING:
            return True
        if self.presence(ticket, author) == REMOVED:
            return False
        if self.registry.is_outsider(author) and "token" in pointers:
            return True  # a participant forwarded a notice to them
        if self.is_contact(ticket, author, is_over):
            return True
        return self.is_colleague(author, ticket) and pointers != {"tag"}

    def is_colleague(self, author: str, ticket: int) -> bool:
        company = self.company[ticket]
        return company is not None and self.registry.company_of(author) == company

    def _is_blocked(self, mail: WrittenMail) -> bool:
        closed = (AccountState.DEACTIVATED, AccountState.SUSPENDED)
        return bool(mail.second_author) or self.registry.account_state(mail.author) in closed

    # ---- new participants ---------------------------------------------------------------------

    def added_by(
        self, mail: WrittenMail, company: str | None, present: Iterable[str]
    ) -> dict[str, ExpectedParticipant]:
        """The participants that a mail adds to a ticket of this company through its Cc.

        `present` are the addresses that are on the ticket already.
        """
        if not mail.is_addressed_to(self.mailbox) or mail.automatic_marker == "list":
            return {}
        present = {*present, mail.author}
        found: dict[str, ExpectedParticipant] = {}
        for address in mail.cc:
            if address in present or address.partition("@")[0].partition("+")[0] in (
                "support",
                "sales",
            ):
                continue
            reaches_nobody = address in self.registry.deactivated or self.registry.is_suppressed(
                address
            )
            if reaches_nobody and not self._is_hidden(mail, company, address):
                continue
            presence = self._presence_when_added(mail, company, address)
            if presence:
                found[address] = ExpectedParticipant(presence)
        return found

    def _is_hidden(self, mail: WrittenMail, company: str | None, address: str) -> bool:
        """Whether the author must not learn if a person is registered: a customer, of somebody of
        another company."""
        of_staff = self.registry.is_staff(mail.author) or self.registry.is_staff(address)
        return not of_staff and self.registry.company_of(address) != company

    def _presence_when_added(self, mail: WrittenMail, company: str | None, address: str) -> str:
        registered = self.registry.is_registered(address)
        if self.registry.is_staff(address):
            return ACTIVE
        if mail.proof != "proven":
            return PENDING
        if self.registry.is_staff(mail.author):
            return ACTIVE
        if self.registry.is_user(mail.author):
            if registered and self.registry.company_of(address) == company:
                return ACTIVE
            return {"add": ACTIVE, "propose": PENDING, "ignore": ""}[self.choices.guests]
        return PENDING

    # ---- changes ------------------------------------------------------------------------------

    def open_ticket(self, ticket: int, requester: str, company: str | None) -> None:
        self.participants[ticket] = {requester: ExpectedParticipant(ACTIVE)}
        self.company[ticket], self.requester[ticket] = company, requester

    def open_follow_up(self, old: int, new: int) -> None:
        """Open the follow-up of a ticket with the same active participants, and without those who
        were removed."""
        self.open_ticket(new, self.requester[old], self.company[old])
        self.follow_up[old] = new
        for address, participant in self.participants[old].items():
            if participant.presence != PENDING:
                self.participants[new][address] = ExpectedParticipant(
                    participant.presence, participant.unsubscribed
                )

    def merge(self, ticket: int, into: int) -> None:
        self.merged[ticket] = into
        for address, participant in self.participants[ticket].items():
            existing = self.participants[into].setdefault(
                address, ExpectedParticipant(participant.presence, participant.unsubscribed)
            )
            if (
                participant.presence == ACTIVE
                and not participant.unsubscribed
                and existing.presence == PENDING
            ):
                self.participants[into][address] = ExpectedParticipant(ACTIVE)

    def admit_participant(self, ticket: int, address: str) -> None:
        """Whoever is added gets mail, even if they had unsubscribed."""
        self.participants[ticket][address] = ExpectedParticipant(ACTIVE)

    def remove_participant(self, ticket: int, address: str) -> None:
        self.participants[ticket].setdefault(
            address, ExpectedParticipant(ACTIVE)
        ).presence = REMOVED

    @property
    def changeable_tickets(self) -> list[int]:
        """Tickets that were neither deleted nor merged into another."""
        return [t for t in self.participants if t not in self.deleted and t not in self.merged]
