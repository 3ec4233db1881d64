"""Outages as people describe them: something of theirs fails, and it is all of it.

Each word of a sentence becomes a letter: what fails, who cannot work, how it fails, and what says
that all of it does. An outage is one of a few orders of these letters with small words between.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rules.ticket.claim_lines import Word
from rules.ticket.claim_words import PHRASE_GAPS

_WORDS = {
    # all of it
    "A": (
        "all every each whole entire complete total full alle aller allen saemtliche "
        "saemtlicher saemtlichen ganze ganzer ganzes ganzen gesamte gesamter gesamtes gesamten "
        "komplette kompletter komplettes kompletten vollstaendige vollstaendiger vollstaendigen "
        "totaler totale totalen jeder jede jedes"
    ),
    # completely
    "D": (
        "completely totally entirely fully wholly everywhere komplett vollstaendig total "
        "gaenzlich voellig restlos ueberall"
    ),
    "E": "everything alles",
    "V": "everyone everybody anyone anybody",
    "N": "nobody noone none niemand niemanden keiner keinen",
    "0": "nothing nichts",
    # it, we
    "e": "it we es wir",
    # production
    "P": (
        "production prod produktion produktiv produktive produktiven produktives produktions "
        "produktivsystem produktionssystem produktionssysteme produktionsumgebung "
        "produktionsserver produktionscluster produktionsdatenbank produktivinstanz "
        "produktivumgebung produktivserver produktivcluster livesystem"
    ),
    # what others depend on: that it is down is enough
    "S": (
        "system systems cluster service site platform application database server systeme "
        "plattform datenbank anwendung dienst"
    ),
    # of which all must fail, or completely
    "s": (
        "services sites platforms applications databases servers clusters app apps api website "
        "websites webshop shop shops store stores portal connectivity instance instances tenant "
        "storage "
        "filesystem network intranet cloud gateway nodes backends branch branches location "
        "locations offices plants stations tills terminals phones systemen cluster dienste "
        "diensten anwendungen "
        "datenbanken webseite seite filiale filialen standort standorte standorten werke werken "
        "kassen "
        "instanz instanzen speicher netz netzwerk dateisystem maerkte"
    ),
    # a business
    "B": (
        "business company firm warehouse factory office operation operations betrieb firma "
        "unternehmen lager werk buero"
    ),
    # people
    "U": (
        "user users customer customers client clients employee employees colleague colleagues "
        "agent agents staff team belegschaft visitor visitors account accounts people teams "
        "members researchers "
        "admins benutzer benutzern nutzer nutzern anwender anwendern kunde kunden mitarbeiter "
        "mitarbeitern kollegen kolleginnen besucher personen konto konten"
    ),
    # fails
    "w": "down",
    "a": "ausgefallen",
    "h": "steht stehen stillsteht",
    "F": "offline unreachable unavailable inaccessible unresponsive lahmgelegt",
    "f": "dead crashed stopped halted dark gone weg tot abgestuerzt zusammengebrochen",
    "L": "ausgesperrt",
    "k": "standstill stillstand",
    "l": "loss",
    # reachable, works: with a negation
    "R": (
        "reachable available accessible responding respond responds answering answer answers "
        "working works loads erreichbar verfuegbar antwortet antworten reagiert reagieren "
        "funktioniert funktionieren laeuft laufen geht"
    ),
    # work, log in: with a negation or with nobody
    "W": "work login connect arbeiten anmelden einloggen verbinden rein hinein",
    # an outage, by a noun of its own
    "O": (
        "outage ausfall totalausfall komplettausfall systemausfall produktionsausfall "
        "produktionsstillstand"
    ),
    # amounts are down in another way
    "q": (
        "sales costs prices numbers figures rates fees traffic revenue load usage latency orders "
        "output kosten preise zahlen umsatz umsaetze last"
    ),
    "m": "anymore mehr",
    "y": "that which who being could",
    "g": (
        "at to from into in on of with able can gets get can kann koennen kommt sich von "
        "bei fuer am und does do did come comes came einziger einzige einziges single one longer "
        "vor ein paar wenigen einigen minuten minute stunden stunde few minutes hours hour ago aus "
        "two three four five both any since right gar ueberhaupt seit us uns hier here access "
        "your ihrer eurer"
    ),
}
_LETTERS = {word: letter for letter, listed in reversed(_WORDS.items()) for word in listed.split()}
# Without words of two of these sets, and without a noun, a line describes no outage.
_FAILURES = frozenset(word for letters in "waFfhkLl" for word in _WORDS[letters].split()) | {
    "locked", "lost", "standing", "stands", "liegt",
}  # fmt: skip
_TOTAL = frozenset(word for letters in "ADEVNPSBe" for word in _WORDS[letters].split())
_NEGATIONS = frozenset(_WORDS["N"].split()) | frozenset(_WORDS["0"].split()) | {
    "no", "not", "t", "cannot", "unable", "never", "nicht", "kein", "keine", "keinen", "keinem",
}  # fmt: skip
_ABILITIES = frozenset(word for letters in "RW" for word in _WORDS[letters].split()) | {
    "log", "sign", "get", "gets", "access", "reach", "do", "ins", "kommt", "kommen",
}  # fmt: skip
_NOUNS = frozenset(_WORDS["O"].split())
_PAIRS = {
    ("locked", "out"): "L", ("lost", "access"): "L", ("log", "in"): "W", ("sign", "in"): "W",
    ("get", "in"): "W", ("gets", "in"): "W", ("get", "into"): "W", ("gets", "into"): "W",
    ("kommt", "in"): "W", ("kommen", "in"): "W", ("kommt", "an"): "W", ("kommen", "an"): "W",
    ("out", "for"): "w",
    ("reach", "us"): "W", ("do", "anything"): "W", ("access", "the"): "W", ("ins", "system"): "W",
    ("live", "system"): "P", ("no", "one"): "N", ("any", "more"): "m", ("at", "all"): "m",
    ("standing", "still"): "k", ("stands", "still"): "k", ("steht", "still"): "k",
    ("stehen", "still"): "k", ("liegt", "still"): "k", ("out", "of"): "x", ("one", "of"): "p",
}  # fmt: skip
_ENDINGS = (
    "anlage", "system", "systeme", "datenbank", "server", "cluster", "shop", "portal", "dienst",
)  # fmt: skip
"""Of German compounds such as `Buchungssystem`."""
_OF_TESTS = ("test", "demo", "staging", "schulung", "uebung", "entwicklung")
_G = "g{0,8}"
_NOT = "ng{0,3}"
_FAILS = rf"(?:Dg?)?(?:[wFfahk]|{_NOT}[RW]|Rg?n)"
_SHUT = rf"(?:[wF]|{_NOT}R|Rn)"
_THING = "(?:[SsPBeW]|(?<![xTqy~])x(?:~x)?)"
_ALL_OF_US = "(?:V(?:g{1,2}B)?|Ap?g{0,4}[UsB])"
_STOP = r"(?=m|g{0,4}(?:$|[.,:;()!&-]))"
_OUTAGES = tuple(
    re.compile(form)
    for form in (
        "O",  # an outage
        # the whole platform is offline, all servers on your platform are down
        rf"Ap?g{{0,4}}(?:x~?)?P?~?[SsPB](?:g{{2,3}}[SsPBx])?{_G}{_FAILS}",
        rf"P~?[Ss]?{_G}{_FAILS}",  # production has crashed
        rf"Px{{1,2}}{_G}(?:F|Dg?[wFa])",  # our production rendering farm is completely down
        rf"S(?:x~[xP])?{_G}(?:[wa]|h{_STOP})",  # the database is down
        rf"E{_G}{_FAILS}",  # everything has stopped
        rf"{_THING}{_G}Dg?{_SHUT}",  # Acme is completely down
        rf"[SsPB]{_G}Dg?a",  # das Portal ist komplett ausgefallen
        rf"{_THING}{_G}{_SHUT}m?g?,?g{{0,4}}{_ALL_OF_US}",  # Acme is down for all users
        rf"{_THING}{_G}A{_G}[UsB]?{_G}(?:D)?{_SHUT}",  # ist für alle nicht erreichbar
        rf"[SsPBe]{_G}N{_G}R",  # is reachable for nobody
        rf"{_ALL_OF_US}{_G}L",  # all users are locked out
        rf"{_ALL_OF_US}{_G}{_NOT}W",  # the entire company is unable to work
        rf"{_G}(?:Ng{{0,5}}[UsB]?|ng{{0,3}}[UsB]){_G}m?W",  # nobody can work
        rf"0{_G}m?R(?:{_STOP}|g{{0,2}}V)",  # nothing works, nothing works for anyone
        rf"^[ge,]{{0,5}}R{_G}0{_STOP}",  # bei uns geht nichts mehr
        rf"(?:[PSEe]|(?<![SsP])B|Ag?x){_G}A?k",  # the business is at a standstill
        r"Ag?k|Al[gA]{0,4}[Ss]",  # complete loss of service
    )
)


class Outage(NamedTuple):
    begin: int
    end: int
    is_noun: bool
    """Whether only a noun says so, such as "outage"."""


def outages(words: Sequence[Word]) -> Iterator[Outage]:
    """Where a sentence describes an outage."""
    letters = _letters(words)
    for form in _OUTAGES:
        for found in form.finditer(letters):
            yield Outage(found.start(), found.end(), found.end() - found.start() == 1)


def is_only_a_noun(words: Sequence[Word]) -> bool:
    """Whether they are a noun of outage with an adjective or two."""
    return re.fullmatch("[gxAD]{0,3}O", _letters(words)) is not None


def may_be_outage(said: frozenset[str]) -> bool:
    """Whether a line with these words may describe one."""
    if not said.isdisjoint(_FAILURES) and not said.isdisjoint(_TOTAL):
        return True
    if not said.isdisjoint(_NEGATIONS) and not said.isdisjoint(_ABILITIES):
        return True
    return not said.isdisjoint(_NOUNS)


def _letters(words: Sequence[Word]) -> str:
    letters: list[str] = []
    for index, word in enumerate(words):
        following = words[index + 1].text if index + 1 < len(words) else ""
        if word.raw == "stillstand" and any(each.raw[:1].isupper() for each in words[1:]):
            letters.append("x")  # the past of the verb
            continue
        letters.append(_PAIRS.get((word.text, following)) or _letter(word))
    return "".join(letters)


def _letter(word: Word) -> str:
    text, code = word.text, word.code
    if not word.raw or code == "T":
        return _LETTERS.get(text, code)
    if text not in _LETTERS and (code == "n" or text == "unable"):
        return "n"
    if letter := _LETTERS.get(text):
        return letter
    if text.startswith(_OF_TESTS):
        return "z"
    if text.endswith(_ENDINGS) and code != "z":
        return "s"
    if text in PHRASE_GAPS or code in "fb" or text.isdecimal():
        return "g"
    return {"h": "y", "q": "y", "c": "y", "m": "y", "z": "z"}.get(code, "x")
