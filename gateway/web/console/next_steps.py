"""What a reader of the page of a mail can do next, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import assert_never
from urllib.parse import urlencode
from uuid import UUID

from rules.decision.reasons import Reason, Verdict
from rules.sentence import Sentence, sentence
from rules.service.console_roles import ConsoleRight, ConsoleRole, may


@dataclass(frozen=True, slots=True, kw_only=True)
class MailState:
    """What became of a mail, as far as the next step depends on it."""

    id: UUID
    verdict: str
    reason: str
    state: str = ""
    """`filed`, `held` or `discarded`; empty if it is stored with another line of the journal, or
    not at all."""
    elsewhere: UUID | None = None
    """The line of the journal with which the same mail is stored."""
    ticket: int | None = None
    author: str = ""
    leaves_at: datetime | None = None
    """When it is deleted, if nobody decides on it."""
    unread: bool = False
    """It was refused, and its author did not see that."""


@dataclass(frozen=True, slots=True)
class NextStep:
    text: Sentence
    path: str = ""
    """The page where it is done; empty if there is none."""
    link: str = ""
    """What the link to that page says."""


DECIDE, TO_TICKET = "Decide on it", "To the ticket"
TO_OTHER, TO_OUTBOX = "To that mail", "To the outbox"
REGISTER, TO_AUTHOR = "Register them", "To their page"

HELD = "Release it, file it on a ticket, or delete it."
HELD_FOR_READERS = "An agent releases or deletes it."
UNTIL = "It is deleted on {day} if nobody decides."
KEPT = "It is kept until somebody decides."
DISCARDED = (
    "It was deleted without being filed. If it was wanted, its author has to write a new mail."
)
DECIDED_AGAIN = "It was decided on again: the other line of the journal shows what became of it."
GONE = "It is no longer held, and nothing of it is stored."
OPENED = "It opened ticket #{ticket}; the ticket shows what happened since."
COMMENTED = "It is on ticket #{ticket}, where everybody on the ticket can read it."
FEEDBACK = "It is a note on ticket #{ticket}, which only staff read."
FLAGGED = (
    "It waits on ticket #{ticket}, where only staff see it: publish it there if the others on the "
    "ticket may read it."
)
FLAGGED_FOR_READERS = "It waits on ticket #{ticket}, where only staff see it until it is published."
FOLDED = "It is folded on ticket #{ticket}: if a person wrote it, take it as a comment there."
FOLDED_FOR_READERS = (
    "It is folded on ticket #{ticket}; if a person wrote it, an agent can take it as a comment."
)
AUTOMATIC = "Nothing needs to be done: a machine wrote it, and nobody was notified."
BOUNCE = "A mail of ours came back: check the address that it went to."
UNSUBSCRIBED = "Nothing needs to be done: its author gets no more mail about the ticket."
DIGEST_ASKED = "Nothing needs to be done: its author was sent what had been withheld from them."
REPEAT = (
    "Nothing needs to be done: it repeats another mail, which shows what became of both of them."
)
REPEAT_ALONE = "Nothing needs to be done: it repeats a mail that was received before."

REFUSED: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.STRANGER: "If its author is a customer, an operator registers them; then they send "
        "it again.",
        Reason.UNPROVEN: "Its author sends it again by the mail server of their company; the "
        "operator of that server should have it sign its mail (DKIM).",
        Reason.FROM_AMBIGUOUS_REFUSED: "Its author sends it again, with exactly one address in "
        "From.",
        Reason.DMARC_REJECT: "It may be forged. If it is genuine, its author sends it again by "
        "the mail server of their company, and not through another one.",
        Reason.DMARC_QUARANTINE_REFUSED: "It may be forged. If it is genuine, its author sends it "
        "again by the mail server of their company, and not through another one.",
        Reason.DEACTIVATED: "If its author is back, an operator takes their mail again; then they "
        "send it again.",
        Reason.SUSPENDED: "Once an operator takes the mail of its author's company again, they "
        "send it again.",
        Reason.NO_SUPPORT: "The plan of its author's company includes no support, as the reply "
        "says. If the plan has changed, an operator changes the tier of the company.",
        Reason.PORTAL_ONLY: "Its author submits the request in the portal, as the reply says.",
    }
)
"""What its sender should do, whose server has the reply; and what an operator does before."""
REFUSED_FOR_OPERATORS: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.STRANGER: "If its author is a customer, register them, and ask them to send it "
        "again.",
        Reason.DEACTIVATED: "If its author is back, take their mail again, and ask them to send "
        "it again.",
        Reason.SUSPENDED: "Take the mail of its author's company again, and ask them to send it "
        "again.",
        Reason.NO_SUPPORT: "The plan of its author's company includes no support, as the reply "
        "says. If the plan has changed, change the tier of the company.",
    }
)
"""Where an operator does it themselves."""
DEFERRED: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.DNS_FAILURE: "The server of its sender tries again by itself. If that fails too, "
        "notify the operator of this server: the DNS does not respond.",
        Reason.TOO_MANY_WAITING: "Nothing needs to be done: the server of its sender tries again "
        "by itself.",
        Reason.SENDER_RATE: "Nothing needs to be done: the server of its sender tries again by "
        "itself, and succeeds once fewer mails of theirs have come within an hour.",
        Reason.DOMAIN_RATE: "Nothing needs to be done: the server of its sender tries again by "
        "itself, and succeeds once fewer mails of theirs have come within an hour.",
        Reason.QUOTA: "Nothing needs to be done: the server of its sender tries again by itself.",
        Reason.QUARANTINE_FULL: "Decide on the held mail of its sender, so that there is room: "
        "their server tries again by itself.",
        Reason.INTERNAL_ERROR: "The server of its sender tries again by itself. Notify the "
        "operator of this server: its log names the error.",
    }
)
TRIED_AGAIN = "The server of its sender tries again by itself."
UNREAD = "Its author saw no refusal, since another mailbox took the mail: write to them."
SENT_AGAIN = "Its author has to send it again; the reply to their server says why."

KEYS = frozenset(
    {
        *(DECIDE, TO_TICKET, TO_OTHER, TO_OUTBOX, REGISTER, TO_AUTHOR),
        *(f"{begin} {end}" for begin in (HELD, HELD_FOR_READERS) for end in (UNTIL, KEPT)),
        *(DISCARDED, DECIDED_AGAIN, GONE, OPENED, COMMENTED, FEEDBACK),
        *(FLAGGED, FLAGGED_FOR_READERS),
        *(FOLDED, FOLDED_FOR_READERS, AUTOMATIC, BOUNCE, UNSUBSCRIBED, DIGEST_ASKED),
        *(REPEAT, REPEAT_ALONE, TRIED_AGAIN, SENT_AGAIN, UNREAD),
        *REFUSED.values(),
        *REFUSED_FOR_OPERATORS.values(),
        *DEFERRED.values(),
    }
)


def next_step(mail: MailState, role: ConsoleRole) -> NextStep | None:
    """What a reader in a role does next; None for a verdict that this version does not know."""
    verdict = next((each for each in Verdict if each.value == mail.verdict), None)
    handles = may(role, ConsoleRight.HANDLE)
    match verdict:
        case Verdict.HELD:
            return _held(mail, handles)
        case Verdict.OPENED:
            return _on_ticket(mail, OPENED)
        case Verdict.COMMENTED:
            return _on_ticket(mail, FEEDBACK if mail.reason == Reason.FEEDBACK else COMMENTED)
        case Verdict.FLAGGED:
            return _on_ticket(mail, FLAGGED if handles else FLAGGED_FOR_READERS)
        case Verdict.RECORDED:
            return _recorded(mail, handles)
        case Verdict.DUPLICATE if mail.elsewhere is not None:
            return NextStep(sentence(REPEAT), f"/mails/{mail.elsewhere}", TO_OTHER)
        case Verdict.DUPLICATE:
            return _on_ticket(mail, REPEAT_ALONE)
        case Verdict.REFUSED:
            return _refused(mail, may(role, ConsoleRight.OPERATE))
        case Verdict.DEFERRED:
            return _deferred(mail, handles)
        case None:
            return None
        case _:
            assert_never(verdict)


def _on_ticket(mail: MailState, english: str) -> NextStep:
    text = sentence(english, ticket=mail.ticket)
    return NextStep(text, f"/tickets/{mail.ticket}", TO_TICKET) if mail.ticket else NextStep(text)


def _held(mail: MailState, handles: bool) -> NextStep:
    if mail.state == "discarded":
        return NextStep(sentence(DISCARDED))
    if mail.state != "held":
        if mail.elsewhere is None:
            return NextStep(sentence(GONE))
        return NextStep(sentence(DECIDED_AGAIN), f"/mails/{mail.elsewhere}", TO_OTHER)
    begin = HELD if handles else HELD_FOR_READERS
    text = sentence(f"{begin} {KEPT}")
    if mail.leaves_at is not None:
        text = sentence(f"{begin} {UNTIL}", day=f"{mail.leaves_at:%Y-%m-%d}")
    return NextStep(text, f"/held/{mail.id}", DECIDE) if handles else NextStep(text)


def _recorded(mail: MailState, handles: bool) -> NextStep:
    match mail.reason:
        case Reason.AUTOMATIC_FOLDED.value if mail.ticket:
            return _on_ticket(mail, FOLDED if handles else FOLDED_FOR_READERS)
        case Reason.BOUNCE.value:
            return NextStep(sentence(BOUNCE), "/outbox", TO_OUTBOX)
        case Reason.UNSUBSCRIBED.value:
            return _on_ticket(mail, UNSUBSCRIBED)
        case Reason.DIGEST_ASKED.value:
            return _on_ticket(mail, DIGEST_ASKED)
        case _:
            return _on_ticket(mail, AUTOMATIC)


def _refused(mail: MailState, operates: bool) -> NextStep:
    to_author = f"/people?{urlencode({'text': mail.author})}"
    if mail.unread:
        text = sentence(UNREAD)
        return NextStep(text, to_author, TO_AUTHOR) if operates else NextStep(text)
    reason = next((each for each in REFUSED if each.value == mail.reason), None)
    if reason is None:
        return NextStep(sentence(SENT_AGAIN))
    if not operates or reason not in REFUSED_FOR_OPERATORS:
        return NextStep(sentence(REFUSED[reason]))
    text = sentence(REFUSED_FOR_OPERATORS[reason])
    if reason is Reason.STRANGER:
        company = mail.author.rpartition("@")[2]
        return NextStep(text, f"/people?{urlencode({'text': company})}", REGISTER)
    return NextStep(text, to_author, TO_AUTHOR)


def _deferred(mail: MailState, handles: bool) -> NextStep:
    english = next((text for each, text in DEFERRED.items() if each == mail.reason), TRIED_AGAIN)
    if mail.reason == Reason.QUARANTINE_FULL and handles:
        return NextStep(sentence(english), "/held", DECIDE)
    return NextStep(sentence(english))
