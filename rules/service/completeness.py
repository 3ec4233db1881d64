"""What a request states and what is missing: the facts that a policy asks for, and its fields.

A fact is missing when the policy requires it of every request and none of its patterns matches. A
fact marked as `if_applicable` is never missing, since only the customer knows whether it applies:
it is asked for together with the missing ones, and the request is complete without it.

All functions take the sender's own text, as `request_text` composes it. The caller leaves quoted
text out: our own questions, quoted in an answer, would answer themselves. What a later answer adds
is found by `rules.service.answers`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rules.policy import FactSection, FieldSection
from rules.ticket.fields import FoundFields

SEARCHED = 64 * 1024
"""At most this many characters are searched, subject included; lines have limits of their own."""


def request_text(subject: str, text: str) -> str:
    """The text to search: the subject as the first line, then the body."""
    return f"{' '.join(subject.split())}\n{text[:SEARCHED]}"[:SEARCHED]


def missing_facts(text: str, facts: Sequence[FactSection]) -> tuple[str, ...]:
    """The names of the required facts that the text does not state, in the policy's order."""
    return tuple(fact.name for fact in _unmatched(text, facts) if not fact.if_applicable)


def questions(text: str, facts: Sequence[FactSection]) -> tuple[str, ...]:
    """The questions for the customer: one for each fact not stated, optional facts included."""
    return tuple(fact.ask for fact in _unmatched(text, facts))


def extract_fields(text: str, fields: Sequence[FieldSection]) -> Mapping[str, str]:
    """What the text gives for each field, by the field's name: the first value, or a list of all
    for a field that takes several.

    A value is one printable line of at most 200 characters. Fields without a value are left out.
    """
    searched = text[:SEARCHED]
    found = {each.name: each.value_in(searched) for each in fields}
    return {name: value for name, value in found.items() if value}


def extract_new_fields(
    text: str, fields: Sequence[FieldSection], kept: Mapping[str, str]
) -> FoundFields:
    """The values in the text for fields that have none yet, since the first value given is kept;
    and for fields that take several."""
    open_fields = [each for each in fields if each.several or each.name not in kept]
    several = frozenset(each.name for each in open_fields if each.several)
    values = extract_fields(text, open_fields)
    found = FoundFields(values, several & values.keys())
    grown = found.onto(kept)
    new = {name: value for name, value in values.items() if grown[name] != kept.get(name)}
    return FoundFields(new, several & new.keys())


def _unmatched(text: str, facts: Sequence[FactSection]) -> list[FactSection]:
    searched = text[:SEARCHED]
    return [fact for fact in facts if not fact.matches(searched)]
