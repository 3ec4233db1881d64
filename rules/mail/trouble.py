"""Whether a text says that something is broken, or broken again.

Only an alert depends on it: one too many costs a look at a ticket, one too few leaves a customer
who answered the request for feedback without help.
"""

from __future__ import annotations

import re

from rules.mail.extent import squeezed
from rules.mail.quoting import own_text

_EXAMINED_CHARACTERS = 4_000
_SOLVED = re.compile(
    r"(?<!not )(?<!n't )\b(?:works?|working|worked|runs?|running|prints?|fine|ok) again\b"
    r"|(?:funktioniert|geht|läuft|druckt|klappt) (?:jetzt |nun )?wieder(?! nicht)\b"
    r"|(?<!ne )\b(?:marche|fonctionne) (?:à|de) nouveau\b|\bfunziona di nuovo\b"
    r"|(?<!no )\bfunciona de nuevo\b|\bwerkt weer\b(?! niet)",
    re.IGNORECASE,
)
_TROUBLE = re.compile(
    r"\b(?:again|still|broken|broke|reopen|unresolved|unsolved|fails?|failed|failing|crash\w*|worse"
    r"|(?:not|\w+n't) (?:\w+ )?(?:work\w*|fixed|solved|resolved|print\w*|start\w*|gone)"
    r"|is back|came back|same (?:problem|issue|error|fault)|no better"
    r"|wieder|(?:immer )?noch (?:immer|nicht)|kaputt|defekt"
    r"|(?:funktioniert|geht|läuft|druckt) nicht"
    r"|nicht (?:gelöst|behoben|erledigt)|derselbe fehler|das gleiche problem|schlimmer"
    r"|encore|toujours|en panne|ne (?:marche|fonctionne) (?:pas|plus)|pas (?:résolu|réglé)|rouvrir"
    r"|otra vez|de nuevo|todavía|sigue|no funciona|no (?:está )?(?:resuelto|solucionado)|reabrir"
    r"|ancora|di nuovo|non funziona|non (?:è )?risolto|riaprire"
    r"|nog steeds|alweer|weer|kapot|werkt niet|niet opgelost"
    r"|de novo|ainda|não funciona|não (?:está |foi )?resolvido)\b",
    re.IGNORECASE,
)


def says_trouble(text: str) -> bool:
    """In English, German, French, Spanish, Italian, Dutch or Portuguese."""
    own = squeezed(own_text(text)[:_EXAMINED_CHARACTERS]).replace("’", "'")
    return _TROUBLE.search(_SOLVED.sub(" ", own)) is not None
