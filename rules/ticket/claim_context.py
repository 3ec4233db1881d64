"""What speaks against a claim: a question, a condition, a negation, what is over or only reported.

Everything is asked of the codes of a sentence, one letter a word: `claim_words` has their meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rules.ticket.claim_lines import Word
from rules.ticket.claim_words import word_set

_CLAUSE_SIGNS = ",:;()-"
_CONDITION = re.compile(r"^[Gfk,+&]*h|^m[ft]*[di]")
_NEGATED = re.compile(r"n[^ncs]*$")
_SAYING_LITTLE = "ftbavykg~+LmC"
_DENIED_AFTER = re.compile(r"^~?(?:[:,(]f?|[btfyxkgi]{0,3})n(?:$|[.!,;:)])")
_OVER = re.compile(r"(?:^|(?<![mao])b|[wH+f,:\-.!(iPNK]|[bwH][f+]{1,2})S|S[Hw]")
_NOT_OVER = re.compile(r"n[^.!?]{0,3}S|[hr][^.!?,]{0,5}S")
"""`Not solved`, `until it is solved`."""
_PAST = re.compile(r"(?<!s)(?<!s[f])p|(?<!H)w|w(?!.*s)")
"""`We have had no power since noon` is of the present."""
_SINCE = re.compile("s[fxdT]{0,4}p")
"""`Since the update last night nobody can log in.`"""
_REQUEST = re.compile(r"^[Gfk,&]*m(?:[yk][^.]{0,6}v|[yk]{1,2}[^.]{0,8}v$|[yk]{1,3}N)")
_POLITE = re.compile(r"^[Gfk,&]*mf(?:xy|y[xk]|xa(?=[PK])|(?=.{0,12}v)(?=.{0,16}k))")
_OPINION = ("would", "wuerde")
"""`Would you call this urgent?` asks, unless it says please."""
_VERB_FIRST = re.compile(r"^[G,:]*[bwm][tyfid]")
_AFTER_NO_SUBJECT = frozenset(
    {"nur", "bloss", "halt", "just", "only", "bei", "fuer", "mit", "aber"}
)
_REPORTS = frozenset(
    {"cve", "cves", "cvss", "vulnerability", "vulnerabilities", "scanner", "schwachstelle"}
)
_NOW = word_set("now today meanwhile currently jetzt nun inzwischen mittlerweile heute since seit")
_REHEARSED = word_set(
    "durchspielen durchspielt nachspielen ueben uebt rehearse rehearsing practise practice "
    "pretend exercise drill uebung trockenuebung"
)
_OTHERS = word_set(
    "their such solche solchen all old our other existing alle alten alte unsere unseren anderen "
    "andere bestehenden"
)
_SHORTEST_STATEMENT = 3
_STATES = re.compile("^[^qmhbw]*[bv]")
_ASKS = re.compile("[Gfk,]*[qmbwv]")
_HEDGES = (["i", "guess"], ["i", "think"], ["i", "suppose"], ["denke", "ich"], ["wuerd", "ich"])
_WORDS_OF_WAITING = frozenset({"wait", "hurry", "rush", "slow", "eile", "warten", "zeit"})


class CodedSentence(NamedTuple):
    words: Sequence[Word]
    codes: str
    end: str
    """What ends it: `.`, `!`, `?` or nothing."""

    @property
    def is_question(self) -> bool:
        """By its question mark or by its first word; `Can you treat this as P1?` is a request."""
        first = self.codes.lstrip("G,:")[:1]
        asks = self.end == "?" or first == "q" or self._begins_with_its_verb
        wants = _REQUEST.match(self.codes) is not None or self._asks_politely
        if wants and "k" not in self.codes:
            wants = not any(word.text.startswith(_OPINION) for word in self.words)
        return asks and not wants

    @property
    def _begins_with_its_verb(self) -> bool:
        """`Ist das dringend`; `ist nur eine Kleinigkeit` leaves its subject out."""
        if _VERB_FIRST.match(self.codes) is None:
            return False
        at = len(self.codes) - len(self.codes.lstrip("G,:")) + 1
        return self.words[at].text not in _AFTER_NO_SUBJECT and self.words[at - 1].text != "its"

    @property
    def _asks_politely(self) -> bool:
        """`May I ask you to treat this as P1?`, `can we make this a P1, please?`"""
        return _POLITE.match(self.codes) is not None and not re.search("[qhA]", self.codes)

    @property
    def is_reported(self) -> bool:
        """Whether a scanner rates what it found."""
        return any(word.text in _REPORTS or word.text.startswith("cve") for word in self.words)

    @property
    def is_rehearsed(self) -> bool:
        return any(w.text in _REHEARSED or w.text.endswith("uebung") for w in self.words)

    def clause_before(self, at: int) -> str:
        """The codes of the clause of a word, up to the word."""
        return self.codes[self.clause_start(at) : at]

    def clause_start(self, at: int) -> int:
        return max(self.codes.rfind(sign, 0, at) for sign in _CLAUSE_SIGNS) + 1

    def is_conditional(self, at: int) -> bool:
        """Whether what stands at a word is supposed: `if …`, `it could be …`."""
        before = self.clause_before(at)
        return (
            "h" in before
            or _CONDITION.match(self.codes) is not None
            or re.search(r"m[bft+]{0,4}$", before) is not None
        )

    def is_negated(self, at: int) -> bool:
        return is_negated(self.clause_before(at))

    def is_denied_after(self, end: int) -> bool:
        """`Urgent: no`, `dringend ist es nicht`."""
        return _DENIED_AFTER.match(self.codes[end:]) is not None

    def is_past(self, begin: int = 0, at: int | None = None) -> bool:
        """Whether it tells of the past, and of nothing that lasts. The present ends the past:
        `it was slow last week, but now it is critical`, asked of a word in the later clause."""
        if at is not None:
            begin = max(begin, self._present_since(at))
        codes = _SINCE.sub("s", self.codes[begin:])
        return _PAST.search(codes) is not None and "+" not in self.codes

    def _present_since(self, at: int) -> int:
        """Where the clause of a word begins, if it is said of now."""
        start = max(self.codes.rfind(sign, 0, at) for sign in _CLAUSE_SIGNS + "u") + 1
        said = self.words[start : at + 8]
        return start if any(word.text in _NOW for word in said) else 0


def sentences(words: Sequence[Word]) -> Iterator[CodedSentence]:
    begin = 0
    for index, word in enumerate(words):
        if word.code in ".!?" or word.text == ";":
            if word.code == "?" and _is_hedged(words[begin:index]):
                word = word._replace(code=".")
            if word.code == "?" and (ends := _statement_before(words, begin, index)):
                yield _sentence(words[begin:ends], "")
                begin = ends + 1
            if index > begin:
                yield _sentence(words[begin:index], word.code)
            begin = index + 1
    if begin < len(words):
        yield _sentence(words[begin:], "")


def _is_hedged(words: Sequence[Word]) -> bool:
    """`Moderate priority, I guess?` asks nothing."""
    return [word.text for word in words[-2:]] in _HEDGES


def _statement_before(words: Sequence[Word], begin: int, end: int) -> int | None:
    """Where a statement ends that a question follows: `This is critical: can you call?`"""
    codes = codes_of(words[begin:end])
    at = codes.find(":")
    if (
        at < _SHORTEST_STATEMENT
        or not _STATES.search(codes[:at])
        or not _ASKS.match(codes[at + 1 :])
    ):
        return None
    return begin + at


def _sentence(words: Sequence[Word], end: str) -> CodedSentence:
    return CodedSentence(words, codes_of(words), end)


def codes_of(words: Sequence[Word]) -> str:
    return "".join(word.code for word in words)


def is_negated(clause: str) -> bool:
    """Whether a negation stands shortly before the end of a clause."""
    found = _NEGATED.search(clause)
    return found is not None and sum(c not in _SAYING_LITTLE for c in found[0]) <= 3


def is_over(codes: str) -> bool:
    """Whether a line says that what it speaks of is solved."""
    return _OVER.search(codes) is not None and not _NOT_OVER.search(codes)


def is_of_other_tickets(sentence: CodedSentence, at: int) -> bool:
    """`300 old tickets`, `all our incidents`: more than the ticket of the mail."""
    begin = sentence.clause_start(at)
    for index in range(begin, min(len(sentence.words), at + 6)):
        if sentence.codes[index] == "I":
            before = sentence.words[max(0, index - 3) : index]
            if any(word.text in _OTHERS or word.text.isdecimal() for word in before):
                return True
    return False


def says_it_may_wait(words: Sequence[Word]) -> bool:
    return any(word.text in _WORDS_OF_WAITING for word in words)
