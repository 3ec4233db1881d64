"""Builders that show only what matters: everything else is an ordinary mail of an ordinary user."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any
from uuid import UUID

from rules.decision.decide import decide
from rules.decision.model import Decision
from rules.decision.needed_facts import facts_needed_for_commands
from rules.facts import Earlier, Facts, Recent, Returned, ThreadTicket
from rules.mail import Body, Envelope, Mail, Mailbox, StrangerHandling, Unreadable
from rules.mail.bounces import Bounce
from rules.mail.header import Ambiguous, Author, Header
from rules.people import Company, Participant, ParticipantKind, Person, Presence, Role, Staff
from rules.policy import Policy, parse
from rules.sender.authentication import Authentication, Result
from rules.sender.pointers import Pointer, PointerKind, find_pointers
from rules.sender.tokens import Keys, Purpose, ReplyToken, message_id, reply_address
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind, NoticeOrder
from rules.ticket.payloads import AlertPayload

SUPPORT = "support@help.example"
MAILBOX = Mailbox(1, SUPPORT, "default")
KEYS = Keys(current=1, secrets={1: b"k" * 32})
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

ACME = Company(1, "Acme", True)
GLOBEX = Company(2, "Globex", True)


def person(
    address: str, company: Company | None = ACME, role: Role = Role.USER, **changes: Any
) -> Person:
    number = sum(address.encode())
    return replace(Person(number, address, "", role, True, False, company), **changes)


ANN = person("ann@acme.example")
BOB = person("bob@acme.example")
GIL = person("gil@globex.example", GLOBEX)
SAM = person("sam@help.example", None, Role.STAFF)
EVERYBODY = (ANN, BOB, GIL, SAM)
DOMAINS = {"acme.example": ACME, "globex.example": GLOBEX}

PROVEN = Authentication.by_peer("127.0.0.1")
NOTHING = Authentication.unchecked("test")


def unproven(dmarc: Result = Result.NONE, policy: Any = "none", temporary: bool = False) -> Any:
    return replace(NOTHING, dmarc=dmarc, dmarc_policy=policy, temporary=temporary)


@cache
def preset(name: str) -> Policy:
    """A policy that comes with the program."""
    text = (resources.files("rules.policy.presets") / f"{name}.toml").read_text()
    return parse(text, f"{name}.toml")


def default_policy(**changes: Any) -> Policy:
    default = preset("default")
    return default.model_copy(update=changes) if changes else default


def policy_with(section: str, **changes: Any) -> Policy:
    """The default policy, with some settings of one of its sections changed."""
    policy = default_policy()
    return policy.model_copy(update={section: getattr(policy, section).model_copy(update=changes)})


def a_mail(
    sender: str | None = ANN.address,
    subject: str = "Printer",
    text: str = "It does not print.",
    to: tuple[str, ...] = (SUPPORT,),
    cc: tuple[str, ...] = (),
    message_id: str = "<1@client.example>",
    in_reply_to: tuple[str, ...] = (),
    references: tuple[str, ...] = (),
    unreadable: str = "",
    bounces: tuple[Bounce, ...] = (),
    **header: str,
) -> Mail:
    """A mail; further keywords are header fields (`auto_submitted="auto-replied"`)."""
    fields = tuple((k.replace("_", "-"), v.encode()) for k, v in header.items())
    return Mail(
        identity="0" * 64,
        size_bytes=1000,
        header=Header(fields),
        author=Author(sender) if sender else Ambiguous("2 From fields"),
        subject=subject,
        message_id=message_id,
        in_reply_to=in_reply_to,
        references=references,
        to=to,
        cc=cc,
        date=None,
        body=Unreadable(unreadable) if unreadable else Body(text, "", False, ()),
        bounces=bounces,
    )


def a_ticket(
    number: int = 7, *members: Participant, company: Company | None = ACME, **changes: Any
) -> Ticket:
    requester = next((m.address for m in members if m.part is ParticipantKind.REQUESTER), "")
    ticket = Ticket(
        number, company.id if company else None, members, requester=requester, subject="Printer"
    )
    return replace(ticket, **changes)


def member(
    number: int,
    address: str,
    part: ParticipantKind = ParticipantKind.USER,
    presence: Presence = Presence.ACTIVE,
    **changes: Any,
) -> Participant:
    return replace(Participant(number, address, part, presence), **changes)


ANNS = a_ticket(7, member(70, ANN.address, ParticipantKind.REQUESTER))


@dataclass
class World:
    """The registry and tickets around a mail; `decide` runs the rules in it."""

    people: tuple[Person, ...] = EVERYBODY
    domains: dict[str, Company] = field(default_factory=lambda: dict(DOMAINS))
    tickets: tuple[Ticket, ...] = (ANNS,)
    known_ids: dict[str, int | ThreadTicket] = field(default_factory=dict)
    named_before: dict[str, int | ThreadTicket] = field(default_factory=dict)
    staff: tuple[Staff, ...] = (Staff(SAM.address, ""),)
    bounced: frozenset[str] = frozenset()
    recent: tuple[Recent, ...] = ()
    returned: Returned | None = None
    looped: bool = False
    proof: Authentication = PROVEN
    earlier: Earlier | None = None
    id_seen: bool = False
    acknowledged_at: datetime | None = None
    acknowledged_later: datetime | None = None
    invited_at: datetime | None = None
    kept_at: datetime | None = None
    deferred_since: datetime | None = None
    folded_at: datetime | None = None
    of_domain: int = 0
    notified_of: frozenset[int] = frozenset()
    unreachable: frozenset[str] = frozenset()
    escalated_lately: tuple[datetime, ...] = ()
    onto: int | None = None
    """The ticket that staff release the mail onto."""
    policy: Policy = field(default_factory=default_policy)
    strangers: StrangerHandling | None = None
    """The listener's setting for them."""

    def decide(self, mail: Mail, to: str = SUPPORT, mail_from: str | None = None) -> Decision:
        address = mail.author.address if isinstance(mail.author, Author) else ""
        sender = (address or "x@client.example") if mail_from is None else mail_from
        envelope = Envelope("127.0.0.1", "", False, sender, (to,), self.strangers)
        return decide(mail, self.facts(mail, envelope, address), self.policy)

    def facts(self, mail: Mail, envelope: Envelope, author: str) -> Facts:
        found: tuple[Pointer, ...] = find_pointers(
            mail, envelope, MAILBOX, KEYS, self.policy.subject_tag.format
        )
        domain = author.rpartition("@")[2]
        registered = {p.address: p for p in self.people}
        known = domain in self.domains or domain in {
            p.address.rpartition("@")[2] for p in self.people
        }
        return Facts(
            decided_at=NOON,
            mailbox=MAILBOX,
            own_addresses=frozenset({SUPPORT}),
            envelope=envelope,
            authentication=self.proof,
            pointers=found if self.onto is None else (Pointer(PointerKind.STATED, self.onto),),
            people=registered,
            author_company=None if author in registered else self.domains.get(domain),
            domain_known=known,
            tickets={t.id: t for t in self.tickets},
            known_ids={one: (_led_to(lead),) for one, lead in self.known_ids.items()},
            named_before={one: (_led_to(lead),) for one, lead in self.named_before.items()},
            staff=self.staff,
            bounced=self.bounced,
            escalated_lately=self.escalated_lately,
            recent=self.recent,
            of_domain=self.of_domain,
            returned=self.returned,
            looped=self.looped,
            earlier=self.earlier,
            id_seen=self.id_seen,
            acknowledged_at=self.acknowledged_at,
            acknowledged_later=self.acknowledged_later,
            invited_at=self.invited_at,
            kept_at=self.kept_at,
            deferred_since=self.deferred_since,
            folded_at=self.folded_at,
            notified_of=self.notified_of,
            unreachable=self.unreachable,
            forwarded=facts_needed_for_commands(mail, self.policy).forwarded,
        )


def _led_to(lead: int | ThreadTicket) -> ThreadTicket:
    """A ticket to which staff brought an id, unless it is stated who did."""
    return lead if isinstance(lead, ThreadTicket) else brought(lead, SAM.address)


def brought(ticket: int, *authors: str) -> ThreadTicket:
    """A ticket to which these people brought an id."""
    return ThreadTicket(ticket, frozenset(authors))


def token_to(participant: int, ticket: int = 7, purpose: Purpose = Purpose.REPLY) -> str:
    """The reply address that a participant was given."""
    return reply_address(KEYS, MAILBOX.id, SUPPORT, ReplyToken(ticket, participant, purpose))


def our_id(ticket: int = 7) -> str:
    return message_id(KEYS, MAILBOX.id, ticket, UUID(int=5), "help.example")


def orders_of(decision: Decision) -> tuple[NoticeOrder, ...]:
    """The outgoing mails that a decision causes."""
    orders: tuple[NoticeOrder, ...] = getattr(decision.action, "orders", ())
    return orders


def notified(decision: Decision, kind: NoticeKind) -> list[str]:
    """Who is sent a mail of this kind, in order."""
    return [order.address for order in orders_of(decision) if order.kind is kind]


def alerted_of(order: NoticeOrder) -> str:
    """What an alert is about, in English."""
    assert isinstance(order.payload, AlertPayload)
    return "\n".join(map(str, order.payload.sentences))
