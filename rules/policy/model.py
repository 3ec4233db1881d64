"""The whole policy, all its sections together."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from rules.policy.base import Name, Section, Text
from rules.policy.clock import ClockSection
from rules.policy.conduct import (
    AcknowledgementSection,
    BudgetsSection,
    FeedbackSection,
    HoldSection,
    LifecycleSection,
    SubjectTagSection,
    TextsSection,
)
from rules.policy.escalation import EscalationSection
from rules.policy.people import (
    AccountTeamSection,
    CcSection,
    NoticesSection,
    ProofSection,
    StaffSection,
    SuccessManagerSection,
)
from rules.policy.requests import CompletenessSection, FieldSection
from rules.policy.severity import SeveritySection
from rules.policy.tiers import TierSection
from rules.ticket.business_time import Calendar
from rules.ticket.severity import ClaimPattern, Level, claim_pattern


class Policy(Section):
    """The whole policy; `parse` is the way to make one."""

    name: Name
    title: Text
    language: Literal["en", "de"] = "en"
    """Of our own words in outgoing mails."""
    visibility: Literal["private", "company"] = "private"
    """Who may read a ticket: its participants, or all their colleagues too."""
    registration: Literal["user", "domain"] = "user"
    unauthenticated: Literal["refuse", "hold"] = "refuse"
    strangers: Literal["refuse", "hold"] = "refuse"
    dns_patience_hours: Annotated[int, Field(ge=1, le=120)] = 24
    """A sender whose DNS does not answer is told to try again for so long; then it is held."""
    aliases: tuple[Text, ...] = ()
    """Other addresses whose mail is passed on to this mailbox."""
    sender_name: Text = "Support"
    """The name in From of what we send."""
    default_tier: str | None = None
    """The tier of a company that has none of its own; named wherever there are tiers."""
    proof: ProofSection = ProofSection()
    hold: HoldSection = HoldSection()
    severity: SeveritySection
    completeness: CompletenessSection = CompletenessSection()
    fields: tuple[FieldSection, ...] = ()
    tiers: tuple[TierSection, ...] = ()
    """Without tiers nothing is promised."""
    clock: ClockSection = ClockSection()
    escalation: EscalationSection = EscalationSection()
    account_team: AccountTeamSection = AccountTeamSection()
    success_manager: SuccessManagerSection = SuccessManagerSection()
    staff: StaffSection = StaffSection()
    notices: NoticesSection = NoticesSection()
    cc: CcSection = CcSection()
    subject_tag: SubjectTagSection = SubjectTagSection()
    acknowledgement: AcknowledgementSection
    lifecycle: LifecycleSection = LifecycleSection()
    feedback: FeedbackSection = FeedbackSection()
    budgets: BudgetsSection = BudgetsSection()
    texts: TextsSection

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """Every level, severest first, with its rank (0 is the lowest)."""
        last = len(self.severity.levels) - 1
        return tuple(
            Level(x.name, x.meaning, x.critical, x.aliases, last - i)
            for i, x in enumerate(self.severity.levels)
        )

    @cached_property
    def claim_patterns(self) -> tuple[ClaimPattern, ...]:
        """The wordings by which a mail claims a level, ready to search."""
        return tuple(claim_pattern(x.pattern, x.level) for x in self.severity.claims)

    @cached_property
    def calendar(self) -> Calendar:
        """When the desk is open."""
        return self.clock.calendar.calendar()

    def tier(self, name: str | None) -> TierSection | None:
        """The tier of a name; the default one for no name or an unknown one.

        None where the policy has no tiers.
        """
        by_name = {tier.name: tier for tier in self.tiers}
        return by_name.get(name or "") or by_name.get(self.default_tier or "")
