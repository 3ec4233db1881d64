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
"""A reply that begins like this is an auto-responder's; a person's new request may as well."""
_ABSENT = _phrases(
    "ooo|ooto|on vacation|abwesend|abwesenheit|im urlaub|absence|absent|absente|en congé",
    "en vacances|ausente|ausencia|assente|assenza|afwezig|afwezigheid|ausência",
    "ausência temporária|frånvaro|frånvarande|fravær|fraværende|poissa|poissaolo|nieobecność",
    "nieobecna|nieobecny|nepřítomnost|neprítomnosť|távollét|отсутствую|відсутній|不在|外出|부재중",
)
"""The same, if nothing but a colon follows."""


def _alternatives(phrases: Iterable[str]) -> str:
    longest_first = sorted(map(_folded, phrases), key=len, reverse=True)
    return "|".join(re.escape(phrase) for phrase in longest_first)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


_NAMES = _alternatives(_AUTOMATIC_REPLY)
_REPLY = re.compile(rf"(?:{_NAMES})\s?:")
_OF_LOTUS_NOTES = re.compile(r"auto\s?: .{1,80}\bout of (?:the )?office\b")
_ABSENCE = re.compile(
    rf"(?:{_alternatives(_OUT_OF_OFFICE)})(?!\w)|(?:{_alternatives(_ABSENT)})\s?(?::|$)|auto\s?:"
    rf"|\[(?:{_NAMES})\]"
)
_ABSENCE_BEFORE_A_COLON = re.compile(
    rf"(?:{_alternatives((*_OUT_OF_OFFICE, *_ABSENT, 'auto'))})\s?:"
)


def automatic_reply(subject: str) -> str:
    """The beginning of a subject that no person writes: `Automatic reply:`; else empty."""
    begin = _begin(subject)
    found = _REPLY.match(begin) or _OF_LOTUS_NOTES.match(begin)
    return found[0] if found else ""


def absence(subject: str, *, reply: bool) -> str:
    """The beginning of a subject as auto-responders write it, and people now and then: `AUTO:`,
    `Out of office`; else empty. In what is no reply, a colon must follow."""
    found = (_ABSENCE if reply else _ABSENCE_BEFORE_A_COLON).match(_begin(subject))
    return found[0] if found else ""


def _begin(subject: str) -> str:
    return _folded(subject[:EXAMINED]).strip()
