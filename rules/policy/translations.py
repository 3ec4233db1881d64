"""The texts of a policy in other languages than its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from rules.policy.base import Section, Text
from rules.validation.messages import suggestion

if TYPE_CHECKING:
    from rules.policy.model import Policy


class TranslationSection(Section):
    """What readers of one language are sent in place of the policy's texts; a text that is left out
    is sent to them as it is written for all."""

    acknowledgement: Text | None = None
    """In place of `acknowledgement.text`."""
    without_promise: Text | None = None
    """In place of `acknowledgement.without_promise`."""
    critical_channel: Text | None = None
    """In place of `severity.critical_channel`."""
    critical_channel_in_portal: Text | None = None
    how_to_escalate: Text | None = None
    """In place of `escalation.how`."""
    feedback: Text | None = None
    """In place of `feedback.text`, or of our own text."""
    review: Text | None = None
    """Likewise of `review.text`."""
    invitation: Text | None = None
    """In place of `texts.invitation`."""
    questions: dict[str, Text] = Field(default_factory=dict)
    """By the name of the fact, in place of `completeness.facts.ask`."""
    phones: dict[str, Text] = Field(default_factory=dict)
    """By the name of the tier, in place of `tiers.phone`."""
    critical_channels: dict[str, Text] = Field(default_factory=dict)
    """By the name of the tier, in place of `tiers.critical_channel`."""


def translated(policy: Policy, into: TranslationSection) -> Policy:
    """The policy with its texts in another language, as far as it has them."""
    severity, acknowledgement = policy.severity, policy.acknowledgement
    tiers = tuple(
        tier.model_copy(
            update={
                "phone": into.phones.get(tier.name, tier.phone),
                "critical_channel": into.critical_channels.get(tier.name, tier.critical_channel),
            }
        )
        for tier in policy.tiers
    )
    facts = tuple(
        fact.model_copy(update={"ask": into.questions.get(fact.name, fact.ask)})
        for fact in policy.completeness.facts
    )
    return policy.model_copy(
        update={
            "acknowledgement": acknowledgement.model_copy(
                update={
                    "text": into.acknowledgement or acknowledgement.text,
                    "without_promise": into.without_promise or acknowledgement.without_promise,
                }
            ),
            "severity": severity.model_copy(
                update={
                    "critical_channel": into.critical_channel or severity.critical_channel,
                    "critical_channel_in_portal": into.critical_channel_in_portal
                    or severity.critical_channel_in_portal,
                }
            ),
            "escalation": policy.escalation.model_copy(
                update={"how": into.how_to_escalate or policy.escalation.how}
            ),
            "feedback": policy.feedback.model_copy(
                update={"text": into.feedback or policy.feedback.text}
            ),
            "review": policy.review.model_copy(update={"text": into.review or policy.review.text}),
            "texts": policy.texts.model_copy(
                update={"invitation": into.invitation or policy.texts.invitation}
            ),
            "completeness": policy.completeness.model_copy(update={"facts": facts}),
            "tiers": tiers,
        }
    )


def mistranslated(policy: Policy) -> Iterator[str]:
    """Translations of what the policy does not have, or into its own language."""
    severity, tiers = policy.severity, policy.tiers
    for language, into in policy.translations.items():
        key = f"translations.{language}"
        if language == policy.language:
            yield f"{key}: the texts of the file are in this language already (language)"
            continue
        for name, written, original, where in (
            ("critical_channel", into.critical_channel, severity.critical_channel, "severity"),
            (
                "critical_channel_in_portal",
                into.critical_channel_in_portal,
                severity.critical_channel_in_portal,
                "severity",
            ),
            ("how_to_escalate", into.how_to_escalate, policy.escalation.how, "escalation.how"),
        ):
            if written and not original:
                source = where if "." in where else f"{where}.{name}"
                yield f"{key}.{name}: there is no {source} that it would be a translation of"
        facts = [fact.name for fact in policy.completeness.facts]
        yield from _unknown(f"{key}.questions", into.questions, facts, "a fact")
        phones = [tier.name for tier in tiers if tier.phone]
        yield from _unknown(f"{key}.phones", into.phones, phones, "a tier with a phone")
        channels = [tier.name for tier in tiers if tier.critical_channel]
        yield from _unknown(
            f"{key}.critical_channels",
            into.critical_channels,
            channels,
            "a tier with a critical_channel",
        )


def _unknown(key: str, written: dict[str, str], known: list[str], what: str) -> Iterator[str]:
    for name in written:
        if name not in known:
            expected = f"expected one of: {', '.join(known)}" if known else "there is none"
            hint = suggestion(name, known) or expected
            yield f"{key}: {name!r} is not the name of {what} ({hint})"
