"""What a release does with a held mail, as it is shown to the person who decides on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from rules.decision.model import AddComment, Decision, OpenTicket
from rules.facts import Facts
from rules.people import Person, Role
from rules.sentence import Sentence, sentence
from rules.ticket.visibility import Visibility


class ReleaseOutcome(StrEnum):
    OPENS = "opens"
    """A ticket of its own."""
    CONTINUES = "continues"
    """A ticket of its own, with the people of the one before, who are sent it."""
    PUBLIC = "public"
    """A comment that everybody on the ticket reads."""
    STAFF = "staff"
    """A comment for staff alone."""
    NONE = "none"
    """It is held still, or recorded without a comment."""
    DEPENDS = "depends"
    """It has no single author, and staff have not named one yet."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What becomes of a held mail if it is released now."""

    held_for: str
    """Why it is held: the reason as the journal has it."""
    outcome: ReleaseOutcome
    ticket: int | None = None
    """The ticket that it goes onto, or that it continues."""
    registers: bool = False
    """Only a release that registers its author does this; any other leaves it held."""

    def __str__(self) -> str:
        """As a form carries it."""
        return f"{self.held_for} {self.outcome} {self.ticket or 0} {int(self.registers)}"

    @property
    def is_public(self) -> bool:
        """Whether the people on the ticket read it then."""
        return self.outcome in (ReleaseOutcome.PUBLIC, ReleaseOutcome.CONTINUES)

    @property
    def effects(self) -> tuple[Sentence, ...]:
        if not self.registers:
            return (self._effect,)
        held = sentence("A release that does not register the sender leaves it held.")
        return (self._effect, held)

    @property
    def _effect(self) -> Sentence:
        match self.outcome:
            case ReleaseOutcome.OPENS:
                return sentence("If you release it, it opens a request.")
            case ReleaseOutcome.CONTINUES | ReleaseOutcome.PUBLIC:
                return sentence(
                    "If you release it, everybody on #{ticket} reads it.", ticket=self.ticket
                )
            case ReleaseOutcome.STAFF:
                return sentence(
                    "If you release it, it is filed on #{ticket}, for staff alone.",
                    ticket=self.ticket,
                )
            case ReleaseOutcome.NONE:
                return sentence("If you release it, it is on no request.")
            case ReleaseOutcome.DEPENDS:
                return sentence("What a release does depends on the author that you name.")


_OUTCOMES = frozenset(each.value for each in ReleaseOutcome)
_LONGEST_NUMBER = 18
"""Digits."""


class Outdated(Exception):
    """A release would do something else with a held mail than was shown: nothing is done."""

    def __init__(self, now: Foreseen) -> None:
        super().__init__(str(now))
        self.now = now


def foreseen(decision: Decision, held_for: str) -> Foreseen:
    """What a decision on a held mail does, as far as it is shown before it is made."""
    match decision.action:
        case AddComment(ticket=ticket, visibility=visibility):
            if visibility is Visibility.PUBLIC:
                return Foreseen(held_for, ReleaseOutcome.PUBLIC, ticket)
            return Foreseen(held_for, ReleaseOutcome.STAFF, ticket)
        case OpenTicket(follows=int(ticket)):
            return Foreseen(held_for, ReleaseOutcome.CONTINUES, ticket)
        case OpenTicket():
            return Foreseen(held_for, ReleaseOutcome.OPENS)
        case _:
            return Foreseen(held_for, ReleaseOutcome.NONE)


def as_enrolled(facts: Facts, author: str) -> Facts:
    """The facts as they are once the author is registered with the company of their domain."""
    if facts.author_company is None:
        return facts
    person = Person(0, author, "", Role.USER, True, False, facts.author_company)
    return replace(facts, people={**facts.people, author: person}, author_company=None)


def awaits_author(shown: str) -> bool:
    """Whether what a form carries was shown before an author was named."""
    before = _as_shown(shown)
    return before is not None and before.outcome is ReleaseOutcome.DEPENDS


def what_changed(shown: str, now: Foreseen) -> tuple[Sentence, ...]:
    """Why a form does nothing that carries what was shown, and what a release does now."""
    why = sentence("Nothing was done: what becomes of the mail has changed since it was shown.")
    before = _as_shown(shown)
    if before is None or before.effects == now.effects:
        return (why, *now.effects)
    return (why, _was(before), *now.effects)


def _was(before: Foreseen) -> Sentence:
    match before.outcome:
        case ReleaseOutcome.OPENS:
            return sentence("Then it would have opened a request.")
        case ReleaseOutcome.CONTINUES | ReleaseOutcome.PUBLIC:
            return sentence("Then everybody on #{ticket} would have read it.", ticket=before.ticket)
        case ReleaseOutcome.STAFF:
            return sentence(
                "Then it would have been filed on #{ticket}, for staff alone.",
                ticket=before.ticket,
            )
        case ReleaseOutcome.NONE:
            return sentence("Then it would have been on no request.")
        case ReleaseOutcome.DEPENDS:
            return sentence("Then that depended on the author, who was not named yet.")


def _as_shown(text: str) -> Foreseen | None:
    """What a form carries; None for anything else."""
    match text.split(" "):
        case [held_for, outcome, ticket, "0" | "1" as registers] if outcome in _OUTCOMES:
            if ticket.isascii() and ticket.isdecimal() and len(ticket) <= _LONGEST_NUMBER:
                number = int(ticket) or None
                return Foreseen(held_for, ReleaseOutcome(outcome), number, registers == "1")
    return None
