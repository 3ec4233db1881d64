"""What a request should state, what is asked for, and what a request by mail is worth."""

from __future__ import annotations

from collections.abc import Iterator

from rules.policy import FactSection, FieldSection, Policy
from rules.policy.explain.english import Explained, count, listed, quoted
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
                "A mail opens a request without a promised response time, until it is submitted "
                "in the portal or accepted by staff. Its acknowledgement adds: "
                f"{quoted(policy.acknowledgement.without_promise)}",
            )
        case "refuse":
            yield Explained(
                "requests_by_mail.refuse",
                "A mail opens no request. It is refused with the text: "
                f"{quoted(policy.texts.portal_only)}",
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
    again = policy.completeness.ask_again_after or f"half of {longest}"
    yield Explained(
        "completeness.ask_again_after",
        f"What is still missing after {again} is asked for once more.",
    )
    for_portal = policy.requests_by_mail == "without_promise"
    unless = ", unless it must be submitted in the portal" if for_portal else ""
    yield Explained(
        "clock.waits_at_most",
        f"The clock of a request that is still incomplete {longest} after it arrived starts all "
        f"the same{unless}.",
    )
    yield Explained(
        "completeness.at_once",
        "The clock of a request that is opened in the portal, and of a critical one, starts at "
        "once.",
    )
    yield Explained(
        "completeness.declared", "Staff may declare a request complete, by #complete for example."
    )
    when = "is complete and its clock starts" if for_portal else "is complete"
    yield Explained(
        "completeness.notified",
        f"The customer is notified when the request {when}, and by when to expect an answer.",
    )


def _field(field: FieldSection) -> str:
    kept = f"{field.label} is kept with the ticket (as {field.name})"
    if field.several:
        kept += f", up to {MOST_VALUES} values"
    if field.choices:
        kept += f"; it is one of {listed([quoted(choice) for choice in field.choices], 'or')}"
    if not field.expressions:
        return f"{kept}. Staff set it, and customers who open a request in the portal."
    example = f" ({quoted(field.example)}, for example)" if field.example is not None else ""
    return f"{kept}; it is recognised in the mail{example}. Staff may correct it."


def _fact(fact: FactSection) -> str:
    optional = " (if applicable)" if fact.if_applicable else ""
    example = (
        f" A text such as {quoted(fact.example)} states it." if fact.example is not None else ""
    )
    if fact.words is not None:
        example += (
            f" A text of {count(fact.words, 'word')} or more states it{' too' if example else ''}."
        )
    return f"{fact.name}{optional}: {quoted(fact.ask)}{example}"
