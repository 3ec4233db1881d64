"""Replies that express nothing but thanks: they are stored and reopen nothing.

Mistaking a complaint for thanks would lose a customer's request; mistaking thanks for a complaint
costs one look at a ticket. So every word must be in the list of harmless ones: `Thanks, still
broken` and `Thanks, please reopen` are not thanks only, since `still` and `reopen` carry meaning.
`yes` may answer a question of ours, so it is not harmless either.
"""

from __future__ import annotations

import re

from rules.mail.quoting import visible

MAX_WORDS = 5
EXAMINED_CHARACTERS = 600
"""A longer text, greeting and name included, is more than thanks."""

_GREETING_LINE = re.compile(r"[^,.!:;]{1,40}[,.!:]?")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_CAPITALISED = re.compile(r"[^\W\d_]+(?:[-'’.][^\W\d_]*)*")
_PLEASED = re.compile(
    r"[:;]-?[)D]|[\U0001F44C\U0001F44D\U0001F44F\U0001F4AA\U0001F4AF\U0001F600\U0001F601\U0001F603"
    r"\U0001F604\U0001F60A\U0001F60D\U0001F642\U0001F64C\U0001F64F\U0001F389\U0001F91D\U0001F970\u2705]"
)
_LINK = re.compile(r"<https?://[^<>\s]{1,400}>|https?://[^<>\s]{1,400}")
_REACTION_CHARACTERS = 120
_SKIN_AND_STYLE = re.compile("[\U0001f3fb-\U0001f3ff\ufe0f\u2665\u2764]")
_PUNCTUATION = re.compile(r"""[\s.,;:!…'’"*–—-]*""")


def only_thanks(text: str) -> bool:
    """Whether the visible text has at most five words that express only thanks or success, in
    English, German, French, Spanish, Italian, Dutch or Portuguese.

    Greeting and closing lines and names do not count. A question mark, a number, a link or any
    other word makes it more than thanks.
    """
    shown = visible(text).text
    if len(shown) > EXAMINED_CHARACTERS:
        return False
    lines = [line.strip() for line in shown.split("\n") if line.strip()]
    remaining = _without_name(_without_greeting(_without_closing(lines)))
    return _is_thanks(" ".join(remaining))


def is_reaction(text: str) -> bool:
    """Whether the visible text is what Gmail and Outlook write for an emoji reaction: the emoji and
    a line that somebody reacted."""
    shown = visible(text).text
    if len(shown) > EXAMINED_CHARACTERS:
        return False
    lines = [line.strip() for line in _LINK.sub(" ", shown).split("\n") if line.strip()]
    if not lines or len(lines) > 2:
        return False
    *before, last = lines
    said = last.casefold()
    by_outlook = said.endswith(":") and said.rstrip(" \u00a0:").endswith(tuple(_REACTED_TO))
    if not (by_outlook or said.rstrip(" .").endswith(tuple(_REACTED_VIA))):
        return False
    return len(last) <= _REACTION_CHARACTERS and not any(map(_WORD.search, before))


def without_salutations(text: str) -> str:
    """A short text without its greeting, its closing and the names next to them."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    above = [line for line in _without_closing(["", *lines]) if line]
    return "\n".join(_without_name(_without_greeting(above)))


def _is_thanks(remaining: str) -> bool:
    plain = _SKIN_AND_STYLE.sub("", _PLEASED.sub(" ", remaining))
    if not _PUNCTUATION.fullmatch(_WORD.sub(" ", plain)):
        return False
    words = [word.casefold().replace("’", "'") for word in _WORD.findall(plain)]
    if not words:
        return plain != remaining  # nothing but a sign of being pleased
    if not 0 < len(words) <= MAX_WORDS or any(word not in _HARMLESS for word in words):
        return False
    present = set(words)
    if present & _TOPICS and not present & _PREPOSITIONS:
        return False
    if present & _TROUBLES and not present & _SOLVED:
        return False
    return bool(present & (_THANKS | _SOLVED))


def _without_greeting(lines: list[str]) -> list[str]:
    """Without `Hi Sam,`, on its own line or before the thanks."""
    if not lines:
        return lines
    head = _GREETING_LINE.match(lines[0])
    if head is None or not _is_salutation(head[0].rstrip(",.!: "), _GREETINGS):
        return lines
    rest = lines[0][head.end() :].strip()
    return ([rest] if rest else []) + lines[1:]


def _without_closing(lines: list[str]) -> list[str]:
    """Without `Best regards,` and the names below it; also without `Best, Ann`."""
    for index, line in enumerate(lines):
        head, _, name = line.partition(",")
        closes = _is_salutation(head.rstrip(".! "), _CLOSINGS) and (not name or _is_name(name))
        if closes and index and len(lines) - index <= 3 and all(map(_is_name, lines[index + 1 :])):
            return lines[:index]
    return lines


def _without_name(lines: list[str]) -> list[str]:
    """Without the writer's name below the thanks and the addressee's name after them."""
    if len(lines) > 1 and _is_name(lines[-1]):
        lines = lines[:-1]
    if not lines:
        return lines
    before, _, last = lines[-1].rstrip(".! ").rpartition(" ")
    named = bool(before) and _is_name(last) and last.casefold() not in _HARMLESS
    thanked = before.rstrip(",").rpartition(" ")[2].casefold() in _THANKS | {"you", "much"}
    return [*lines[:-1], before] if named and thanked else lines


def _is_salutation(text: str, phrases: frozenset[str]) -> bool:
    """Whether it is one of the phrases, alone or followed by up to three names."""
    words = text.split()
    for count in range(min(4, len(words)), 0, -1):
        if " ".join(words[:count]).casefold() in phrases:
            names = " ".join(words[count:])
            return not names or names.casefold() in _EVERYBODY or _is_name(names)
    return False


def _is_name(text: str) -> bool:
    words = text.strip(" ,.!-–").split()
    return 0 < len(words) <= 3 and all(
        _CAPITALISED.fullmatch(word)
        and word[0].isupper()
        and word.rstrip(".").casefold() not in _NOT_NAMES
        for word in words
    )


def _word_set(*lists: str) -> frozenset[str]:
    return frozenset(word.casefold() for words in lists for word in words.split())


def _phrase_set(*lists: str) -> frozenset[str]:
    return frozenset(phrase.casefold() for phrases in lists for phrase in phrases.split("|"))


_THANKS = _word_set(
    "thanks thank thx tx ty thankyou danke dankeschön dank vielen merci remerciements gracias",
    "grazie bedankt dankjewel dankuwel obrigado obrigada",
)
_SOLVED = _word_set(
    "works worked working solved fixed resolved perfect perfectly",
    "funktioniert passt klappt geklappt gelöst erledigt behoben läuft perfekt",
    "marche fonctionne résolu réglé parfait funciona funcionó resuelto solucionado perfecto",
    "funziona risolto perfetto werkt opgelost gelukt funcionou resolvido perfeito",
)
_TROUBLES = _word_set("problem issue ticket fehler problème problema probleem")
_TOPICS = _word_set(
    "help support reply answer response hilfe unterstützung antwort rückmeldung aide réponse",
    "ayuda respuesta aiuto risposta hulp antwoord ajuda resposta",
)
_PREPOSITIONS = _word_set("for für pour por per voor pela pelo")
_FILLERS = _word_set(
    "you very much so many a lot again all good great excellent awesome super ok okay now",
    "everything it it's its that this the your quick fast kind done just fine cheers",
    "schön sehr herzlichen besten ihnen dir euch alles gut jetzt wieder es das die ihre deine",
    "nun schnelle prima",
    "beaucoup bien tout ça c'est est maintenant votre ton la le l'aide mille vous à nickel",
    "muchas muchísimas mil todo bien ya ahora está su tu rápida",
    "molte mille tante tutto bene ora adesso è il tuo tua vostro sua",
    "hartelijk heel erg veel je u wel alles goed nu het de weer",
    "muito muita tudo bem agora já está o sua",
)
_HARMLESS = _THANKS | _SOLVED | _TROUBLES | _TOPICS | _PREPOSITIONS | _FILLERS
_NOT_NAMES = _HARMLESS | _word_set(
    "not no nothing never still but broken fails failed failing fail error errors down offline",
    "dead crash crashed crashes again same reopen open urgent please wrong help stuck slow",
    "nicht kein keine nichts nie noch aber kaputt defekt dringend bitte abgestürzt offen leider",
    "pas non rien encore mais panne erreur urgent cassé no nada nunca pero sigue caído roto",
    "niente ancora ma errore rotto guasto niet geen niets nog maar kapot fout storing",
    "não ainda mas erro quebrado parado caiu",
)
_GREETINGS = _phrase_set(
    "hi|hello|hey|dear|good morning|good afternoon|good evening",
    "hallo|guten tag|guten morgen|guten abend|servus|moin|liebe|lieber|sehr geehrte",
    "sehr geehrter|grüezi|bonjour|bonsoir|salut|cher|chère|hola|buenos días|buenas tardes",
    "estimado|estimada|ciao|salve|buongiorno|buonasera|gentile|beste|goedemorgen|goedemiddag",
    "geachte|dag|olá|oi|bom dia|boa tarde|boa noite|caro|cara|prezado|prezada",
)
_EVERYBODY = _phrase_set(
    "all|team|everyone|everybody|there|support|support team|alle|zusammen|à tous|tous|todos"
    "|equipo|tutti|allemaal|equipe"
)
_CLOSINGS = _phrase_set(
    "best|best regards|regards|kind regards|warm regards|many thanks and regards|sincerely",
    "yours|yours sincerely|cheers|br|kr|all the best|best wishes|have a nice day",
    "gruß|grüße|viele grüße|liebe grüße|beste grüße|schöne grüße|freundliche grüße|lg|vg|mfg",
    "mit freundlichen grüßen|mit freundlichem gruß|cordialement|bien cordialement|bien à vous",
    "à bientôt|saludos|un saludo|saludos cordiales|atentamente|saluti|cordiali saluti",
    "un saluto|distinti saluti|groet|groeten|met vriendelijke groet|vriendelijke groeten|mvg",
    "cumprimentos|atenciosamente|abraço|abraços|att",
)
_REACTED_TO = _phrase_set(
    "reacted to your message|reacted to this message|hat auf ihre nachricht reagiert",
    "hat auf deine nachricht reagiert|a réagi à votre message|a réagi à ton message",
    "ha reaccionado a tu mensaje|ha reaccionado a su mensaje|reaccionó a tu mensaje",
    "ha reagito al tuo messaggio|ha reagito al messaggio|heeft gereageerd op je bericht",
    "heeft gereageerd op uw bericht|reagiu à sua mensagem|reagiu à tua mensagem",
)
"""Outlook writes one of these before a colon and the quoted mail."""
_REACTED_VIA = _phrase_set(
    "reacted via gmail|hat über gmail reagiert|a réagi via gmail|ha reaccionado mediante gmail",
    "reaccionó mediante gmail|ha reagito tramite gmail|heeft gereageerd via gmail",
    "reagiu pelo gmail|reagiu via gmail",
)
