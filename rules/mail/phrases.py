"""The phrases with which mail clients begin quoted and forwarded mails, in several languages."""

from __future__ import annotations

import re


def _phrases(*lists: str) -> tuple[str, ...]:
    return tuple(phrase for phrases in lists for phrase in phrases.split("|"))


FORWARD_PREFIXES = frozenset(
    _phrases(
        "fw|fwd|wg|tr|rv|i|enc|doorst|vs|vb|vl|pd|továbbítás|ilt|i̇lt|πρθ|trs|chuyển tiếp",
        "转发|轉寄|転送|전달|إعادة توجيه|הועבר",
    )
)
OPENERS = frozenset(_phrases("on|at|am|le|el|il|in|op|em|no|den|w|dnia"))
VERBS = frozenset(
    _phrases(
        "wrote|writes|schrieb|schreibt|écrit|escribió|scritto|schreef|geschreven|escreveu",
        "skrev|napisał|написал|пишет|пише",
    )
)
_WORD = re.compile(r"\w++")


def has_verb(text: str) -> bool:
    """Whether a text has one of `VERBS` as a word, in any case."""
    return not VERBS.isdisjoint(_WORD.findall(text.casefold()))


FROM = frozenset(_phrases("from|von|de|da|van|från|fra|od|от|от кого"))
DATE = frozenset(
    _phrases(
        "sent|date|gesendet|datum|envoyé|envoyé le|fecha|inviato|data|verzonden|skickat|sendt|dato",
        "enviado|enviado el|enviado em|enviada|enviada em|wysłano|дата|отправлено",
    )
)
TO = frozenset(_phrases("to|an|à|a|para|aan|till|til|do|кому"))
SUBJECT = frozenset(
    _phrases("subject|betreff|objet|asunto|oggetto|onderwerp|assunto|ämne|emne|temat|тема")
)
ORIGINAL = frozenset(
    _phrases(
        "original message|original appointment|ursprüngliche nachricht|originalnachricht",
        "message d'origine|message original|mensaje original|messaggio originale",
        "oorspronkelijk bericht|origineel bericht|mensagem original",
        "opprinnelig melding|ursprungligt meddelande|wiadomość oryginalna",
    )
)
FORWARDED = frozenset(
    _phrases(
        "forwarded message|begin forwarded message",
        "weitergeleitete nachricht|anfang der weitergeleiteten nachricht",
        "anfang der weitergeleiteten e-mail|message transféré|message transmis",
        "début du message transféré|début du message réexpédié",
        "mensaje reenviado|inicio del mensaje reenviado|messaggio inoltrato",
        "inizio messaggio inoltrato|inizio del messaggio inoltrato",
        "doorgestuurd bericht|begin doorgestuurd bericht",
        "mensagem encaminhada|início da mensagem encaminhada",
        "mensagem reencaminhada|início da mensagem reencaminhada",
    )
)
FORWARDED_BY = _phrases(
    "forwarded by |weitergeleitet von |réacheminé par |transféré par |reenviado por ",
    "inoltrato da |doorgestuurd door |encaminhado por ",
)
DEVICES = _phrases(
    "sent from my |sent from mail |sent from [mail]|sent from outlook|sent from yahoo",
    "sent from proton|sent from samsung|sent from zoho|sent using zoho|get outlook for ",
    "get [outlook |von meinem iphone|von meinem ipad|von meinem mobil|gesendet von outlook",
    "gesendet mit der |envoyé de mon |envoyé depuis mon |enviado desde mi |enviado do meu ",
    "inviato da iphone|inviato da ipad|inviato dal mio |verstuurd vanaf mijn ",
    "verzonden vanaf mijn |sendt fra min |skickat från min ",
)
