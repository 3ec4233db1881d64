"""How the subjects of automatic replies begin, in the languages of the common mail servers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

EXAMINED = 120
"""Characters of a subject."""


def _phrases(*lists: str) -> tuple[str, ...]:
    return tuple(phrase for phrases in lists for phrase in phrases.split("|"))


_AUTOMATIC_REPLY = _phrases(
    "automatic reply|auto reply|auto-reply|autoreply|auto response|auto-response|autoresponse",
    "automatic response|automated reply|automated response|vacation reply|vacation response",
    "out of office autoreply",
    "out of office auto-reply|automatische antwort|automatische antwoord|automatisch antwoord",
    "abwesenheitsnotiz|abwesenheitsassistent|autom. antwort|réponse automatique",
    "respuesta automática|risposta automatica|resposta automática|resposta automàtica",
    "automatiskt svar|automatisk svar|autosvar|automaattinen vastaus|poissaoloviesti",
    "odpowiedź automatyczna|automatyczna odpowiedź|automatická odpověď|automatická odpoveď",
    "automatikus válasz|răspuns automat|автоматический ответ|автоответ|автоматична відповідь",
    "автоматичен отговор|automatski odgovor|аутоматски одговор|samodejni odgovor",
    "automaatvastus|automātiskā atbilde|automātiska atbilde|automatinis atsakymas",
    "otomatik yanıt|αυτόματη απάντηση|自動応答|自動返信|自动答复|自动回复|自動回覆|自動回應",
    "자동 회신|자동 응답|תשובה אוטומטית|מענה אוטומטי|الرد التلقائي|رد تلقائي|ตอบกลับอัตโนมัติ",
    "trả lời tự động",
)
"""Before a colon they name what the mail is; in brackets, where it is a reply."""
_OUT_OF_OFFICE = _phrases(
    "out of office|out of the office|out-of-office|away from the office|on annual leave",
    "nicht im büro|außer haus|absence du bureau|absent du bureau|fuera de la oficina",
    "fuera de oficina|fuori sede|fuori ufficio|niet op kantoor|fora do escritório",
    "ikke til stede|poza biurem|mimo kancelář|házon kívül|нет на месте|вне офиса|ofis dışında",
    "εκτός γραφείου",
)
"""A reply that begins like this may be an auto-responder's; so may a person's."""
_ABSENT = _phrases(
    "ooo|ooto|on vacation|abwesend|abwesenheit|im urlaub|absence|absent|absente|en congé",
    "en vacances|ausente|ausencia|assente|assenza|afwezig|afwezigheid|ausência",
    "ausência temporária|frånvaro|frånvarande|fravær|fraværende|poissa|poissaolo|nieobecność",
    "nieobecna|nieobecny|nepřítomnost|neprítomnosť|távollét|отсутствую|відсутній|不在|外出|부재중",
)
"""The same, of shorter words."""
_AWAY = _phrases(
    "on vacation|on leave|on holiday|urlaub|abwesend|verreist|absent|absente|en congé|en vacances",
    "ausente|de vacaciones|assente|in ferie|afwezig|op vakantie|de férias",
)
"""After `AUTO:` and a name."""
_UNTIL_WORDS = _phrases(
    "until|till|returning|bis|jusqu'au|jusqu’au|jusqu'à|hasta|fino|tot|t/m|até|til|till och med|до"
)
_FROM_WORDS = _phrases("from|back|on|vom|von|ab|zurück|du|le|desde|del|dal|van|de|fra|do|od|с")
_MONTHS = _phrases(
    "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|jän|mär|mai|okt|dez|janv|févr|mars|avr|juin",
    "juil|août|déc|ene|abr|ago|dic|gen|mag|giu|lug|set|ott|mrt|mei|maj|out|dez",
)
"""How the names of months begin."""


def _alternatives(phrases: Iterable[str]) -> str:
    longest_first = sorted(map(_folded, phrases), key=len, reverse=True)
    return "|".join(re.escape(phrase) for phrase in longest_first)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


_NAMES = _alternatives(_AUTOMATIC_REPLY)
_REPLY = re.compile(rf"(?:{_NAMES})\s?:")
_IN_BRACKETS = re.compile(rf"\[(?:{_NAMES})\]")
_OUT_OF_OFFICE_ANYWHERE = re.compile(
    rf"(?<!\w)(?:{_alternatives((*_OUT_OF_OFFICE, *_AWAY))})(?!\w)"
)
_AUTO = re.compile(r"auto\s?: ?")
_OF_LOTUS_NOTES = re.compile(r"auto\s?: .{1,80}\bout of (?:the )?office\b")
_ABSENCE = re.compile(rf"(?:{_alternatives((*_OUT_OF_OFFICE, *_ABSENT))})(?!\w)")
_SEPARATOR = re.compile(r"\s*[:,;.!|–—-]+\s*")
_DATE = re.compile(
    r"\d{1,4}[./-]\d{1,2}(?!\d)|年|月|"
    rf"(?<!\w)\d{{1,2}}(?:st|nd|rd|th|er|\.)?\s(?:de\s|of\s)?(?:{_alternatives(_MONTHS)})|"
    rf"(?<!\w)(?:{_alternatives(_MONTHS)})[a-z]*\.?\s\d{{1,2}}(?!\d)"
)
_UNTIL = re.compile(
    rf"(?:{_alternatives(_UNTIL_WORDS)})(?!\w)(?=.{{1,30}}$|.{{0,30}}\d)"
    rf"|(?:{_alternatives(_FROM_WORDS)})(?!\w)\s(?=\d{{1,2}}[./-]|\d{{1,2}}\s[^\d\s]|\d{{4}}-)"
)
_COPY = re.compile(r"(?:re|aw|antw|antwort|sv|vs|odp|res|rép|rif|r|fw|fwd|wg|tr|rv)\s?: |.{0,9}\[#")
_WORD = re.compile(r"\w+")


def automatic_reply(subject: str) -> str:
    """The beginning of a subject that hardly anybody writes: `Automatic reply:`; else empty."""
    begin = _begin(subject)
    found = _REPLY.match(begin) or _OF_LOTUS_NOTES.match(begin)
    return found[0] if found else ""


def absence(
    subject: str, replied: Iterable[str] = (), author: str = "", *, declared: bool = False
) -> str:
    """The beginning of a subject as auto-responders write it, and people now and then: `AUTO:`,
    `Out of office`; else empty.

    After it nothing may follow but what auto-responders put there: a date, the subject of what they
    answer (one of `replied`, or one with a mark of a reply), or a name out of the From field
    `author`. Else a person writes about an absence, or about a car; unless the mail is `declared`
    as a machine's and a colon follows.
    """
    begin = _begin(subject)
    copied = tuple(filter(None, map(_begin, replied)))
    if begin in copied:
        return ""  # the subject of the request itself
    if found := _IN_BRACKETS.match(begin):
        return found[0]
    if found := _AUTO.match(begin):
        rest = begin[found.end() :]
        is_absence = _OUT_OF_OFFICE_ANYWHERE.search(rest) or _is_copy(rest, copied)
        return found[0].strip() if is_absence else ""
    found = _ABSENCE.match(begin)
    if not found:
        return ""
    rest = begin[found.end() :]
    ends = (declared and rest.lstrip().startswith(":")) or _ends_it(rest, copied, author)
    return found[0] if ends else ""


def begins_as_absence(subject: str) -> bool:
    """Whether it begins as `absence` may find it, whatever the mail answers and who wrote it."""
    begin = _begin(subject)
    return any(each.match(begin) for each in (_IN_BRACKETS, _AUTO, _ABSENCE))


def _ends_it(rest: str, copied: tuple[str, ...], author: str) -> bool:
    separator = _SEPARATOR.match(rest)
    said = rest[separator.end() :] if separator else rest.strip()
    if not said or said.startswith("(") or _UNTIL.match(said) or _DATE.match(said):
        return True
    if not separator:
        return False
    names = set(_WORD.findall(_folded(author)))
    is_name = set(_WORD.findall(said)) <= names
    return is_name or _is_copy(said, copied) or _DATE.search(said) is not None


def _is_copy(said: str, copied: tuple[str, ...]) -> bool:
    """Whether a subject that is answered follows."""
    return _COPY.match(said) is not None or any(said.endswith(each) for each in copied)


def _begin(subject: str) -> str:
    return _folded(subject[:EXAMINED]).strip()
