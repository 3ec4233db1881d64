"""Reads an answer together with the questions that it answers.

An acknowledgement asks for the facts that a request does not state. Nobody answers such questions
in full sentences: a bare `Production.` below the quoted question states the environment. What our
own question says is no answer, quoted or copied.

The work is bounded: the questions of a policy are few, and only as much of a text is examined as
the other rules read of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from rules.mail.extent import read_text
from rules.mail.plain_lines import EXAMINED_CHARACTERS, unquoted
from rules.mail.quote_starts import quote_starts, quoted_lines
from rules.mail.quoting import visible_end
from rules.mail.signatures import without_signature
from rules.mail.thanks import only_thanks, without_salutations
from rules.policy import FactSection
from rules.service.completeness import missing_facts

NO_WORDINGS: Mapping[str, Sequence[str]] = MappingProxyType({})
SHORT = 200
"""The longest text, in characters, that answers the only open question without quoting it."""
_WRAPPED_AT = 24
"""The shortest line, in characters, into which a client wraps a question that it quotes."""

_LONGEST_DEFERRAL = 100
_EXAMINED_ANSWER = 2000
_BULLET = re.compile(r"(?:\(?\d{1,2}[.):](?!\d)|\(?[a-hA-H][.)](?= )|[-*•–—](?= ))\s{0,4}")
_SENTENCE = re.compile(r"[^.!?;\n]+[.!?;]*")
_NOT_WORDS = re.compile(r"^\W+|\W+$")
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
_DEFERRED = re.compile(
    "|".join(
        (
            r"(?:please |bitte )?see (?:my (?:answers?|comments?) )?(?:inline )?below|see inline",
            r"(?:my )?answers? (?:are )?(?:below|inline)|inline",
            r"siehe unten|antworten (?:siehe )?unten",
            r"later|tbd|(?:will|to) follow|follows|one moment",
            r"let me (?:check|ask|look|find out)\b.*",
            r"(?:i|we)(?:'ll| will| have to| need to| must)? (?:check|ask|find out|look|send)\b.*",
            r"(?:i|we)(?:'ll| will) (?:get|come) back\b.*",
            r"(?:i|we) (?:do not|don't) understand\b.*|(?:not clear|unclear|unklar)\b.*",
            r"verstehe ich nicht\b.*|ich verstehe\b.*\bnicht\b.*",
            r"sp[äa]ter|folgt(?: noch)?|wird nachgereicht|reichen? (?:ich|wir) nach",
            r"(?:das )?(?:muss|werde|kläre|prüfe|frage|schaue) ich\b.*",
            r"(?:das )?(?:müssen|werden|klären|prüfen|fragen|schauen) wir\b.*",
        )
    ),
    re.IGNORECASE,
)
"""What is written in the place of an answer and is none: it announces one, or questions ours."""


def own_words(text: str) -> str:
    """The author's own words: no quoted lines, none that introduce a quote, no signature.

    Answers between quoted lines are the author's own words, and so is a forwarded mail.
    """
    examined = _Examined.of(text)
    lines = zip(examined.lines, examined.own, strict=True)
    return "\n".join(line for line, own in lines if own).strip()


def answered(
    text: str,
    facts: Sequence[FactSection],
    missing: Sequence[str],
    wordings: Mapping[str, Sequence[str]] = NO_WORDINGS,
) -> tuple[str, ...]:
    """The names of those missing facts that a reply states, in the order of `missing`. `wordings`
    are those in which a fact is asked for, where there are several.

    A fact is stated in words that its patterns know, or by an answer: below its question, quoted
    or copied; in a list with as many items as were asked for; after its name; or in a short reply
    while nothing else is missing.
    """
    if not missing:
        return ()
    examined = _Examined.of(text)
    asked = _questions(examined, facts, wordings)
    words = _words_besides(examined, asked)
    unstated = missing_facts(words, facts)
    found = {name for name in missing if name not in unstated}
    found |= _answers_below(examined, asked)
    found |= _labelled(words, missing)
    found |= _listed(words, list(dict.fromkeys(each.fact for each in asked)))
    if not found:
        required = [fact.name for fact in facts if fact.name in missing]
        optional = [f.name for f in facts if f.name in missing or f.if_applicable]
        found |= _listed(words, required) or _listed(words, optional)
    if not found and len(missing) == 1 and _answers_the_last(words):
        found = {missing[0]}
    return tuple(name for name in missing if name in found)


@dataclass(frozen=True, slots=True)
class _Examined:
    """The lines of a reply."""

    lines: Sequence[str]
    own: Sequence[bool]
    """Which lines are the author's own words."""
    end: int
    """Where a quote without marks, or the signature, begins."""

    @classmethod
    def of(cls, text: str) -> _Examined:
        text = read_text(text)
        lines = text.split("\n")
        quoted = quoted_lines(lines)
        end = visible_end(text)
        if end == len(lines):
            end = without_signature(lines, end)  # below answers between quoted lines
        own = [index < end and not each for index, each in enumerate(quoted)]
        for start in quote_starts(lines, quoted):
            if quoted[start.line]:
                own[start.begins : start.line] = [False] * (start.line - start.begins)
        return cls(lines, own, end)


@dataclass(frozen=True, slots=True)
class _Question:
    """A question of ours in a reply."""

    fact: str
    begins: int
    ends: int
    """The line on which it ends: clients wrap what they quote."""
    rest: str
    """What follows it on that line."""


def _questions(
    examined: _Examined, facts: Sequence[FactSection], wordings: Mapping[str, Sequence[str]]
) -> tuple[_Question, ...]:
    """Our questions in the lines of a reply, in their order."""
    folded = [_folded(line) for line in examined.lines]
    found = [
        question
        for fact in facts
        for ask in wordings.get(fact.name, (fact.ask,))
        for question in _occurrences(fact.name, _folded(ask), folded)
    ]
    return tuple(sorted(found, key=lambda each: (each.begins, each.ends)))


def _occurrences(fact: str, ask: str, folded: Sequence[str]) -> Iterator[_Question]:
    first = ask.partition(" ")[0]
    for begins, line in enumerate(folded):
        if first not in line:
            continue
        window, ends = line, begins
        at = window.find(ask)
        while at < 0 and ends + 1 < len(folded) and ends - begins <= len(ask) // _WRAPPED_AT:
            ends += 1
            window = f"{window} {folded[ends]}".strip()
            at = window.find(ask)
        if 0 <= at <= len(line):
            yield _Question(fact, begins, ends, window[at + len(ask) :])


def _folded(line: str) -> str:
    """A line as it is compared: without marks of a quote and of emphasis, and in one case."""
    plain = unquoted(line[:EXAMINED_CHARACTERS]).replace("*", " ").replace("•", " ")
    return " ".join(plain.casefold().split())


def _words_besides(examined: _Examined, asked: Sequence[_Question]) -> str:
    """The author's own words without the questions that they copied."""
    own, rests = list(examined.own), {}
    for question in asked:
        span = range(question.begins, question.ends + 1)
        if any(own[index] for index in span):
            rests[question.ends] = question.rest
        for index in span:
            own[index] = False
    lines = (
        rests.get(index, line if own[index] else None) for index, line in enumerate(examined.lines)
    )
    return "\n".join(line for line in lines if line is not None).strip()


def _answers_below(examined: _Examined, asked: Sequence[_Question]) -> set[str]:
    """The facts whose question has an answer below it, or next to it on its line."""
    found: set[str] = set()
    group: list[_Question] = []
    for question, following in zip(asked, [*asked[1:], None], strict=False):
        group.append(question)
        stop = following.begins if following is not None else len(examined.lines)
        if stop <= question.ends:  # the next one is on the same line
            continue
        if _is_answer(question.rest):
            found.add(question.fact)
        block, directly = _block_below(examined, question.ends, stop)
        if not without_salutations("\n".join(block)):
            continue
        lines = [line for line in block if line.strip()] if directly else []
        items = _items(block) or lines
        if len(items) == len(group):
            pairs = zip(group, items, strict=True)
            found |= {each.fact for each, item in pairs if _is_answer(item)}
        elif directly and _is_answer("\n".join(block)):
            found.add(question.fact)
        group = []
    return found


def _block_below(examined: _Examined, above: int, stop: int) -> tuple[list[str], bool]:
    """The next lines of the author's own below a line, and whether nothing quoted is between."""
    lines, block, directly = examined.lines, list[str](), True
    for index in range(above + 1, stop):
        line = lines[index]
        unmarked = index >= examined.end and not line.lstrip().startswith(">")
        if examined.own[index]:
            if line.strip() or block:
                block.append(line)
        elif unmarked:  # here our own text has no marks, either, but an empty line below it
            if not line.strip():
                break
            if index == above + 1 or block:
                block.append(line)
        elif unquoted(line).strip():
            if block:
                break
            directly = False
    return block, directly


def _items(lines: Sequence[str]) -> list[str]:
    """The items of a list: numbered, or with bullets; none if there are less than two."""
    items: list[str] = []
    for line in lines:
        stripped = line.strip()
        bullet = _BULLET.match(stripped)
        if bullet is not None:
            items.append(stripped[bullet.end() :])
        elif items and stripped:
            items[-1] += f"\n{stripped}"
    return items if len(items) > 1 else []


def _labelled(words: str, missing: Sequence[str]) -> set[str]:
    """The facts that are answered after their name: `Impact: all of us`."""
    found = set()
    for line in words.split("\n"):
        bullet = _BULLET.match(stripped := line[:EXAMINED_CHARACTERS].strip())
        label, colon, value = stripped[bullet.end() if bullet else 0 :].partition(":")
        name = label.strip(" *").casefold()
        found |= {
            each for each in missing if colon and each.casefold() == name and _is_answer(value)
        }
    return found


def _listed(words: str, asked: Sequence[str]) -> set[str]:
    """The facts that a list answers which has as many items as there were questions."""
    items = _items(words.split("\n"))
    if len(items) != len(asked):
        return set()
    return {name for name, item in zip(asked, items, strict=True) if _is_answer(item)}


def _answers_the_last(words: str) -> bool:
    text = without_salutations(words)
    return len(text) <= SHORT and "?" not in text and _is_answer(text)


def _is_answer(text: str) -> bool:
    """Whether a text says more than a question, a greeting, thanks, or that an answer follows."""
    text = without_salutations(text[:_EXAMINED_ANSWER])
    return not only_thanks(text) and any(map(_states, _SENTENCE.findall(text)))


def _states(sentence: str) -> bool:
    if "?" in sentence or not _LETTER_OR_DIGIT.search(sentence):
        return False
    said = _NOT_WORDS.sub("", sentence).replace("’", "'")
    return len(said) > _LONGEST_DEFERRAL or _DEFERRED.fullmatch(said) is None
