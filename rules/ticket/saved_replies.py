"""Texts that staff send by their name, with placeholders for what differs from ticket to ticket."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from rules.people import Person
from rules.sentence import Sentence, sentence

PLACEHOLDERS: Mapping[str, str] = MappingProxyType(
    {
        "name": "the requester's name",
        "ticket": "the ticket's number, as #7",
        "company": "the requester's company",
        "me": "the name of the staff person who answers",
    }
)
NAME_LENGTH = 40
LONGEST_TEXT = 20_000
MOST_REPLIES = 300
"""Of one mailbox, in all languages."""
_NAME = re.compile(r"[^\W_][\w.+-]*")
_PLACEHOLDER = re.compile(r"\{\s*([A-Za-z_]+)\s*\}")


@dataclass(frozen=True, slots=True)
class SavedReplies:
    """What is known of the saved replies of a mailbox for one mail or request."""

    names: tuple[str, ...] = ()
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Of those that are asked for: the text by language; an empty language is for every reader."""
    requesters: Mapping[str, Person] = field(default_factory=dict)
    """The requesters of the tickets, by their address."""

    def text(self, name: str, language: str, default: str) -> str | None:
        """The text for a reader of this language: theirs, else the one for everybody, else that of
        the mailbox; None where there is no such reply."""
        texts = self.texts.get(name, {})
        wanted = (language, "", default)
        found = next((texts[each] for each in wanted if each in texts), None)
        return found if found is not None else next(iter(texts.values()), None)


def as_reply_name(written: str) -> str | None:
    """The name of a saved reply as it is kept; None for what cannot be one."""
    name = unicodedata.normalize("NFKC", written).strip().casefold()
    return name if len(name) <= NAME_LENGTH and _NAME.fullmatch(name) else None


def wanted_name(written: str) -> str:
    """The name by which a saved reply is looked for; what cannot be one is looked for as it is."""
    return as_reply_name(written) or written


def unknown_placeholder(text: str) -> str:
    """The first placeholder of a text that nothing fills; empty where there is none."""
    names = (found[1] for found in _PLACEHOLDER.finditer(text))
    return next((name for name in names if name.casefold() not in PLACEHOLDERS), "")


def used_placeholders(text: str) -> frozenset[str]:
    return frozenset(found[1].casefold() for found in _PLACEHOLDER.finditer(text))


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders filled."""
    return _PLACEHOLDER.sub(lambda found: values[found[1].casefold()], text)


def unfilled(name: str, placeholder: str) -> Sentence:
    return sentence(
        "the saved reply {name} has an unknown placeholder {placeholder}; expected one of: {known}",
        name=name,
        placeholder="{" + placeholder + "}",
        known=", ".join("{" + each + "}" for each in PLACEHOLDERS),
    )
