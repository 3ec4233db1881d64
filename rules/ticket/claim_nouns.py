"""The name of a level as a noun of its own, written as the policy writes it: `I would say Low`.

Such a name needs something by which the author places this ticket: a verb of rating, a word for
severity, "I", "please" or "is enough". What describes a thing, is one of several levels, or is of
other tickets claims nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rules.ticket.claim_context import CodedSentence, is_of_other_tickets
from rules.ticket.claim_lines import NAME, Word
from rules.ticket.claim_words import word_set

_VERBS = word_set(
    "rate rating rank ranking classify consider regard treat call judge grade deem prioritise "
    "prioritize categorise categorize class einstufen stufe stufen einordnen bewerten bewerte "
    "behandeln behandelt erachten ansehen einschaetzen ordne einsortieren einplanen fuehren fuehrt"
)
"""By these a ticket is placed, whatever it is called."""
_MOVING = word_set(
    "seems looks feels sounds wirkt scheint deserves verdient give label zuruecksetzen "
    "runtersetzen heruntersetzen herunterstufen runterstufen "
    "book note have hochziehen hochsetzen hochnehmen "
    "raise raising lower lowering move bump put place set mark file log open make keep leave "
    "drop upgrade downgrade escalate change assign go going treat handle setzen setzt setze "
    "stellen stellt anheben heben hebt hochstufen herabstufen erhoehen senken eroeffnen "
    "oeffnen anlegen erfassen aufnehmen lassen lasst lauft laufen legt legen machen macht "
    "nehmen nehmt"
)
"""By these a ticket is placed where the sentence speaks of it."""
_JUDGING = word_set(
    "agree agreed meant vergeben brauche brauchen start begin haette haetten moechte moechten "
    "wuensche like want prefer need "
    "say think guess believe suggest propose reckon vote opt settle go happy "
    "content satisfied live sagen sage denke glaube meine finde tippe tippen schaetze schlage "
    "vorschlagen nehme nehmen plaediere plaedieren einverstanden zufrieden "
    "leben"
)
"""With "I" or "we", or with nobody: `würde sagen Low`."""
_ENOUGH = word_set(
    "plenty covers fits angebracht "
    "reicht reichen genuegt genuegen langt suffices suffice fine enough ok okay sufficient "
    "appropriate passt right richtig angemessen works do does ausreichend adequate tut"
)
_MORE = frozenset({"mehr", "more"})
_AT_MOST = _MORE | word_set("hoechstens allenfalls maximal lediglich most")
"""`Höchstens Low`, `no more than Low`."""
_CHOOSING = word_set("choose pick select waehlen ansetzen vergeben nehmen take give start")
"""Only with "would": `I pick Low` tells of a form."""
_SCALES = word_set("levels stufen skala scale einteilung")
"""`Nach Ihren Stufen wäre das Low.`"""
_FORMS = word_set(
    "form forms menu portal app picker list formular maske auswahl auswahlliste screen "
    "selected missing fehlt umbenennen rename oberflaeche workspace dropdown"
)
_VIEWS = word_set("sicht ansicht meinung seite view side end opinion perspective")
_RATINGS = word_set(
    "assessment rating classification estimate guess suggestion einschaetzung einstufung "
    "bewertung vorschlag"
)
_US = frozenset({"i", "we", "us", "me", "ich", "wir", "uns", "mir", "mich"})
_THIS = frozenset({"us", "following", "folgende", "folgendes"})
_TICKET = re.compile("[tiL]")
_MIGHT = word_set("might may could koennte koennten duerfte duerften will shall werden wird")
_WOULD = word_set("would wuerde wuerden waere waeren 'd")
_ADVERBS = word_set(
    "covers fits describes ourselves dafuer hierfuer hier "
    "since though although while as if you at for from our because now please thanks thank "
    "really here too so or and but until today then anyway only rather voellig completely on "
    "is will would should seems feels suffices works again either"
)
"""After these a name describes nothing."""
_GERMAN = word_set(
    "ich wir das es die der den dem als bitte ist und mit fuer wuerde wuerden uns auf reicht "
    "nicht da zu ein eine einen sagen dafuer hier langt genuegt gern"
)
_BEFORE = word_set(
    "gern gerne ruhig hoechstens allenfalls lediglich maximal schlicht einfach klar mal just "
    "merely simply clearly perhaps best least most solid gladly to zu vorerst erstmal "
    "dafuer hierfuer one it"
)
_OF_OTHER_THINGS = frozenset(
    {"from", "of", "in", "by", "within", "into", "via", "von", "aus", "im", "between", "per"}
)
_STAYING = frozenset({"following", "folgende", "bleiben", "belassen", "bleibt", "lassen"})
_REPORTING = word_set(
    "says said wrote writes told claims laut according sagt schreibt schrieb meint meinte "
    "hiess colleague kollege kollegin chef boss shows zeigt reads called named namens heisst"
)


_KNOWN = (
    _VERBS
    | _MOVING
    | _JUDGING
    | _CHOOSING
    | _ENOUGH
    | _AT_MOST
    | _BEFORE
    | _VIEWS
    | _WOULD
    | _MIGHT
)


def named(sentence: CodedSentence) -> Iterator[int]:
    """The ranks of the names that stand in a sentence as nouns of their own."""
    if sentence.is_question or len(_ranks(sentence)) != 1:
        return
    for at, word in enumerate(sentence.words):
        if word.rank is not None and _is_written_as_a_name(word):
            clause = _Clause(sentence, at)
            if clause.places_this_ticket() and not clause.is_refuted():
                yield word.rank


def _ranks(sentence: CodedSentence) -> set[int | None]:
    """Of the names; `hoch` may belong to a verb."""
    return {w.rank for w in sentence.words if w.code in NAME and (w.spelt or w.text != "hoch")}


def _is_written_as_a_name(word: Word) -> bool:
    return word.code in NAME and word.spelt and word.raw[:1].isupper()


class _Clause:
    """What stands around a name."""

    def __init__(self, sentence: CodedSentence, at: int) -> None:
        self._sentence, self._at = sentence, at
        self._start = sentence.clause_start(at)
        rest = re.match("[^,:;()-]*", sentence.codes[at + 1 :])
        self._end = at + 1 + (rest.end() if rest else 0)
        self._codes = sentence.codes[self._start : self._end]
        self._before = sentence.codes[self._start : at]
        self._words = sentence.words[self._start : self._end]
        self._texts = {word.text for word in self._words}

    def places_this_ticket(self) -> bool:
        texts, codes = self._texts, self._before + self._sentence.codes[self._at + 1 : self._end]
        if texts & _AT_MOST or {"mir", "aus"} <= texts or self._is_rated():
            return True
        if self._is_of_its_own() or ("t" in self._before and texts & _US and "m" in codes):
            return True
        if texts & _VERBS:
            return "x" not in self._before or bool(_TICKET.search(codes)) or self._is_as()
        if texts & _MOVING and (_TICKET.search(codes) or texts & _THIS):
            return True
        by_us = bool(texts & _US) or self._start == 0 or "m" in self._before
        if (texts & _JUDGING and by_us) or (texts & _CHOOSING and texts & _WOULD):
            return self._few_others(1)
        if texts & _ENOUGH or "j" in self._codes:
            return bool(_TICKET.search(codes) or texts & _US or self._few_others(1))
        return bool("L" in codes or texts & (_VIEWS | _RATINGS)) and self._few_others(1)

    def _is_rated(self) -> bool:
        """`Our rating: Low`."""
        alone = self._at == self._start and self._end == self._at + 1
        before = self._sentence.words[max(0, self._at - 5) : self._at]
        return alone and any(word.text in _RATINGS for word in before)

    def _is_of_its_own(self) -> bool:
        """`Nothing dramatic, rather Low.`"""
        alone = self._start > 0 and self._end == self._at + 1
        return alone and re.fullmatch("[fu]{1,2}", self._before) is not None

    def _is_as(self) -> bool:
        return bool(re.search("a[fk]{0,3}$", self._before)) and self._before.count("x") <= 3

    def _few_others(self, most: int) -> bool:
        """Whether few words are of other things."""
        before = self._sentence.words[self._start : self._at]
        return sum(w.code in "xd" and w.text not in _KNOWN | _ADVERBS for w in before) <= most

    def is_refuted(self) -> bool:
        sentence, at, before = self._sentence, self._at, self._before
        texts = self._texts
        if self._describes_what_follows() or self._identifies_a_thing():
            return True
        if self._tells_of_other_things() or texts & _REPORTING or sentence.is_rehearsed:
            return True
        if re.search("Bf?$", before) and not texts & _STAYING:
            return True
        rates = bool(texts & (_VERBS | _JUDGING | _CHOOSING | _ENOUGH))
        rates = rates or re.search("[jL]", self._codes) is not None
        rates = rates or ("t" in before and bool(texts & _US))
        if texts & _WOULD and before[:1] == "B" and not texts & _SCALES:
            return True
        if texts & _MIGHT or (texts & _WOULD and not rates):
            return True
        if sentence.is_conditional(0) or sentence.is_past(at=at):
            return True
        if "n" in before and texts.isdisjoint(_MORE):
            return True
        denied = sentence.is_denied_after(at + 1) and texts.isdisjoint(_MORE)
        return denied or is_of_other_tickets(sentence, at)

    def _tells_of_other_things(self) -> bool:
        codes = "".join(w.code for w in self._words if w.text not in _KNOWN)
        return any(code in codes for code in "TAqhzS") or not self._texts.isdisjoint(_FORMS)

    def _describes_what_follows(self) -> bool:
        """`Low memory`; in German a noun begins with a capital."""
        words: Sequence[Word] = self._sentence.words[self._at + 1 : self._at + 2]
        if not words or words[0].text in (_KNOWN - _VIEWS) | _ADVERBS:
            return False
        follows = words[0]
        if follows.code in "~IiTdA/" or follows.text in _VIEWS:
            return True
        if follows.code != "x":
            return False
        german = not _GERMAN.isdisjoint(w.text for w in self._sentence.words)
        return not german or follows.raw[:1].isupper() or follows.raw.isdecimal()

    def _identifies_a_thing(self) -> bool:
        """`Printer P1`, `from P1 to P2`."""
        if self._at == self._start or {"mir", "aus"} <= self._texts:
            return False
        last = self._sentence.words[self._at - 1]
        return (last.code in "xdTI/~" and last.text not in _KNOWN) or last.text in _OF_OTHER_THINGS
