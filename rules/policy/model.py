"""The whole policy, all its sections together."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from rules.mail.addresses import normalise
from rules.mail.language import Language
from rules.policy.base import ListName, Name, Section, Text
from rules.policy.clock import ClockSection, NamedCalendarSection
from rules.policy.conduct import (
    AcknowledgementSection,
    BudgetsSection,
    FeedbackSection,
    FilesSection,
    FollowUpSection,
    HoldSection,
    LifecycleSection,
    QuotaSection,
    ReviewSection,
    SubjectTagSection,
    TextsSection,
)
from rules.policy.escalation import EscalationSection, OnCallSection
from rules.policy.facts import CompletenessSection
from rules.policy.fields import FieldSection
from rules.policy.people import (
    AccountTeamSection,
    CcSection,
    NoticesSection,
    ProofSection,
    StaffSection,
    SuccessManagerSection,
)
from rules.policy.severity import SeveritySection
from rules.policy.tiers import TierSection
from rules.policy.translations import TranslationSection, translated
from rules.ticket.business_time import Calendar
from rules.ticket.claims import ClaimPattern, Vocabulary, claim_pattern, vocabulary
from rules.ticket.severity import Level


class Policy(Section):
    """The whole policy; built by `rules.policy.parse`."""

    name: Name
    title: Text
    language: Language = "en"
    """Of our own texts in outgoing mails."""
    visibility: Literal["private", "company"] = "private"
    """Who may read a ticket: its participants, or also all their colleagues."""
    registration: Literal["user", "domain"] = "user"
    unauthenticated: Literal["refuse", "hold"] = "refuse"
    strangers: Literal["refuse", "hold"] = "refuse"
    dns_patience_hours: Annotated[int, Field(ge=1, le=120)] = 24
    """How long mail is deferred while the sender's DNS does not respond; later it is held."""
    aliases: tuple[Text, ...] = ()
    """Other addresses whose mail is forwarded to this mailbox."""
    lists: tuple[ListName, ...] = ()
    """Mailing lists of ours that send to this mailbox, such as a Google Group as the public
    address: each by its address, or by its List-Id where that is not made of the address."""
    requests_by_mail: Literal["full", "without_promise", "refuse"] = "full"
    """Whether a mail opens a request with a promise, one without, or none: requests are then
    submitted in the portal, and mail is for replies."""
    sender_name: Text = "Support"
    """The name in From of what we send."""
    default_tier: str | None = None
    """The tier of a company without a contract of its own; required if there are tiers."""
    proof: ProofSection = ProofSection()
    hold: HoldSection = HoldSection()
    quota: QuotaSection = QuotaSection()
    severity: SeveritySection
    completeness: CompletenessSection = CompletenessSection()
    fields: tuple[FieldSection, ...] = ()
    tiers: tuple[TierSection, ...] = ()
    """Without tiers nothing is promised."""
    clock: ClockSection = ClockSection()
    calendars: tuple[NamedCalendarSection, ...] = ()
    """Other hours than those of `clock.calendar`, for the tiers and contracts that name them."""
    on_call: OnCallSection | None = None
    """Who is alerted of critical claims and of due times; None for all staff."""
    escalation: EscalationSection = EscalationSection()
    account_team: AccountTeamSection = AccountTeamSection()
    success_manager: SuccessManagerSection = SuccessManagerSection()
    staff: StaffSection = StaffSection()
    notices: NoticesSection = NoticesSection()
    cc: CcSection = CcSection()
    subject_tag: SubjectTagSection = SubjectTagSection()
    files: FilesSection = FilesSection()
    acknowledgement: AcknowledgementSection
    lifecycle: LifecycleSection = LifecycleSection()
    follow_up: FollowUpSection = FollowUpSection()
    feedback: FeedbackSection = FeedbackSection()
    review: ReviewSection = ReviewSection()
    budgets: BudgetsSection = BudgetsSection()
    texts: TextsSection
    translations: dict[Language, TranslationSection] = Field(default_factory=dict)
    """The texts in other languages than `language`."""

    @cached_property
    def public_addresses(self) -> frozenset[str]:
        """The other addresses by which senders know this mailbox: its aliases and its lists."""
        written = (*self.aliases, *(each for each in self.lists if "@" in each))
        return frozenset(found for each in written if (found := normalise(each)) is not None)

    def lists_of(self, mailbox: str) -> frozenset[str]:
        """The lists of ours, by address or List-Id: those that are listed, and a group at the
        address of the mailbox or at another that it is known by."""
        return frozenset({mailbox, *self.public_addresses, *self.lists})

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """Every level, most severe first, with its rank (0 is the lowest)."""
        last = len(self.severity.levels) - 1
        return tuple(
            Level(
                name=level.name,
                meaning=level.meaning,
                critical=level.critical,
                aliases=level.aliases,
                rank=last - index,
            )
            for index, level in enumerate(self.severity.levels)
        )

    @cached_property
    def claim_patterns(self) -> tuple[ClaimPattern, ...]:
        """The compiled patterns by which a mail claims a level."""
        return tuple(claim_pattern(x.pattern, x.level) for x in self.severity.claims)

    @cached_property
    def claim_vocabulary(self) -> Vocabulary:
        """The words by which a mail claims one of the levels."""
        return vocabulary(
            self.levels,
            {level.name: level.phrases for level in self.severity.levels},
            self.claim_patterns,
            self.severity.high_importance,
            self.severity.of_outages,
        )

    @cached_property
    def calendar(self) -> Calendar:
        """When the support team works."""
        return self.clock.calendar.calendar()

    @cached_property
    def named_calendars(self) -> Mapping[str, Calendar]:
        """The other calendars, by name."""
        return {each.name: each.calendar() for each in self.calendars}

    def in_language(self, language: str) -> Policy:
        """The policy with its texts for readers of a language, as far as it has any."""
        return self.by_language.get(language, self)

    @cached_property
    def by_language(self) -> Mapping[str, Policy]:
        """The policy in each language that it is translated into."""
        return {language: translated(self, into) for language, into in self.translations.items()}

    @cached_property
    def wordings(self) -> Mapping[str, tuple[str, ...]]:
        """How a fact is asked for in each language, by its name: a reply may quote any of them."""
        others = [each.questions for each in self.translations.values()]
        return {
            fact.name: (fact.ask, *(each[fact.name] for each in others if fact.name in each))
            for fact in self.completeness.facts
        }

    def critical_channel_of(self, tier: TierSection | None) -> str:
        """The critical channel of a tier, else of all; empty where the policy names none."""
        return (tier and tier.critical_channel) or self.severity.critical_channel or ""

    def tier(self, name: str | None) -> TierSection | None:
        """The tier with this name; the default tier for None or an unknown name.

        None where the policy has no tiers.
        """
        by_name = {tier.name: tier for tier in self.tiers}
        return by_name.get(name or "") or by_name.get(self.default_tier or "")
