"""A support policy: the file that a support lead reads, validated as a whole.

Each module of this package holds the sections on one noun; `rules.policy.explain` describes a
policy in plain English.
"""

from __future__ import annotations

import tomllib

from pydantic import ValidationError

from rules.policy.clock import CalendarSection, ClockSection, NamedCalendarSection
from rules.policy.conduct import (
    AcknowledgementSection,
    BudgetsSection,
    FeedbackSection,
    FilesSection,
    FollowUpSection,
    HoldSection,
    LifecycleSection,
    ReviewSection,
    SubjectTagSection,
    TextsSection,
)
from rules.policy.consistency import contradictions
from rules.policy.escalation import EscalationLevel, EscalationSection, OnCallSection
from rules.policy.facts import CompletenessSection, FactSection
from rules.policy.fields import FieldSection
from rules.policy.model import Policy
from rules.policy.people import (
    AccountTeamSection,
    CcSection,
    NoticesSection,
    ProofSection,
    StaffSection,
    SuccessManagerSection,
)
from rules.policy.roster import Duty, RosterWindow
from rules.policy.severity import ClaimSection, LevelSection, SeveritySection
from rules.policy.tiers import TierSection
from rules.validation.messages import InvalidFile, explain_all
from rules.validation.toml_lines import MOST_DOTS, line_of_long_key, with_lines

__all__ = [
    "AccountTeamSection",
    "AcknowledgementSection",
    "BudgetsSection",
    "CalendarSection",
    "CcSection",
    "ClaimSection",
    "ClockSection",
    "CompletenessSection",
    "Duty",
    "EscalationLevel",
    "EscalationSection",
    "FactSection",
    "FeedbackSection",
    "FieldSection",
    "FilesSection",
    "FollowUpSection",
    "HoldSection",
    "LevelSection",
    "LifecycleSection",
    "NamedCalendarSection",
    "NoticesSection",
    "OnCallSection",
    "Policy",
    "PolicyRefused",
    "ProofSection",
    "ReviewSection",
    "RosterWindow",
    "SeveritySection",
    "StaffSection",
    "SubjectTagSection",
    "SuccessManagerSection",
    "TextsSection",
    "TierSection",
    "parse",
]


class PolicyRefused(InvalidFile):
    """An invalid policy file; `str()` names file, line, key and what to do."""


def parse(text: str, source: str) -> Policy:
    """The policy in a TOML text. Raises PolicyRefused with every fault named."""
    if number := line_of_long_key(text):
        fault = f"line {number}: more than {MOST_DOTS} dots; write a shorter line"
        raise PolicyRefused(source, [fault])
    try:
        values = tomllib.loads(text)
    except ValueError as error:  # also for a number of more digits than Python reads
        raise PolicyRefused(source, [f"not valid TOML: {error}"]) from error
    except RecursionError:
        raise PolicyRefused(source, ["not valid TOML: nested too deep"]) from None
    try:
        policy = Policy.model_validate(values)
    except ValidationError as error:
        raise PolicyRefused(source, [*with_lines(explain_all(error, Policy), text)]) from error
    if faults := contradictions(policy):
        raise PolicyRefused(source, [*with_lines(faults, text)])
    return policy
