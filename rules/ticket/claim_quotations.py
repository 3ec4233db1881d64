"""What a line quotes, which is somebody else's word or only the name of a level."""

from __future__ import annotations

import re

from rules.ticket.claim_words import CODES, folded

_QUOTED = re.compile(r"[\"“„«»]([^\"“”„«»]{1,120})[\"”“»«]|(?<!\w)['‘‚]([^'’‘]{2,120})['’‘](?!\w)")
_SHORT = 6
"""Words of a quotation that may be all of a line; a longer one is a template, or of somebody."""
_QUOTES = ('"', "“", "„", "«")
LEADS_TO_A_NAME = re.compile(
    r"(?:[:=]|\b(?:priority|severity|urgency|prio|prioritaet|schweregrad|stufe)(?: is| ist)?"
    r"|\b(?:as|to|als|auf|from|von|vom|at|bei|um|also|thus|hence|statt)(?: an?| einen?)?"
    r"|\b(?:calls?|rates?|consider|nenne|nennen) (?:it|this|that|es|das)(?: an?)?"
    r"|\b(?:this|that|it|das|dies|es) (?:is|ist)(?: now| jetzt| nun| inzwischen)?) *$"
)
_FOLLOWS_A_NAME = re.compile(
    r" *(?:(?:priority|severity|prio|prioritaet)\b|(?:request|ticket|case|issue|incident|anfrage|"
    r"fall|meldung|stoerung) *(?:$|[^\w ]|(?:from|for|of|by|on|in|at|von|vom|fuer|aus|zu|bei)\b))"
)
_LABEL_BEFORE = re.compile(
    r"\b(?:priority|severity|prio|prioritaet|prioritaetsklasse|prioritaetsstufe|schweregrad|stufe"
    r"|klasse|kategorie|class|category) *$"
)
_EXPLAINED = re.compile(r"((?:severity|sev|prio|priority|priorit[aä]t|stufe) [0-5]) [–-] ", re.I)
"""`We regard it as "Severity 3 - restricted function".`"""
_QUOTED_LINE = re.compile(r" *(?:subject|betreff|re|aw|fwd|wg) ?:")


def without_quotes(line: str) -> str:
    """The line without what it quotes; a short quotation stays where it names a level (`Priority:
    "high"`, `"Critical" request`), and so does one that is all of the line, but for the header
    of another mail."""

    def kept(found: re.Match[str]) -> str:
        inner = found[1] or found[2]
        start, end = found.span()
        before, after = folded(line[max(0, start - 40) : start]), folded(line[end : end + 40])
        leads = LEADS_TO_A_NAME.search(before)
        if leads and (explained := _EXPLAINED.match(inner)):
            return explained[1]
        if _QUOTED_LINE.match(folded(inner)):
            return " quoted "
        if len(inner) + 4 >= len(line) and len(inner.split()) <= _SHORT:
            return inner
        if len(inner.split()) > 2:
            return " quoted "
        if _LABEL_BEFORE.search(before) and _is_complete(after):
            return f"{inner}, "
        begins = not line[:start].strip() and _FOLLOWS_A_NAME.match(after)
        return inner if leads or begins else " quoted "

    if line.lstrip()[:1] in _QUOTES and sum(line.count(sign) for sign in _QUOTES) == 1:
        return " quoted "  # it goes on in the next line
    return _QUOTED.sub(kept, line)


def _is_complete(after: str) -> bool:
    """Whether a quoted name is the value of the label before it, by what follows."""
    follows = re.match(r" +([^\W_]+)", after)
    return follows is not None and CODES.get(follows[1], "x") not in "TIiLev"
