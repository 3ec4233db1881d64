"""Claims by which people place a ticket among the levels: a change from one level to another, a
contrast of two, and the words for "I see it there".

Of a change and of a contrast the level that is meant counts, and the other one claims nothing.
The sentence becomes letters of its own here, since the small words matter: `from`, `to`, `at`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rules.ticket.claim_context import (
    CodedSentence,
    is_negated,
    is_of_other_tickets,
    sentences,
)
from rules.ticket.claim_lines import NAME, Word

_LETTERS = {
    "F": "from von vom aus",
    "T": "to auf",
    "S": "statt anstatt anstelle instead",
    "Z": "too zu",
    "R": "up back zurueck runter herunter hinunter down rauf hinauf",
    "B": "at on bei unter under",
    "a": "as als than",
    "P": (
        "put place placing rank see sehe sehen saehe saehen take nehmen nehme ablegen legen "
        "lege einsortieren sortieren verorten ordnen "
        "need want brauchen haetten gehoert belongs ansiedeln einordnen file"
    ),
    "C": (
        "change raise raising lower lowering upgrade downgrade move bump reduce increase set "
        "upgrading downgrading moving lowering raising setting dropping reducing changing "
        "switch escalate drop correct adjust aendern erhoehen senken absenken anheben heben "
        "hochstufen herabstufen herunterstufen zurueckstufen stufen umstellen stellen setzen "
        "hochsetzen heraufsetzen herabsetzen korrigieren anpassen wechseln"
    ),
    "A": "ask asking bitten bitte erbitten request requesting",
    "U": "for um",
    "D": "do",
    "K": "like",
    "M": "more rather eher lieber",
    "w": "will would",
    "W": "trifft passt fits",
    "V": "view opinion perspective side sicht seite meinung",
    "I": "meant gemeint",
    "O": "should must soll sollte muss",
    "E": "a an ein eine einen also so",
}
_SHORTEST_NUMBER = 4
"""Of a ticket: `set 20931 to Low`."""
_LETTER = {word: letter for letter, listed in _LETTERS.items() for word in listed.split()}
_KEPT = "ftkbmynuihcGH.,:;()-!?&+~"
_END = r"(?=E?(?:$|[.,:;()\-!kchu&]))"
_F = "[fE]"
_CHANGES = (
    re.compile(rf"F{_F}{{0,2}}l?(?P<old>N)l?,?R?T{_F}{{0,2}}(?P<new>N)"),
    re.compile(rf"C{_F}{{0,2}}(?P<old>N)l?T{_F}{{0,2}}(?P<new>N)"),  # lower P1 to P2
    re.compile(rf"(?P<old>N)l?T{_F}{{0,2}}(?P<new>N)C"),  # P1 auf P2 senken
    re.compile(rf"(?P<new>N)l?S{_F}{{0,2}}(?P<old>N)"),  # P2 instead of P1
    re.compile(rf"M[fEx]{{0,3}}(?P<new>N)a{_F}{{0,2}}(?P<old>N)"),  # more of a P2 than a P1
    re.compile(rf"F{_F}{{0,2}}(?P<old>N)bE?(?P<new>N)"),  # aus dem P2 ist ein P1 geworden
    re.compile(rf"S{_F}{{0,2}}(?P<old>N)l?,?[kf]{{0,2}}E?(?P<new>N){_END}"),
)
_TOO_MUCH = re.compile(r"(?P<old>N)l?[bmwfO]{0,3}Z[Nx]")
"""`P1 is too much`."""
_BACK = re.compile(rf"RT{_F}{{0,2}}(?P<new>N)")
_PLACED = (
    re.compile(
        rf"[PC](?:[ytf]{{0,2}}t|i|yi)[kf]?[BTa]{_F}{{0,2}}(?P<new>N){_END}"
    ),  # put it at high
    re.compile(rf"C{_F}{{0,2}}l[TB]{_F}{{0,2}}(?P<new>N){_END}"),  # reduce the severity to low
    re.compile(rf"^[fG,]{{0,3}}Ob{_F}?(?P<new>N){_END}"),  # should be low
    re.compile(rf"(?:^|[,:])f?I[xf]{{0,2}}(?P<new>N){_END}"),  # gemeint war P2
    re.compile(rf"B{_F}{{0,2}}(?P<new>N)P"),  # unter Low ablegen
    re.compile(rf"T{_F}{{0,2}}(?P<new>N)C"),  # auf P2 zurückstufen
    re.compile(rf"A[fky]{{0,2}}U{_F}{{0,3}}(?P<new>N)l?{_END}"),  # we ask for P0
    re.compile(rf"(?P<new>N)l?(?:[wmO]D|W(?:t|[fx]?{_END}))"),  # P2 will do
)
_PLAINLY = (
    re.compile(r"(?:^|[,:;\-&])[fE]{0,2}(?P<new>N)bt(?![^.,:;]{0,6}n)(?!,h)"),  # P1 ist es
    re.compile(rf"(?:^|[,:;\-])f{{0,3}}E(?P<new>N){_END}"),  # for us a P3
    re.compile(r"(?:^|[,;\-])(?P<new>N)[Fx]?f{1,2}(?:xf)?V"),  # P1 from our view
    re.compile(rf"F{_F}{{1,2}}V{_F}{{0,3}}(?P<new>N){_END}"),
    re.compile(rf"n[fEN~i]{{0,4}},[uM][fEx+M]{{0,3}}(?P<new>N){_END}"),  # kein P1, aber doch ein P2
    re.compile(rf"bt?{_F}?Ex(?P<new>N){_END}"),  # it is a textbook P1
    re.compile(rf"wK{_F}{{0,2}}(?P<new>N)(?:U[tf]|{_END})"),  # we would like P1
    re.compile(rf"[wm]f?[fx]:{_F}{{0,2}}(?P<new>N){_END}"),  # ich würde sagen: P1
    re.compile(rf"[ti]P[BT](?P<new>N){_END}"),  # das Ticket gehört auf P1
)
"""Only of numbers and of names of the top levels: other names are words of everyday use."""
_WE_ARE_AT = re.compile(rf"(?:bf?f|fb)f{{0,2}}B(?P<new>N){_END}")
_ASKS_TO_CHANGE = re.compile("[Gfk,]*m[yk]{1,2}[fk]?[zx][tfi]{0,2}o")
"""`Could you take it from P1 to P2?`"""
_WE = frozenset({"we", "wir"})
_EVERYDAY = frozenset({"dank", "take", "bring"})
"""`Dank eurer Hilfe genügt P3`: no thanks for something past; `take it to P1`: nothing planned."""


def settled(words: Sequence[Word]) -> tuple[list[Word], list[int]]:
    """The words, without the names of levels that give way to another, and the ranks of the
    levels that are meant."""
    changed, ranks, at = list(words), [], 0
    for each in sentences(words):
        while words[at] is not each.words[0]:
            at += 1
        letters = _letters(each)
        if "N" in letters and not _tells_nothing(each):
            for old, new in _found(each, letters):
                if new is not None:
                    ranks.append(new)
                if old is not None:
                    changed[at + old] = words[at + old]._replace(code="x", rank=None)
        at += len(each.words)
    return changed, ranks


def _letters(sentence: CodedSentence) -> str:
    return "".join(map(_letter, sentence.words))


def _letter(word: Word) -> str:
    if word.code in NAME:
        return "N"
    if word.code in "Le":
        return "l"
    if word.text.isdecimal() and len(word.text) >= _SHORTEST_NUMBER:
        return "t"
    if word.text == "rather" and word.code == "n":  # rather than
        return "S"
    return _LETTER.get(word.text) or (word.code if word.code in _KEPT else "x")


def _tells_nothing(sentence: CodedSentence) -> bool:
    if _ASKS_TO_CHANGE.match(sentence.codes) or _letters(sentence)[:1] == "C":
        return False
    return sentence.is_question or re.match("[Gfk,+&]*h", sentence.codes) is not None


def _found(sentence: CodedSentence, letters: str) -> Iterator[tuple[int | None, int | None]]:
    """Where a name is that gives way, and the rank that is meant."""
    words = sentence.words
    for form in _CHANGES:
        for found in form.finditer(letters):
            around = _clause(letters, found.start(), found.end())
            changes = form is not _CHANGES[0] or re.search("[CRkP]", around)
            of_a_thing = _is_of_a_thing(sentence, found.start(), found.start("new"))
            if changes and not of_a_thing and not _is_refuted(sentence, found.start(), found.end()):
                yield found.start("old"), words[found.start("new")].rank
    for found in _TOO_MUCH.finditer(letters):
        if words[found.end() - 1].code == "v":
            continue  # mit Severity P1 zu eröffnen
        yield found.start("old"), None
    for found in _BACK.finditer(letters):
        around = _clause(letters, found.start(), found.end())
        if re.search("[Clk]", around) and not _is_refuted(sentence, found.start(), found.end()):
            yield None, words[found.start("new")].rank
    for form in (*_PLACED, *_PLAINLY, _WE_ARE_AT):
        for found in form.finditer(letters):
            name = found.start("new")
            if form in _PLAINLY and words[name].code not in "PN":
                continue
            if form is _WE_ARE_AT and _WE.isdisjoint(w.text for w in words[:name]):
                continue
            if ("W" in found[0] or "C" in found[0]) and _is_of_a_thing(sentence, name, name):
                continue
            start = name if form in _PLAINLY else found.start()
            if not _is_refuted(sentence, start, found.end()):
                yield None, words[name].rank


def _is_of_a_thing(sentence: CodedSentence, start: int, name: int) -> bool:
    """`Set the heating from high to low`, `normal passt das`: an everyday word that is not written
    as the policy writes it, said of something else than a ticket."""
    word, before = sentence.words[name], sentence.clause_before(start)
    everyday = word.code in "MJ" and not word.spelt
    alone = start == name and "k" not in before
    return everyday and ("x" in before or alone) and not re.search("[tiL]", before)


def _clause(letters: str, start: int, end: int) -> str:
    begin = max(letters.rfind(sign, 0, start) for sign in ",:;()-") + 1
    rest = re.match("[^,:;()-]*", letters[end:])
    return letters[begin:end] + (rest[0] if rest else "")


def _is_refuted(sentence: CodedSentence, start: int, end: int) -> bool:
    """Whether it is denied, supposed, of the past, or said of a thing that has levels."""
    begin = sentence.clause_start(start)
    before = "".join(w.code for w in sentence.words[begin:start] if w.text not in _EVERYDAY)
    around = before + re.sub("[,:;].*", "", sentence.codes[end:])
    if any(code in before for code in "TAqhz") or any(code in around for code in "pwS"):
        return True
    if is_of_other_tickets(sentence, start):
        return True
    placed_by_you = re.search("yf{0,2}$", before) is not None and not re.search("[km]", before)
    after = sentence.codes[end : end + 2]
    if after[:1] in ("T", "I") or after in ("~x", "~T", "~I", "~d"):
        return True
    return placed_by_you or is_negated(before) or sentence.is_denied_after(end)
