"""The input of the checks on a mail, and what a check returns."""

from __future__ import annotations

from dataclasses import dataclass

from rules.decision.entitlement import Entitlement
from rules.decision.model import Action
from rules.decision.reasons import Reason
from rules.facts import Facts
from rules.identity import ProofLevel, Sender, Standing, is_machine
from rules.mail import Mail
from rules.mail.addresses import is_role
from rules.mail.automatic import AutomaticClass, AutomationSign, wants_no_answer
from rules.policy import Policy
from rules.sender.pointers import PointerKind
from rules.sender.signature_scope import is_addressed_to
from rules.sender.tokens import Purpose


@dataclass(frozen=True, slots=True)
class Arrival:
    """The input of the first checks: any mail, even one whose author cannot be read."""

    mail: Mail
    facts: Facts
    policy: Policy
    sender: Sender | None
    """None if From is ambiguous: then nothing is known of the sender."""
    entitlements: tuple[Entitlement, ...]
    """What the sender may do on each ticket that the mail points to, strongest pointer first."""
    automatic: AutomationSign | None
    """The sign that the mail is automatic; None if there is none."""

    @property
    def enrols(self) -> bool:
        """Whether the mail enrols its sender: a colleague, if the policy enrols by domain."""
        sender = self.sender
        if sender is None or sender.standing is not Standing.COLLEAGUE:
            return False
        return self.policy.registration == "domain" and not is_role(sender.address)

    @property
    def released(self) -> bool:
        """Whether a staff person has read the mail and decided that it is filed."""
        return bool(self.facts.authentication.staff)

    @property
    def is_answer_to_notice(self) -> bool:
        """Whether a mail at the return path of a notice is automatic, as nearly all mail there is:
        a person's goes there only through a list."""
        if self.automatic is None:
            return False
        proven = self.sender is not None and self.sender.proof_level >= ProofLevel.TOKEN
        return self.automatic.kind is not AutomaticClass.BULK or not proven

    @property
    def is_addressed(self) -> bool:
        """Whether To or Cc names the mailbox, or another address through which it gets mail."""
        names = {*self.facts.mailbox.names, *self.policy.public_addresses}
        return is_addressed_to(self.mail, names)

    @property
    def by_machine(self) -> bool:
        """Whether the mail counts as a machine's: it moves nothing, and only staff are notified."""
        if self.automatic is None or self.released:
            return False
        return is_machine(self.sender) or self.automatic.kind is not AutomaticClass.BULK

    @property
    def takes_answers(self) -> bool:
        """Whether the mail may be answered automatically."""
        marked = self.automatic is not None or wants_no_answer(self.mail)
        return not marked and not is_machine(self.sender)

    @property
    def is_of_a_person(self) -> bool:
        """Whether nothing shows that a machine or a list sends the mail. What a person must know is
        sent even where their client asks for no automatic answers."""
        return self.automatic is None and not is_machine(self.sender)

    @property
    def is_released_onto(self) -> bool:
        """Whether staff release the mail onto a ticket."""
        return any(p.kind is PointerKind.STATED for p in self.facts.pointers)


@dataclass(frozen=True, slots=True)
class Case(Arrival):
    """The input of the other checks: a mail with one author."""

    sender: Sender

    @property
    def is_meant_as_note(self) -> bool:
        """Whether a staff person sends it to their note address. Whatever keeps it from being a
        note, it must not become public later."""
        token = self.sender.token
        by_staff = self.sender.standing is Standing.STAFF
        return by_staff and token is not None and token.purpose is Purpose.NOTE


@dataclass(frozen=True, slots=True)
class Pass:
    """A check leaves the decision to the checks after it."""

    saw: str
    """What it examined."""
    notes: tuple[str, ...]
    """What it found, for the trace."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """A check decides the mail."""

    saw: str
    action: Action
    reason: Reason
    notes: tuple[str, ...]


Finding = Pass | Ruling
