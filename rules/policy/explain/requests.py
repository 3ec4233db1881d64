"""Severity, and what a request should say."""

from __future__ import annotations

from collections.abc import Iterator

from rules.policy import FactSection, LevelSection, Policy
from rules.policy.explain.english import listed, quoted


def severity(policy: Policy) -> Iterator[str]:
    severity = policy.severity
    yield "The levels, severest first:"
    for level in severity.levels:
        yield _level(level)
    yield (
        f"No mail is ever critical. A mail opens a ticket at {severity.default} where nothing is "
        f"claimed, and at {severity.ceiling} at most."
    )
    if severity.customers_may_set:
        yield "Customers say how severe their request is; staff may change it."
    else:
        yield "Staff decide how severe a request is; what the customer says is kept beside it."
    yield "A level is claimed by its name in [brackets] in the subject, or after 'Severity:'."
    for claim in severity.claims:
        yield f"The wording {quoted(claim.pattern)} claims {claim.level}."
    if severity.high_importance is not None:
        yield f"A mail that is marked as important claims {severity.high_importance}."
    if severity.critical_channel is not None:
        yield f"Whoever claims a critical level is told first: {quoted(severity.critical_channel)}"
    if severity.workaround_lowers:
        yield "A workaround lowers the severity by one level."
    else:
        yield "A workaround does not change the severity."


def _level(level: LevelSection) -> str:
    also = f" (also {listed(level.aliases)})" if level.aliases else ""
    return f"{level.name}{also}{', critical' if level.critical else ''}: {level.meaning}"


def requests(policy: Policy) -> Iterator[str]:
    if policy.completeness.facts:
        yield "What a request leaves out of the following is asked for in the first answer:"
    else:
        yield "Nothing is asked for; every request is complete."
    for fact in policy.completeness.facts:
        yield _fact(fact)
    for field in policy.fields:
        yield (
            f"{field.label} is lifted out of the mail and kept with the ticket as {field.name}; "
            f"it is found by {quoted(field.pattern)}."
        )


def _fact(fact: FactSection) -> str:
    optional = " (if it applies)" if fact.if_applicable else ""
    return (
        f"{fact.name}{optional}: {quoted(fact.ask)} "
        f"It is noticed by {listed([quoted(pattern) for pattern in fact.patterns])}."
    )
