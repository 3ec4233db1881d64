"""A request for every page of the console and of the API that is got, made from their routes.

A new route is asked for too; one with a parameter needs a value in `SampleRows.values`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from functools import partial
from urllib.parse import quote

from sqlalchemy import func, select

from gateway import clock
from gateway.web.api.auth import ACTOR_HEADER, Scope
from gateway.web.api.queries import MailboxQuery
from gateway.web.api.routes import OPERATIONS
from gateway.web.console.context import PREFIX
from gateway.web.console.cookies import Cookie
from gateway.web.console.routes import ROUTES
from gateway.web.console.sessions import new_secret
from rules.service.console_roles import ConsoleRole
from storage.db.database import Connection, Database
from storage.db.ledger import open_ledger
from storage.db.tables import (
    AttachmentRow,
    CommentRow,
    MailRow,
    NoticeRow,
    PersonRow,
    TicketRow,
    table,
)
from storage.registry import api_tokens, console_users
from tests.bench.processes import Failed
from tests.running import Postern
from tests.storage.db.listings import ANN, BEN, COMPANY, FREQUENT, RARE, SAM, SUPPORT, TICKET

API_TICKETS = "/api/v1/tickets"
QUERIES: Mapping[str, tuple[str, ...]] = {
    "/console/tickets": (
        "",
        *(f"view={view}" for view in ("overdue", "claimed", "review")),
        *(f"status={status}" for status in ("all", "closed", "pending")),
        f"assignee={SAM}",
        "assignee=nobody",
        f"customer={ANN}",
        "customer=Company+1",
        *(f"tag={tag}&status=all" for tag in (FREQUENT, RARE, "unknown")),
        "severity=Low",
        "severity=High&status=all",
        *(f"q={words}&status=all" for words in ("pri*", "garden+printer", "number5555", "xyzzy")),
        f"q=pri*&tag={RARE}",
        f"mailbox={SUPPORT.address}&view=overdue",
    ),
    "/console/journal": (
        "",
        "verdict=held",
        "verdict=refused&reason=stranger",
        f"text={ANN}",
        "text=xyzzy",
    ),
    "/console/outbox": tuple(f"view={view}" for view in ("failed", "late", "waiting", "withdrawn")),
    "/console/people": ("", "text=customer.7", "text=xyzzy"),
    "/console/figures": ("", "span=day", "span=fortnight", "span=quarter"),
    "/api/v1/journal": ("", "verdict=held", "text=xyzzy"),
    "/api/v1/outbox": ("", "view=late", f"ticket={TICKET}", f"address={ANN}", f"address={SAM}"),
    "/api/v1/people": ("", "text=xyzzy"),
    "/api/v1/companies": ("", "text=xyzzy"),
    API_TICKETS: (
        "",
        *(f"status={status}" for status in ("open", "closed", "pending")),
        *(f"tag={tag}" for tag in (FREQUENT, RARE)),
        f"assignee={SAM}",
        "assignee=",
        f"requester={ANN}",
        f"company={COMPANY}",
        "severity=Low",
        *(f"{view}=true" for view in ("overdue", "claimed", "review")),
        *(f"q={words}" for words in ("pri*", "garden+printer", "xyzzy")),
        "since=2026-11-01T00:00:00Z",
        "limit=200",
    ),
}
"""What each list is asked for besides all that it has."""
OF_CUSTOMERS = tuple(
    (address, query)
    for address in (ANN, BEN)
    for query in ("list=mine", "list=cc", "list=organisation", "list=cc&status=resolved")
)
FILE = "report.txt"
SCOPES = " ".join((Scope.STAFF, Scope.HELD, Scope.OUTBOX, Scope.REGISTRY, Scope.READ))


@dataclass(frozen=True, slots=True)
class PageRequest:
    name: str
    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SampleRows:
    """What the pages of one thing show: a ticket with a long thread, to which a mail with a file
    and an image has come, and a held mail."""

    values: Mapping[str, str]
    """By the path with the parameter at its end, or by its name."""

    @classmethod
    def made(cls, postern: Postern, database: Database) -> SampleRows:
        """Send the mails, and look up what became of them. Raises Failed."""
        requester, parent = database.read(_opening)
        answer = _mail(requester, "Here it is")
        answer["In-Reply-To"] = answer["References"] = parent
        answer.add_alternative('<p>See <img src="cid:picture"></p>', subtype="html")
        html = answer.get_payload(1)
        assert isinstance(html, EmailMessage)
        html.add_related(_GIF, "image", "gif", cid="<picture>")
        answer.add_attachment(b"A report", "text", "plain", filename=FILE)
        stranger = "new@a.example"
        for author, mail in ((requester, answer), (stranger, _mail(stranger, "I am new here"))):
            code, reply = postern.send(mail.as_bytes(policy=SMTP), author, SUPPORT.address)
            if code != 250:
                raise Failed(f"{mail['Subject']}: {code} {reply}")
        return cls(database.read(_values))

    def path(self, route: str) -> str:
        """A route with a value for each parameter. Raises Failed for one without."""

        def value(found: re.Match[str]) -> str:
            value = self.values.get(route[: found.end()]) or self.values.get(found[1])
            if value is None:
                raise Failed(f"{route} needs a sample of {found[1]}: see tests/bench/{__name__}")
            return quote(value)

        return re.sub(r"\{(\w+)\}", value, route)


def requests(postern: Postern, database: Database) -> Iterator[PageRequest]:
    """Every page with each of its queries."""
    cookie, token, portal = new_secret(), new_secret(), new_secret()
    ledger = open_ledger(database)
    ledger.submit(partial(_enter, cookie=cookie, token=token, portal=portal)).result()
    ledger.close()
    samples = SampleRows.made(postern, database)
    browser = {"Cookie": f"{Cookie.SESSION.value}={cookie}"}
    for route in ROUTES:
        if route.method == "GET":
            yield from _asked(f"{PREFIX}{route.path}", samples, browser)
    tool = {"Authorization": f"Bearer {token}", ACTOR_HEADER: SAM}
    for operation in OPERATIONS:
        if operation.method == "GET":
            here = issubclass(operation.query, MailboxQuery)
            more = f"mailbox={SUPPORT.address}" if here else ""
            yield from _asked(operation.path, samples, tool, more)
    for address, query in OF_CUSTOMERS:
        headers = {"Authorization": f"Bearer {portal}", ACTOR_HEADER: address}
        path = f"{API_TICKETS}?{query}"
        yield PageRequest(f"{path} as {address}", path, headers)


def _asked(
    route: str, samples: SampleRows, headers: Mapping[str, str], more: str = ""
) -> Iterator[PageRequest]:
    path = samples.path(route)
    for query in QUERIES.get(route, ("",)):
        name = f"{route}?{query}" if query else route
        both = "&".join(part for part in (query, more) if part)
        yield PageRequest(name, f"{path}?{both}" if both else path, headers)


def _enter(connection: Connection, cookie: str, token: str, portal: str) -> None:
    """Log an administrator in, and register the tokens of a tool and of a portal."""
    now = clock.now()
    console_users.invite(connection, SAM, ConsoleRole.ADMIN, now)
    console_users.begin_session(connection, SAM, cookie, now, "127.0.0.1")
    api_tokens.add_api_token(connection, token, "tool", SCOPES, now)
    api_tokens.add_api_token(connection, portal, "portal", Scope.PORTAL, now)


def _mail(author: str, subject: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = author, SUPPORT.address, subject
    mail["Message-ID"] = f"<{new_secret()}@bench.example>"
    mail.set_content("It does not print.")
    return mail


def _opening(connection: Connection) -> tuple[str, str]:
    """The requester of the long ticket, and the Message-ID of the mail that opened it."""
    ticket = table(TicketRow)
    query = select(ticket.c.requester, ticket.c.message_id).where(ticket.c.id == TICKET)
    row = connection.execute(query).one()
    return row.requester, row.message_id


def _values(connection: Connection) -> Mapping[str, str]:
    comment, attachment = table(CommentRow), table(AttachmentRow)
    person, mail, notice = table(PersonRow), table(MailRow), table(NoticeRow)
    last = select(func.max(comment.c.id)).where(comment.c.ticket_id == TICKET)
    number = connection.execute(last).scalar_one()
    of_mail = select(comment.c.journal_id).where(comment.c.id == number)
    of_comment = select(attachment.c.id, attachment.c.part).where(attachment.c.comment_id == number)
    file = connection.execute(of_comment.where(attachment.c.name == FILE)).one()
    picture = connection.execute(of_comment.where(attachment.c.name != FILE)).one()
    held = select(mail.c.journal_id).where(mail.c.state == "held").order_by(mail.c.journal_id)
    ordered = select(notice.c.id).where(notice.c.ticket_id == TICKET).order_by(notice.c.id)
    ann = select(person.c.id).where(person.c.address == ANN)
    mails, holds, notices, people = (
        str(connection.execute(query).scalars().all()[-1])
        for query in (of_mail, held, ordered, ann)
    )
    return {
        "/console/mails/{id}": mails,
        "/console/mails/{id}/files/{part}": file.part,
        "/console/held/{id}": holds,
        "/console/outbox/{id}": notices,
        "/console/people/{number}": people,
        "/console/companies/{number}": str(COMPANY),
        "/console/policies/{name}": SUPPORT.policy,
        "/console/tickets/{number}/files/{part}": str(file.id),
        "/api/v1/held/{journal_id}": holds,
        "number": str(TICKET),
        "journal_id": mails,
        "attachment": str(file.id),
        "comment": str(number),
        "image": picture.part,
        "notice": notices,
        "company": str(COMPANY),
        "address": ANN,
    }


_GIF = bytes.fromhex("47494638396101000100800000ffffff00000021f90401000000002c000000000100010000")
_GIF += bytes.fromhex("02024401003b")
