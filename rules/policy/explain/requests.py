"""Severity, and what a request should state."""

from __future__ import annotations

from collections.abc import Iterator

from rules.policy import FactSection, FieldSection, LevelSection, Policy
from rules.policy.explain.english import listed, quoted
from rules.ticket.fields import MOST_VALUES


def severity(policy: Policy) -> Iterator[str]:
    severity = policy.severity
    yield "The levels, most severe first:"
    for level in severity.levels:
        yield _level(level)
    yield (
        f"No mail is ever critical. A mail that claims no level opens a ticket at "
        f"{severity.default}; no mail opens one above {severity.ceiling}."
    )
    match severity.customers_may_set:
        case "everywhere":
            yield "Customers set the severity of their requests; staff may change it."
        case "nowhere":
            yield "Staff set the severity of a request; the customer's claim is only recorded."
        case "portal":
            yield (
                "Customers set the severity of their requests in the portal; a mail's claim is "
                "only recorded. Staff may change the severity."
            )
        case "mail":
            yield (
                "Customers set the severity of their requests by mail; what they name in the "
                "portal is only recorded. Staff may change the severity."
            )
    yield "A mail claims a level by its name in [brackets] in the subject, or after 'Severity:'."
    for level in severity.levels:
        if level.phrases:
            phrases = listed([quoted(phrase) for phrase in level.phrases], "or")
            yield f"A mail that says {phrases} claims {level.name}."
    for claim in severity.claims:
        example = f", such as {quoted(claim.example)}" if claim.example is not None else ""
        yield f"The pattern {quoted(claim.pattern)}{example}, claims {claim.level}."
    if severity.high_importance is not None:
        yield f"A mail marked as important claims {severity.high_importance}."
    if severity.critical_channel is not None:
        yield f"The answer to a critical claim begins with: {quoted(severity.critical_channel)}"
    if severity.critical_channel_in_portal is not None:
        yield (
            "The answer to a critical claim in the portal begins with: "
            f"{quoted(severity.critical_channel_in_portal)}"
        )
    if severity.workaround_lowers:
        yield "A workaround lowers the severity by one level."
    else:
        yield "A workaround does not change the severity."


def _level(level: LevelSection) -> str:
    also = f" (also {listed(level.aliases)})" if level.aliases else ""
    return f"{level.name}{also}{', critical' if level.critical else ''}: {level.meaning}"


def requests(policy: Policy) -> Iterator[str]:
    if policy.completeness.facts:
        yield "The first answer asks for each of these facts that the request does not state:"
    else:
        yield "No facts are asked for; every request is complete."
    for fact in policy.completeness.facts:
        yield _fact(fact)
    if policy.completeness.facts and policy.clock.starts == "complete":
        again = policy.completeness.ask_again_after or f"half of {policy.clock.longest_wait}"
        yield f"What is still missing after {again} is asked for once more."
    for field in policy.fields:
        yield _field(field)


def _field(field: FieldSection) -> str:
    kept = f"{field.label} is kept with the ticket as {field.name}"
    if field.several:
        kept += f", up to {MOST_VALUES} values"
    if field.choices:
        kept += f"; it is one of {listed([quoted(choice) for choice in field.choices])}"
    if not field.expressions:
        return f"{kept}. Staff set it, and customers who open a request in the portal."
    patterns = listed([quoted(pattern) for pattern in field.expressions], "or")
    example = f", such as in {quoted(field.example)}" if field.example is not None else ""
    return f"{kept}; it is recognised by {patterns}{example}. Staff may correct it."


def _fact(fact: FactSection) -> str:
    optional = " (if applicable)" if fact.if_applicable else ""
    patterns = listed([quoted(pattern) for pattern in fact.patterns], "or")
    example = f", such as in {quoted(fact.example)}" if fact.example is not None else ""
    return f"{fact.name}{optional}: {quoted(fact.ask)} It is recognised by {patterns}{example}."
