"""Whether an answer names what happens next: what we do, what the customer does, or when.

Only a reminder to the author depends on it: one too many costs them a look at their answer, one too
few leaves a customer at high severity without the next step.
"""

from __future__ import annotations

import re

from rules.mail.extent import squeezed
from rules.mail.quoting import own_text

_EXAMINED_CHARACTERS = 8_000
_NEXT = re.compile(
    r"\?(?: |$)"
    # English
    r"|\b(?:next (?:steps?|update|follow[- ]?up|we|i)"
    r"|(?:we|i|you|they|it|which|that) (?:will|shall)"
    r"|(?:we|i|you|they|it)'ll|going to|please|could you|can you|will be|to follow"
    r"|(?:get|come) back to you|keep you (?:posted|updated|informed)"
    r"|(?:once|as soon as|until) (?:we|you|the|it|this|that)|eta|tomorrow|tonight|later today"
    r"|(?:by|until|within|on|at) (?:the )?(?:next|end of|monday|tuesday|wednesday|thursday|friday"
    r"|saturday|sunday|noon|midnight|\d{1,2}(?::\d{2}| ?[ap]m\b| ?(?:minutes?|hours?|days?)))"
    # German
    r"|nächste[rnsm]? (?:schritte?n?|rückmeldung|update)|als nächstes|(?:wir|ich|sie) (?:werden?)"
    r"|(?:werden|werde) (?:wir|ich|sie)|bitte|können sie|könnten sie|morgen|heute noch"
    r"|(?:melden|melde) (?:wir )?(?:uns|mich)|(?:sobald|sowie) (?:wir|sie|der|die|das|es)"
    r"|bis (?:zum|spätestens|morgen|heute|montag|dienstag|mittwoch|donnerstag|freitag|\d{1,2})"
    # French
    r"|prochaines? (?:étapes?|mises? à jour)|prochain point|nous (?:allons|reviendrons|ferons)"
    r"|je (?:vais|reviendrai|ferai)|veuillez|merci de|pouvez-vous|pourriez-vous|demain"
    r"|dès que (?:nous|vous|le|la)|d'ici (?:le |la |à |demain|lundi|\d)"
    # Spanish
    r"|próximos? pasos?|próxima actualización|siguientes? pasos?|(?:vamos|voy) a|le avisaremos"
    r"|por favor|podría|puede usted|mañana|en cuanto (?:nosotros|usted|el|la)|antes del? "
    # Italian
    r"|prossim[oia] (?:passi|passo|aggiornamento)|(?:stiamo|sto) per|le faremo|(?:la )?aggiorneremo"
    r"|per favore|la preghiamo|potrebbe|può|domani|non appena|entro (?:le|il|domani|\d)"
    # Dutch
    r"|volgende (?:stappen|stap|update|terugkoppeling)|(?:wij|we|ik) (?:zullen|zal|gaan|ga)"
    r"|alstublieft|kunt u|zou u|zodra (?:wij|we|u|de|het)|vóór|uiterlijk"
    # Portuguese
    r"|próxim[oa]s? (?:passos?|atualização|etapas?)|(?:vamos|vou) |entraremos em contato"
    r"|poderia|pode |amanhã|assim que (?:nós|você|o|a)|até (?:amanhã|segunda|as|às|o dia|\d))",
    re.IGNORECASE,
)


def names_next_steps(text: str) -> bool:
    """In English, German, French, Spanish, Italian, Dutch or Portuguese."""
    own = own_text(text[:_EXAMINED_CHARACTERS])
    return _NEXT.search(squeezed(own).replace("’", "'")) is not None
