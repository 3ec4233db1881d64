"""What a request should state, what is asked for, and what a request by mail is worth."""

from __future__ import annotations

from collections.abc import Iterator

from rules.policy import FactSection, FieldSection, Policy
from rules.policy.explain.english import Explained, count, either, quoted, span
from rules.sentence import Phrase, phrase
from rules.ticket.fields import MOST_VALUES


def by_mail(policy: Policy) -> Iterator[Explained]:
    match policy.requests_by_mail:
        case "full":
            yield Explained(
                "requests_by_mail.full",
                "A mail opens a request with the response times of one from the portal.",
            )
        case "without_promise":
            yield Explained(
                "requests_by_mail.without_promise",
                "A mail opens a request without a promised response time, until it is "
                "submitted in the portal or accepted by staff. Its acknowledgement adds: "
                "{without_promise}",
                without_promise=quoted(policy.acknowledgement.without_promise),
            )
        case "refuse":
            yield Explained(
                "requests_by_mail.refuse",
                "A mail opens no request. It is refused with the text: {portal_only}",
                portal_only=quoted(policy.texts.portal_only),
            )
            yield Explained("requests_by_mail.replies", "Replies to a ticket are taken by mail.")


def requests(policy: Policy) -> Iterator[Explained]:
    if policy.completeness.facts:
        yield Explained(
            "completeness.asked",
            "The acknowledgement asks for each of these facts that the request does not state:",
        )
    else:
        yield Explained("completeness.none", "No facts are asked for; every request is complete.")
    for fact in policy.completeness.facts:
        yield Explained("completeness.fact", _fact(fact))
    for field in policy.fields:
        yield Explained("fields", _field(field))


def incomplete(policy: Policy) -> Iterator[Explained]:
    if not policy.completeness.facts:
        return
    yield Explained(
        "completeness.answers",
        "An answer below our quoted question counts, even if it is a single word; the quoted "
        "question itself counts for nothing.",
    )
    if policy.clock.starts == "arrival":
        yield Explained(
            "completeness.no_wait",
            "An incomplete request is answered within the same time as any other.",
        )
        return
    longest = policy.clock.longest_wait
    again = policy.completeness.ask_again_after
    yield Explained(
        "completeness.ask_again_after",
        "What is still missing after {again} is asked for once more.",
        again=span(again) if again else phrase("half of {span}", span=span(longest)),
    )
    for_portal = policy.requests_by_mail == "without_promise"
    yield Explained(
        "clock.waits_at_most",
        "The clock of a request that is still incomplete {longest} after it arrived starts all "
        "the same, unless it must be submitted in the portal."
        if for_portal
        else "The clock of a request that is still incomplete {longest} after it arrived starts "
        "all the same.",
        longest=span(longest),
    )
    yield Explained(
        "completeness.at_once",
        "The clock of a request that is opened in the portal, and of a critical one, starts at "
        "once.",
    )
    yield Explained(
        "completeness.declared",
        "Staff may declare a request complete, by #complete for example.",
    )
    yield Explained(
        "completeness.notified",
        "The customer is notified when the request is complete and its clock starts, and by when "
        "to expect an answer."
        if for_portal
        else "The customer is notified when the request is complete, and by when to expect an "
        "answer.",
    )


def _field(field: FieldSection) -> Phrase:
    kept = phrase("{label} is kept with the ticket (as {name})", label=field.label, name=field.name)
    if field.several:
        kept = phrase("{kept}, up to {most} values", kept=kept, most=MOST_VALUES)
    if field.choices:
        choices = either([quoted(choice) for choice in field.choices])
        kept = phrase("{kept}; it is one of {choices}", kept=kept, choices=choices)
    if not field.expressions:
        return phrase(
            "{kept}. Staff set it, and customers who open a request in the portal.", kept=kept
        )
    if field.example is None:
        return phrase("{kept}; it is recognised in the mail. Staff may correct it.", kept=kept)
    return phrase(
        "{kept}; it is recognised in the mail ({example}, for example). Staff may correct it.",
        kept=kept,
        example=quoted(field.example),
    )


def _fact(fact: FactSection) -> Phrase:
    name = phrase("{name} (if applicable)", name=fact.name) if fact.if_applicable else fact.name
    asked = phrase("{name}: {ask}", name=name, ask=quoted(fact.ask))
    if fact.example is not None:
        example = quoted(fact.example)
        asked = phrase("{asked} A text such as {example} states it.", asked=asked, example=example)
    if fact.words is not None:
        words = count(fact.words, "word")
        text = "{asked} A text of {words} or more states it."
        too = "{asked} A text of {words} or more states it too."
        asked = phrase(too if fact.example is not None else text, asked=asked, words=words)
    return asked
