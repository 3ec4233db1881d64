"""The transaction of a mail: gather → decide → apply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import Connection

from rules.decision.decide import decide
from rules.decision.foreseen import Foreseen, Outdated, ReleaseOutcome, as_enrolled, foreseen
from rules.decision.model import Decision
from rules.decision.one_reply import held_instead, named_instead
from rules.decision.reasons import Reason, Verdict
from rules.decision.receipt import Receipt
from rules.decision.room import within_room
from rules.mail import BodyNeeded
from rules.mail.header import Author
from storage.mail import journal, quarantine
from storage.mail.apply import Entry, apply
from storage.mail.facts import gather
from storage.mail.releases import LEAVES_QUARANTINE
from storage.mail.room import room_for
from storage.notices import invitations
from storage.notices.invitations import Enrolled
from storage.ticket.write import require_unchanged

_NOT_TAKEN = {Verdict.REFUSED, Verdict.DEFERRED}


@dataclass(frozen=True, slots=True)
class ShownHeld:
    """What the page of a held mail showed to the person who decides on it."""

    entry: Entry
    """The mail as it is released, by what the page takes into account of what is stated."""
    held_for: str
    foreseen: str
    """As the form of the page carries it."""


def file(
    connection: Connection, entries: Sequence[Entry], shown: ShownHeld | None = None
) -> list[Receipt]:
    """Decide and write the entries of a mail, one after the other.

    Raises like `apply`, and Outdated for a held mail of which something else was shown.
    """
    if shown is not None:
        require_shown(connection, shown)
    decisions = [decision_on(connection, entry) for entry in entries]
    verdicts = {decision.verdict for decision in decisions}
    if Verdict.REFUSED in verdicts and not verdicts <= _NOT_TAKEN:
        decisions = [
            _unless_unheard(connection, entry, decision)
            for entry, decision in zip(entries, decisions, strict=True)
        ]
    return [
        apply(connection, entry, decision, entry.considered.policy)
        for entry, decision in zip(entries, decisions, strict=True)
    ]


def _unless_unheard(connection: Connection, entry: Entry, decision: Decision) -> Decision:
    """The decision of a mailbox while another one takes the mail, or has taken it: what it refuses
    is held, if there is room, or named to its staff once, unless each recipient gets a reply of its
    own."""
    considered = entry.considered
    if considered.envelope.handed_on:
        return decision
    held = held_instead(decision, considered)
    if held is None:
        named = named_instead(decision, considered)
        if named is None or journal.has_unread(connection, entry.mailbox.id, entry.mail.identity):
            return decision
        return named
    held = _within_room(connection, entry, held)
    return held if held.verdict is Verdict.HELD else decision


def file_enrolled(
    connection: Connection, entry: Entry, shown: ShownHeld | None = None
) -> tuple[Receipt | None, Enrolled]:
    """The same for a held mail whose author staff register with it; no receipt, and nothing is
    written, if no company is theirs. Who was registered for a mail that stays held is not."""
    mailbox, author = entry.mailbox, entry.mail.author
    assert isinstance(author, Author)
    if shown is not None:
        require_shown(connection, shown)
    became = invitations.accept(connection, mailbox, author.address, "")
    if became is Enrolled.NOT:
        return None, became
    (receipt,) = file(connection, [entry])
    if became is Enrolled.NOW and receipt.verdict not in LEAVES_QUARANTINE:
        invitations.take_back(connection, mailbox, author.address)
        became = Enrolled.NOT
    return receipt, became


def discard_held(connection: Connection, journal_id: UUID, shown: ShownHeld | None) -> bool:
    """Remove a mail from quarantine without filing it; False if it is no longer held. Raises
    Outdated if something else was shown of it."""
    if shown is not None:
        require_shown(connection, shown)
    return quarantine.discard(connection, journal_id)


def foreseen_of(connection: Connection, entry: Entry, held_for: str) -> Foreseen:
    """What a release does with a held mail; of a mail that is held since its author is not
    registered, a release that registers them. It depends on the author while there is none."""
    return _foreseen(connection, entry, held_for)[0]


def require_shown(connection: Connection, shown: ShownHeld) -> None:
    """Raises Outdated if a release does something else now than the page showed. If it does not,
    none of the tickets that it was decided on changes until the end of the transaction."""
    now, decision = _foreseen(connection, shown.entry, shown.held_for)
    if str(now) != shown.foreseen:
        raise Outdated(now)
    for ticket in sorted(decision.versions):
        require_unchanged(connection, ticket, decision.versions)


def _foreseen(connection: Connection, entry: Entry, held_for: str) -> tuple[Foreseen, Decision]:
    mail, policy = entry.considered.mail, entry.considered.policy
    facts = gather(connection, entry.considered, entry.attempt)
    decision = decide(mail, facts, policy)
    if not isinstance(mail.author, Author):
        return Foreseen(held_for, ReleaseOutcome.DEPENDS), decision
    # No other release registers the author, least of all one whom staff name.
    if decision.reason is Reason.NOT_ENROLLED and held_for == Reason.NOT_ENROLLED.value:
        decision = decide(mail, as_enrolled(facts, mail.author.address), policy)
        return replace(foreseen(decision, held_for), registers=True), decision
    return foreseen(decision, held_for), decision


def preview(connection: Connection, entries: Sequence[Entry]) -> list[tuple[Entry, Decision]]:
    """Each entry with the decision on it; nothing is written."""
    return [(entry, decision_on(connection, entry)) for entry in entries]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a mail is worth, judged with its body unread, as far as is known now."""

    needs_body: bool
    """A decision depends on the body, or keeps its text."""
    keeps_mail: bool
    """The raw mail is stored."""


def judge(connection: Connection, entries: Sequence[Entry]) -> Judgement:
    """The judgement of a mail whose body is unread; `file` decides again."""
    try:
        decisions = [decision_on(connection, entry) for entry in entries]
    except BodyNeeded:
        return Judgement(needs_body=True, keeps_mail=True)
    return Judgement(
        needs_body=any(decision.keeps_text for decision in decisions),
        keeps_mail=any(decision.keeps_mail for decision in decisions),
    )


def decision_on(connection: Connection, entry: Entry) -> Decision:
    """The decision on a mail in one mailbox, by what is known and stored there now."""
    considered = entry.considered
    policy = considered.policy
    decision = decide(considered.mail, gather(connection, considered, entry.attempt), policy)
    return _within_room(connection, entry, decision)


def _within_room(connection: Connection, entry: Entry, decision: Decision) -> Decision:
    room = room_for(connection, entry, decision)
    if room is None:
        return decision
    considered = entry.considered
    relayed = considered.envelope.strangers == "hold"
    return within_room(decision, room, considered.policy, relayed=relayed)
