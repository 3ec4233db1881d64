"""What each kind of notice carries besides its ticket and its comment."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rules.sentence import Sentence, sentence
from rules.ticket.desk import DigestLine, DigestTotal
from rules.ticket.notice_payloads import Payload, lines_of, listed, reported
from rules.ticket.sla import Stage
from rules.ticket.visibility import Visibility

REFUSED_WORDS = sentence(
    "What was written is not shown here, since a mail server refused this email with it. "
    "The ticket has it."
)
"""Stands in the place of subject and texts."""


class ReceiptText(StrEnum):
    """What a receipt states; the templates have the wording for it."""

    LEFT = "left"
    """The recipient gets no more mail about the ticket."""
    UNPROVEN = "unproven"
    """The ticket is not escalated: nothing proves that the recipient requested it."""
    WAITS = "waits"
    """Nothing proves that the recipient wrote a mail: it waits for staff, and did nothing."""
    NOT_PUBLISHED = "not_published"
    """A staff person's mail went to nobody but staff: it did not come by their own address, or
    nothing proves that they wrote it."""
    BEGINS_ANEW = "begins_anew"
    """Ordered by earlier versions: the request that was escalated is over."""
    NOTHING_DONE = "nothing_done"
    """No command was done and nothing was published, for the faults in `sentences`."""
    NOTHING_PUBLISHED = "nothing_published"
    """The mail has no text besides commands, a greeting and what it quotes."""
    FOLDED = "folded"
    """A staff person's mail went to nobody, and no command in it was done: it is marked as
    automatic."""
    USAGE = "usage"
    """How commands are given; `text` lists them."""
    REPLIES = "replies"
    """The names of the saved replies, in `sentences`."""
    WAITING = "waiting"
    """What waits for its reader, in `sentences`."""
    NEXT_STEPS = "next_steps"
    """The answer went out, and names no next steps: `sentences` say so."""
    WITH_STAFF = "with_staff"
    """The reply of a contact who is not on the ticket: a comment that only staff read."""


class AlertTopic(StrEnum):
    """What an alert is about; its subject says it."""

    OTHER = ""
    """Of those that earlier versions ordered."""
    CLAIM = "claim"
    """Somebody claims that a ticket is critical."""
    CRITICAL = "critical"
    """A ticket is critical."""
    LOOP = "loop"
    """Mail goes to and fro as between machines."""
    ADDRESS = "address"
    """No mail reaches an address any more."""
    PEOPLE = "people"
    """Staff decide who joins a ticket."""
    UNSOLVED = "unsolved"
    """Feedback says that the problem is not solved."""
    NOT_ESCALATED = "not_escalated"
    NO_DUE_TIME = "no_due_time"


class ReceiptOutcome(StrEnum):
    """What the subject of a receipt says of what was asked for."""

    UNSTATED = ""
    """Nothing was to be done, as for a list; receipts of earlier versions."""
    DONE = "done"
    NOT_DONE = "not_done"


_OUTCOMES = {
    ReceiptText.LEFT: ReceiptOutcome.DONE,
    ReceiptText.UNPROVEN: ReceiptOutcome.NOT_DONE,
    ReceiptText.NOT_PUBLISHED: ReceiptOutcome.NOT_DONE,
    ReceiptText.NOTHING_DONE: ReceiptOutcome.NOT_DONE,
    ReceiptText.NOTHING_PUBLISHED: ReceiptOutcome.NOT_DONE,
    ReceiptText.FOLDED: ReceiptOutcome.NOT_DONE,
}
"""Of the texts that say it themselves."""


@dataclass(frozen=True, slots=True)
class NoPayload(Payload):
    """For kinds whose templates need no more than the ticket and the comment."""


NO_PAYLOAD = NoPayload()


@dataclass(frozen=True, slots=True)
class AcknowledgementPayload(Payload):
    questions: tuple[str, ...] = listed("\n", key="asks")
    """What the request leaves open, each on one line."""
    also: tuple[str, ...] = listed("\n")
    """Further tickets that it acknowledges, each as `#8: its subject`."""
    joined: tuple[str, ...] = listed(" ")
    """The addresses of the people who are on the request because its mail named them."""
    waiting: tuple[str, ...] = listed(" ")
    """The addresses of those who join it once somebody agrees."""
    notes: tuple[Sentence, ...] = reported()
    """What else became of the mail, as its `#escalate`."""


@dataclass(frozen=True, slots=True)
class StatusPayload(Payload):
    what: str = ""
    """`status`, `severity`, or the name of whatever else changed."""
    was: str = ""
    became: str = ""
    why: str = ""
    """Empty where no reason was given for customers to read."""
    workaround: bool = False
    """The severity is lower, since a workaround exists."""


@dataclass(frozen=True, slots=True)
class ApprovalPayload(Payload):
    addresses: tuple[str, ...] = listed(" ")
    """The people who were proposed."""


@dataclass(frozen=True, slots=True)
class NewTicketPayload(Payload):
    mentions: int | None = None
    """Another ticket whose number stands in the subject."""
    sent: str = ""
    """When the mail that staff forward was sent, as its header states it."""


@dataclass(frozen=True, slots=True)
class NewCommentPayload(Payload):
    visibility: Visibility = Visibility.PRIVATE
    status: str = ""
    """How the comment moved the ticket, as `resolved → open`; empty where it did not."""
    withheld: int | None = None
    """How many people on the ticket were not sent it, because it answered like a machine."""
    feedback: bool = False
    """It is a customer's feedback on the help."""
    rating: str = ""
    """Of this feedback, `good` or `bad`; empty where it has none."""
    claims: str = ""
    """The severity that the comment claims for the ticket; empty where it claims none."""
    not_on: tuple[str, ...] = listed(" ")
    """Other tickets, as `#8`, whose reply address its mail has: it is not on them."""


@dataclass(frozen=True, slots=True)
class AssignmentPayload(Payload):
    to: str = ""
    """The name of the staff person who works on the ticket now, else their address; empty for
    nobody."""
    by: str = ""
    """The same of the one who assigned it; empty for somebody who is not staff of the mailbox."""
    yours: bool = False
    """It goes to the one who works on the ticket now, rather than to the one before them."""


@dataclass(frozen=True, slots=True)
class MorePayload(Payload):
    since: str = ""
    """When the first of what was withheld was written, in ISO 8601."""


@dataclass(frozen=True, slots=True)
class AlertPayload(Payload):
    what: str = ""
    """Its text, where an earlier version ordered it. Templates find here that of `sentences`, in
    the reader's language."""
    reopens: bool = False
    """Carries a link by which its recipient reopens the ticket."""
    claimed: bool = False
    """A reply claimed a critical severity: there is one in an hour on a ticket."""
    outside: bool = False
    """Its author is not on the ticket: a claim of somebody who is alerts all the same."""
    sentences: tuple[Sentence, ...] = reported()
    """What it is about, each a paragraph."""
    topic: AlertTopic = AlertTopic.OTHER


@dataclass(frozen=True, slots=True)
class SlaPayload(Payload):
    stage: Stage = Stage.ONGOING
    notes: tuple[Sentence, ...] = reported()
    """Who was passed over, since no mail reaches them; empty where nobody was."""


@dataclass(frozen=True, slots=True)
class EscalationPayload(Payload):
    level: int | None = None
    title: str = ""
    """Of the level."""
    name: str = ""
    """Of the person on duty."""
    phone: str = ""
    """Of the person on duty; empty where none is known."""
    by: str = ""
    """The address of the person who escalated the ticket."""
    why: str = ""
    """As the person who escalated it gives it; may be empty."""
    notes: tuple[Sentence, ...] = reported()
    """Why it does not go to the next level; empty where it does."""
    history: str = ""
    """The latest public comments, the oldest first."""


@dataclass(frozen=True, slots=True)
class ReceiptPayload(Payload):
    saying: ReceiptText | None = None
    """None where `text` is all there is."""
    was: int | None = None
    """The ticket that a new one goes on from, for BEGINS_ANEW."""
    text: str = ""
    """Usage, each command on one line."""
    sentences: tuple[Sentence, ...] = reported()
    """Effects or faults, worded in the reader's language when the receipt is written."""
    critical: bool = False
    """The mail claims to be critical: the channel for that comes first."""
    outcome: ReceiptOutcome = ReceiptOutcome.UNSTATED
    """Unless `saying` shows it."""

    @property
    def said(self) -> ReceiptOutcome:
        """What the subject says."""
        return self.outcome if self.saying is None else _OUTCOMES.get(self.saying, self.outcome)


@dataclass(frozen=True, slots=True)
class DigestPayload(Payload):
    lines: tuple[DigestLine, ...] = lines_of(DigestLine)
    """What is named for the first time."""
    more: int | None = None
    """So much else is new, and not among the lines."""
    totals: tuple[DigestTotal, ...] = lines_of(DigestTotal)
    """All that waits."""
    again: bool = False
    """The digest before reached nobody: this one shows no words of others."""


@dataclass(frozen=True, slots=True)
class MyDigestPayload(Payload):
    sentences: tuple[Sentence, ...] = reported()
    """One for each that waits."""


@dataclass(frozen=True, slots=True)
class KeptPayload(Payload):
    subject: str = ""
    """Of the mail."""
    critical: bool = False
    """The mail claims to be critical: the channel for that comes first."""


@dataclass(frozen=True, slots=True)
class QuestionsPayload(Payload):
    questions: tuple[str, ...] = listed("\n")
    """What the request still leaves open, each on one line."""
    by: str = ""
    """When work begins without the answers, in ISO 8601; empty where it does not."""


@dataclass(frozen=True, slots=True)
class CompletedPayload(Payload):
    missing: tuple[str, ...] = listed("\n")
    """Names of the facts without which work begins; none where the request is complete."""


class NewLogin(StrEnum):
    """What somebody may log in to the console with from now on."""

    PASSWORD = "password"
    ACCOUNT = "account"
    """An account of the identity provider."""


@dataclass(frozen=True, slots=True)
class ConsoleLoginPayload(Payload):
    login: NewLogin = NewLogin.PASSWORD
    issuer: str = ""
    """Of the account."""
    network: str = ""
    """Of the browser that asked for it."""
