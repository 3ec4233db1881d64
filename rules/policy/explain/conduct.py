"""The policy itself, closed tickets, limits and our own words."""

from __future__ import annotations

from collections.abc import Iterator

from rules.policy import Policy
from rules.policy.explain.english import count, quoted


def itself(policy: Policy) -> Iterator[str]:
    yield f"This is the policy {policy.name}: {policy.title}."
    language = {"en": "English", "de": "German"}[policy.language]
    yield f"Our own words in mails are {language}."
    yield f"Our mails come from {quoted(policy.sender_name)}."
    yield f"A ticket's number stands in the subject as {quoted(policy.subject_tag.format)}."


def closed(policy: Policy) -> Iterator[str]:
    yield (
        "A reply reopens a ticket that was resolved less than "
        f"{count(policy.lifecycle.reopen_days, 'day')} ago; later it opens a new one, "
        "linked to the old."
    )
    if policy.feedback.ask:
        yield f"Once a ticket is resolved, one mail asks: {quoted(policy.feedback.text)}"
    else:
        yield "Nobody is asked for feedback."


def limits(policy: Policy) -> Iterator[str]:
    budgets = policy.budgets
    mails = count(budgets.notices_per_hour, "mail")
    yield f"One person gets {mails} an hour about one ticket at most."
    yield (
        f"One sender opens {count(budgets.tickets_per_hour, 'ticket')} an hour at most; "
        "further mails are held."
    )
    yield f"A ticket is reopened {count(budgets.reopens_per_hour, 'time')} an hour at most."


def words(policy: Policy) -> Iterator[str]:
    if policy.acknowledgement.send:
        yield f"A new request is acknowledged: {quoted(policy.acknowledgement.text)}"
        yield (
            "One sender gets one acknowledgement in "
            f"{count(policy.acknowledgement.pause_minutes, 'minute')} at most."
        )
    else:
        yield "A new request is not acknowledged."
    texts = policy.texts
    for who, text in (
        ("A stranger", texts.sign_up),
        ("A colleague who is not enrolled", texts.invitation),
        ("A person whose account is closed", texts.deactivated),
        ("A person of a suspended company", texts.suspended),
        ("A person on a tier without support", texts.community),
    ):
        yield f"{who} is told: {quoted(text)}"
