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
class Case:
    """What every check looks at."""

    mail: Mail
    facts: Facts
    policy: Policy
    sender: Sender | None
    """None where From is ambiguous: then nothing is known of the sender."""
    entitlements: tuple[Entitlement, ...]
    """What the sender may do on each ticket that the mail points to, strongest signal first."""
    automatic: str | None
    """The sign that a machine wrote it."""

    @property
    def who(self) -> Sender:
        """The sender, where the author check has let the mail through."""
        assert self.sender is not None, "the author check answers every mail without a sender"
        return self.sender

    @property
    def enrols(self) -> bool:
        """Whether the sender's first mail enrols him: a colleague, where the policy takes those."""
        colleague = self.sender is not None and self.sender.standing is Standing.COLLEAGUE
        return colleague and self.policy.registration == "domain"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check saw, and its answer if it has one."""

    saw: str
    outcome: str
    action: Action | None = None
    reason: Reason | None = None
