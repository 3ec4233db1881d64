"""Where the sections of a policy contradict each other, in words for its writer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rules.policy.model import Policy
from rules.ticket.business_time import parse_span
from rules.validation.messages import suggestion


def contradictions(policy: Policy) -> list[str]:
    """Every fault that no section can see alone; each names its key and what to do."""
    return [*_claims(policy), *_tiers(policy), *_twice(policy), *_clock(policy)]


def _claims(policy: Policy) -> Iterator[str]:
    for number, claim in enumerate(policy.severity.claims):
        yield from _no_level(policy, f"severity.claims.{number}.level", claim.level)


def _tiers(policy: Policy) -> Iterator[str]:
    names = [tier.name for tier in policy.tiers]
    if names and policy.default_tier is None:
        yield f"default_tier is missing; name one of: {', '.join(names)}"
    elif policy.default_tier is not None and policy.default_tier not in names:
        hint = suggestion(policy.default_tier, names) or (
            f"there are: {', '.join(names)}" if names else "write [[tiers]] with this name"
        )
        yield f"default_tier: {policy.default_tier!r} names no tier ({hint})"
    for number, tier in enumerate(policy.tiers):
        for key, promises in (("first", tier.first), ("ongoing", tier.ongoing)):
            for level, span in promises.items():
                yield from _no_level(policy, f"tiers.{number}.{key}", level)
                if policy.clock.calendar.always and parse_span(span).business:
                    yield (
                        f"tiers.{number}.{key}.{level}: {span!r} counts opening hours, and the "
                        "desk is open round the clock; write always = false and its hours below "
                        "[clock.calendar], or a span without 'business'"
                    )
        if not tier.support and (tier.first or tier.ongoing):
            yield f"tiers.{number}: {tier.name} is without support but promises answers; drop one"
        if tier.critical_first_in_portal and not (
            tier.critical_channel or policy.severity.critical_channel
        ):
            yield (
                f"tiers.{number}.critical_first_in_portal: nobody is told where the portal is; "
                "write critical_channel"
            )


def _twice(policy: Policy) -> Iterator[str]:
    yield from _repeated("tiers", [tier.name for tier in policy.tiers])
    yield from _repeated("completeness.facts", [fact.name for fact in policy.completeness.facts])
    yield from _repeated("fields", [field.name for field in policy.fields])


def _repeated(key: str, names: Sequence[str]) -> Iterator[str]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{key}: two are called {name!r}"


def _clock(policy: Policy) -> Iterator[str]:
    if policy.clock.starts == "complete" and not policy.completeness.facts:
        yield (
            "clock.starts: 'complete': no fact is named that a complete request says; "
            'write [[completeness.facts]], or starts = "arrival"'
        )


def _no_level(policy: Policy, key: str, word: str) -> Iterator[str]:
    levels = policy.severity.levels
    names = [level.name for level in levels]
    if word in names:
        return
    for level in levels:
        if word.casefold() in (level.name.casefold(), *(a.casefold() for a in level.aliases)):
            yield f"{key}: {word!r} is another word for a level; write {level.name}"
            return
    hint = suggestion(word, names) or f"there are: {', '.join(names)}"
    yield f"{key}: {word!r} names no level ({hint})"
