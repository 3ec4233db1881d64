"""The levels of severity, and how a customer claims one."""

from __future__ import annotations

from collections.abc import Iterator

from rules.policy import LevelSection, Policy
from rules.policy.explain.english import Explained, either, listed, quoted
from rules.sentence import Phrase, phrase

PHRASES_SHOWN = 12


def severity(policy: Policy) -> Iterator[Explained]:
    severity = policy.severity
    yield Explained("severity.levels", "The levels, most severe first:")
    for level in severity.levels:
        yield Explained("severity.level", _level(level))
    yield Explained(
        "severity.ceiling",
        "No mail is ever critical. A mail that claims no level opens a ticket at "
        "{default}; no mail opens one above {ceiling}.",
        default=severity.default,
        ceiling=severity.ceiling,
    )
    yield from _who_sets(policy)
    yield from _claims(policy)
    if severity.critical_channel is not None:
        yield Explained(
            "severity.critical_channel",
            "The answer to a critical claim begins with: {critical_channel}",
            critical_channel=quoted(severity.critical_channel),
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
            "{critical_channel_in_portal}",
            critical_channel_in_portal=quoted(severity.critical_channel_in_portal),
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
        "A mail claims a level by one of its names or its number, in the subject or in "
        "the first lines: in brackets of the subject ({in_brackets}), at the head "
        "({at_head}), next to a word for severity or priority ({after_word}), or in a "
        "sentence ({in_sentence}).",
        in_brackets=quoted(f"[{name}]"),
        at_head=quoted(f"{name}: …"),
        after_word=quoted(f"Severity: {name}"),
        in_sentence=quoted(f"this is {name}"),
    )
    yield Explained(
        "severity.urgent",
        "Words such as {one} and {another} claim {name} there, unless they are a name "
        "of another level.",
        one=quoted("urgent"),
        another=quoted("emergency"),
        name=name,
    )
    yield Explained(
        "severity.denied",
        "What a sentence denies, asks, supposes or quotes claims nothing.",
    )
    for level in severity.levels:
        if level.phrases:
            shown = [quoted(each) for each in level.phrases[:PHRASES_SHOWN]]
            others = len(level.phrases) - len(shown)
            if others:
                text = "one of {number} other phrases of the policy file"
                shown.append(phrase(text, number=others))
            yield Explained(
                "severity.phrases",
                "A mail that states {phrases} there claims {level}.",
                phrases=either(shown),
                level=level.name,
            )
    yield from _other_claims(policy)


def _other_claims(policy: Policy) -> Iterator[Explained]:
    severity = policy.severity
    if severity.of_outages is not None:
        yield Explained(
            "severity.outages",
            "A mail that describes an outage there claims {of_outages}, in English or in "
            "German: that production, a whole system or everything is down, offline or "
            "unreachable, or that nobody can work or log in.",
            of_outages=severity.of_outages,
        )
    for claim in severity.claims:
        if claim.example is not None:
            yield Explained(
                "severity.claims",
                "A wording such as {example} claims {level}.",
                example=quoted(claim.example),
                level=claim.level,
            )
        else:
            yield Explained(
                "severity.claims",
                "Another wording, a pattern of the policy file, claims {level}.",
                level=claim.level,
            )
    if severity.high_importance is not None:
        yield Explained(
            "severity.high_importance",
            "A mail marked as important claims {high_importance}.",
            high_importance=severity.high_importance,
        )
    else:
        yield Explained(
            "severity.no_importance",
            "A mail program's mark of importance counts for nothing.",
        )


def _level(level: LevelSection) -> Phrase:
    also = listed(level.aliases) if level.aliases else ""
    name = phrase("{name} (also {aliases})", name=level.name, aliases=also) if also else level.name
    named = phrase("{name}, critical", name=name) if level.critical else name
    return phrase("{name}: {meaning}", name=named, meaning=level.meaning)
