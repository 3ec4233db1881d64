"""The levels of severity, and how a customer claims one."""

from __future__ import annotations

from collections.abc import Iterator

from rules.policy import LevelSection, Policy
from rules.policy.explain.english import Explained, listed, quoted

PHRASES_SHOWN = 12


def severity(policy: Policy) -> Iterator[Explained]:
    severity = policy.severity
    yield Explained("severity.levels", "The levels, most severe first:")
    for level in severity.levels:
        yield Explained("severity.level", _level(level))
    yield Explained(
        "severity.ceiling",
        f"No mail is ever critical. A mail that claims no level opens a ticket at "
        f"{severity.default}; no mail opens one above {severity.ceiling}.",
    )
    yield from _who_sets(policy)
    yield from _claims(policy)
    if severity.critical_channel is not None:
        yield Explained(
            "severity.critical_channel",
            f"The answer to a critical claim begins with: {quoted(severity.critical_channel)}",
        )
    yield Explained(
        "severity.claims_in_replies",
        "A claim in a reply is kept next to the severity and shown to staff; a critical one is "
        "answered at once, at most once an hour on a ticket.",
    )
    if severity.critical_channel_in_portal is not None:
        yield Explained(
            "severity.critical_channel_in_portal",
            "The answer to a critical claim in the portal begins with: "
            f"{quoted(severity.critical_channel_in_portal)}",
        )
    if severity.workaround_lowers:
        yield Explained(
            "severity.workaround_lowers", "A workaround lowers the severity by one level."
        )
    else:
        yield Explained("severity.workaround_keeps", "A workaround does not change the severity.")


def _who_sets(policy: Policy) -> Iterator[Explained]:
    match policy.severity.customers_may_set:
        case "everywhere":
            yield Explained(
                "severity.customers_may_set.everywhere",
                "Customers set the severity of their requests, in the portal a critical one as "
                "well; staff may change it.",
            )
        case "nowhere":
            yield Explained(
                "severity.customers_may_set.nowhere",
                "Staff set the severity of a request; the customer's claim is only recorded.",
            )
        case "portal":
            yield Explained(
                "severity.customers_may_set.portal",
                "The severity that customers name in the portal applies until staff set another; "
                "what a mail claims is only recorded.",
            )
        case "mail":
            yield Explained(
                "severity.customers_may_set.mail",
                "The severity that customers name by mail applies until staff set another; what "
                "they name in the portal is only recorded.",
            )


def _claims(policy: Policy) -> Iterator[Explained]:
    severity = policy.severity
    name = severity.levels[0].name
    yield Explained(
        "severity.names",
        "A mail claims a level by one of its names or its number, in the subject or in the first "
        f"lines: in brackets of the subject ({quoted(f'[{name}]')}), at the head "
        f"({quoted(f'{name}: …')}), next to a word for severity or priority "
        f"({quoted(f'Severity: {name}')}), or in a sentence ({quoted(f'this is {name}')}).",
    )
    yield Explained(
        "severity.urgent",
        f"Words such as {quoted('urgent')} and {quoted('emergency')} claim {name} there, unless "
        "they are a name of another level.",
    )
    yield Explained(
        "severity.denied", "What a sentence denies, asks, supposes or quotes claims nothing."
    )
    for level in severity.levels:
        if level.phrases:
            shown = [quoted(phrase) for phrase in level.phrases[:PHRASES_SHOWN]]
            others = len(level.phrases) - len(shown)
            more = [f"one of {others} other phrases of the policy file"] if others else []
            phrases = listed([*shown, *more], "or")
            yield Explained(
                "severity.phrases",
                f"A mail that states {phrases} there claims {level.name}.",
            )
    if severity.of_outages is not None:
        yield Explained(
            "severity.outages",
            f"A mail that describes an outage there claims {severity.of_outages}, in English or in "
            "German: that production, a whole system or everything is down, offline or "
            "unreachable, or that nobody can work or log in.",
        )
    for claim in severity.claims:
        if claim.example is not None:
            text = f"A wording such as {quoted(claim.example)} claims {claim.level}."
        else:
            text = f"Another wording, a pattern of the policy file, claims {claim.level}."
        yield Explained("severity.claims", text)
    if severity.high_importance is not None:
        yield Explained(
            "severity.high_importance",
            f"A mail marked as important claims {severity.high_importance}.",
        )
    else:
        yield Explained(
            "severity.no_importance", "A mail program's mark of importance counts for nothing."
        )


def _level(level: LevelSection) -> str:
    also = f" (also {listed(level.aliases)})" if level.aliases else ""
    return f"{level.name}{also}{', critical' if level.critical else ''}: {level.meaning}"
