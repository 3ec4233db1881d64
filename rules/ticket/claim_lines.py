"""How a line is read for a claim: each word becomes a code of one letter (see `claim_words`), names
of levels and numbers of several words are taken together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from rules.ticket.claim_quotations import LEADS_TO_A_NAME, without_quotes
from rules.ticket.claim_words import (
    CODES,
    NUMBER_LABELS,
    NUMBERS,
    PAIRS,
    PHRASE_GAPS,
    TIMES,
    VERY_HIGH,
    folded,
)

NAME = "PNJMK"
"""Codes of names of levels: nouns and numbers, adjectives of the top levels, adjectives of weight,
everyday words, and numbers next to a label (`Prio 1`)."""
_TOKEN = re.compile(
    r"(?P<other>https?://\S+|[\w.+-]+@[\w.-]+|\w+(?:\.\w+)+|\w+(?:::\w+)+|[^\W_]+(?:_[^\W_]+)+)"
    r"|(?P<word>[^\W_]+|['’][^\W\d_]{1,2}\b)|(?P<sign>[^\w\s])"
)
_ARROW = re.compile(r"[-=]+>|[→⇒➔]")
_SUSPENDED = re.compile(r" (?:oder|und|bzw|or|and)\b", re.I)
"""What follows the hyphen in `Medium- oder Large-Instanzen`."""
_SIGNS = {
    **dict.fromkeys(":=：", ":"),
    **dict.fromkeys(",;，、", ","),
    **dict.fromkeys(".…。", "."),
    **dict.fromkeys("!！¡", "!"),
    **dict.fromkeys("?？¿", "?"),
    **dict.fromkeys("([{<（【", "("),
    **dict.fromkeys(")]}>）】", ")"),
    **dict.fromkeys("/|\\", "/"),
    **dict.fromkeys("*_~`#'’‘\"“”„«»+^", ""),
    **dict.fromkeys("%@$€", "x"),
    "&": "&",
}
"""Any other sign, such as a dash or a picture, separates."""
_HYPHENS = "-‐‑"
_EMPHASISED = re.compile(r"(?<![\w*_])[*_]{1,3} ?([^\s*_:][^*_:]{0,40}?) ?[*_]{1,3}(?!\w)(?! ?:)")
_NUMBERED = re.compile(r"(p|s|sev|prio|priority|severity|prioritaet)([0-5])")
_CODE_OF_NUMBER = {"p": "P", "s": "M", "sev": "P"}
_MONTH = re.compile(r" (?:Jan|Jän|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Oct|Nov|Dez|Dec)[a-zä]*\b")
"""What follows the full stop of a day: `vom 3. Februar`."""
_STORAGE_SERVICE = "s3"
_OUGHT = frozenset({"should", "must", "soll", "muss", "sollte"})
"""`This should be a P1` says it; `Should it be a P1` asks."""
_OF_A_TIME = frozenset({"in", "im", "from", "of", "vom", "von", "aus", "on", "am"})
_LONG_SPANS = frozenset({"tagen", "wochen", "monaten", "jahren", "woche", "monat", "jahr"})
_POSSIBLE = frozenset({"possible", "moegliche", "moeglichen", "moeglicher"})
STEPS = frozenset({"stufe", "level", "klasse", "class", "kategorie", "category"})
_IMPACT = frozenset({"impact", "auswirkung", "auswirkungen"})
"""A label where a sign follows: `Impact: Critical`."""
_NORMAL = frozenset({"normal", "work", "business", "normality"})
_LONGEST_GAP = 7
"""Words between two words of a phrase."""
_BEGIN_PAIRS = frozenset(first for first, *_ in (*PAIRS, *VERY_HIGH))
_TEXTS_BY_OTHERS = frozenset(
    {"one", "bei", "put", *_OUGHT, *_LONG_SPANS, *_IMPACT, *TIMES, *_POSSIBLE, "may"}
)
_CODES_BY_OTHERS = frozenset(f"S{NAME}")
"""Words, adverbs aside, whose code may depend on those beside them: most of a text are others."""


class Word(NamedTuple):
    """A word or a sign of a line."""

    text: str
    """Folded."""
    code: str
    raw: str = ""
    """As it is written; empty for a sign."""
    rank: int | None = None
    """Of the level that it names."""
    spelt: bool = False
    """Whether it is written as the policy writes the name of the level."""

    @property
    def shouted(self) -> bool:
        return len(self.raw) > 1 and self.raw.isupper()


class LevelName(NamedTuple):
    rank: int
    code: str
    spelling: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """The names that a line is searched for."""

    by_first: Mapping[str, Sequence[tuple[tuple[str, ...], LevelName]]]
    """By the first word of the name; the longest name first."""
    by_number: Mapping[tuple[str, int], int]
    """The rank of the level with a number, by the words of severity (`sev`) and of priority (`p`),
    since not all policies begin both with 1."""
    phrases: Mapping[str, Sequence[tuple[tuple[str, ...], int]]]
    """By the first word of a phrase: its words without small ones, and the rank."""
    outage: int | None = None
    """The rank that the description of an outage claims."""


def read(line: str, names: Names) -> list[Word]:
    """The words and signs of a line."""
    return list(_read(line, names))


@lru_cache(maxsize=256)  # a line that may claim something is read for each way of claiming it
def _read(line: str, names: Names) -> tuple[Word, ...]:
    words = list(_named(_words(line), names))
    for index, word in enumerate(words):
        if not _depends_on_others(word):
            continue
        before = words[max(0, index - 3) : index]
        if word.text in _OUGHT and index and words[index - 1].code not in ".!?,":
            words[index] = word._replace(code="f")
        if word.text in _LONG_SPANS and any(each.text == "vor" for each in before):
            words[index] = word._replace(code="p")
        if word.text == "one" and _is_of_a_level(words, index):
            words[index] = word._replace(code="i")
        if word.text in _IMPACT and [w.code for w in words[index + 1 : index + 2]] in (
            [":"],
            ["-"],
        ):
            words[index] = word._replace(code="L")
        if word.text == "bei" and _is_by(words, index):
            words[index] = word._replace(code="f")
        if word.code in "xz" and _is_degree(words, index):
            words[index] = word._replace(code="f")
        if word.text == "put" and [w.text for w in words[index + 1 : index + 2]] in (
            ["this"],
            ["it"],
        ):
            words[index] = word._replace(code="v")
        if word.raw == "May" and before and before[-1].text in _OF_A_TIME:
            words[index] = word._replace(code="p")
        if word.code == "S" and _goes_back(words, index):
            words[index] = word._replace(code="f")
        if word.text in TIMES and _is_of_the_past(words, index):
            words[index] = word._replace(code="p")
        if word.code in NAME and _ends_a_compound(words, index):
            words[index] = word._replace(code="x", rank=None)
        if word.code == "M" and _is_of_a_compound(words, index):
            words[index] = word._replace(code="x", rank=None)
    return tuple(words)


def _depends_on_others(word: Word) -> bool:
    """Whether the code of a word may be another one beside certain words."""
    if word.code in _CODES_BY_OTHERS or word.text in _TEXTS_BY_OTHERS:
        return True
    return word.text.endswith("ly") and word.code in "xz"


def _is_degree(words: Sequence[Word], at: int) -> bool:
    """`Desperately urgent`, `lowest priority obviously`, `lowest possible priority`."""
    before, after = words[at - 1].code if at else "", words[at + 1].code if words[at + 1 :] else ""
    if words[at].text in _POSSIBLE:
        return before == "X"
    return words[at].text.endswith("ly") and (before == "L" or (after != "" and after in NAME))


def _is_by(words: Sequence[Word], at: int) -> bool:
    """`It is critical bei uns`, `hat bei Ihnen niedrige Priorität`; a ticket "bei Ihnen" is
    another."""
    whom = [word.text for word in words[at + 1 : at + 2]]
    return whom == ["uns"] or (whom in (["ihnen"], ["euch"]) and words[at - 1].text == "hat")


def _is_of_a_level(words: Sequence[Word], at: int) -> bool:
    """`A minor one`."""
    return at > 1 and words[at - 1].code in NAME and words[at - 2].text in ("a", "an")


def _goes_back(words: Sequence[Word], at: int) -> bool:
    """`We are back to paper`, unlike `we are back to normal`."""
    texts = [word.text for word in words[at : at + 3]]
    return texts[0] in ("is", "are") and texts[1:2] == ["to"] and _NORMAL.isdisjoint(texts[2:])


def _is_of_the_past(words: Sequence[Word], at: int) -> bool:
    """`The outage in October`, `the P1 from last spring`; `outage in October 12` is a date."""
    since = at - 1 if words[at - 1].text in _OF_A_TIME else at - 2
    if since < 1 or words[since].text not in _OF_A_TIME or words[since - 1].code not in f"{NAME}iI":
        return False
    return not any(word.text.isdecimal() for word in words[at + 1 : at + 2])


def _is_of_a_compound(words: Sequence[Word], at: int) -> bool:
    """`A low-level API`; `a low-level incident` is of a low level."""
    texts = [word.text for word in words[at + 1 : at + 3]]
    follows = words[at + 3].code if at + 3 < len(words) else ""
    return texts == ["-", "level"] and follows not in ("", "i", "I", ",", ".", ":", ")")


def _ends_a_compound(words: Sequence[Word], at: int) -> bool:
    """`C-Major`."""
    return at > 1 and words[at - 1].code == "~" and words[at - 2].code == "x"


def family(label: str) -> str:
    """The words of severity or of priority, to which a label or its short form belongs."""
    return "sev" if label == "s" or label.startswith(("sev", "ser", "schwere")) else "p"


def phrase_at(words: Sequence[Word], at: int, names: Names) -> tuple[int, int] | None:
    """Where a phrase ends that begins at a word, and its rank."""
    for parts, rank in names.phrases.get(words[at].text, ()):
        index, found, gap = at + 1, 1, 0
        while found < len(parts) and index < len(words):
            word = words[index]
            if word.text == parts[found]:
                found, gap = found + 1, 0
            elif word.text in PHRASE_GAPS or word.text.isdecimal():
                gap += 1
            elif word.code != "~":
                break
            if gap > _LONGEST_GAP:
                break
            index += 1
        if found == len(parts):
            return index, rank
    return None


def _words(line: str) -> list[Word]:
    found: list[Word] = []
    for token in _TOKEN.finditer(
        _EMPHASISED.sub(_unemphasised, _ARROW.sub(":", without_quotes(line)))
    ):
        text = token[0]
        if not token["sign"]:
            word = folded(text)
            unknown = "x" if token["word"] or "." in word else ""
            found.append(Word(word, CODES.get(word, "x") if unknown else "x", text))
            continue
        code = _sign(token)
        if code == ")" and found and found[-1].code == "!":
            found.pop()  # `(P1!)`
        repeated = found[-1].code == code if found else code in ".,:-!?"
        if code and not repeated:
            found.append(Word(text, code))
    return found


def _unemphasised(found: re.Match[str]) -> str:
    """`**P1**` alone is a tag as in brackets; `as **P1**` is a part of its sentence."""
    leads = LEADS_TO_A_NAME.search(folded(found.string[max(0, found.start() - 40) : found.start()]))
    return found[1] if leads else f"({found[1]})"


def _sign(token: re.Match[str]) -> str:
    sign, start, end = token["sign"], token.start(), token.end()
    before, after = token.string[max(0, start - 1) : start], token.string[end : end + 1]
    code = _SIGNS.get(sign, "-")
    if sign in _HYPHENS and before.isalnum() and after.isalnum():
        return "~"
    if sign in _HYPHENS and before.isalnum() and _SUSPENDED.match(token.string, end):
        return "~"
    if code == "." and (after.isalnum() or (before.isdigit() and _MONTH.match(token.string, end))):
        return ""
    if code == ":" and before.isdigit() and after.isdigit():
        return ""  # 6:30
    return "-" if code == "/" and (before.isspace() or after.isspace()) else code


def _named(words: list[Word], names: Names) -> Iterator[Word]:
    at = 0
    while at < len(words):
        word, count = _name_at(words, at, names) or (words[at], 1)
        yield word
        at += count


def _name_at(words: list[Word], at: int, names: Names) -> tuple[Word, int] | None:
    """The name, number or pair of words that begins at a word, and how many words it has."""
    first = words[at]
    for parts, name in names.by_first.get(first.text, ()):
        taken = _taken(words, at, len(parts))
        if taken is not None and taken[0] == parts:
            return _name(first, name), taken[1]
    if number := _number_at(words, at, names) or _step_at(words, at, names):
        return number
    if first.text not in _BEGIN_PAIRS:
        return None
    taken = _taken(words, at, 2)
    if taken is None:
        return None
    if taken[0] in VERY_HIGH:
        return _name(first, names.by_first["highest"][0][1]), taken[1]
    code = PAIRS.get((taken[0][0], taken[0][1]))
    return (first._replace(code=code), taken[1]) if code else None


def _name(word: Word, name: LevelName) -> Word:
    spelt = bool(name.spelling) and word.raw == name.spelling
    return word._replace(code=name.code, rank=name.rank, spelt=spelt)


def _taken(words: list[Word], at: int, count: int) -> tuple[tuple[str, ...], int] | None:
    """So many words from one on, hyphens between them aside, and how many entries they are."""
    if count == 1:
        return (words[at].text,), 1
    texts: list[str] = []
    for index in range(at, min(len(words), at + 2 * count)):
        if words[index].code != "~":
            texts.append(words[index].text)
        if len(texts) == count:
            return tuple(texts), index + 1 - at
    return None


def _counts_things(words: Sequence[Word], at: int) -> bool:
    """`Low severity: one panel is empty`; `Prio eins` names a level."""
    return at + 1 < len(words) and words[at + 1].code not in ".,:;()-!?~b&"


def _number_at(words: list[Word], at: int, names: Names) -> tuple[Word, int] | None:
    """A number: `P1`, `p-1`, `Sev 1`, `Priority: 1`, `Prio eins`."""
    first = words[at]
    if first.text[-1:].isdecimal() and (found := _NUMBERED.fullmatch(first.text)):
        rank = names.by_number.get((family(found[1]), int(found[2])))
        if rank is None or first.text == _STORAGE_SERVICE:
            return None
        return first._replace(code=_CODE_OF_NUMBER.get(found[1], "K"), rank=rank), 1
    labelled = first.text in NUMBER_LABELS
    if not labelled and first.text != "p":
        return None
    index = at + 1
    while index < min(len(words), at + 4) and words[index].code in ("~e:.-b" if labelled else "~"):
        index += 1
    if index >= len(words) or (index + 1 < len(words) and words[index + 1].text == "%"):
        return None
    if words[index].text.isalpha() and _counts_things(words, index):
        return None
    rank = names.by_number.get((family(first.text), NUMBERS.get(words[index].text, -1)))
    if rank is None:
        return None
    return first._replace(code="K" if labelled else "P", rank=rank), index + 1 - at


def _step_at(words: Sequence[Word], at: int, names: Names) -> tuple[Word, int] | None:
    """`Stufe 3 von 4`, `level 2 of 5`, `als Stufe 3`."""
    if words[at].text not in STEPS:
        return None
    texts = [word.text for word in words[at : at + 4]]
    if len(texts) < 3:
        return None
    step, last = NUMBERS.get(texts[1], -1), NUMBERS.get(texts[-1], -1)
    if texts[2] in ("von", "of") and 0 < step <= last:
        ranks = sorted(set(names.by_number.values()), reverse=True)
        rank = ranks[-1] if step == last else ranks[min(step, len(ranks)) - 1]
        return words[at]._replace(code="K", rank=rank), 4
    number = names.by_number.get(("p", step))
    if number is None or not at or words[at - 1].text not in ("als", "as"):
        return None
    return words[at]._replace(code="K", rank=number), 2
