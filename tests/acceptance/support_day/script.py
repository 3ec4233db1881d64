"""The mails of the day, in their order: who writes what, when, in which client, and about what."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tests.acceptance.policies.policy_server import SAM, SUPPORT
from tests.acceptance.support_day.cast import (
    ANN,
    BOB,
    CAT,
    DORA,
    EMIL,
    FRITZ,
    OUTSIDER,
    TINA,
    UWE,
    Client,
)

OUTLOOK, GMAIL, APPLE, PHONE = Client
SCREENSHOT = ("error.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8)
LOG = ("export.log", b"08:00:01 export failed: error 42\r\n" * 40)
MANUAL = ("manual.pdf", b"%PDF-1.7\n" + bytes(range(255, -1, -1)) * 8)


class Form(StrEnum):
    TOP = "the text is above the quote"
    BELOW = "the text is below the quote"
    BARE = "nothing is quoted"
    FORWARD = "a customer's mail is forwarded below the text"
    ATTACHED = "a customer's mail is attached"
    AGAIN = "the same bytes once more"


@dataclass(frozen=True)
class Mail:
    at: str
    name: str
    """What the others call it by; of a new ticket too."""
    author: str
    client: Client
    text: str
    """`{ticket[NAME]}` is the number of a ticket that a mail has opened, `{comment[NAME]}` that of
    its comment."""
    subject: str = ""
    """Of a new mail."""
    on: str = ""
    """The ticket that it is about, by the name of its first mail."""
    answers: str = ""
    """Words of the mail that it answers; empty for the last one about the ticket."""
    to: str = ""
    """Empty for the reply address, or support for a new mail; `note` for the note address."""
    cc: str = ""
    form: Form = Form.TOP
    files: tuple[tuple[str, bytes], ...] = ()
    forwarded: tuple[str, str, str] = ("", "", "")
    """Author, subject and text of the mail that staff forward."""
    automatic: str = ""
    """The value of Auto-Submitted."""
    secret: str = ""
    """A word of the text that is for staff alone."""


DAY = (
    Mail("08:00", "export", ANN, OUTLOOK, "The export stops with error 42, see the screenshot.",
         "Export stops", cc=BOB, files=(SCREENSHOT,)),
    Mail("08:06", "export greeting", SAM, OUTLOOK,
         "Hello Ann,\n#assign me\nI can reproduce the error with a large file.", on="export"),
    Mail("08:09", "export corrected", SAM, OUTLOOK,
         "#assign me\nHello Ann,\nI can reproduce the error with a large file.",
         on="export", answers="#assign me"),
    Mail("08:15", "printer", DORA, APPLE,
         "Guten Tag,\nder Drucker im Lager druckt seit heute früh nicht mehr.", "Drucker im Lager"),
    Mail("08:20", "printer both", UWE, APPLE, "#notiz\n#öffentlich\nDer DACHS war schon wieder da.",
         on="printer", secret="DACHS"),
    Mail("08:24", "printer severity", UWE, APPLE,
         "#zuweisen ich\n#schweregrad High, sonst droht der IGEL. "
         "public: Das Lager kann nicht liefern.\nBitte prüfen Sie, ob die Lampe grün leuchtet.",
         on="printer", secret="IGEL"),
    Mail("08:30", "printer below", DORA, APPLE, "Die Lampe leuchtet rot, nicht grün.", on="printer",
         answers="Lampe grün", form=Form.BELOW, cc=EMIL),
    Mail("08:36", "export note", TINA, GMAIL, "#Note\nLast year it was the WOMBAT in the basement.",
         on="export", secret="WOMBAT"),
    Mail("08:40", "export log", ANN, OUTLOOK, "This is what the log says.", on="export",
         answers="large file", files=(LOG,)),
    Mail("08:41", "export log again", ANN, OUTLOOK, "", on="export log", form=Form.AGAIN),
    Mail("08:45", "export bob", BOB, PHONE, "I see the same error with a small file.", on="export",
         answers="large file"),
    Mail("08:50", "login", CAT, PHONE, "Production is down, nobody can log in!", "Login"),
    Mail("08:55", "login unknown", TINA, GMAIL, "#urgent\nWe restart the login service now.",
         on="login"),
    Mail("08:58", "login corrected", TINA, GMAIL,
         "#assign me\n#tag login outage\n\nWe restart the login service now.", on="login",
         answers="#urgent"),
    Mail("09:05", "login wrong", SAM, OUTLOOK, "Blame the LEMMING, not the customer.", on="login",
         answers="Production is down", to=SUPPORT, secret="LEMMING"),
    Mail("09:10", "login closed", CAT, PHONE, "#status closed\nIt works again since a minute.",
         on="login", answers="restart"),
    Mail("09:20", "invoice", FRITZ, GMAIL, "Die Rechnung 47 hat einen falschen Betrag.",
         "Rechnung"),
    Mail("09:25", "invoice outside", UWE, PHONE, "Der LURCH zahlt immer spät.", on="invoice",
         to="note", cc=OUTSIDER, secret="LURCH"),
    Mail("09:28", "invoice note", UWE, PHONE, "Der LURCH zahlt immer spät.", on="invoice",
         answers="falschen Betrag", to="note", secret="LURCH"),
    Mail("09:33", "invoice welcome", TINA, GMAIL, "#macro welcome\n#snooze 1d\nBis morgen!",
         on="invoice"),
    Mail("09:40", "printer twice", EMIL, OUTLOOK, "Unser Drucker geht nicht.", "Drucker defekt"),
    Mail("09:45", "printer merged", UWE, APPLE, "#zusammenführen {ticket[printer]}",
         on="printer twice"),
    Mail("10:00", "attached", SAM, OUTLOOK, "He grumbles like an OCELOT.", "For you",
         form=Form.ATTACHED, secret="OCELOT",
         forwarded=(BOB, "Second screen", "My second screen stays black.")),
    Mail("10:10", "inline", UWE, APPLE, "Das kam direkt an mich, der UHU.", "Fwd: Passwort",
         form=Form.FORWARD, secret="UHU",
         forwarded=(FRITZ, "Passwort", "Ich habe mein Passwort vergessen.")),
    Mail("10:20", "phoned", TINA, GMAIL,
         f"#onbehalf {CAT}\nCat called: she needs a second licence.", "Licence"),
    Mail("10:25", "phoned requester", TINA, GMAIL,
         f"#requester {ANN}\n#note\nThe GECKO pays for it.", on="phoned", secret="GECKO"),
    Mail("10:30", "export question", ANN, OUTLOOK, "Another question: can we import XML as well?",
         on="export", answers="large file"),
    Mail("10:35", "export split", SAM, OUTLOOK, "#split {comment[export question]}", on="export"),
    Mail("10:40", "export automatic", TINA, GMAIL, "I am at the HERON until Friday.", on="export",
         automatic="auto-generated", secret="HERON"),
    Mail("10:45", "export below", TINA, GMAIL, "The PARROT will call you.", on="export",
         form=Form.BELOW, secret="PARROT"),
    Mail("10:50", "export fixed", SAM, OUTLOOK,
         "#status resolved\n#tag export csv\nThe update 5.1 repairs the export, see the manual.",
         on="export", answers="small file", files=(MANUAL,)),
    Mail("11:00", "export thanks", ANN, OUTLOOK, "Thank you!", on="export", answers="update 5.1"),
    Mail("11:05", "export away", BOB, OUTLOOK, "I am out of the office until Monday.", on="export",
         answers="update 5.1", automatic="auto-replied"),
    Mail("11:10", "printer technician", UWE, PHONE, "Der Techniker kommt morgen um neun.",
         on="printer", answers="rot, nicht"),
    Mail("11:20", "printer gate", EMIL, OUTLOOK, "Bitte kommen Sie zu Tor 3.", on="printer twice",
         answers="Drucker defekt"),
    Mail("11:30", "invoice amount", FRITZ, GMAIL, "Richtig wären 120 Euro.", on="invoice",
         answers="Bis morgen"),
    Mail("11:40", "question snoozed", SAM, OUTLOOK, "# Assign\u00a0tina.\n• #snooze 1d",
         on="export split"),
    Mail("11:50", "attached answer", TINA, GMAIL, "Is the cable of the screen plugged in?",
         on="attached"),
    Mail("12:00", "attached cable", BOB, APPLE, "It was not. Now it works.", on="attached",
         answers="cable"),
    Mail("12:10", "phoned bob", TINA, GMAIL, f"#cc +{BOB}", on="phoned"),
    Mail("12:20", "inline answer", UWE, APPLE, "#status gelöst\nSie haben einen neuen Zugang.",
         on="inline"),
    Mail("12:30", "inline help", UWE, APPLE, "#hilfe", on="inline"),
    Mail("12:40", "phoned left", BOB, PHONE, "#unsubscribe", on="phoned", form=Form.BARE),
)  # fmt: skip
