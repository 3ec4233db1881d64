"""The input of the checks on a mail, and what a check returns."""

from __future__ import annotations

from dataclasses import dataclass

from rules.decision.entitlement import Entitlement
from rules.decision.model import Action, Reason
from rules.facts import Facts
from rules.identity import Sender, Standing
from rules.mail import Mail
from rules.policy import Policy
from rules.sender.pointers import PointerKind


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
    automatic: str | None
    """The sign that the mail is automatic; None if there is none."""

    @property
    def enrols(self) -> bool:
        """Whether the mail enrols its sender: a colleague, if the policy enrols by domain."""
        colleague = self.sender is not None and self.sender.standing is Standing.COLLEAGUE
        return colleague and self.policy.registration == "domain"

    @property
    def is_released_onto(self) -> bool:
        """Whether staff release the mail onto a ticket."""
        return any(p.kind is PointerKind.STATED for p in self.facts.pointers)


@dataclass(frozen=True, slots=True)
class Case(Arrival):
    """The input of the other checks: a mail with one author."""

    sender: Sender


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
