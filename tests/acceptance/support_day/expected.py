"""What must come of the day, by docs/staff.md: tickets, mails and the audit trail."""

from __future__ import annotations

from dataclasses import dataclass

from tests.acceptance.policies.policy_server import SAM
from tests.acceptance.support_day.cast import ANN, BOB, CAT, DORA, EMIL, FRITZ, TINA, UWE


@dataclass(frozen=True)
class Ended:
    """A ticket at the end of the day."""

    subject: str
    status: str
    severity: str
    assignee: str
    customers: tuple[str, ...]
    """The requester first."""
    tags: tuple[str, ...] = ()


TICKETS = {
    "export": Ended("Export stops", "resolved", "Normal", SAM, (ANN, BOB), ("csv", "export")),
    "printer": Ended("Drucker im Lager", "open", "High", UWE, (DORA, EMIL)),
    "login": Ended("Login", "open", "High", TINA, (CAT,), ("login", "outage")),
    "invoice": Ended("Rechnung", "open", "Normal", "", (FRITZ,)),
    "printer twice": Ended("Drucker defekt", "closed", "Normal", "", (EMIL,)),
    "attached": Ended("Second screen", "open", "Normal", "", (BOB,)),
    "inline": Ended("Passwort", "resolved", "Normal", "", (FRITZ,)),
    "phoned": Ended("Licence", "open", "Normal", "", (ANN, BOB, CAT)),
    "export split": Ended("Export stops", "open", "Normal", TINA, (ANN,)),
}

CUSTOMERS_READ: dict[str, dict[str, str]] = {
    "export": {ANN: "On this request: bob@acme.example."},
    "export corrected": dict.fromkeys((ANN, BOB), "Hello Ann, I can reproduce the error"),
    "printer": {DORA: "Ihre Anfrage „Drucker im Lager“ hat die Nummer"},
    "printer severity": {DORA: "ob die Lampe grün leuchtet."},
    "export log": {BOB: "This is what the log says."},
    "export bob": {ANN: "I see the same error with a small file."},
    "login": {CAT: "please use the way agreed with us, such as the phone."},
    "login corrected": {CAT: "We restart the login service now."},
    "invoice": {FRITZ: "Ihre Anfrage „Rechnung“ hat die Nummer"},
    "invoice welcome": {FRITZ: "wir haben #4 erhalten und prüfen die Rechnung. Bis morgen!"},
    "printer twice": {EMIL: "Ihre Anfrage „Drucker defekt“ hat die Nummer"},
    "printer merged": {EMIL: "ist jetzt Teil der Anfrage #2."},
    "attached": {BOB: 'Your request is #6, "Second screen".'},
    "inline": {FRITZ: "Ihre Anfrage „Passwort“ hat die Nummer"},
    "phoned": {CAT: 'Your request is #8, "Licence".'},
    "phoned requester": dict.fromkeys((ANN, CAT), f"is now a request of {ANN}"),
    "export question": {BOB: "can we import XML as well?"},
    "export split": {ANN: 'Your request is #9, "Export stops".'},
    "export fixed": dict.fromkeys((ANN, BOB), "The update 5.1 repairs the export, see the manual."),
    "export thanks": {BOB: "Thank you!"},
    "printer technician": dict.fromkeys((DORA, EMIL), "Der Techniker kommt morgen um neun."),
    "printer gate": {DORA: "Bitte kommen Sie zu Tor 3."},
    "attached answer": {BOB: "Is the cable of the screen plugged in?"},
    "phoned bob": {BOB: 'You were added to request #8, "Licence".'},
    "inline answer": {FRITZ: "einen neuen Zugang. Status der Anfrage #7, „Passwort“: gelöst."},
    "phoned left": {BOB: "You will no longer receive email about #8."},
}
"""What customers read because of a mail of the day; of the others no customer is sent anything."""

NO_STAFF = {"export log again", "export away", "phoned left"}
"""Mails because of which nothing is sent to staff."""
AUTHOR_ALONE = {
    "printer merged", "export automatic", "export below", "phoned bob",
    "inline help",
}  # fmt: skip
"""Mails with a receipt, and nothing for their author's colleagues."""
ASSIGNED = {"question snoozed": TINA}
"""Mails with a receipt, and one for the colleague whom they assign the ticket to."""

MISTAKES = {
    "export greeting": "#assign me stands below other text",
    "printer both": "#note und #public schließen einander aus",
    "login unknown": "There is no command #urgent",
    "login wrong": "postern tickets set 3 --publish",
    "invoice outside": "An oder Cc außer dem Support-Team: steuer@kanzlei.example",
    "export automatic": "it is marked as automatic (Auto-Submitted)",
    "export below": "your mail has no text of its own",
}
"""Staff mails that are not sent on, and what their receipts say."""

DONE = {
    "export corrected": [f"#1 is assigned to {SAM}"],
    "printer severity": [f"#2 ist {UWE} zugewiesen", "#2 hat jetzt den Schweregrad High"],
    "login corrected": [f"#3 is assigned to {TINA}", "#3 has the tag login", "the tag outage"],
    "invoice welcome": ["#4 is snoozed until 2026-12-01"],
    "printer merged": ["#5 ist jetzt Teil von #2"],
    "attached": [f"Opened as a request of {BOB}; your own words are a note."],
    "inline": [f"Als Anfrage von {FRITZ} eröffnet; Ihre eigenen Worte sind eine Notiz."],
    "phoned": [f"Opened as a request of {CAT}"],
    "phoned requester": [f"{ANN} is the requester of #8"],
    "export split": ["a ticket is split off from #1"],
    "export fixed": ["#1 is now resolved", "#1 has the tag export", "#1 has the tag csv"],
    "question snoozed": [f"#9 is assigned to {TINA}", "#9 is snoozed until 2026-12-01"],
    "phoned bob": [f"{BOB} is now on #8"],
    "inline answer": ["#7 hat jetzt den Status"],
}
"""What the receipts of commands and forwards list."""

HISTORY = {
    "export": [
        f"08:00 {ANN} person_added {BOB} > active",
        f"08:09 {SAM} assigned > {SAM}",
        f"10:35 {SAM} split_into 9 >",
        f"10:50 {SAM} status_changed open > resolved",
        f"10:50 {SAM} tagged export >",
        f"10:50 {SAM} tagged csv >",
    ],
    "printer": [
        f"08:24 {UWE} assigned > {UWE}",
        f"08:24 {UWE} severity_changed Normal > High",
        f"08:30 {DORA} person_added {EMIL} > active",
        f"09:45 {UWE} merged_from 5 >",
    ],
    "login": [
        f"08:58 {TINA} assigned > {TINA}",
        f"08:58 {TINA} tagged login >",
        f"08:58 {TINA} tagged outage >",
    ],
    "invoice": [
        f"09:33 {TINA} snoozed > 2026-12-01 08:00 UTC",
        f"11:30 {FRITZ} snooze_ended 2026-12-01 08:00 UTC >",
    ],
    "printer twice": [f"09:45 {UWE} merged_into 2 >"],
    "attached": [],
    "inline": [f"12:20 {UWE} status_changed open > resolved"],
    "phoned": [
        f"10:25 {TINA} person_added {ANN} > active",
        f"10:25 {TINA} requester_changed {CAT} > {ANN}",
        f"12:10 {TINA} person_added {BOB} > active",
        f"12:40 {BOB} unsubscribed {BOB} >",
    ],
    "export split": [
        f"10:35 {SAM} split_from 1 >",
        f"11:40 {SAM} assigned > {TINA}",
        f"11:40 {SAM} snoozed > 2026-12-01 08:00 UTC",
        "13:00 clock snooze_ended 2026-12-01 08:00 UTC >",
    ],
}
"""The audit trail of each ticket: when, who, what, about what, and both values."""
