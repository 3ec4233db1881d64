"""One mail before the checks, and what a check answers."""

from __future__ import annotations

from dataclasses import dataclass

from rules.decision.entitlement import Entitlement
from rules.decision.model import Action, Reason
from rules.facts import Facts
from rules.identity import Sender, Standing
from rules.mail import Mail
from rules.policy import Policy


@dataclass(frozen=True, slots=True)
class Arrival:
    """What the first checks look at: any mail, also one whose author cannot be read."""

    mail: Mail
    facts: Facts
    policy: Policy
    sender: Sender | None
    """None where From is ambiguous: then nothing is known of the sender."""
    entitlements: tuple[Entitlement, ...]
    """What the sender may do on each ticket that the mail points to, strongest pointer first."""
    automatic: str | None
    """The sign that a machine wrote it."""

    @property
    def enrols(self) -> bool:
        """Whether the sender's first mail enrols them: a colleague, where the policy does so."""
        colleague = self.sender is not None and self.sender.standing is Standing.COLLEAGUE
        return colleague and self.policy.registration == "domain"


@dataclass(frozen=True, slots=True)
class Case(Arrival):
    """What the other checks look at: a mail with one author."""

    sender: Sender


@dataclass(frozen=True, slots=True)
class Pass:
    """A check leaves the mail to the checks after it."""

    saw: str
    """What it looked at."""
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
