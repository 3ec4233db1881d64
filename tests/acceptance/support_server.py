"""A running server as its customers and operators see it, and the mails that they send."""

from __future__ import annotations

import email
import hashlib
import itertools
import json
import re
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from rules.people import Role
from storage.db import raw_mail
from storage.db.database import Connection, Database
from storage.db.ledger import open_ledger
from storage.mail import journal
from storage.mail.journal import JournalEntry, JournalFilter
from storage.registry.companies import add_company
from storage.registry.mailboxes import add_mailbox, mailbox_named
from storage.registry.people import NewPerson, add_person
from storage.ticket import read
from storage.ticket.views import TicketView
from tests.acceptance.outbox import Outbox
from tests.running import Postern, generous, initialised, serving, write_config

T = TypeVar("T")

SUPPORT = "support@help.example"
SALES = "sales@help.example"
TIMEOUT_S = 20

Answer = tuple[int, str]
"""The code and the rest of a reply."""

_number = itertools.count(1)
_FILED = re.compile(r"2\.0\.0 ([0-9a-f-]{36}) filed as #(\d+)")


def a_mail(sender: str, text: str = "Help!", **header: str) -> bytes:
    """A mail to support with a unique Message-ID; further keywords are header fields."""
    number = next(_number)
    fields = {
        "from": sender,
        "to": SUPPORT,
        "subject": f"The printer, again ({number})",
        "message_id": f"<{number}@client.example>",
        **header,
    }
    lines = [f"{name.replace('_', '-').title()}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", text, ""]).encode()


def message_id_of(raw: bytes) -> str:
    """The Message-ID of a mail."""
    return str(email.message_from_bytes(raw)["Message-ID"])


def eventually(look: Callable[[], T | None], within_s: float = TIMEOUT_S) -> T:
    """Call `look` until it returns something other than None; that result."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(0.02)
    raise AssertionError(f"nothing after {within_s} s")


def filed(answer: Answer) -> tuple[UUID, int]:
    """The journal id and the ticket number in the reply to a filed mail."""
    code, text = answer
    found = _FILED.fullmatch(text)
    assert code == 250, answer
    assert found is not None, answer
    return UUID(found[1]), int(found[2])


@dataclass(frozen=True)
class SupportServer:
    """A running server with the demo enrolled and a second mailbox."""

    postern: Postern
    database: Database
    folder: Path
    lmtp: tuple[str, int]
    token: str
    """The demo's bearer token."""

    def write(self, job: Callable[[Connection], T]) -> T:
        ledger = open_ledger(self.database)
        try:
            return ledger.submit(job).result()
        finally:
            ledger.close()

    def a_person(
        self, company: str = "Acme", mailbox: str = SUPPORT, *, staff: bool = False
    ) -> str:
        """Register a person; their address."""
        local = f"person{next(_number)}"
        domain = "help.example" if staff else f"{company.lower()}.example"
        person = NewPerson(
            f"{local}@{domain}", "", Role.STAFF if staff else Role.USER, None if staff else company
        )
        self.write(
            lambda c: add_person(c, mailbox_named(c, mailbox), person),
        )
        return person.address

    def send(self, raw: bytes, sender: str, *recipients: str) -> Answer:
        """Send a mail over SMTP, to the support address unless others are given."""
        return self.postern.send(raw, sender, *(recipients or (SUPPORT,)))

    def open_ticket(self, sender: str, **header: str) -> tuple[int, str]:
        """Send a mail that opens a ticket; the ticket number and the Message-ID."""
        raw = a_mail(sender, **header)
        return filed(self.send(raw, sender))[1], message_id_of(raw)

    def ticket(self, number: int) -> TicketView:
        found = self.database.read(lambda c: read.ticket_view(c, number))
        assert found is not None
        return found

    def presence(self, number: int, address: str) -> str:
        """The presence of a person on a ticket; empty if they are not on it."""
        members = self.ticket(number).members
        return next((m.presence for m in members if m.address == address), "")

    def journal(self, raw: bytes) -> Sequence[JournalEntry]:
        """The journal entries of a mail, oldest first."""
        return self.database.read(lambda c: journal.find(c, message_id_of(raw)))

    def all_entries(self) -> Sequence[JournalEntry]:
        return self.database.read(lambda c: journal.newest(c, JournalFilter(), 1_000_000))

    def stored(self, raw: bytes, mailbox: str = SUPPORT) -> bytes:
        """The bytes in the store under this mail's digest. Raises LookupError if there are none."""
        digest = hashlib.sha256(raw).hexdigest()

        def load(connection: Connection) -> bytes:
            return raw_mail.load(connection, mailbox_named(connection, mailbox).id, digest)

        return self.database.read(load)

    def mail_to(self, address: str) -> EmailMessage:
        """The first mail that we sent to an address, once it is in the Maildir."""
        return eventually(lambda: next(iter(self.mails_to(address)), None))

    def text_to(self, address: str) -> str:
        """The plain text of the first mail that we sent to an address."""
        body = self.mail_to(address).get_body(("plain",))
        assert body is not None
        return str(body.get_content())

    def mails_to(self, address: str) -> list[EmailMessage]:
        """The mails that we have sent to an address so far."""
        return [sent.mail for sent in self._outbox.mails() if sent.to == address]

    @cached_property
    def _outbox(self) -> Outbox:
        return Outbox(self.folder / "outbox")

    def get(self, path: str) -> tuple[int, str]:
        """GET a path of the HTTP interface."""
        return _fetch(urllib.request.Request(f"{self.postern.http}{path}"))

    def push(
        self,
        raw: bytes,
        sender: str,
        *recipients: str,
        token: str | None = None,
        **more: str,
    ) -> tuple[int, dict[str, Any]]:
        """Push a mail over HTTP; further keywords are query parameters."""
        parameters = {"mail_from": sender, "rcpt": recipients, "peer": "127.0.0.1", **more}
        query = urllib.parse.urlencode(parameters, doseq=True)
        request = urllib.request.Request(
            f"{self.postern.http}/api/v1/mails?{query}", data=raw, method="POST"
        )
        if token is not None:
            request.add_header("Authorization", f"Bearer {token}")
        status, body = _fetch(request)
        return status, json.loads(body)


def _fetch(request: urllib.request.Request) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def mail_counts(metrics: str) -> Mapping[tuple[str, str], int]:
    """The number of mails by verdict and reason, from the text of /metrics."""
    line = re.compile(r'^postern_mails_total\{reason="(\w+)",verdict="(\w+)"\} ([\d.]+)', re.M)
    return {(verdict, reason): int(float(n)) for reason, verdict, n in line.findall(metrics)}


def free_port() -> int:
    """A port of the loopback that was free when this was called."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def running_support_server(folder: Path, store_url: str) -> Iterator[SupportServer]:
    """A server that also speaks LMTP, with a short delay before refusals."""
    lmtp = free_port()
    listener = f'[lmtp]\nlisten = "127.0.0.1:{lmtp}"\n[limits]\nrefusal_s = 0.05\n'
    settings = listener + generous(folder, per_network="10000", unproven="10000")
    config = write_config(folder, store_url, settings)
    token = initialised(config, "--demo").split()[-1]
    database = Database(store_url, connections=2)
    try:
        ledger = open_ledger(database)
        ledger.submit(lambda c: add_mailbox(c, SALES, "default")).result()
        ledger.submit(_enrol_for_sales).result()
        ledger.close()
        with serving(config) as running:
            yield SupportServer(running, database, folder, ("127.0.0.1", lmtp), token)
            assert running.stop() == 0
    finally:
        database.close()


def _enrol_for_sales(connection: Connection) -> None:
    add_company(connection, mailbox_named(connection, SALES), "Acme", ["acme.example"])
