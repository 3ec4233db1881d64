"""The policy itself, closed tickets, limits and standard texts."""

from __future__ import annotations

from collections.abc import Iterator

from rules.mail.language import ENGLISH_NAMES
from rules.policy import Policy
from rules.policy.explain.english import Explained, count, listed, quoted
from rules.policy.explain.people import what_strangers_store
from rules.sentence import Phrase, phrase


def overview(policy: Policy) -> Iterator[Explained]:
    yield Explained(
        "name", "This is the policy {name}: {title}.", name=policy.name, title=policy.title
    )
    language = phrase(ENGLISH_NAMES[policy.language])
    yield Explained(
        "language",
        "Mails to a person are in the language that is set for them, else in that of "
        "their request, if it is English or German, otherwise in {language}; texts of "
        "this policy are sent as they are written here{unless_translated}.",
        language=language,
        unless_translated=_unless_translated(policy),
    )
    yield Explained(
        "sender_name",
        "Their sender name is {sender_name}.",
        sender_name=quoted(policy.sender_name),
    )
    tag = policy.subject_tag.format.replace("{n}", "123")
    room = policy.files.attach_mib
    yield Explained(
        "files.attach_mib",
        "Files of a comment are attached to them up to {room} MiB in all; larger ones are links "
        "that work for 30 days."
        if room
        else "Files of a comment are links in them that work for 30 days.",
        room=room,
    )
    yield Explained(
        "subject_tag",
        "Their subject contains the ticket number, as {tag}.",
        tag=quoted(tag),
    )


def _unless_translated(policy: Policy) -> Phrase | str:
    names = [phrase(ENGLISH_NAMES[each]) for each in policy.translations]
    if not names:
        return ""
    return phrase(
        ", except for those that have a translation into {languages}", languages=listed(names)
    )


def translations(policy: Policy) -> Iterator[Explained]:
    """Each text of another language."""
    for language, into in policy.translations.items():
        reader = phrase("A reader of {language}", language=phrase(ENGLISH_NAMES[language]))
        written: list[tuple[Phrase, str | None]] = [
            (phrase("in the acknowledgement"), into.acknowledgement),
            (phrase("where to submit a request"), into.without_promise),
            (phrase("as the critical channel"), into.critical_channel),
            (phrase("as the critical channel of the portal"), into.critical_channel_in_portal),
            (phrase("how to escalate"), into.how_to_escalate),
            (phrase("in the mail that asks for feedback"), into.feedback),
            (phrase("in the mail that asks for a review"), into.review),
            (phrase("in an invitation"), into.invitation),
            *(
                (phrase("as the question for {name}", name=name), ask)
                for name, ask in into.questions.items()
            ),
            *(
                (phrase("as the phone of {name}", name=name), text)
                for name, text in into.phones.items()
            ),
            *(
                (phrase("as the critical channel of {name}", name=name), text)
                for name, text in into.critical_channels.items()
            ),
        ]
        for what, text in written:
            if text is not None:
                yield Explained(
                    "translations",
                    "{reader} reads {what}: {text}",
                    reader=reader,
                    what=what,
                    text=quoted(text),
                )


def closed(policy: Policy) -> Iterator[Explained]:
    yield Explained(
        "lifecycle.reopen_days",
        "A reply reopens a ticket that was resolved less than {days} ago; a later "
        "reply opens a new ticket, linked to the old one.",
        days=count(policy.lifecycle.reopen_days, "day"),
    )


def limits(policy: Policy) -> Iterator[Explained]:
    budgets = policy.budgets
    mails = count(budgets.notices_per_hour, "mail")
    yield Explained(
        "budgets.notices_per_hour",
        "One person receives at most {mails} per hour about one ticket.",
        mails=mails,
    )
    yield Explained(
        "budgets.tickets_per_hour",
        "One sender opens at most {tickets} per hour; further mails are held.",
        tickets=count(budgets.tickets_per_hour, "ticket"),
    )
    yield Explained(
        "budgets.mails_per_hour",
        "One proven sender may write {mails} per hour, all senders of one domain "
        "{domain_mails_per_hour}; further mails are deferred.",
        mails=count(budgets.sender_mails_per_hour, "mail"),
        domain_mails_per_hour=budgets.domain_mails_per_hour,
    )
    yield Explained(
        "budgets.mib_per_hour",
        "One proven sender may fill {sender_mib_per_hour} MiB per hour, all senders of "
        "one domain {domain_mib_per_hour} MiB; further mails are deferred.",
        sender_mib_per_hour=budgets.sender_mib_per_hour,
        domain_mib_per_hour=budgets.domain_mib_per_hour,
    )
    yield Explained(
        "budgets.reopens_per_hour",
        "A ticket is reopened at most {times} per hour.",
        times=count(budgets.reopens_per_hour, "time"),
    )
    yield from what_strangers_store(policy)


def texts(policy: Policy) -> Iterator[Explained]:
    if policy.acknowledgement.send:
        yield Explained(
            "acknowledgement.text",
            "A new request is acknowledged with: {text}",
            text=quoted(policy.acknowledgement.text),
        )
        pause = count(policy.acknowledgement.pause_minutes, "minute")
        yield Explained(
            "acknowledgement.pause_minutes",
            "One sender receives at most one acknowledgement within {pause}; a request "
            "that claims to be critical is acknowledged at once.",
            pause=pause,
        )
    else:
        yield Explained(
            "acknowledgement.send",
            "A new request is not acknowledged, unless it claims to be critical.",
        )
    texts = [
        (phrase("a stranger"), policy.texts.sign_up),
        (phrase("an unregistered colleague"), policy.texts.invitation),
        (phrase("a person whose account is deactivated"), policy.texts.deactivated),
        (phrase("a person of a suspended company"), policy.texts.suspended),
    ]
    if any(not tier.support for tier in policy.tiers):
        texts.append((phrase("a person on a tier without support"), policy.texts.community))
    for recipient, text in texts:
        yield Explained(
            "texts",
            "The text for {recipient} is: {text}",
            recipient=recipient,
            text=quoted(text),
        )
