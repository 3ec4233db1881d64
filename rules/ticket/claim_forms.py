"""The sentences by which people claim a level, as patterns over the codes of `claim_words`.

Every repetition is bounded, and so is the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.ticket.claim_changes import settled
from rules.ticket.claim_context import (
    CodedSentence,
    codes_of,
    is_negated,
    is_of_other_tickets,
    is_over,
    sentences,
)
from rules.ticket.claim_descriptions import described
from rules.ticket.claim_lines import NAME, Names, Word, read
from rules.ticket.claim_nouns import named as named_as_nouns
from rules.ticket.claim_tags import URGENT, only_tags, tags

_N = f"(?P<name>[{NAME}])"
_NX = f"(?P<name>[{NAME}]|X)"
_MOST_LEVELS = 2
"""A line that names more of them lists them."""
_LABELLED = re.compile(
    rf"L~?L?(?P<noun>[ie]?)(?:[og]|f(?![{NAME}])|[iI](?=:)){{0,3}}(?P<modal>m?)b?(?P<sign>[:\-])?"
    rf"(?:n[PNJM],)?[ftoB]{{0,3}}[b:]?[fak+]{{0,3}}[(]?{_NX}(?:[/~]?[(]?(?P<more>[{NAME}X]))?"
)
"""`Severity: Critical (P1)`, `the priority of this is high`."""
_BEFORE_LABEL = re.compile(rf"{_NX}f?(?:~?d)?~?Le?~?i?")
"""`High priority`, `a critical-severity incident`."""
_LEVEL = re.compile(rf"^[fG,\-]*e[:\-]{_N}")
"""`Level: High`."""
_SAID = re.compile(
    rf"(?:(?:^|[,.:;\-])(?:ff)?|[tiL][^.!?,;:()]{{0,6}}?)(?P<be>b)[fk+gLt]{{0,6}}{_N}(?P<noun>~?d{{0,2}}~?i)?"
)
"""`This is critical`, `the problem is really a P1`."""
_INVERTED = re.compile(rf"(?P<be>b)f{{0,2}}(?:t|f?i)[fk+g]{{0,4}}{_N}(?P<noun>~?d{{0,2}}~?i)?")
"""`Für uns ist das kritisch`."""
_LAST = re.compile(rf"(?P<be>t)f{{1,2}}{_N}(?P<noun>~?i)?b(?=$|[.!,])")
"""`Das sollte P1 sein`."""
_CONSIDERED = re.compile(rf"v[tf]{{0,2}}[tfik]{_N}")
"""`Consider this critical`."""
_ADVERB = re.compile(rf"(?:k|my)[tfx]{{0,3}}{_N}(?P<verb>v)")
"""`Bitte niedrig priorisieren`, `Sie können es nachrangig einstufen`."""
_RATING = ("prior", "einstuf", "einord", "einzuord", "behand", "klassif")
_DECLARED = (
    re.compile(rf"v[tfikyLm]{{0,5}}a[fLke]{{0,3}}{_N}"),  # treat this as P1
    re.compile(rf"a[fLke]{{0,3}}{_N}[~iLfk]{{0,2}}m?[fkob]{{0,2}}(?P<verb>v)"),  # als P1 einstufen
    _CONSIDERED,
    _ADVERB,
    re.compile(r"v[fky]{0,4}(?P<name>P)"),  # opening a P1
    re.compile(r"f(?P<name>P)m?v"),  # ein P1 melden
    re.compile(rf"f{_N}~?i(?P<verb>m?v)"),  # ein P1-Ticket öffnen
    re.compile(rf"k[aft]{{1,3}}{_N}(?=$|[.!,;])"),  # please, as P1
    re.compile(r"(?:^|,)[xofg]{0,3}k(?P<name>[PN])(?=$|[.!,;])"),  # ab jetzt bitte P1
    re.compile(r"(?:^|[,:;\-])a(?P<name>[PN])(?=$|[.!,;k])"),  # as P1
)
_TROUBLE = (
    re.compile(r"(?P<name>[PNJ])~?d{0,2}~?(?P<noun>[iI])"),  # a critical problem
    re.compile(r"f(?P<name>M)~(?P<noun>i)(?=$|[.!,;:])"),  # ein Low-Thema
    re.compile(rf"if{{0,2}}e{_N}(?=$|[.,!;:)&])"),  # ein Fehler der Stufe P1
    re.compile(r"H[f+o]{0,4}(?P<name>P)(?![Tx])"),  # we have a P1
    re.compile(r"(?P<name>[NP])[fky]{0,2}[gv]?[fkyo]{0,3}B?C"),  # urgent help
    re.compile(r"C[gkyf]{0,3}(?P<name>N)(?=$|[.!,o])"),  # help urgently
    re.compile(r"g[fky]{0,2}(?P<name>N)(?=C|$|[.!,])"),  # needed urgently
)
_PLEASE_URGENTLY = re.compile(r"k[xvyC]{0,3}(?P<name>N)[xvo]?(?=$|[.!,;])")
"""`Please respond urgently`."""
_NEEDED_URGENTLY = re.compile(r"g[fky]{0,2}(?P<name>N)(?=[xfi])")
"""`Wir brauchen dringend jemanden`."""
_URGENTLY = frozenset({"dringend", "dringends", "urgently", "eilig"})
_RATHER = re.compile(rf"n.{{0,40}}u[fab]{{0,3}}{_N}(?=[Li]?(?:$|[.!,;:)\-k]))")
"""`Not a P1 but a P2`."""
_FINE = re.compile(rf"(?:^|[,ftv]){_N}[mbf]{{0,3}}j(?=$|[.!,;:)\-kf])")
"""`P3 is fine`."""
_MAY_FOLLOW = ".!,:;()-/kcaof&gs+yhbwHtmv"
_ALERTS = frozenset({"alert", "alerts", "warning", "warnung"})
_MAKES = frozenset({"make", "makes", "machen", "mache", "macht"})
"""`Make it a standard` claims nothing, unlike `make it a P1`."""
_OURS = frozenset({"our", "unsere", "unser", "unserer", "your", "ihre", "my"})
_FOR = frozenset({"for", "fuer"})
_VERB_FOLLOWS = frozenset({"zu", "laufen", "fuehren", "haben"})
"""`Mit der Severity Critical zu eröffnen`, `kann in der Priorität Standard laufen`."""
_RANGE = re.compile(rf"[ra][{NAME}](?:$|[.,;])")
_UP_TO = frozenset({"bis", "to"})
"""`Severity: low to medium`; a line of a form that offers several goes on."""
_ENGLISH_PREPOSITIONS = frozenset({"for", "to", "at", "with", "under"})
_ALTERNATING = frozenset({"mal", "sometimes"})
"""`The severity is sometimes high, sometimes P0.`"""
_PLACED = re.compile("^.*(?:v[fky]{0,3}t|k[fy]{0,2}v)")
"""`By our contract we rate this as …`, `… so please file under …`: before it nothing is placed."""
_PLACED_AT = re.compile("k[fy]{0,2}vt[fk]{0,2}a[Bf]{1,2}$")
"""`Please open this at your highest severity.`"""
_PENDING = frozenset({"open", "offen", "pending"})
"""`A colleague has a P1 case open with you`: another ticket."""
_THANKS = frozenset({"thx", "thanks", "thank", "danke"})
_ANSWERS = frozenset({"rueckmeldung", "antwort", "bearbeitung", "attention"})


_ASKED_OR_PLANNED = re.compile("[hAz]|q(?:[fmyt]|xa)")
_THING_IS = re.compile("[^tiL]{0,6}xb[fk]{0,2}$")


def claims_in(line: str, names: Names, *, is_subject: bool) -> Iterator[int]:
    """The ranks that a line claims."""
    words, meant = settled(read(line, names))
    yield from meant
    codes = codes_of(words)
    if is_over(codes):
        return
    named = {word.rank for word in words if word.code in NAME}
    listed = len(named) > _MOST_LEVELS
    begins = True
    for each in sentences(words):
        if sum(word.text in _ALTERNATING for word in each.words) > 1:
            continue
        undecided = len(named) > 1 and ("r" in codes or each.end == "?")
        if not listed:
            if not undecided:
                yield from tags(each, codes, is_subject=is_subject, begins=begins)
            yield from _labelled(each)
            yield from _said(each)
            yield from _declared(each)
            yield from _trouble(each)
            yield from _instead(each)
            if not is_subject:
                yield from named_as_nouns(each)
        yield from described(each, names)
        begins = begins and only_tags(each)


def _rank(*words: Word) -> Iterator[int]:
    return (word.rank for word in words if word.rank is not None)


def _labelled(sentence: CodedSentence) -> Iterator[int]:
    """A name next to a word for severity."""
    codes, words = sentence.codes, sentence.words
    for found in _LABELLED.finditer(codes):
        name, end = found.start("name"), found.end("name")
        colon = found["sign"] is not None or ":" in found[0]
        if found["modal"]:
            continue
        if found["noun"] == "i" and not colon and codes[name - 1] != "b":
            continue
        if not colon and words[name].spelt and re.match("b[fn]?[xT]", codes[end:]):
            continue  # the priority Low is missing
        if colon and _RANGE.match(codes, end) and words[end].text in _UP_TO:
            yield from _rank(words[name], words[end + 1])
            continue
        if re.match(r"[/~,]?r", codes[end:]) or _follows_badly(sentence, end, colon):
            continue
        if not _is_refuted(sentence, found.start(), end, colon):
            yield from _rank(words[name])
            if found["more"]:
                yield from _rank(words[found.end("more") - 1])
    for found in _BEFORE_LABEL.finditer(codes):
        name, end = found.start("name"), found.end()
        if _PLACED_AT.search(sentence.clause_before(name)) and not sentence.is_question:
            yield from _rank(words[name])
            continue
        if _names_a_thing(sentence, name, end) or _is_a_virtue(sentence, name):
            continue
        if name > 1 and words[name - 1].text in _FOR and codes[name - 2] == "x":
            continue  # a colour for low priority
        if not _is_refuted(sentence, name, end, False):
            yield from _rank(words[name])
    if found_ := _LEVEL.match(codes):
        yield from _rank(words[found_.start("name")])
    for at, word in enumerate(words):
        if word.code == "K" and not sentence.is_question and not _is_explained(sentence, at):
            follows = codes[at + 1 : at + 2]
            if follows and follows in "TIr":
                continue
            if codes[at + 1 : at + 3] == "~i" and sentence.is_past(at=at):
                continue
            if not _is_refuted(sentence, at, at + 1, False):
                yield from _rank(word)


def _is_explained(sentence: CodedSentence, at: int) -> bool:
    """Whether its part of the sentence, up to a comma, is about the levels themselves."""
    begin = sentence.codes.rfind(",", 0, at) + 1
    return "A" in sentence.codes[begin:].partition(",")[0]


def _names_a_thing(sentence: CodedSentence, name: int, end: int) -> bool:
    """`High priority queue`, `our top priority is …`."""
    codes, word = sentence.codes, sentence.words[name]
    after = codes[end : end + 2]
    if after[:1] in ("T", "I") or after in ("~x", "~T", "~I"):
        return True
    if after[:1] == "x" and _is_german_verb(sentence, end):
        return False
    if after[:1] == "x" and not (name == 0 and (word.code in "PNK" or _is_shouted(sentence, end))):
        return True
    if re.match(rf"[b:][fn]{{0,3}}[{NAME}XT]", codes[end:]):
        return True
    return word.code == "X" and name > 0 and sentence.words[name - 1].text in _OURS


def _is_german_verb(sentence: CodedSentence, at: int) -> bool:
    """`Mit niedriger Priorität bewertet`: a thing would have a capital letter."""
    label = sentence.words[at - 1].text
    return (
        label.startswith(("prioritaet", "dringlich", "schwereg"))
        and sentence.words[at].raw.islower()
    )


def _is_shouted(sentence: CodedSentence, end: int) -> bool:
    """`HIGH PRIO Read replica`."""
    said = [word.shouted for word in sentence.words if word.raw]
    return all(word.shouted for word in sentence.words[:end] if word.raw) and not all(said)


def _is_a_virtue(sentence: CodedSentence, name: int) -> bool:
    """`Security is a high priority for us.`"""
    before = sentence.clause_before(name)
    states = re.search(r"(?:bf{1,3}|H[fa]{0,3})$", before)
    return (
        states is not None and bool(re.search(r"[xd]", before)) and not re.search("[tiL]", before)
    )


def _follows_badly(sentence: CodedSentence, end: int, colon: bool) -> bool:
    """Whether the name next to a label describes what follows: `severity: critical events`."""
    after = sentence.codes[end : end + 2]
    if after[:1] in ("T", "I") or after in ("~T", "~x", "~d"):
        return True
    if not after or (colon and sentence.codes[end - 1] in "PNK"):
        return False
    if sentence.words[end].text in _VERB_FOLLOWS and sentence.words[end - 1].spelt:
        return False
    return after[0] in "xd" or after == "n"


def _is_refuted(sentence: CodedSentence, start: int, end: int, colon: bool) -> bool:
    """Whether something speaks against a claim next to a label."""
    codes = sentence.codes
    if sentence.is_question:
        begins = colon and start == 0 and re.match(r"[,.\-)]", codes[end:])
        later = colon and sentence.clause_start(start) > 0
        if "A" in codes or not (begins or later):
            return True
    before = sentence.clause_before(start)
    against = _PLACED.sub("", before)
    if any(code in against for code in "TAqB") or (start and sentence.is_reported):
        return True
    if any(w.text in _ALERTS for w in sentence.words[sentence.clause_start(start) : start]):
        return True
    if colon and "x" in before and len(before) > 4:
        return True
    if sentence.is_denied_after(end):
        return True
    return is_negated(before) or sentence.is_conditional(start)


def _said(sentence: CodedSentence) -> Iterator[int]:
    """`This is critical`."""
    if sentence.is_question:
        return
    for form in (_SAID, _INVERTED, _LAST):
        for found in form.finditer(sentence.codes):
            name, be = found.start("name"), found.start("be")
            end = found.end("noun") if found["noun"] else name + 1
            word, before = sentence.words[name], sentence.clause_before(be)
            plain = word.code in "JM" and not word.spelt and not found["noun"]
            if plain and not _for_us(sentence, end):
                continue
            if not _may_follow(sentence, end) or any(code in before for code in "Tqz"):
                continue
            if is_negated(before) or sentence.is_conditional(be) or sentence.is_past(at=be):
                continue
            if not sentence.is_denied_after(end):
                yield from _rank(word)


def _may_follow(sentence: CodedSentence, end: int) -> bool:
    """Whether a statement may end there: `critical infrastructure` does not, and neither does
    `critical that logs are kept`."""
    if end >= len(sentence.codes):
        return True
    text = sentence.words[end].text
    if text in ("that", "dass", "to"):
        return end + 1 < len(sentence.words) and sentence.words[end + 1].text in ("us", "our")
    return sentence.codes[end] in _MAY_FOLLOW


def _for_us(sentence: CodedSentence, at: int) -> bool:
    said = tuple(word.text for word in sentence.words[at : at + 2])
    return said in (("for", "us"), ("fuer", "uns"))


def _declared(sentence: CodedSentence) -> Iterator[int]:
    """`Please treat this as P1`."""
    codes, words = sentence.codes, sentence.words
    if sentence.is_question or sentence.is_conditional(0):
        return
    for form in _DECLARED:
        for found in form.finditer(codes):
            name = found.start("name")
            if sentence.is_past(at=name) or _is_declared_of_others(sentence, found.start(), name):
                continue
            after = codes[name + 1 : name + 3]
            if after[:1] == "T" and words[name + 1].text in _THANKS:
                after = ""
            if form is _ADVERB and not words[found.start("verb")].text.startswith(_RATING):
                continue
            ends = "verb" in found.groupdict()
            if ends and words[found.start()].text in _ENGLISH_PREPOSITIONS:
                continue  # storage for emergency call recordings
            if after[:1] in ("T", "I", "x", "A") and not ends:
                continue
            if after == "ax" and form is not _CONSIDERED:
                continue
            if words[name].code == "M" and [w.text for w in words[name + 1 : name + 2]] == ["as"]:
                continue
            if words[found.start()].text in _MAKES and words[name].code == "M":
                continue
            before = sentence.clause_before(found.start())
            if ends and before.endswith("H") and words[found.start("verb")].text in _PENDING:
                continue
            if "T" in before + found[0] or _ASKED_OR_PLANNED.search(before):
                continue
            if not is_negated(codes[max(0, name - 8) : name].rpartition(",")[2]):
                yield from _rank(words[name])


def _is_declared_of_others(sentence: CodedSentence, start: int, name: int) -> bool:
    """`The sensor is set to low`, `you marked it as critical`, `in an exercise we declare a P1`."""
    before, verb = sentence.clause_before(start), sentence.words[start].text
    if sentence.is_rehearsed or is_of_other_tickets(sentence, name):
        return True
    return bool(_THING_IS.match(before)) or (before.endswith("y") and verb.endswith("ed"))


def _trouble(sentence: CodedSentence) -> Iterator[int]:
    """`We have a critical problem`, `a P1`, `urgent help`."""
    codes = sentence.codes
    if sentence.is_question or sentence.is_rehearsed:
        return
    for found in _PLEASE_URGENTLY.finditer(codes):
        word = sentence.words[found.start("name")]
        if word.text.startswith(URGENT) and not sentence.is_past(at=found.start("name")):
            yield from _rank(word)
    for found in _NEEDED_URGENTLY.finditer(codes):
        at = found.start("name")
        denied = is_negated(sentence.clause_before(at)) or sentence.is_conditional(at)
        if sentence.words[at].text in _URGENTLY and not denied and not sentence.is_past(at=at):
            yield from _rank(sentence.words[at])
    for form in _TROUBLE:
        for found in form.finditer(codes):
            name, end = found.start("name"), found.end()
            before, after = sentence.clause_before(name), codes[end : end + 2]
            if after[:1] in ("T", "A") or after in ("~T", "~x", "~A") or sentence.is_past(at=name):
                continue
            if sentence.words[name].code == "M" and not sentence.words[name].spelt:
                continue
            if any(word.text in _PENDING for word in sentence.words[end : end + 3]):
                continue
            several = found.groupdict().get("noun") == "I"
            if several and not re.search(r"H[f1x+]{0,3}$", before):
                continue
            asks_for_help = "C" in found[0]
            if asks_for_help and not _is_asked_urgently(sentence, name, end):
                continue
            if re.search(r"Bf?$|y$" if asks_for_help else r"Bf?$|o$|y$", before) or any(
                code in before for code in "zTA"
            ):
                continue
            if is_negated(before) or sentence.is_conditional(name):
                continue
            if not sentence.is_denied_after(end):
                yield from _rank(sentence.words[name])


def _is_asked_urgently(sentence: CodedSentence, begin: int, end: int) -> bool:
    """`An urgent answer`; a critical answer is another thing."""
    if sentence.words[begin].code == "P" or sentence.words[begin].text.startswith(URGENT):
        return True
    return not any(word.text in _ANSWERS for word in sentence.words[begin:end])


def _instead(sentence: CodedSentence) -> Iterator[int]:
    """`Not a P1 but a P2`, `P3 is fine`."""
    if sentence.is_question:
        return
    for form in (_RATHER, _FINE):
        for found in form.finditer(sentence.codes):
            name = found.start("name")
            before = sentence.clause_before(name)
            if "T" not in before and (form is _RATHER or not is_negated(before)):
                yield from _rank(sentence.words[name])
