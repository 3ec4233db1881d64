"""Names of levels that stand alone: in brackets, at the head of a line, behind a dash."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rules.ticket.claim_context import CodedSentence, says_it_may_wait
from rules.ticket.claim_lines import NAME, Word

_TAG = re.compile(rf"^[gfLiCke1X+~b/&a]*(?:[{NAME}]|X~?L|L[:e~b]*X)[gfLiCkeX+~/{NAME}da&]*$")
_STRONG = re.compile(r"[PNKX]|[JM]~?i?L|L[:e]*[JMX]")
_CERTAIN = re.compile(r"[PKX]|L")
_LEAD = re.compile(r"[fkX+]*([PNK])(?:/[PNKJM])*(~?)(.?)")
_OF_DOCUMENTS = re.compile("A[Tx]x")
"""`P4 documentation link broken`; `P1 documentation` asks about the levels."""
_REST_DENIES = re.compile(r"[:\-,(]?[fbti]{0,2}n[^a-zA-Z]?$")
_QUESTIONS = frozenset({"question", "frage", "produktfrage"})
"""An everyday subject, though some policies have a level of this name."""
_CONCLUDING = frozenset({"so", "also", "is", "ist", "lautet", "yes", "ja"})
_CONCLUSIONS = frozenset({"verdict", "conclusion", "fazit", "urteil", "ergebnis"})
_UNINFLECTED = frozenset({"urgent", "urgently", "dringend", "dringends", "eilig", "eilt"})
_ARTICLES = frozenset({"the", "our", "die", "der", "das", "unsere", "unser"})
URGENT = ("urgen", "dring", "eilig", "eilt")


class _Segment(NamedTuple):
    """A part of a sentence between its signs."""

    words: Sequence[Word]
    codes: str
    start: int
    before: str
    """The sign before it; nothing at the begin of the sentence."""
    after: str
    begins: bool
    """Whether only greetings and brackets are before it in the line."""
    urged: bool
    """Whether the part before it only asks for help: `Attention required: critical`."""
    unhurried: bool
    """Whether the part before it says that there is no hurry: `Not urgent: P4`."""


def tags(sentence: CodedSentence, line: str, *, is_subject: bool, begins: bool) -> Iterator[int]:
    """The ranks of the names that stand alone in a sentence of a line with these codes."""
    if sentence.end == "?" and _asks_about_levels(sentence, line):
        return
    reported = sentence.is_reported
    for part in _segments(sentence, begins):
        rest = sentence.codes[part.start + len(part.codes) :]
        if part.after == "?" or _REST_DENIES.match(rest):
            continue
        if not part.begins and reported:
            continue
        if _TAG.match(re.sub("[:,-]", "/", part.codes)):
            if _is_placed(part, sentence, line, is_subject):
                yield from _severest(part.words)
        elif is_subject and part.after in "$.!" and _ends_shouted(part.words):
            yield from _severest(part.words[-1:])
        elif part.begins and (rank := _leading(part, is_subject)) is not None:
            yield rank


def only_tags(sentence: CodedSentence) -> bool:
    """Whether it is a greeting or a tag, so that the next one begins the line."""
    return _is_greeting(sentence.codes) or _TAG.match(sentence.codes) is not None


def _asks_about_levels(sentence: CodedSentence, line: str) -> bool:
    return "A" in line or ("q" in sentence.codes[:6] and "T" in line)


def _is_greeting(codes: str) -> bool:
    return codes.startswith("G") and len(codes) <= 5


def _segments(sentence: CodedSentence, begins: bool) -> Iterator[_Segment]:
    start, before, unhurried, urged = 0, "", False, False
    codes = f"{sentence.codes}{sentence.end or '$'}"
    for index, code in enumerate(codes):
        if index < len(sentence.codes) and code not in ":,()-":
            continue
        if before == "(" and code in ":,-" and _is_bracketed_tag(codes, start):
            continue
        words, inside = sentence.words[start:index], codes[start:index]
        if words:
            yield _Segment(words, inside, start, before, code, begins, urged, unhurried)
            urged = set(inside) <= set("gCkfH")
            unhurried = ("n" in inside and len(inside) <= 4) or says_it_may_wait(words)
            begins = begins and (_is_greeting(inside) or (before == "(" and code == ")"))
        start, before = index + 1, code


def _ends_shouted(words: Sequence[Word]) -> bool:
    """`Login unreachable URGENT`."""
    return words[-1].code == "N" and words[-1].shouted and not all(w.shouted for w in words)


def _is_bracketed_tag(codes: str, start: int) -> bool:
    """`(P1 - Critical)`: the signs in it separate nothing."""
    end = codes.find(")", start)
    return end > 0 and _TAG.match(re.sub("[:,-]", "/", codes[start:end])) is not None


def _severest(words: Sequence[Word]) -> Iterator[int]:
    ranks = [w.rank for w in words if w.rank is not None]
    if ranks:
        yield max(ranks)


def _is_placed(part: _Segment, sentence: CodedSentence, line: str, is_subject: bool) -> bool:
    """Whether a tag stands where people put one; a word of everyday use must be at the head, in
    brackets of the subject, or behind a dash there."""
    strong, certain = _STRONG.search(part.codes), _CERTAIN.search(part.codes)
    shouted = all(w.shouted for w in part.words if w.code in NAME)
    spelt = any(w.spelt for w in part.words)
    ends = part.after in "$.!"
    if part.before != "(" and all(w.text in _QUESTIONS for w in part.words):
        return part.begins and part.after in ":-" and "?" not in line
    if part.before == "(" and part.after == ")":
        meant = (
            strong or shouted or spelt or part.start + len(part.codes) + 1 >= len(sentence.codes)
        )
        return bool(certain or ((is_subject or part.begins) and (meant or part.begins)))
    if part.begins:
        at_head = part.after in ":!-.$)"
        return bool(
            strong or at_head or (part.after == "," and _stands_before(part, sentence, is_subject))
        )
    match part.before:
        case "-" | ")" | "":
            whole = part.before == "" and spelt
            unhurried = spelt and is_subject and part.after in ",-"
            unhurried = unhurried and _stands_before(part, sentence, False)
            between = spelt and is_subject and part.before == part.after == "-"
            return bool(strong or ((is_subject or whole) and ends) or unhurried or between)
        case ",":
            return bool((strong and (is_subject or ends)) or (spelt and is_subject and ends))
        case ":":
            meant = certain or shouted
            told = (certain and part.unhurried) or (strong and part.urged)
            told = told or (spelt and _concludes(part, sentence))
            return bool(ends and (told or (is_subject and meant)))
        case _:
            return False


def _concludes(part: _Segment, sentence: CodedSentence) -> bool:
    """`The verdict is: P1`, `I shall state a level, so: P3`."""
    before = sentence.words[max(0, part.start - 2)]
    clause = sentence.clause_before(part.start - 1)
    if any(word.text in _CONCLUSIONS for word in sentence.words[: part.start]):
        return True
    return before.text in _CONCLUDING and not re.search("[TIqh]", clause)


def _stands_before(part: _Segment, sentence: CodedSentence, is_subject: bool) -> bool:
    """`Low, no hurry`; in a subject also `low, wrong time zone`."""
    at = part.start + len(part.codes) + 1
    if is_subject and len(part.words) == 1 and len(sentence.words) > at + 1:
        return not any(word.code in f"{NAME}X" for word in sentence.words[at:])
    return "n" in sentence.codes[at:] or says_it_may_wait(sentence.words[at:])


def _describes(word: Word, rest: Sequence[Word]) -> bool:
    """`Dringende Bestellungen markieren`."""
    inflected = word.text.startswith(URGENT) and word.text not in _UNINFLECTED
    return inflected and not word.shouted and bool(rest) and rest[0].raw[:1].isupper()


def _leading(part: _Segment, is_subject: bool) -> int | None:
    """The rank of a name at the head that no sign separates from what follows: `P1 cluster down`,
    `URGENT cluster down`."""
    lead = _LEAD.match(part.codes)
    if lead is None or lead[2] or "p" in part.codes:
        return None
    if "A" in part.codes and not _OF_DOCUMENTS.match(part.codes, lead.start(3)):
        return None
    at = lead.start(1)
    if at and lead[3] == "x" and part.words[at - 1].text in _ARTICLES:
        return None  # the P2 pump
    sent = [word.text for word in part.words[at + 1 : at + 2]] in (["from"], ["von"], ["vom"])
    if lead[3] and lead[3] in "&rIobwmB" and not (sent and is_subject):
        return None
    word, rest = part.words[at], part.words[at + 1 :]
    is_number = word.text[-1:].isdigit() or word.text in ("p", "s")
    if "T" in part.codes and not is_number:
        return None
    if lead[3] == "x" and _describes(word, rest):
        return None
    followed = sent or lead[3] in "Adik" or (lead[3] in "xT" and len(part.codes) > 2)
    shouted = word.shouted and not all(w.shouted for w in rest if len(w.raw) > 1)
    claims = (
        (is_number and followed)
        or (not is_number and shouted)
        or (is_subject and word.text.startswith(URGENT))
        or "/" in lead[0]
        or lead[3] == "c"
    )
    return word.rank if claims else None
