"""Claims that name no level but describe what has happened: by a phrase of the policy, or as an
outage (`claim_outages`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rules.ticket.claim_context import CodedSentence, is_negated, sentences
from rules.ticket.claim_lines import Names, Word, phrase_at, read
from rules.ticket.claim_outages import is_only_a_noun, outages
from rules.ticket.claim_words import word_set

_SUPPOSING = word_set("would wuerde wuerden wuerdet")
_NOT_AFTER = word_set(
    "to by from report reports would could might may waere koennte wuerde payment"
)
_OLD = word_set("old alter alte alten altes voriger damaliger")
_ELSEWHERE = word_set(
    "old alten alte altes former their competitor competitors vendor konkurrenz lieferant "
    "lieferanten wettbewerber supplier suppliers provider partner "
    "take taking bring put move set nehmen nimmt schalten fahren stellen closed "
    "geschlossen want wollen moechten says said sagt"
)
"""Of somebody else's system, done on purpose, wished or reported by somebody."""
_DOCUMENTS = word_set(
    "documentation docs doku dokumentation example beispiel runbook handbuch manual"
)
_WORKING = word_set("work arbeiten")
_WITH = word_set("with mit on an")
"""`Nobody can work with this table.`"""
_STANDS = word_set("zum zur unter bereit in fest vor auf im am bei")
"""`Das System steht in Berlin` claims nothing."""

_EVER = word_set("ever goes went should einmal je ausfaellt ausfiele ausfallen sollte")


def described(sentence: CodedSentence, names: Names) -> Iterator[int]:
    """The ranks of what it describes, unless something speaks against it."""
    if sentence.is_question or sentence.is_conditional(0):
        return
    for at, word in enumerate(sentence.words):
        if word.text in names.phrases and (found := phrase_at(sentence.words, at, names)):
            end, rank = found
            is_noun = end == at + 1 or sentence.codes[end - 1] in "iI"
            denied = "n" in sentence.codes[at + 1 : end - 1]
            if not denied and not _is_refuted(sentence, at, end, is_noun=is_noun):
                yield rank
    if names.outage is not None:
        for found_ in outages(sentence.words):
            if not _is_refuted(sentence, found_.begin, found_.end, is_noun=found_.is_noun):
                yield names.outage
                return


def is_heading(subject: str, names: Names) -> bool:
    """Whether it only names an outage: `Nightly outage`."""
    return is_only_a_noun(read(subject, names))


def supposes(line: str, names: Names) -> bool:
    """Whether it asks what holds if there ever is an outage."""
    return any(
        each.is_question and "h" in each.codes and any(word.text in _EVER for word in each.words)
        for each in sentences(read(line, names))
    )


def _is_refuted(sentence: CodedSentence, at: int, end: int, *, is_noun: bool) -> bool:
    codes, words = sentence.codes, sentence.words
    before, after = sentence.clause_before(at), codes[end : end + 2]
    following = words[end].text if end < len(words) else ""
    if after[:1] in ("T", "A", "I") or after in ("~T", "~x", "~A") or following in _NOT_AFTER:
        return True
    if any(word.text in _DOCUMENTS for word in (*words[:at], *words[at : end + 8])):
        return True
    if words[end - 1].text in _WORKING and following in _WITH:
        return True
    clause = words[sentence.clause_start(at) : end]
    if any(word.code == "z" or word.text in _ELSEWHERE for word in clause):
        return True
    if words[end - 1].text in ("steht", "stehen") and following in _STANDS:
        return True
    if is_noun and _is_another(sentence, at):
        return True
    if "z" in codes[end : end + 3] or sentence.is_conditional(at):
        return True
    if sentence.is_rehearsed or _is_supposed_after(words, end):
        return True
    if is_negated(before) or sentence.is_denied_after(end):
        return True
    return sentence.is_past(sentence.clause_start(at))


def _is_another(sentence: CodedSentence, at: int) -> bool:
    """`Yesterday's outage`, `a report on the outage`."""
    before = sentence.clause_before(at)
    if re.search(r"(?<!s)p[fbx]{0,2}$|[Bs]f{0,2}$|[TA]", before):
        return True
    return any(word.text in _OLD for word in sentence.words[max(0, at - 2) : at])


def _is_supposed_after(words: Sequence[Word], end: int) -> bool:
    """`Wie wir einen Ausfall melden würden`."""
    for word in words[end : end + 6]:
        if word.text in _SUPPOSING:
            return True
        if word.code in ",:;()-":
            return False
    return False
