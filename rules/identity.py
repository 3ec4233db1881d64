"""The sender of a mail, and how well the sender's identity is proven."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from rules.destination import token_holder
from rules.facts import Facts
from rules.mail.addresses import without_detail
from rules.mail.header import Author
from rules.people import Company, Person, Role
from rules.policy import Policy
from rules.sender.authentication import Authentication, Result
from rules.sender.pointers import PointerKind
from rules.sender.tokens import Purpose, ReplyToken

TOKEN_ALONE = "token"
"""The proof of a mail that only its author's own reply address speaks for."""
NO_PROOF = "nothing"


class ProofLevel(IntEnum):
    """What is proven about the sender of one mail."""

    NOTHING = 0
    """T0"""
    TOKEN = 1
    """T1: a valid reply token that belongs to the From address, but nothing aligned."""
    PROVEN = 2
    """T2: an aligned SPF or DKIM pass, or a listed peer or relay that vouches for the sender."""
    STAFF = 3
    """T3: T2 and a staff member's own reply token."""

    def __str__(self) -> str:
        return f"T{self.value}"


class Standing(StrEnum):
    """The status of the From address in the registry."""

    USER = "user"
    STAFF = "staff"
    COLLEAGUE = "colleague"
    """Not enrolled, but the address's domain belongs to a registered company."""
    STRANGER = "stranger"
    DEACTIVATED = "deactivated"
    SUSPENDED = "suspended"
    """The person's company is suspended."""

    @property
    def may_write(self) -> bool:
        return self in (Standing.USER, Standing.STAFF)


@dataclass(frozen=True, slots=True)
class Sender:
    address: str
    standing: Standing
    proof_level: ProofLevel
    person: Person | None
    company: Company | None
    token: ReplyToken | None
    """The sender's own valid token, if the mail was addressed to one."""


def identify(author: Author, facts: Facts, policy: Policy) -> Sender:
    """The sender: standing by the registry, proof level by evidence, never by another header."""
    person = facts.people.get(author.address)
    owner = person or facts.people.get(without_detail(author.address)[0])
    token = _own_token(author.address, facts, policy)
    return Sender(
        address=author.address,
        standing=_standing(person, owner, facts.author_company),
        proof_level=_proof_level(facts.authentication, person, token),
        person=person,
        company=person.company if person is not None else facts.author_company,
        token=token,
    )


def is_proven_enough(sender: Sender, required_level: str) -> bool:
    """Whether the sender has at least the level that a policy requires (`"T1"`, `"T2"`, `"T3"`)."""
    return sender.proof_level >= ProofLevel(int(required_level[1]))


def is_machine(sender: Sender | None) -> bool:
    """Whether the sender is registered as a program."""
    return sender is not None and sender.person is not None and sender.person.machine


def proof_of(sender: Sender | None, authentication: Authentication) -> str:
    """How the author of a mail is proven, for the people who read it: `dkim:acme.example`,
    `token+spf:help.example` for staff with their own token, `token` or `nothing`."""
    if authentication.aligned:
        staff = sender is not None and sender.proof_level is ProofLevel.STAFF
        return f"token+{authentication.by}" if staff else authentication.by
    by_token = sender is not None and sender.proof_level is ProofLevel.TOKEN
    return TOKEN_ALONE if by_token else NO_PROOF


FORWARDED = "forwarded"
"""The proof of a request that staff forward; `forwarded+dkim:acme.example` if a signature of the
forwarded mail proves its author."""
UNPROVEN = (TOKEN_ALONE, NO_PROOF)
"""The results of `proof_of` that leave open who wrote a mail."""


def is_unproven(proof: str) -> bool:
    """Whether this result of `proof_of` leaves open who wrote the mail."""
    return proof in UNPROVEN


def is_forwarded(proof: str) -> bool:
    """Whether this is the proof of a request that staff forward: its words are of somebody else."""
    return proof.partition("+")[0] == FORWARDED


def _own_token(address: str, facts: Facts, policy: Policy) -> ReplyToken | None:
    """The sender's first token; a note token takes precedence, of whatever ticket: what was also
    sent to a note address is not for customers."""
    own: list[ReplyToken] = []
    for pointer in facts.pointers:
        if pointer.kind is PointerKind.REPLY_TOKEN and pointer.token is not None:
            holder = token_holder(pointer.token, facts, policy)
            if holder is not None and holder.address == address:
                own.append(pointer.token)
    notes = (token for token in own if token.purpose is Purpose.NOTE)
    return next(notes, own[0] if own else None)


def _standing(
    person: Person | None, owner: Person | None, author_company: Company | None
) -> Standing:
    """The standing of a person; `owner` is the one of the address without its `+detail`, which most
    providers deliver to the same mailbox: who is deactivated does not come back under another."""
    if person is None:
        if owner is not None and not owner.active:
            return Standing.DEACTIVATED
        known = author_company is not None and author_company.active
        return Standing.COLLEAGUE if known else Standing.STRANGER
    if not person.active:
        return Standing.DEACTIVATED
    if person.role is Role.STAFF:
        return Standing.STAFF
    if person.company is None or not person.company.active:
        return Standing.SUSPENDED
    return Standing.USER


def _proof_level(
    proof: Authentication, person: Person | None, token: ReplyToken | None
) -> ProofLevel:
    if not proof.aligned:
        # A token travels with forwarded mail. It never takes precedence over the policy of the
        # author's domain, nor over a pending DNS answer that could be such a policy.
        forbidden = proof.dmarc is Result.FAIL and proof.dmarc_policy != "none"
        trusted = token is not None and not forbidden and not proof.temporary
        return ProofLevel.TOKEN if trusted else ProofLevel.NOTHING
    staff = person is not None and person.role is Role.STAFF and person.active
    return ProofLevel.STAFF if staff and token is not None else ProofLevel.PROVEN
