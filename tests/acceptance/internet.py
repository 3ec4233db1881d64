"""A small Internet for the attacks: domains with their DNS, and a server that trusts no peer.

Every mail comes from 127.0.0.1. The SPF records of evil.example and hooli.example allow that
address; the other domains do not, so their mail can be proven by DKIM only.
"""

from __future__ import annotations

import itertools
import json
import smtplib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from rules.mail import Mailbox
from rules.people import Role
from rules.sender import tokens
from rules.sender.tokens import Keys, Purpose, ReplyToken
from storage.db.database import Connection, Database
from storage.db.ledger import open_ledger
from storage.db.tables import CommentRow, TicketRow, table
from storage.mail import journal
from storage.mail.journal import JournalEntry, JournalFilter
from storage.notices import overview
from storage.notices.overview import NoticeSummary
from storage.registry.companies import add_company
from storage.registry.mailboxes import add_mailbox, mailbox_named
from storage.registry.people import NewPerson, add_person, set_person_active
from storage.registry.signing_keys import load_keys
from storage.ticket import read
from storage.ticket.views import TicketView
from tests.acceptance.support_server import SALES, SUPPORT, Answer
from tests.gateway.senders import ed25519_key, rsa_key, signed
from tests.nameserver import NameServer
from tests.running import Postern, generous, initialised, serving, write_config

T = TypeVar("T")

ANN, BOB, DAN = "ann@acme.example", "bob@acme.example", "dan@acme.example"
GIL, IDA, HANK = "gil@globex.example", "ida@dept.initech.example", "hank@hooli.example"
ULA, STU, DEE = "ula@umbrella.example", "stu@strict.example", "dee@deep.example"
LOU, HUGO, VIC = "lou@loop.example", "hugo@huge.example", "vic@victim.co.example"
JOE = "joe@cust.hosting.example"
SAM, EVE = "sam@help.example", "eve@evil.example"

AUTHSERV_ID = "mx.help.example"
"""The authserv-id of the trusted relay, whose address the attackers do not have."""
COMPANIES = {
    "Acme": (ANN, BOB, DAN),
    "Globex": (GIL,),
    "Initech": (IDA, "ida@initech.example"),
    "Hooli": (HANK,),
    "Umbrella": (ULA, "una@umbrella.example"),
    "Strict": (STU,),
    "Deep": (DEE,),
    "Loop": (LOU,),
    "Huge": (HUGO,),
    "Victim": (VIC,),
    "Cust": (JOE,),
    "Lab": ("lee@lab.acme.example",),
    "Tenant": ("tim@tenant.help.example",),
    "Silent": ("sid@silent.example", "sue@silent.example"),
}
DEACTIVATED = (DAN, "una@umbrella.example", "sue@silent.example")
OTHER_HOST = "v=spf1 ip4:192.0.2.1 -all"
THIS_HOST = "v=spf1 ip4:127.0.0.1 -all"
_number = itertools.count(1)


@cache
def records() -> Mapping[tuple[str, str], Sequence[str]]:
    """The records of the DNS: TXT, and CNAME for the loops."""
    key, edwards = rsa_key(2048).record, ed25519_key().record
    texts = {
        "acme.example": OTHER_HOST,
        "_dmarc.acme.example": "v=DMARC1; p=reject",
        "s1._domainkey.acme.example": key,
        "ed._domainkey.acme.example": edwards,
        "small._domainkey.acme.example": rsa_key(512).record,
        "revoked._domainkey.acme.example": "v=DKIM1; k=rsa; p=",
        "big._domainkey.acme.example": f"{key}; n={'x' * 5000}",
        "lab.acme.example": THIS_HOST,
        "s1._domainkey.lab.acme.example": key,
        "tenant.help.example": THIS_HOST,
        "s1._domainkey.tenant.help.example": key,
        "_dmarc.globex.example": "v=DMARC1; p=quarantine",
        "globex.example": OTHER_HOST,
        "s1._domainkey.globex.example": key,
        "_dmarc.initech.example": "v=DMARC1; p=none; sp=reject",
        "s1._domainkey.initech.example": key,
        "_dmarc.hooli.example": "v=DMARC1; p=reject",
        "hooli.example": THIS_HOST,
        "umbrella.example": OTHER_HOST,
        "s1._domainkey.umbrella.example": key,
        "_dmarc.strict.example": "v=DMARC1; p=reject; adkim=s; aspf=s",
        "mail.strict.example": THIS_HOST,
        "s1._domainkey.mail.strict.example": key,
        "_dmarc.help.example": "v=DMARC1; p=reject",
        "s1._domainkey.help.example": key,
        "_dmarc.deep.example": "v=DMARC1; p=reject",
        "deep.example": "v=spf1 include:d1.deep.example -all",
        **{
            f"d{n}.deep.example": f"v=spf1 include:d{n + 1}.deep.example -all" for n in range(1, 11)
        },
        "d11.deep.example": THIS_HOST,
        "huge.example": f"v=spf1 ip4:127.0.0.1 {'exists:x.huge.example ' * 400}-all",
        "_dmarc.huge.example": f"v=DMARC1; p=reject; x={'y' * 40_000}",
        "_dmarc.co.example": "v=DMARC1; p=reject; psd=y",
        "evil.co.example": THIS_HOST,
        "s1._domainkey.evil.co.example": key,
        "_dmarc.hosting.example": "v=DMARC1; p=reject",
        "_dmarc.cust.hosting.example": "v=DMARC1; p=reject",
        "evil.hosting.example": THIS_HOST,
        "s1._domainkey.evil.hosting.example": key,
        "_dmarc.example": "v=DMARC1; p=none",
        "evil.example": THIS_HOST,
        "mail.evil.example": THIS_HOST,
        "_dmarc.evil.example": "v=DMARC1; p=none",
        "s1._domainkey.evil.example": key,
    }
    loops = {
        "_dmarc.loop.example": "_dmarc2.loop.example",
        "_dmarc2.loop.example": "_dmarc.loop.example",
        "loop.example": "www.loop.example",
        "www.loop.example": "loop.example",
        "s1._domainkey.loop.example": "s2._domainkey.loop.example",
        "s2._domainkey.loop.example": "s1._domainkey.loop.example",
    }
    return {
        **{(name, "TXT"): [text] for name, text in texts.items()},
        **{(name, "CNAME"): [target] for name, target in loops.items()},
    }


def a_mail(author: str, *fields: str | bytes, text: str = "Help!") -> bytes:
    """A mail with a unique Message-ID and with further header fields after the usual ones."""
    number = next(_number)
    return with_from(f"From: {author}", *fields, text=text, number=number)


def with_from(
    field: str | bytes, *fields: str | bytes, text: str = "Help!", number: int | None = None
) -> bytes:
    """The same with any bytes in place of From."""
    number = next(_number) if number is None else number
    lines = (
        field,
        f"To: {SUPPORT}",
        f"Subject: pump {number}",
        f"Message-ID: <{number}.attack@client.example>",
        "Date: Sat, 21 Nov 2026 06:00:00 +0000",
        *fields,
        "",
        text,
        "",
    )
    return b"\r\n".join(line.encode() if isinstance(line, str) else line for line in lines)


def signed_by(domain: str, raw: bytes, selector: str = "s1", **terms: Any) -> bytes:
    """The mail, signed by dkimpy with the key of a domain."""
    return signed(raw, domain, rsa_key(2048), selector=selector, **terms)


def genuine_mail(author: str, *fields: str | bytes, text: str = "Help!") -> bytes:
    """A mail signed by its author's domain."""
    return signed_by(author.partition("@")[2], a_mail(author, *fields, text=text))


@dataclass(frozen=True)
class Target:
    """A running server with its store and the DNS that it queries."""

    postern: Postern
    database: Database
    dns: NameServer

    def write(self, job: Callable[[Connection], T]) -> T:
        ledger = open_ledger(self.database)
        try:
            return ledger.submit(job).result()
        finally:
            ledger.close()

    def send(
        self,
        raw: bytes,
        mail_from: str = EVE,
        to: str = SUPPORT,
        helo: str = "mail.evil.example",
        source: str = "127.0.0.1",
    ) -> Answer:
        """Send one mail over a new connection; the reply to the last command."""
        with smtplib.SMTP(*self.postern.smtp, timeout=30, source_address=(source, 0)) as client:
            client.ehlo(helo)
            code, text = client.mail(mail_from)
            if code == 250:
                code, text = client.rcpt(to)
            if code == 250:
                code, text = client.data(raw)
        return code, text.decode()

    def journal(self) -> Sequence[JournalEntry]:
        """All journal entries, oldest first."""
        return self.database.read(lambda c: journal.newest(c, JournalFilter(), 100_000))

    def tail(self, *arguments: str) -> list[dict[str, Any]]:
        """The lines that `postern tail --json` prints."""
        done = self.postern.run("tail", "--json", *arguments)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def counts(self) -> tuple[int, int]:
        """The numbers of tickets and of comments in the store."""
        names = (table(TicketRow).name, table(CommentRow).name)

        def count(connection: Connection) -> tuple[int, int]:
            found = [
                connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one()
                for name in names
            ]
            return int(found[0]), int(found[1])

        return self.database.read(count)

    def ticket(self, number: int) -> TicketView:
        found = self.database.read(lambda c: read.ticket_view(c, number))
        assert found is not None
        return found

    def notices(self) -> Sequence[NoticeSummary]:
        """All notices, sent or not."""
        return self.database.read(lambda c: overview.listing(c, limit=100_000))

    @property
    def keys(self) -> Keys:
        return self.database.read(load_keys)

    @property
    def mailbox(self) -> Mailbox:
        return self.database.read(lambda c: mailbox_named(c, SUPPORT))

    def token(self, ticket: int, address: str, keys: Keys | None = None) -> str:
        """The reply address of a participant."""
        member = next(m for m in self.ticket(ticket).members if m.address == address)
        token = ReplyToken(ticket, member.id, Purpose.REPLY)
        return tokens.reply_address(keys or self.keys, self.mailbox.id, SUPPORT, token)


@contextmanager
def running_target(
    folder: Path,
    store_url: str,
    limits: str = "refusal_s = 0.1",
    relay: str = "192.0.2.200",
    peers: str = "",
    trust: str = "",
    more_relays: str = "",
    **policy: str,
) -> Iterator[Target]:
    """A server with all companies enrolled that trusts one relay and queries the DNS above.

    `peers` is a network that it trusts, if any; `trust` has further lines of that section, and
    `more_relays` further tables of relays; `policy` changes settings of its policy.
    """
    with NameServer(records()) as dns:
        dns.silent.add("silent.example")
        config = write_config(
            folder,
            store_url,
            f"""[trust]
peers = [{f'"{peers}"' if peers else ""}]
{trust}
[[trust.relays]]
peer = "{relay}/32"
authserv_id = "{AUTHSERV_ID}"
{more_relays}
[dns]
servers = ["127.0.0.1"]
port = {dns.port}
budget_s = 1.0
[limits]
{limits}
"""
            + generous(folder, **policy),
        )
        initialised(config)
        database = Database(store_url, connections=2)
        try:
            ledger = open_ledger(database)
            ledger.submit(_enrol_all).result()
            ledger.close()
            with serving(config) as running:
                yield Target(running, database, dns)
                assert running.stop() == 0
        finally:
            database.close()


def _enrol_all(connection: Connection) -> None:
    for address in (SUPPORT, SALES):
        add_mailbox(connection, address, "default")
    mailbox = mailbox_named(connection, SUPPORT)
    for name, people in COMPANIES.items():
        domains = dict.fromkeys(person.partition("@")[2] for person in people)
        add_company(connection, mailbox, name, list(domains))
        for person in people:
            new = NewPerson(person, "", Role.USER, name)
            add_person(connection, mailbox, new)
    add_person(connection, mailbox, NewPerson(SAM, "Sam", Role.STAFF, None))
    for person in DEACTIVATED:
        set_person_active(connection, mailbox, Role.USER, person, False)
    sales = mailbox_named(connection, SALES)
    add_company(connection, sales, "Acme", ["acme.example"])
    add_person(connection, sales, NewPerson(ANN, "", Role.USER, "Acme"))
