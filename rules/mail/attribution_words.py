"""The words with which clients introduce a quote, made of the table of wordings, and addresses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from rules.mail.wordings.attributions import ATTRIBUTIONS


def ending_of(folded: str) -> str:
    """The words of a client at the end of a line, such as `wrote`; empty if there are none."""
    if not folded.endswith(_ALL_ENDINGS):
        return ""
    for ending in _ENDINGS_BY_LAST[folded[-1]]:
        if folded.endswith(ending):
            before = folded[-len(ending) - 1 : -len(ending)]
            if not before.isalpha() or not _is_spaced(ending[0]):
                return ending
    return ""


def _is_spaced(letter: str) -> bool:
    """Whether a letter is of a script that puts spaces between words."""
    return letter < "\u0e00" or "\u1200" <= letter < "\u1780" or "\u1e00" <= letter < "\u2e80"


def has_verb(tokens: Sequence[str]) -> bool:
    folded = [bare_word(token).casefold() for token in tokens]
    if not VERBS.isdisjoint(folded):
        return True
    line = f" {' '.join(folded)} "
    return any(phrase in line for phrase in _PHRASES)


def bare_word(token: str) -> str:
    return token.strip("().,;:[]'*-–—")


class _Address(NamedTuple):
    begins: int
    ends: int
    bracketed: bool


def address_in(text: str) -> _Address | None:
    """The address in a line with its brackets, and with the link to it that some clients add."""
    at = text.find("@")
    if at < 0:
        return None
    begins, ends = at, at + 1
    while begins and text[begins - 1] not in _AROUND:
        begins -= 1
    while True:
        while ends < len(text) and text[ends] not in _AROUND:
            ends += 1
        following = text.find("@", ends)
        link = text[ends:following] if 0 <= following <= ends + 80 else ""
        if not link or not _LINK.match(link):
            break
        ends = following + 1
    bracketed = "<" in text[begins:ends]
    while begins and (text[begins - 1] in _OPENING or text[:begins].endswith("mailto:")):
        bracketed = bracketed or text[begins - 1] in "<(["
        begins -= 7 if text[:begins].endswith("mailto:") else 1
    while ends < len(text) and text[ends] in _CLOSING:
        ends += 1
    return _Address(begins, ends, bracketed)


_AROUND = frozenset(" <>()[]\"',;:")
_OPENING, _CLOSING = " <([\"'", " >)]\"'"
_LINK = re.compile(r"[ <>()\[\]]{0,6}(?:mailto:)?[^ <>()\[\]@]{1,64}$")
_MARKED = re.compile(r"\*([^*]+)\*")
_HOLE = re.compile(r"\{when\}|\{who\}")


def _endings() -> dict[str, list[str]]:
    """The words behind the last hole of each wording, by their last letter, the longest first."""
    found: dict[str, set[str]] = {}
    for wording in ATTRIBUTIONS:
        ending = _HOLE.split(wording.replace("*", ""))[-1].strip(" ()").casefold()
        if ending and _MARKED.search(_HOLE.split(wording)[-1]):
            found.setdefault(ending[-1], set()).add(ending)
            verb = _MARKED.findall(wording)[-1].casefold()
            found.setdefault(verb[-1], set()).add(verb)
    return {last: sorted(each, key=len, reverse=True) for last, each in found.items()}


def _verbs() -> set[str]:
    """What says that somebody wrote it. Clients put the same words at the end and elsewhere."""
    return {verb.casefold() for wording in ATTRIBUTIONS for verb in _MARKED.findall(wording)}


_ENDINGS_BY_LAST = _endings()
_ALL_ENDINGS = tuple(ending for each in _ENDINGS_BY_LAST.values() for ending in each)
VERBS = frozenset(bare_word(verb) for verb in _verbs() if " " not in verb)
_PHRASES = tuple(
    f" {verb} " if _is_spaced(verb[0]) else verb
    for verb in _verbs()
    if " " in verb or not _is_spaced(verb[0])
)
LITERALS = frozenset(
    bare_word(word).casefold()
    for wording in ATTRIBUTIONS
    for word in _HOLE.sub(" ", wording).replace("*", " ").split()
)
"""All words of the wordings. Those that are endings are taken from a line before."""
OPENERS = frozenset(
    bare_word(wording.partition(" ")[0]).casefold()
    for wording in ATTRIBUTIONS
    if wording[0] not in "{*"
)
