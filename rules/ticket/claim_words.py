"""The words that the recognition of claims knows: English and German, and for the names of levels
and the word "priority" also French, Spanish, Italian, Dutch and Portuguese.

Every word is written as `folded` writes it: in lower case, `ä` as `ae`, without other accents.
"""

from __future__ import annotations

import unicodedata

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "’": "'", "`": "'", "´": "'"})


def folded(text: str) -> str:
    """The text as words are compared: NFKC, lower case, umlauts written out, without accents."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKC", text).casefold().translate(_UMLAUTS)
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFD", text)
    return "".join(c for c in apart if not unicodedata.combining(c))


def word_set(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _german(*stems: str) -> str:
    """The forms of German adjectives."""
    return " ".join(stem + end for stem in stems for end in ("", "e", "er", "es", "en", "em"))


def _strongest(stem: str) -> str:
    """The forms of `superkritisch` and its like."""
    degrees = ("super", "hyper", "mega", "ultra", "extrem", "hoch", "hoechst", "brand", "sau")
    return _german(*(degree + stem for degree in degrees))


STRONG = {
    "critical": "critical critcal critial criticial kritisch kritsch "
    + _german("kritisch")
    + " "
    + _strongest("kritisch")
    + " geschaeftskritisch betriebskritisch produktionskritisch unternehmenskritisch"
    " critique critiques critico critica criticos criticas kritiek kritieke",
    "urgent": "urgent urgently urgend urgant ugrent urgente urgentes urgenter urgentes urgenten "
    "dringendst dringlich dringent dringends eilig eilt spoed spoedeisend dringende dringendste "
    "dringendster dringendstes dringendsten "
    + _german("dringend", "dringlich", "eilig", "brandeilig")
    + " "
    + _strongest("dringend"),
    "blocking": "blocking blockierend bloquant bloquante bloccante bloqueante",
}
"""Adjectives that name the top levels, by the name that a policy may give such a level."""
NOUNS = {
    "emergency": "emergency notfall notfaelle emergencia emergenza noodgeval",
    "blocker": "blocker showstopper",
}
WEAK = {
    "high": "high hoch elevated " + _german("hoh", "erhoeht"),
    "medium": "medium mittel moderate " + _german("mittler"),
    "normal": "normal standard " + _german("normal"),
    "low": "low niedrig gering nieder " + _german("niedrig", "gering", "nachrangig"),
    "question": "question frage produktfrage",
    "trivial": "trivial cosmetic kosmetisch",
}
"""Names of levels that are words of everyday use: a claim only where they stand as a level does."""
WEAK_ABROAD = {
    "high": "haute eleve elevee alto alta hoog hoge elevada elevado",
    "medium": "moyen moyenne medio media gemiddeld",
    "normal": "normale normaal normales",
    "low": "bas basse faible bajo baja basso bassa laag lage baixo baixa",
}
"""The same in languages where they are claims only next to the word for priority."""
MIDDLE = {
    "major": "major majeur majeure schwerwiegend schwer gravierend "
    + _german("schwerwiegend", "gravierend", "erheblich"),
    "minor": "minor mineur mineure geringfuegig klein " + _german("geringfuegig"),
    "serious": "serious ernst " + _german("ernst"),
}
HIGHEST = (
    "highest top maximum maximal max utmost oberste oberster hoechst hoechster hoechste hoechsten "
    "allerhoechste allerhoechster maximale maximaler maxima maximo hoogste"
)
LOWEST = "lowest niedrigste niedrigster niedrigsten geringste geringster minimal unterste"
SIBLINGS = (("high", "major", "serious"), ("medium", "normal"), ("low", "minor", "trivial"))
"""A policy that has a level with one of these names gives it the others, unless it has them too."""
COMPOUNDS = (
    "business critical", "mission critical", "time critical", "hoechste eile", "allerhoechste eile",
    "groesste eile", "utmost urgency", "highest urgency",
)  # fmt: skip
ALARMS = ("alarmstufe rot", "code red", "red alert")
"""Nouns of several words, whatever the policy calls its first level."""

LABELS = (
    "severity priority prio urgency sev criticality importance serverity severty priorty prioity "
    "schwergrad schweregard fehlerklasse stoerungsklasse fehlerkategorie "
    "schweregrad schweregrads prioritaet prioritat dringlichkeit kritikalitaet "
    "wichtigkeit dringlichkeitsstufe prioritaetsstufe prioritaetsklasse schwere priorisierung "
    "gravite priorite severite urgence severidad prioridad gravedad urgencia severita priorita "
    "gravita urgenza prioriteit urgentie ernstgraad severidade prioridade gravidade"
)
NUMBER_LABELS = frozenset(LABELS.split()) - {"schwere"}
NUMBERS = {str(number): number for number in range(6)} | {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5,
    "null": 0, "eins": 1, "zwei": 2, "drei": 3, "vier": 4, "fuenf": 5,
}  # fmt: skip

_BY_CODE = {
    # labels
    "L": LABELS,
    # "level"
    "e": "level levels stufe klasse class rating niveau einstufung kategorie category",
    # is
    "b": (
        "is are be being remains remain became becomes become becoming turned getting isn aren "
        "'s 're its ist sind sein bleibt wird est lautet"
    ),
    # was
    "w": "was were wasn weren war waren had hatte hatten gab wurde wurden",
    # this, it
    "t": "this it that these which das dies es dieses dieser diese ce cela",
    # says little
    "f": (
        "side seite say think guess believe probably finde denke glaube meine wohl a an the our "
        "really very extremely now actually absolutely absolute absoluter absolutes absoluten "
        "acute akuter akutes akuten neuer neues of definitely clearly quite super pretty "
        "considered classified rated currently just only own new so also already too kind here "
        "there therefore thus indeed clear bit truly highly most more completely do does did don "
        "doesn didn 'd 'll 'm i we been me my us sicht view opinion ein eine einen einem einer "
        "eines der die den dem des unser unsere unserem unseren unserer sehr extrem wirklich "
        "absolut leider eindeutig definitiv ganz besonders aeusserst hoechst nur eher recht "
        "ziemlich aktuell derzeit momentan gerade inzwischen mittlerweile akut hier da daher "
        "somit jetzt auch schon bereits zu mir mich sich ich wir fuer uns un une le la les tres "
        "molto muy een het hiermit hereby klassischer klassisches klassischen "
        "classic typical typischer typisches echter echte echtes echten genuine proper real "
        "klarer klares klaren folgende folgenden folgendes daraus draus geworden overnight mal "
        "echt wahnsinnig unglaublich verdammt furchtbar total mega super "
        "ebenfalls laengst voellig vollkommen allemal locker her eigene eigenen eigener"
    ),
    # a problem
    "i": (
        "systemfehler serverausfall netzwerkausfall datenverlust issue problem thing things "
        "incident "
        "ticket case request matter situation outage failure disruption breakdown crash bug "
        "defect error fault emergency impact malfunction degradation interruption downtime loss "
        "stoerung fehler ausfall vorfall fall anfrage thema lage sache anliegen "
        "angelegenheit zustand stillstand absturz defekt meldung stoerfall auswirkung"
    ),
    # problems
    "I": (
        "issues problems incidents tickets cases requests outages failures bugs defects errors "
        "stoerungen vorfaelle faelle anfragen probleme problemen ausfaelle faellen meldungen"
    ),
    # what may have a problem
    "d": (
        "production prod live database db network storage login performance system systems server "
        "service cluster backend security business customer api infrastructure platform "
        "application app website site data infra kubernetes backup replication connection "
        "technical internal produktion datenbank netzwerk speicher produktiv technisches "
        "technischer technische produktives produktiver produktive operational functional "
        "software hardware"
    ),
    # treat, raise
    "v": (
        "oeffnen oeffne treat treated treating handle handled handling raise raised raising log "
        "logging logged classify classified classifying consider considering regard regarded rate "
        "rating mark marked marking set setting file filing filed open opening opened prioritise "
        "prioritize prioritised prioritized escalate escalating prioritising prioritizing flagged "
        "flagging move moving categorise categorize upgrade bump register submit submitting "
        "submitted report reporting reported see view process create creating declare "
        "declaring declared assign "
        "call calling lower downgrade change work behandeln behandle behandelt einstufen stufen "
        "stufe eingestuft einzustufen klassifizieren bewerten bewerte betrachten betrachte "
        "ansehen sehen sehe melden melde erfassen erfasse eroeffnen eroeffne einordnen ordnen "
        "priorisieren priorisiert priorisiere markieren markiere setzen setze bearbeiten "
        "bearbeitet bearbeite eskalieren handhaben fuehren aufnehmen nehmen anlegen hochstufen "
        "hochsetzen gilt einzuordnen erachten halten werten werte erklaeren erklaere herabstufen "
        "eintragen eintrage eingetragen einplanen einzuplanen vermerken herunterstufen aendern "
        "calls nennen nenne make makes machen mache macht"
    ),
    # as, to, with
    "a": "as to at with als auf zum mit for unter comme como come",
    # and
    "&": "and und et y ed en",
    # or
    "r": "or oder vs versus bis bzw ou",
    # because
    "c": "because due while whilst solange weil wegen wg aufgrund denn sodass",
    # in, of, for
    "o": ("on in at of for from by to into under within per am im an von aus um beim ins zum zur"),
    # have
    "H": (
        "herrscht handelt have has having face facing got experience experiencing seeing "
        "encountered "
        "encountering report reporting there 've haben hab habe hat besteht gibt liegt ongoing"
    ),
    # in a tag, besides the name
    "g": (
        "needed need needs asap attention immediately immediate required action assistance "
        "response now today fast quick quickly all team sofort sofortige sofortiger "
        "schnell umgehend umgehende noetig erforderlich wichtig important achtung benoetigt "
        "gebraucht geboten brauchen benoetigen handlungsbedarf hinweis warnung alert warning info "
        "fyi"
    ),
    # help
    "C": (
        "rueckmeldung antwort bearbeitung help assistance support attention helfen anrufen hilfe "
        "unterstuetzung rueckruf callback aide ayuda aiuto"
    ),
    # please
    "k": "please bitte pls plz kindly s'il por per",
    # a greeting
    "G": (
        "hi hello hey dear good morning afternoon evening hallo guten tag morgen abend liebe "
        "lieber moin servus bonjour hola ciao gruezi sehr geehrte geehrter damen herren"
    ),
    # you
    "y": "you u sie ihr euch ihnen",
    # a negation
    "n": (
        "not no never neither nor non without none nothing hardly barely cannot 't nobody less un "
        "nicht unkritisch kein keine keinen keinem keiner keines nichts nie niemals ohne weder "
        "noch kaum weniger niemand pas sin senza niet geen nao sem false nope nein isnt dont "
        "doesnt"
    ),
    # if, whether
    "h": (
        "if whether unless when whenever suppose supposing assume assuming imagine hypothetically "
        "example instance wonder wondering unsure perhaps maybe once until e.g i.e z.b wenn falls "
        "sobald sofern ob angenommen beispielsweise beispiel etwa vielleicht moeglicherweise "
        "eventuell gesetzt bevor si case"
    ),
    # could, would
    "m": (
        "could might may would wouldn couldn can should shall koennte koennten duerfte wuerde "
        "koennt koenntet koenntest wuerdet waere waeren sollte sollten koenne kann koennen duerfen "
        "soll sollen must darf"
    ),
    # what, how
    "q": (
        "what which who whom how why where whose wie welche welcher welches welchen welchem wer "
        "wem wen warum wieso weshalb wo wofuer wann wodurch"
    ),
    # of the past
    "p": (
        "yesterday last previous previously former formerly earlier past recent recently historic "
        "historical gestern gestrige gestrigen letzte letzten letzter letztes letztem vergangene "
        "vergangenen vergangener vorige vorigen voriger damals neulich kuerzlich frueher "
        "frueheren fruehere ehemals vorgestern vorherige vorherigen jemals behobene "
        "behobenen behobener geloeste geloesten"
    ),
    # since
    "s": "since seit",
    # solved
    "S": (
        "resolved solved fixed restored recovered over settled mitigated repaired behoben geloest "
        "erledigt beendet entwarnung wiederhergestellt vorbei repariert entstoert ueberstanden "
        "resolu risolto resuelto opgelost"
    ),
    # planned, simulated
    "z": (
        "takes turn turning plan plans planning planen intend take taking bring shut shutting "
        "scale scaled scaling simulieren simuliere planned scheduled upcoming maintenance "
        "tomorrow next future potential possible simulated simulate simulation drill exercise "
        "rehearsal test tests testing staging dev demo sandbox qa lab training geplant geplante "
        "geplanten geplanter geplantes angekuendigt angekuendigte angekuendigten bevorstehende "
        "bevorstehenden wartung naechste naechsten naechster morgige uebung probealarm testlauf "
        "testsystem testumgebung entwicklungsumgebung simulierter simulierten simulierte "
        "moegliche moeglichen moeglicher moeglicherweise kuenftige kuenftigen drohende avoid "
        "avoiding prevent preventing vermeiden verhindern probe testcluster testserver"
    ),
    # after, about, any
    "B": (
        "after before during about regarding against any every each your between concerning re "
        "following among whose without beyond nach vor waehrend bei ueber gegen jeder jede jedes "
        "jedem jeden ihre ihren ihrem ihrer euer eure betreffend bezueglich zwischen zum zur alle "
        "allen many some most several various viele einige"
    ),
    # but
    "u": "but rather sondern vielmehr eher aber",
    # appropriate
    "j": (
        "right appropriate fine enough ok okay sufficient suitable correct adequate richtig "
        "angemessen ausreichend genug passend reicht genuegt "
        "reichen genuegen"
    ),
    # about the levels themselves
    "A": (
        "mean means meaning define definition definitions defines difference differences count "
        "counts qualify qualifies sla slas policy policies process procedure criteria "
        "documentation docs guide explain understand describe described bedeutet heisst bedeutung "
        "unterschied unterschiede zaehlt reaktionszeit reaktionszeiten antwortzeit antwortzeiten "
        "ablauf prozess kriterien dokumentation erklaeren verstehen beschreibung regelung "
        "richtlinie vorgehen verfahren times hours cost costs kostet kosten price pricing preise "
        "terms conditions matrix table tabelle uebersicht overview"
    ),
    # a thing that a level describes, or that reports one
    "T": (
        "queue queues job jobs thread threads task tasks message messages mail mails email emails "
        "pod pods interrupt lane channel rule rules event events alerts alarm alarms alarme "
        "alarmen list lists "
        "flag field fields column columns label labels tag tags value values filter filters "
        "scheduling scheduler inbox traffic packet packets log logs logfile entry entries "
        "eintraege eintraegen "
        "dashboard dropdown menu button shows show displays display says said prints printed "
        "status metric metrics cve cves vulnerability vulnerabilities scanner finding findings "
        "report reports postmortem review rca analysis page notification notifications statistics "
        "plan plans planning thinking path css section mass infrastructure care contact contacts "
        "number numbers exit template templates workshop course book article manual management "
        "manager monitoring history checklist documentation insurance word words function code "
        "line lines protection preparedness recovery strategy concept scenario scenarios "
        "threshold thresholds warnings setting settings config configuration parameter option "
        "options warteschlange warteschlangen aufgabe aufgaben nachricht nachrichten kunde liste "
        "listen feld felder spalte spalten wert werte regel regeln ereignis ereignisse protokoll "
        "logmeldung zeigt anzeige anzeigen schwachstelle schwachstellen bericht berichte "
        "nachbereitung analyse statistik plaene handbuch kurs schulung konzept szenario vorlage "
        "kontakt nummer schwelle schwellwert schwellenwert grenzwert einstellung einstellungen "
        "filtert filtern benachrichtigung benachrichtigungen seite abschnitt pfad masse "
        "infrastruktur versicherung absicherung vorsorge wahrscheinlichkeit risiko meldet "
        "funktion ausdruck wort protokolliert thanks thank thx danke dank kudos fixing solving "
        "resolving returns return returned contains contain appears appear sends send map "
        "calendar feature widget icon icons view tab screen module chart learned lessons graph "
        "tracker simulator endpoint import export behebung liefert enthaelt risk probability "
        "likelihood budget version release update upgrade"
    ),
    # still
    "+": "still again ongoing immer weiterhin erneut wieder nochmals anhaltend andauernd",
}

CODES = {word: code for code, words in reversed(_BY_CODE.items()) for word in words.split()}
"""What each word is for a sentence about severity; a word in two lists is what the first says."""
_GAPS = (
    "gone went is are be 's has have had been was were currently now again still completely "
    "totally fully entirely all just suddenly a an the our of whole entire complete total "
    "for everyone system systems environment environments cluster clusters server servers service "
    "site instance platform database db datenbank deployment update um application app cloud node "
    "nodes region this morning since "
    "last night yesterday am pm utc "
    "ist sind hat haben wurde war komplett vollstaendig total ganz gerade wieder seit heute der "
    "die das des den dem unser unsere unserer unserem unseren ganze gesamte gesamten gesamter "
    "uhr frueh frueher morgen nacht mittag abend gestern kompletter komplette aktuell derzeit "
    "momentan leider jetzt im in am auf bei uns"
)
PHRASE_GAPS = frozenset(_GAPS.split())
"""What may stand between the words of a phrase."""
SMALL = frozenset(["is", "are", "the", "a", "an", "our", "ist", "sind", "der", "die", "das"])
"""What a phrase may leave out."""
PAIRS = {
    ("would", "say"): "f",
    ("used", "to"): "p", ("week", "ago"): "p", ("weeks", "ago"): "p", ("month", "ago"): "p",
    ("months", "ago"): "p", ("year", "ago"): "p", ("years", "ago"): "p", ("days", "ago"): "p",
    ("as", "soon"): "h", ("as", "long"): "h", ("so", "bald"): "h", ("in", "case"): "h",
    ("im", "fall"): "h", ("im", "falle"): "h", ("for", "example"): "h", ("for", "instance"): "h",
    ("such", "as"): "h", ("zum", "beispiel"): "h", ("what", "if"): "h",
    ("all", "clear"): "S", ("back", "up"): "S", ("up", "again"): "S", ("online", "again"): "S",
    ("works", "again"): "S", ("working", "again"): "S", ("running", "again"): "S",
    ("back", "online"): "S", ("false", "alarm"): "S", ("is", "back"): "S", ("are", "back"): "S",
    ("wieder", "online"): "S", ("wieder", "da"): "S", ("wieder", "verfuegbar"): "S",
    ("wieder", "erreichbar"): "S", ("wieder", "ok"): "S", ("laeuft", "wieder"): "S",
    ("funktioniert", "wieder"): "S", ("geht", "wieder"): "S", ("laeuft", "jetzt"): "S",
    ("no", "longer"): "n", ("nicht", "mehr"): "n", ("rather", "than"): "n", ("instead", "of"): "n",
    ("in", "ordnung"): "j", ("after", "all"): "f", ("ueber", "nacht"): "f", ("in", "terms"): "f",
    ("seit", "gestern"): "+", ("since", "yesterday"): "+",
    ("show", "stopper"): "P", ("root", "cause"): "T", ("post", "mortem"): "T",
    ("response", "time"): "A", ("response", "times"): "A", ("next", "week"): "z",
}  # fmt: skip
"""The codes of two words together."""
_TIMES = (
    "january february march april june july august september october november december januar "
    "jaenner februar maerz mai juni juli oktober dezember spring summer autumn winter fruehjahr "
    "fruehling sommer herbst"
)
TIMES = frozenset(_TIMES.split())
"""A time that a problem has been in: `the outage in October`."""
VERY_HIGH = frozenset(
    {("very", "high"), ("extremely", "high"), ("sehr", "hoch"), ("sehr", "hohe"),
     ("sehr", "hoher"), ("extrem", "hoch"), ("extrem", "hohe")}
)  # fmt: skip
