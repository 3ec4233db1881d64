"""A server under one shipped policy, as its customers and staff see it from outside."""

from __future__ import annotations

import itertools
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import cached_property
from pathlib import Path
from smtplib import SMTP
from typing import Any, TypeVar
from urllib.parse import urlsplit

from gateway import clock as gateway_clock
from rules.mail import Mailbox
from rules.mail.bounces import HARD_BOUNCES
from rules.people import Role
from storage.db.database import Connection, Database
from storage.db.ledger import Ledger
from storage.notices import outbox, suppression
from storage.registry import companies
from storage.registry.companies import Contract, add_company
from storage.registry.mailboxes import mailbox_named
from storage.registry.people import NewPerson, add_person
from tests.acceptance.outbox import Outbox
from tests.acceptance.support_server import TIMEOUT_S, Answer, eventually, filed
from tests.gateway.web.shown_forms import filled_in
from tests.running import postern

T = TypeVar("T")
Json = dict[str, Any]

SUPPORT = "support@help.example"
SAM = "sam@help.example"
"""The only staff person."""
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
TOKENS = {"staff": "staff-token", "portal": "portal-token"}

_number = itertools.count(1)


def a_mail(sender: str, text: str, subject: str = "Help", **header: str) -> bytes:
    """A mail to support with a unique Message-ID; further keywords are header fields."""
    fields = {
        "From": sender,
        "To": SUPPORT,
        "Subject": subject,
        "Message-ID": f"<{next(_number)}@policies.example>",
        **{name.replace("_", "-").title(): value for name, value in header.items()},
    }
    lines = [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", *text.splitlines(), ""]).encode()


def plain_text(mail: EmailMessage) -> str:
    """The plain text of a mail, with each run of white space as one space."""
    body = mail.get_body(("plain",))
    assert body is not None
    return " ".join(str(body.get_content()).split())


def links_in(mail: EmailMessage, page: str) -> Sequence[str]:
    """The links in a mail to one of our pages, such as `feedback`."""
    return [each for each in plain_text(mail).split() if f"/{page}/" in each]


def timestamp(text: str | None) -> datetime | None:
    """A time in an API response; None if there is none."""
    return datetime.fromisoformat(text) if text is not None else None


def audit_lines(ticket: Json, event: str) -> list[tuple[str, str, str]]:
    """The history entries of one kind: old value, new value, reason."""
    return [(h["was"], h["became"], h["reason"]) for h in ticket["history"] if h["event"] == event]


def breached_stages(ticket: Json) -> list[str]:
    """The stages of the SLA clock whose breach is in the history."""
    return [h["subject"] for h in ticket["history"] if h["event"] == "sla_breached"]


@dataclass(frozen=True)
class Company:
    name: str
    domain: str


@dataclass(frozen=True)
class PolicyServer:
    """A running server; each test adds its own company and people."""

    smtp: tuple[str, int]
    http: str
    config: Path
    folder: Path
    database: Database
    ledger: Ledger

    # people

    def a_company(
        self,
        tier: str = "",
        first: Mapping[str, str] | None = None,
        ongoing: Mapping[str, str] | None = None,
        team: Sequence[str] = (),
        channel: str = "",
        calendar: str = "",
        visibility: str = "",
    ) -> Company:
        """Add a company; a tier applies since 2020."""
        number = next(_number)
        company = Company(f"Company {number}", f"company{number}.example")
        self.write(lambda c: add_company(c, the_mailbox(c), company.name, [company.domain]))
        if tier:
            promised = {"first": dict(first or {}), "ongoing": dict(ongoing or {})}
            contract = Contract(tier, LONG_AGO, promised, calendar)
            self.write(lambda c: companies.add_contract(c, the_mailbox(c), company.name, contract))
        self.write(lambda c: companies.set_account_team(c, the_mailbox(c), company.name, team))
        self.write(lambda c: companies.set_channel(c, the_mailbox(c), company.name, channel))
        self.write(lambda c: companies.set_visibility(c, the_mailbox(c), company.name, visibility))
        return company

    def a_user(self, company: Company | None = None) -> str:
        """Enrol a user, in a new company if none is given; their address."""
        company = company or self.a_company()
        person = NewPerson(f"user{next(_number)}@{company.domain}", "", Role.USER, company.name)
        self.write(lambda c: add_person(c, the_mailbox(c), person))
        return person.address

    def run(self, *arguments: str) -> str:
        """Run a `postern` command, which must succeed; its output."""
        done = postern(*arguments, "--config", str(self.config))
        assert done.returncode == 0, done.stderr
        return done.stdout

    def write(self, job: Callable[[Connection], T]) -> T:
        return self.ledger.submit(job).result()

    @contextmanager
    def no_mail_to(self, address: str) -> Iterator[None]:
        """Mail to an address has come back until it was suspended."""
        for _ in range(HARD_BOUNCES):
            self.write(
                lambda c: suppression.record_hard_failure(
                    c, the_mailbox(c).id, address, "550 no such user", LONG_AGO
                )
            )
        try:
            yield
        finally:
            self.write(lambda c: suppression.remove(c, the_mailbox(c).id, address))

    # incoming mail

    def send(self, raw: bytes, sender: str, *recipients: str) -> Answer:
        """Send a mail over SMTP, to support unless others are given; the last reply."""
        with SMTP(*self.smtp, timeout=TIMEOUT_S) as client:
            client.ehlo("client.example")
            code, text = client.mail(sender)
            for recipient in recipients or (SUPPORT,):
                if code == 250:
                    code, text = client.rcpt(recipient)
            if code == 250:
                code, text = client.data(raw)
        return code, text.decode()

    def open_by_mail(self, sender: str, text: str = "Please help.", **header: str) -> int:
        """Send a mail that opens a ticket; its number."""
        return filed(self.send(a_mail(sender, text, **header), sender))[1]

    def reply(self, received: EmailMessage, sender: str, text: str, **header: str) -> Answer:
        """Reply to one of our mails, to its Reply-To address, or where it came from."""
        to = str(received["Reply-To"] or SUPPORT)
        message_id = str(received["Message-ID"])
        subject = f"Re: {received['Subject']}"
        fields = {"to": to, "subject": subject, "in_reply_to": message_id, **header}
        return self.send(a_mail(sender, text, **fields), sender, to)

    def reply_as_staff(self, number: int, text: str) -> Answer:
        """Reply as Sam to the notice of a new ticket."""
        return self.reply(self.mail_to(SAM, number), SAM, text)

    def answer_below(
        self, received: EmailMessage, sender: str, answers: Mapping[str, str], **header: str
    ) -> Answer:
        """Reply to one of our mails with all of it quoted, and answers below lines of it."""
        body = received.get_body(("plain",))
        assert body is not None
        lines = ["On Mon, 6 Jul 2026 at 10:00, Support <support@help.example> wrote:", ""]
        for line in str(body.get_content()).splitlines():
            answer = next((text for part, text in answers.items() if part in line), None)
            lines += [f"> {line}", *([">", "", answer, ""] if answer is not None else [])]
        return self.reply(received, sender, "\n".join(lines), **header)

    # outgoing mail

    def mails_to(self, address: str, ticket: int | None = None) -> list[EmailMessage]:
        """All mails to an address, about one ticket if it is given, once no notice is due yet."""
        self.wait_until_sent()
        return self._mails(address, ticket)

    def now(self) -> datetime:
        """The time of the server."""
        return gateway_clock.now()

    def wait_until_sent(self) -> None:
        """Wait until no notice is due. One that is due later, such as an acknowledgement at the end
        of the pause, is not waited for."""
        eventually(self._nothing_due)

    def _nothing_due(self) -> bool | None:
        due = self.database.read(outbox.next_due)
        return True if due is None or due > self.now() else None

    def mail_to(
        self, address: str, ticket: int | None = None, containing: str = ""
    ) -> EmailMessage:
        """Wait for such a mail that contains a text; the first."""
        return eventually(
            lambda: next(
                (
                    m
                    for m in self._mails(address, ticket)
                    if containing in f"{m['Subject']} {plain_text(m)}"
                ),
                None,
            )
        )

    def all_mails(self) -> Iterator[EmailMessage]:
        """Those that were sent so far."""
        yield from (sent.mail for sent in self._outbox.mails())

    def _mails(self, address: str, ticket: int | None) -> list[EmailMessage]:
        return [
            sent.mail
            for sent in self._outbox.mails()
            if sent.to == address and (ticket is None or f"[#{ticket}]" in sent.subject)
        ]

    @cached_property
    def _outbox(self) -> Outbox:
        return Outbox(self.folder / "outbox")

    # tickets

    def ticket(self, number: int, reader: str = SAM) -> Json:
        """A ticket as the reader sees it over the API."""
        status, body = self.api("GET", f"/{number}", reader)
        assert status == 200, body
        return body

    def due(self, number: int) -> datetime | None:
        return timestamp(self.ticket(number)["due_at"])

    def change(self, number: int, actor: str = SAM, **request: Any) -> list[str]:
        """Change a ticket over the API, which must be allowed; the effects."""
        status, body = self.api("PATCH", f"/{number}", actor, request)
        assert status == 200, body
        return list(body["effects"])

    def comment(self, number: int, text: str = "We are looking into it.", actor: str = SAM) -> None:
        self.change(number, actor, comment={"text": text})

    def open_in_portal(
        self, actor: str, severity: str = "", text: str = "It is down.", **more: Any
    ) -> int:
        """Open a ticket in the portal; its number."""
        new = {"subject": "Help", "text": text, "severity": severity, **more}
        status, body = self.api("POST", "", actor, new)
        assert status == 201, body
        return int(body["number"])

    def list_tickets(self, actor: str, name: str) -> set[int]:
        """The ticket numbers in one of a customer's lists."""
        status, body = self.api("GET", f"?list={name}", actor)
        assert status == 200, body
        return {each["number"] for each in body["tickets"]}

    def people(self, number: int) -> dict[str, str]:
        """The presence of each participant by address."""
        return {p["address"]: p["presence"] for p in self.ticket(number)["people"]}

    def api(
        self, method: str, path: str, actor: str, request: Json | None = None
    ) -> tuple[int, Json]:
        """Call the ticket API with the token for staff or, for anybody else, for the portal."""
        scope = "staff" if actor == SAM else "portal"
        headers = {"Authorization": f"Bearer {TOKENS[scope]}", "X-Postern-Actor": actor}
        body = json.dumps(request).encode() if request is not None else None
        url = f"{self.http}/api/v1/tickets{path}"
        status, content = _fetch(urllib.request.Request(url, body, headers, method=method))
        return status, json.loads(content)

    def download(self, path: str, actor: str = SAM) -> bytes:
        headers = {"Authorization": "Bearer staff-token", "X-Postern-Actor": actor}
        return _fetch(urllib.request.Request(f"{self.http}{path}", headers=headers))[1]

    # pages

    def page(self, link: str, **form: str) -> tuple[int, str]:
        """GET a link or a path; with form fields, POST them as a browser does that has the page."""
        parts = urlsplit(link)
        url = f"{self.http}{parts.path}?{parts.query}"
        status, content = _fetch(urllib.request.Request(url))
        if form:
            body = urllib.parse.urlencode(filled_in(content.decode(), form)).encode()
            status, content = _fetch(urllib.request.Request(url, body))
        return status, content.decode()


def _fetch(request: urllib.request.Request) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def the_mailbox(connection: Connection) -> Mailbox:
    """The only mailbox."""
    return mailbox_named(connection, SUPPORT)
