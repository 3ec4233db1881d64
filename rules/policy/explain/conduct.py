"""The policy itself, closed tickets, limits and standard texts."""

from __future__ import annotations

from collections.abc import Iterator

from rules.mail.language import ENGLISH_NAMES
from rules.policy import Policy
from rules.policy.explain.english import Explained, count, listed, quoted
from rules.policy.explain.people import what_strangers_store


def overview(policy: Policy) -> Iterator[Explained]:
    yield Explained("name", f"This is the policy {policy.name}: {policy.title}.")
    language = ENGLISH_NAMES[policy.language]
    yield Explained(
        "language",
        "Mails to a person are in the language that is set for them, else in that of their "
        f"request, if it is English or German, otherwise in {language}; texts of this policy are "
        f"sent as they are written here{_unless_translated(policy)}.",
    )
    yield Explained("sender_name", f"Their sender name is {quoted(policy.sender_name)}.")
    tag = policy.subject_tag.format.replace("{n}", "123")
    room = policy.files.attach_mib
    yield Explained(
        "files.attach_mib",
        f"Files of a comment are attached to them up to {room} MiB in all; larger ones are links "
        "that work for 30 days."
        if room
        else "Files of a comment are links in them that work for 30 days.",
    )
    yield Explained("subject_tag", f"Their subject contains the ticket number, as {quoted(tag)}.")


def _unless_translated(policy: Policy) -> str:
    names = [ENGLISH_NAMES[each] for each in policy.translations]
    return (
        f", except for those that have a translation into {listed(names, 'and')}" if names else ""
    )


def translations(policy: Policy) -> Iterator[Explained]:
    """Each text of another language."""
    for language, into in policy.translations.items():
        reader = f"A reader of {ENGLISH_NAMES[language]}"
        written = [
            ("in the acknowledgement", into.acknowledgement),
            ("where to submit a request", into.without_promise),
            ("as the critical channel", into.critical_channel),
            ("as the critical channel of the portal", into.critical_channel_in_portal),
            ("how to escalate", into.how_to_escalate),
            ("in the mail that asks for feedback", into.feedback),
            ("in the mail that asks for a review", into.review),
            ("in an invitation", into.invitation),
            *((f"as the question for {name}", ask) for name, ask in into.questions.items()),
            *((f"as the phone of {name}", text) for name, text in into.phones.items()),
            *((f"as the critical channel of {n}", x) for n, x in into.critical_channels.items()),
        ]
        for what, text in written:
            if text is not None:
                yield Explained("translations", f"{reader} reads {what}: {quoted(text)}")


def closed(policy: Policy) -> Iterator[Explained]:
    yield Explained(
        "lifecycle.reopen_days",
        "A reply reopens a ticket that was resolved less than "
        f"{count(policy.lifecycle.reopen_days, 'day')} ago; a later reply opens a new ticket, "
        "linked to the old one.",
    )


def limits(policy: Policy) -> Iterator[Explained]:
    budgets = policy.budgets
    mails = count(budgets.notices_per_hour, "mail")
    yield Explained(
        "budgets.notices_per_hour",
        f"One person receives at most {mails} per hour about one ticket.",
    )
    yield Explained(
        "budgets.tickets_per_hour",
        f"One sender opens at most {count(budgets.tickets_per_hour, 'ticket')} per hour; "
        "further mails are held.",
    )
    yield Explained(
        "budgets.mails_per_hour",
        f"One proven sender may write {count(budgets.sender_mails_per_hour, 'mail')} per hour, all "
        f"senders of one domain {budgets.domain_mails_per_hour}; further mails are deferred.",
    )
    yield Explained(
        "budgets.mib_per_hour",
        f"One proven sender may fill {budgets.sender_mib_per_hour} MiB per hour, all senders of "
        f"one domain {budgets.domain_mib_per_hour} MiB; further mails are deferred.",
    )
    yield Explained(
        "budgets.reopens_per_hour",
        f"A ticket is reopened at most {count(budgets.reopens_per_hour, 'time')} per hour.",
    )
    yield from what_strangers_store(policy)


def texts(policy: Policy) -> Iterator[Explained]:
    if policy.acknowledgement.send:
        yield Explained(
            "acknowledgement.text",
            f"A new request is acknowledged with: {quoted(policy.acknowledgement.text)}",
        )
        pause = count(policy.acknowledgement.pause_minutes, "minute")
        yield Explained(
            "acknowledgement.pause_minutes",
            f"One sender receives at most one acknowledgement within {pause}; a request that "
            "claims to be critical is acknowledged at once.",
        )
    else:
        yield Explained(
            "acknowledgement.send",
            "A new request is not acknowledged, unless it claims to be critical.",
        )
    texts = [
        ("a stranger", policy.texts.sign_up),
        ("an unregistered colleague", policy.texts.invitation),
        ("a person whose account is deactivated", policy.texts.deactivated),
        ("a person of a suspended company", policy.texts.suspended),
    ]
    if any(not tier.support for tier in policy.tiers):
        texts.append(("a person on a tier without support", policy.texts.community))
    for recipient, text in texts:
        yield Explained("texts", f"The text for {recipient} is: {quoted(text)}")
