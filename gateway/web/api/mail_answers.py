"""What the API answers about mails that came, and about those that go out, as types."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pydantic import with_config
from typing_extensions import TypedDict

from gateway.web.api.answers import EXACT, Time
from rules.decision.trace import Step


@with_config(EXACT)
class JournalMailAnswer(TypedDict):
    """A mail that was offered, and what became of it."""

    id: str
    mailbox: str
    received_at: Time
    verdict: str
    reason: str
    ticket: int | None
    author: str
    mail_from: str
    subject: str
    size_bytes: int
    held: bool
    """It is in quarantine still."""


@with_config(EXACT)
class JournalAnswer(TypedDict):
    mails: list[JournalMailAnswer]
    before: str | None
    """Leads to the next page; null on the last one."""
    searched_in_part: bool
    """The page has fewer mails than it could have, since enough were searched for them."""


@with_config(EXACT)
class StepAnswer(TypedDict):
    check: str
    saw: str
    outcome: str


def trace_answer(trace: Iterable[Step], mask: Callable[[str], str]) -> list[StepAnswer]:
    """The trace of a decision, without what was sealed for others."""
    return [
        {"check": each.check, "saw": mask(each.saw), "outcome": mask(each.outcome)}
        for each in trace
    ]


@with_config(EXACT)
class EffectAnswer(TypedDict):
    name: str
    value: str


@with_config(EXACT)
class PreviewedMailAnswer(TypedDict):
    """What would become of a mail in a mailbox."""

    mailbox: str
    verdict: str
    reason: str
    effects: list[EffectAnswer]
    """In English, for people."""
    unreadable: str
    """Why its body cannot be read; empty where it can."""
    trace: list[StepAnswer]
    """What each check saw and decided, in their order."""


@with_config(EXACT)
class PreviewAnswer(TypedDict):
    decisions: list[PreviewedMailAnswer]


@with_config(EXACT)
class ExplainedMailAnswer(JournalMailAnswer):
    peer: str
    helo: str
    rcpt_tos: list[str]
    message_id: str
    reply: str
    """As it was answered by SMTP."""
    trace: list[StepAnswer]
    """What each check saw and decided, in their order."""


@with_config(EXACT)
class HeldMailAnswer(TypedDict):
    id: str
    """In the journal."""
    mailbox: str
    came_at: Time
    reason: str
    author: str
    subject: str
    mail_from: str
    size_bytes: int
    proven: bool
    """Its sender is proven; else anybody could have sent it."""
    network: str
    """Of the client, if the sender is not proven."""


@with_config(EXACT)
class ReadHeldMailAnswer(HeldMailAnswer):
    because: str
    """The reason in English, for people."""
    discarded_at: Time | None
    """When it is discarded unless somebody decides; null where it is kept."""
    ticket: int | None
    """On which a release files it, unless another is named; null where it opens one."""
    public: bool
    """Everybody on that ticket reads it then."""
    effect: str
    """What a release does, in English, for people."""
    shown: str
    """The same for a release, which is refused if it would do something else."""
    people: list[str]
    """Those in To and Cc who may join the ticket."""
    files: list[str]
    text: str
    shortened: bool
    can_enrol: bool
    """Its author can be registered with it."""


@with_config(EXACT)
class ReleasedAnswer(TypedDict):
    ticket: int | None
    """Null for a mail that was recorded without one."""
    enrolled: bool
    """Its author was registered with it."""
    repeated: bool
    """It was filed before, by this request or by somebody else's; nothing was done."""


@with_config(EXACT)
class HeldMailsAnswer(TypedDict):
    held: list[HeldMailAnswer]
    after: str | None
    """Leads to the next page; null on the last one."""


@with_config(EXACT)
class OutgoingMailAnswer(TypedDict):
    id: str
    mailbox: str
    ticket: int | None
    kind: str
    address: str
    state: str
    created_at: Time
    due_at: Time
    attempts: int
    last_error: str
    """In the words of the relay."""
    cause: str | None
    """The mail that caused it, by its id in the journal."""


@with_config(EXACT)
class ReadOutgoingMailAnswer(OutgoingMailAnswer):
    sent_at: Time | None
    source: str
    """The door of the change that caused it; empty for mails of before this was stored."""
    actor: str
    """Who made that change; empty for Postern itself."""


@with_config(EXACT)
class RetriedAnswer(TypedDict):
    retried: int
    """Of those that are named, only dead ones are."""


@with_config(EXACT)
class BouncingAddressAnswer(TypedDict):
    address: str
    failures: int
    """Permanent ones."""
    last_at: Time
    why: str
    """In the words of the server that refused."""
    suspended_at: Time | None
    """Since when no mail is sent to it; null while mail is sent."""


@with_config(EXACT)
class SuppressionAnswer(TypedDict):
    addresses: list[BouncingAddressAnswer]
    after: str | None
    """Leads to the next page; null on the last one."""


@with_config(EXACT)
class OutboxAnswer(TypedDict):
    mails: list[OutgoingMailAnswer]
    after: str | None
    """Leads to the next page; null on the last one."""
