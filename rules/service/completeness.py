"""What a request says and what it leaves out: the facts that a policy asks for, and its fields.

A fact is missing when its policy says that every request has it and none of its patterns fits. One
that the policy marks as `if_applicable` is never missing, since only the customer knows whether it
applies: it is asked for together with the missing ones, and the request is complete without it.

All functions take the words of the sender, as `request_text` puts them together. Words that he
quotes are left out by the caller: our own questions, quoted in an answer, would answer themselves.
What a later answer adds is found by asking again for the facts that were missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rules.policy import FactSection, FieldSection

SEARCHED = 64 * 1024
"""So many characters are searched, subject included; lines have limits of their own."""
VALUE_LENGTH = 200


def request_text(subject: str, text: str) -> str:
    """What is searched: the subject as the first line, then the text."""
    return f"{' '.join(subject.split())}\n{text[:SEARCHED]}"[:SEARCHED]


def missing(text: str, facts: Sequence[FactSection]) -> tuple[str, ...]:
    """The names of the facts without which the request is incomplete, in the policy's order."""
    return tuple(fact.name for fact in _unsaid(text, facts) if not fact.if_applicable)


def questions(text: str, facts: Sequence[FactSection]) -> tuple[str, ...]:
    """What the customer is asked: for each fact not said, also for those that may not apply."""
    return tuple(fact.ask for fact in _unsaid(text, facts))


def lifted(text: str, fields: Sequence[FieldSection]) -> Mapping[str, str]:
    """The first value that the text gives for each field, by the field's name.

    A value is one printable line of 200 characters at most. A field without one is left out.
    """
    searched = text[:SEARCHED]
    found = {field.name: _printable(field.value_in(searched) or "") for field in fields}
    return {name: value for name, value in found.items() if value}


def newly_lifted(
    text: str, fields: Sequence[FieldSection], kept: Mapping[str, str]
) -> Mapping[str, str]:
    """What the text gives for the fields that have no value yet: the first one given stays."""
    return lifted(text, [field for field in fields if field.name not in kept])


def _unsaid(text: str, facts: Sequence[FactSection]) -> list[FactSection]:
    searched = text[:SEARCHED]
    return [fact for fact in facts if not fact.stands_in(searched)]


def _printable(value: str) -> str:
    words = "".join(c for c in value if c.isprintable() or c.isspace()).split()
    return " ".join(words)[:VALUE_LENGTH].rstrip()
