"""The mails of two weeks at a support desk, in their order: what its pages show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage

from rules.mail import StrangerHandling
from tests.gateway.web.link_pages import ANN, SAM, SUPPORT

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BOB, CLARA = "bob@acme.example", "clara.oberhuber@acme.example"
GIL, LONG = "gil@globex.example", "maximiliane.von-der-hohenstein@research.globex.example"
TINA = "tina.team@help.example"
NEW, TRAINEE = "new@acme.example", "trainee.in.the.print.room@acme.example"
SUPPLIER = "carl@labels-and-more.example"
TECHNICIAN = "a-technician-with-a-long-name@field-service.labels-and-more.example"
STRANGER = "someone@nowhere.example"
PRINTERS = "Label printers in hall 3 get no jobs"
LOG = (
    "2026-11-23 06:40:12 spooler[811]: 214 jobs waiting, device labels-3 does not answer\n" * 60
).encode()
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 90
MANUAL = b"%PDF-1.7\n" + bytes(range(255, -1, -1)) * 400


@dataclass(frozen=True)
class DemoMail:
    ago: timedelta
    author: str
    subject: str
    text: str
    cc: str = ""
    to: str = SUPPORT
    html: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)
    header: Mapping[str, str] = field(default_factory=dict)
    strangers: StrangerHandling | None = None
    peer: str = "127.0.0.1"
    """Of a client that is trusted; any other proves nothing."""

    @property
    def raw(self) -> bytes:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self.author, self.to, self.subject
        if self.cc:
            mail["Cc"] = self.cc
        for name, value in self.header.items():
            mail[name] = value
        mail.set_content(self.text)
        if self.html:
            mail.add_alternative(self.html, subtype="html")
        for name, content in self.files.items():
            kind = {"png": "image/png", "pdf": "application/pdf"}.get(name[-3:], "text/plain")
            major, minor = kind.split("/")
            mail.add_attachment(content, maintype=major, subtype=minor, filename=name)
        return mail.as_bytes()


FIRST_OF_PRINTERS = DemoMail(
    2 * DAY,
    ANN,
    f"[P1] {PRINTERS}",
    """Good morning,

since 6:40 none of the label printers in hall 3 gets a job. We restarted the print service \
twice; the queue shows 214 jobs in state "waiting". Nothing leaves the hall until it prints again.

What we tried:
- a restart of the service
- another driver (8.2.1)
- another cable

https://files.acme.example/logs/2026/11/23/a-path-without-any-space-in-it-that-does-not-break.log

product: Label server
project: hall-3
reason: problem

Kind regards
Ann

--
Ann Author, Acme Inc., Production IT
""",
    cc=f"{BOB}, {SUPPLIER}",
    html="<h1>Good morning,</h1><p>since <b>6:40</b> none of the label printers in hall 3 gets a "
    "job.</p><ul><li>a restart of the service<li>another driver (8.2.1)</ul>",
    files={"print-server-2026-11-23.log": LOG, "photo of the queue.png": PICTURE},
)


def on_printers(number: int) -> tuple[DemoMail, ...]:
    """What comes by mail to the ticket of the printers, after its first mail."""
    subject = f"Re: [#{number}] {PRINTERS}"
    return (
        DemoMail(
            44 * HOUR,
            BOB,
            subject,
            """The second shift begins at 14:00. If it does not print by then, 40 people stand idle.

On Mon, 23 Nov 2026 at 08:02, Sam Support wrote:
> Hello Ann,
>
> please send us the output of `spoolctl status --all`.
> Sam
""",
        ),
        DemoMail(43 * HOUR, "director@acme.example", subject, "When can we expect a solution?"),
        DemoMail(
            30 * HOUR,
            ANN,
            subject,
            "I am in hall 3 today and read mail in the evening.",
            header={"Auto-Submitted": "auto-generated"},
        ),
        DemoMail(
            28 * HOUR,
            SUPPLIER,
            subject,
            "We have sent a new sensor; the two of them can fit it.",
            cc=f"{CLARA}, {TECHNICIAN}",
        ),
        DemoMail(
            26 * HOUR,
            ANN,
            subject,
            "It prints again, but only every second label. The manual of the new device is "
            "enclosed.",
            files={"label-printer-8000-series-manual.pdf": MANUAL},
        ),
        DemoMail(5 * HOUR, SAM, subject, "Odd: here it prints both. Is the roll the right one?"),
    )


def _ordinary() -> tuple[DemoMail, ...]:
    """Requests and refusals of two weeks, for the lists and the figures."""
    subjects = (
        (ANN, "How do I change the sender of our invoices?"),
        (GIL, "Backup of the connection database failed, error 42"),
        (CLARA, "Zugriff für die neue Kollegin im Rechnungswesen"),
        (LONG, "Metrics of the research cluster: replication lag of several hours since Monday"),
        (BOB, "[P2] Scanner at gate 4 is slow"),
        (GIL, "Question about our next invoice"),
        (ANN, "Donaudampfschifffahrtsgesellschaftskapitänskajütenschlüsselverwaltungssoftware"),
        (CLARA, "VPN disconnects every hour"),
        (BOB, "Toner for the printers in the office"),
        (LONG, "[P1] The dashboard is down for everybody"),
    )
    text = "Hello,\n\nplease have a look at it.\nreason: question\n\nThank you"
    requests = tuple(
        DemoMail(13 * DAY - at * 31 * HOUR, author, subject, text)
        for at, (author, subject) in enumerate(subjects)
    )
    today = (
        DemoMail(8 * HOUR, CLARA, "The forms for holidays are gone", text),
        DemoMail(2 * HOUR, GIL, "[P2] Deployment of the new dashboard hangs", text),
        DemoMail(HOUR, BOB, "Please order two keyboards", text),
    )
    refused = tuple(
        DemoMail((12 - 2 * at) * DAY, f"offer{at}@cheap-toner.example", "Cheap toner!", "Buy now.")
        for at in range(6)
    )
    unproven = DemoMail(4 * DAY, GIL, "Not proven", "From anywhere.", peer="192.0.2.7")
    return _by_time((*requests, *today, *refused, unproven))


def _by_time(mails: Iterable[DemoMail]) -> tuple[DemoMail, ...]:
    return tuple(sorted(mails, key=lambda mail: mail.ago, reverse=True))


ORDINARY = _ordinary()

HELD = (
    DemoMail(
        4 * DAY,
        NEW,
        "I am new here and cannot log in",
        "Hello,\n\nmy colleague Ann gave me this address. My account says that it does not exist.\n"
        "\nBest wishes\nNina",
        cc=f"{ANN}, {SUPPLIER}",
        files={"screenshot of the login.png": PICTURE},
    ),
    DemoMail(
        30 * HOUR,
        TRAINEE,
        "A subject without any space in it: " + "x" * 80,
        "Where do I find the forms for the labels?",
    ),
    DemoMail(
        20 * HOUR,
        GIL,
        "[printing-users] New drivers",
        "There are new drivers on the list's page.",
        to="printing-users@lists.example",
        header={"List-Id": "<printing-users.lists.example>", "Precedence": "list"},
    ),
    DemoMail(
        3 * HOUR,
        STRANGER,
        "Do you have a price list?",
        "Dear Sir or Madam, please send us your prices.",
        strangers="hold",
    ),
    DemoMail(
        HOUR,
        f"{ANN}, {BOB}",
        "We both write to you",
        "We share one desk.",
        header={"Sender": ANN},
    ),
)
