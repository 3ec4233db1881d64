"""The policy itself, closed tickets, limits and standard texts."""

from __future__ import annotations

from collections.abc import Iterator

from rules.mail.language import ENGLISH_NAMES
from rules.policy import Policy
from rules.policy.explain.english import count, quoted


def overview(policy: Policy) -> Iterator[str]:
    yield f"This is the policy {policy.name}: {policy.title}."
    yield f"Outgoing mails are written in {ENGLISH_NAMES[policy.language]}."
    yield f"Their sender name is {quoted(policy.sender_name)}."
    match policy.requests_by_mail:
        case "full":
            yield "A mail opens a request like one that is submitted in the portal."
        case "without_promise":
            yield (
                "A mail opens a request without a promised response time, until it is submitted "
                "in the portal or accepted by staff. Its acknowledgement adds: "
                f"{quoted(policy.acknowledgement.without_promise)}"
            )
        case "refuse":
            yield (
                "A mail opens no request. It is refused with the text: "
                f"{quoted(policy.texts.portal_only)}"
            )
    yield f"Their subject contains the ticket number as {quoted(policy.subject_tag.format)}."


def closed(policy: Policy) -> Iterator[str]:
    yield (
        "A reply reopens a ticket that was resolved less than "
        f"{count(policy.lifecycle.reopen_days, 'day')} ago; a later reply opens a new ticket, "
        "linked to the old one."
    )


def limits(policy: Policy) -> Iterator[str]:
    budgets = policy.budgets
    mails = count(budgets.notices_per_hour, "mail")
    yield f"One person receives at most {mails} per hour about one ticket."
    yield (
        f"One sender opens at most {count(budgets.tickets_per_hour, 'ticket')} per hour; "
        "further mails are held."
    )
    yield (
        f"One proven sender may write {count(budgets.sender_mails_per_hour, 'mail')} per hour, all "
        f"senders of one domain {budgets.domain_mails_per_hour}; further mails are deferred."
    )
    yield f"A ticket is reopened at most {count(budgets.reopens_per_hour, 'time')} per hour."


def texts(policy: Policy) -> Iterator[str]:
    if policy.acknowledgement.send:
        yield f"A new request is acknowledged with: {quoted(policy.acknowledgement.text)}"
        yield (
            "One sender receives at most one acknowledgement within "
            f"{count(policy.acknowledgement.pause_minutes, 'minute')}."
        )
    else:
        yield "A new request is not acknowledged."
    for recipient, text in (
        ("a stranger", policy.texts.sign_up),
        ("an unregistered colleague", policy.texts.invitation),
        ("a person whose account is deactivated", policy.texts.deactivated),
        ("a person of a suspended company", policy.texts.suspended),
        ("a person on a tier without support", policy.texts.community),
    ):
        yield f"The text for {recipient} is: {quoted(text)}"
