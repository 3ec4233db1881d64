"""A support desk under one shipped policy, as its customers and staff see it from outside."""

from __future__ import annotations

import email
import itertools
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from smtplib import SMTP
from typing import Any, TypeVar
from urllib.parse import urlsplit

from rules.mail import Mailbox
from rules.people import Role
from storage.db.database import Connection, Database
from storage.db.ledger import Ledger
from storage.notices import outbox
from storage.registry import companies, mailboxes
from storage.registry.companies import Contract
from storage.registry.people import NewPerson, add_person
from tests.acceptance.desk import PATIENCE_S, Answer, eventually, filed
from tests.running import postern

T = TypeVar("T")
Json = dict[str, Any]

SUPPORT = "support@help.example"
SAM = "sam@help.example"
"""The one staff person of every desk here."""
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
TOKENS = {"staff": "staff-token", "portal": "portal-token"}

_number = itertools.count(1)


def a_mail(sender: str, text: str, subject: str = "Help", **header: str) -> bytes:
    """A mail to support with a Message-ID of its own; further keywords are header fields."""
    fields = {
        "From": sender,
        "To": SUPPORT,
        "Subject": subject,
        "Message-ID": f"<{next(_number)}@policies.example>",
        **{name.replace("_", "-").title(): value for name, value in header.items()},
    }
    lines = [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", *text.splitlines(), ""]).encode()


def words(mail: EmailMessage) -> str:
    """The plain text of a mail, each run of blanks and line ends as one blank."""
    body = mail.get_body(("plain",))
    assert body is not None
    return " ".join(str(body.get_content()).split())


def links_in(mail: EmailMessage, page: str) -> Sequence[str]:
    """The links of a mail to one of our pages, such as `feedback`."""
    return [word for word in words(mail).split() if f"/{page}/" in word]


def moment(text: str | None) -> datetime | None:
    """An instant of the API."""
    return datetime.fromisoformat(text) if text is not None else None


def whats(ticket: Json, what: str) -> list[tuple[str, str, str]]:
    """The audit trail's lines of one kind: was, became, why."""
    return [(h["was"], h["became"], h["why"]) for h in ticket["history"] if h["what"] == what]


@dataclass(frozen=True)
class Company:
    name: str
    domain: str


@dataclass(frozen=True)
class Desk:
    """A running desk; every test brings a company and people of its own."""

    smtp: tuple[str, int]
    http: str
    config: Path
    folder: Path
    database: Database
    ledger: Ledger

    # who is there

    def a_company(
        self,
        tier: str = "",
        first: Mapping[str, str] | None = None,
        ongoing: Mapping[str, str] | None = None,
        team: Sequence[str] = (),
        channel: str = "",
    ) -> Company:
        """A new company; with a tier, since long ago."""
        number = next(_number)
        company = Company(f"Company {number}", f"company{number}.example")
        self.write(lambda c: companies.add_company(c, here(c), company.name, [company.domain]))
        if tier:
            promised = {"first": dict(first or {}), "ongoing": dict(ongoing or {})}
            contract = Contract(tier, LONG_AGO, promised)
            self.write(lambda c: companies.add_contract(c, here(c), company.name, contract))
        self.write(lambda c: companies.set_account_team(c, here(c), company.name, team))
        self.write(lambda c: companies.set_channel(c, here(c), company.name, channel))
        return company

    def a_user(self, company: Company | None = None) -> str:
        """The address of a person who was just enrolled; of a new company where none is named."""
        company = company or self.a_company()
        person = NewPerson(f"user{next(_number)}@{company.domain}", "", Role.USER, company.name)
        self.write(lambda c: add_person(c, here(c), person))
        return person.address

    def run(self, *arguments: str) -> str:
        """What a `postern` command prints; it must succeed."""
        done = postern(*arguments, "--config", str(self.config))
        assert done.returncode == 0, done.stderr
        return done.stdout

    def write(self, job: Callable[[Connection], T]) -> T:
        return self.ledger.submit(job).result()

    # mails in

    def send(self, raw: bytes, sender: str, *recipients: str) -> Answer:
        """One mail over SMTP, to support where nobody is named; the last reply."""
        with SMTP(*self.smtp, timeout=PATIENCE_S) as client:
            client.ehlo("client.example")
            code, text = client.mail(sender)
            for recipient in recipients or (SUPPORT,):
                if code == 250:
                    code, text = client.rcpt(recipient)
            if code == 250:
                code, text = client.data(raw)
        return code, text.decode()

    def opened_by(self, sender: str, text: str = "Please help.", **header: str) -> int:
        """The number of the ticket that a mail of this person opened."""
        return filed(self.send(a_mail(sender, text, **header), sender))[1]

    def answers(self, received: EmailMessage, sender: str, text: str, **header: str) -> Answer:
        """A reply to a mail of ours, sent where its Reply-To says."""
        to = str(received["Reply-To"])
        its = str(received["Message-ID"])
        subject = f"Re: {received['Subject']}"
        copied = {"to": to, "subject": subject, "in_reply_to": its, **header}
        return self.send(a_mail(sender, text, **copied), sender, to)

    def staff_answer(self, number: int, text: str) -> Answer:
        """Sam's reply by mail to the notice of a new ticket."""
        return self.answers(self.mail_to(SAM, number), SAM, text)

    # mails out

    def mails_to(self, address: str, ticket: int | None = None) -> list[EmailMessage]:
        """All that was sent to somebody, about one ticket where it is named, once all is sent."""
        eventually(lambda: True if self.database.read(outbox.next_due) is None else None)
        return self._mails(address, ticket)

    def mail_to(
        self, address: str, ticket: int | None = None, containing: str = ""
    ) -> EmailMessage:
        """The first such mail that says something, once it is there."""
        return eventually(
            lambda: next(
                (
                    m
                    for m in self._mails(address, ticket)
                    if containing in f"{m['Subject']} {words(m)}"
                ),
                None,
            )
        )

    def _mails(self, address: str, ticket: int | None) -> list[EmailMessage]:
        wanted = f"Delivered-To: {address}\r\n".encode()
        found = []
        for path in sorted((self.folder / "outbox" / "new").glob("*")):
            raw = path.read_bytes()
            if wanted not in raw:
                continue
            mail = email.message_from_bytes(raw, policy=default)
            if ticket is None or f"[#{ticket}]" in str(mail["Subject"]):
                found.append(mail)
        return found

    # tickets

    def ticket(self, number: int, reader: str = SAM) -> Json:
        """A ticket as somebody sees it over the API."""
        status, body = self.api("GET", f"/{number}", reader)
        assert status == 200, body
        return body

    def due(self, number: int) -> datetime | None:
        return moment(self.ticket(number)["due_at"])

    def change(self, number: int, actor: str = SAM, **asked: Any) -> list[str]:
        """What a change over the API did; it must be allowed."""
        status, body = self.api("PATCH", f"/{number}", actor, asked)
        assert status == 200, body
        return list(body["effects"])

    def say(self, number: int, text: str = "We are looking into it.", actor: str = SAM) -> None:
        self.change(number, actor, comment={"text": text})

    def logged_by(self, actor: str, severity: str = "", text: str = "It is down.") -> int:
        """The number of a ticket that somebody opened in the portal."""
        new = {"subject": "Help", "text": text, "severity": severity}
        status, body = self.api("POST", "", actor, new)
        assert status == 201, body
        return int(body["number"])

    def listed(self, actor: str, which: str) -> set[int]:
        """The numbers in one of a customer's lists."""
        status, body = self.api("GET", f"?list={which}", actor)
        assert status == 200, body
        return {each["number"] for each in body["tickets"]}

    def people(self, number: int) -> dict[str, str]:
        """Everybody's presence by address."""
        return {p["address"]: p["presence"] for p in self.ticket(number)["people"]}

    def api(
        self, method: str, path: str, actor: str, asked: Json | None = None
    ) -> tuple[int, Json]:
        """A call of the ticket API: with the desk's token for staff, else with the portal's."""
        scope = "staff" if actor == SAM else "portal"
        headers = {"Authorization": f"Bearer {TOKENS[scope]}", "X-Postern-Actor": actor}
        body = json.dumps(asked).encode() if asked is not None else None
        url = f"{self.http}/api/v1/tickets{path}"
        status, content = _fetch(urllib.request.Request(url, body, headers, method=method))
        return status, json.loads(content)

    def download(self, path: str, actor: str = SAM) -> bytes:
        headers = {"Authorization": "Bearer staff-token", "X-Postern-Actor": actor}
        return _fetch(urllib.request.Request(f"{self.http}{path}", headers=headers))[1]

    # pages

    def page(self, link: str, **form: str) -> tuple[int, str]:
        """The page behind a link or a path; with form fields, what comes of posting them."""
        asked = urlsplit(link)
        path = f"{asked.path}?{asked.query}"
        body = urllib.parse.urlencode(form).encode() if form else None
        status, content = _fetch(urllib.request.Request(f"{self.http}{path}", body))
        return status, content.decode()


def _fetch(request: urllib.request.Request) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def here(connection: Connection) -> Mailbox:
    """The mailbox of every desk here."""
    return mailboxes.mailbox_named(connection, SUPPORT)
