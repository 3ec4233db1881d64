"""What the footer of each kind of mail states to each of its readers, and what their reply becomes.

The notices are queued as rules order them, sent by the server, and answered through the port.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from email.message import EmailMessage
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select

from rules.decision.reasons import Verdict
from rules.people import Role
from rules.service.replying import ReplyEffect
from rules.ticket.notices import Audience, NoticeKind, NoticeState
from rules.ticket.visibility import Visibility
from storage.db.database import Connection
from storage.db.tables import CommentRow, JournalRow, NoticeRow, table
from storage.registry.people import NewPerson, add_person
from tests.acceptance.policies.policy_server import (
    SAM,
    Company,
    PolicyServer,
    plain_text,
    the_mailbox,
)
from tests.acceptance.support_server import eventually

POLICY = "default"
TOM = "tom@help.example"
"""Staff, and on no ticket."""
STATED = {
    "and your colleagues can read your reply.": ReplyEffect.PUBLIC_COMPANY,
    "and the customer's colleagues can read your reply.": ReplyEffect.PUBLIC_COMPANY,
    "veryone on #{n} can read your reply.": ReplyEffect.PUBLIC,
    "Only our team can read your reply.": ReplyEffect.FEEDBACK,
    "a reply waits as a private comment": ReplyEffect.WAITS,
    "Your reply reaches the support team only, as a comment on #{n}.": ReplyEffect.CONTACT,
    "A reply opens a new request.": ReplyEffect.NEW_REQUEST,
    "A reply is kept until you have signed up.": ReplyEffect.HELD,
}
ON_CLOSED = {NoticeKind.STATUS, NoticeKind.FEEDBACK, NoticeKind.RECEIPT}
"""Kinds that are sent about a closed request as well."""
ABOUT_NO_TICKET = {
    NoticeKind.INVITATION,
    NoticeKind.DIGEST,
    NoticeKind.KEPT,
    NoticeKind.CONSOLE_LOGIN,
    NoticeKind.EMPTY_DESK,
}


@dataclass(frozen=True)
class Scene:
    """A request with a guest, a closed one, and people who are on neither."""

    kind: NoticeKind
    company: Company
    elsewhere: Company
    number: int
    closed: int

    @property
    def requester(self) -> str:
        return f"requester@{self.company.domain}"

    @property
    def colleague(self) -> str:
        return f"colleague@{self.company.domain}"

    @property
    def newcomer(self) -> str:
        return f"new@{self.company.domain}"

    @property
    def guest(self) -> str:
        return f"guest-{self.number}@guests.example"

    @property
    def contact(self) -> str:
        return f"director-{self.number}@directors.example"

    @property
    def partner(self) -> str:
        """A contact who is a user of another company."""
        return f"manager-{self.number}@{self.elsewhere.domain}"

    def readers(self) -> tuple[tuple[str, int | None], ...]:
        """Who may be sent the kind, about which request. Whose reply adds nobody comes first."""
        traits = self.kind.traits
        if self.kind in ABOUT_NO_TICKET:
            reader = {NoticeKind.INVITATION: self.newcomer, NoticeKind.KEPT: self.requester}
            return ((reader.get(self.kind, SAM), None),)
        contacts = ((self.contact, self.number), (self.partner, self.number))
        outside = ((TOM, self.number), *(contacts if traits.to_contacts else ()))
        customers: tuple[tuple[str, int], ...] = (
            (self.guest, self.number),
            (self.requester, self.number),
        )
        if self.closed:
            # One reply opens the request that all later ones go to.
            one = self.guest if self.kind is NoticeKind.STATUS else self.requester
            customers += ((one, self.closed),)
        if traits.participants_only:
            return customers
        match traits.audience:
            case Audience.CUSTOMER:
                return ((self.colleague, self.number), *customers)
            case Audience.STAFF | Audience.OUTSIDE:
                return (*outside, (SAM, self.number))
            case Audience.AUTHOR:
                staff = ((SAM, self.number), (SAM, self.closed))
                return (*outside, *customers, *staff)


@dataclass(frozen=True)
class Sent:
    """A mail of a kind to one of its readers."""

    reader: str
    number: int | None
    mail: EmailMessage


@pytest.fixture(scope="module")
def sent(server: PolicyServer) -> dict[NoticeKind, list[Sent]]:
    """The mails of all kinds to all their readers, sent at once."""
    scenes = [_made(server, kind) for kind in NoticeKind]
    server.wait_until_sent()
    queued: dict[str, tuple[NoticeKind, str, int | None]] = {}

    def queue(connection: Connection) -> None:
        add_person(connection, the_mailbox(connection), NewPerson(TOM, "Tom", Role.STAFF, None))
        for scene in scenes:
            for reader, number in scene.readers():
                notice = _queue(connection, scene.kind, reader, number, server.now())
                queued[f"=_a{notice.hex}"] = (scene.kind, reader, number)

    server.write(queue)
    server.wait_until_sent()
    found: dict[NoticeKind, list[Sent]] = {kind: [] for kind in NoticeKind}
    mails = {mail.get_boundary(): mail for mail in server.all_mails()}
    for boundary, (kind, reader, number) in queued.items():
        found[kind].append(Sent(reader, number, mails[boundary]))
    return found


def _made(server: PolicyServer, kind: NoticeKind) -> Scene:
    company = server.a_company()
    first = Scene(kind, company, server.a_company(), 0, 0)

    def enrol(connection: Connection) -> None:
        for address in (first.requester, first.colleague):
            person = NewPerson(address, "", Role.USER, company.name)
            add_person(connection, the_mailbox(connection), person)

    server.write(enrol)
    if kind in ABOUT_NO_TICKET:
        return first
    scene = replace(first, number=server.open_by_mail(first.requester))
    manager = NewPerson(scene.partner, "", Role.USER, scene.elsewhere.name)
    server.write(lambda c: add_person(c, the_mailbox(c), manager))
    server.change(scene.number, add=[scene.guest])
    if kind not in ON_CLOSED:
        return scene
    closed = server.open_by_mail(first.requester)
    server.change(closed, add=[scene.guest], status="closed")
    return replace(scene, closed=closed)


def _queue(
    connection: Connection, kind: NoticeKind, address: str, number: int | None, now: datetime
) -> UUID:
    notice = uuid4()
    row = {"id": notice, "mailbox_id": the_mailbox(connection).id, "ticket_id": number}
    row |= {"kind": kind.value, "address": address, "state": NoticeState.DUE.value}
    row |= {"detail": "{}", "language": "", "attempts": 0, "last_error": ""}
    connection.execute(insert(table(NoticeRow)), row | {"created_at": now, "due_at": now})
    return notice


def stated(mail: EmailMessage, number: int | None) -> ReplyEffect:
    """What its footer states, in exactly one sentence."""
    footer = plain_text(mail).rpartition(" -- ")[2]
    (found,) = {
        effect for text, effect in STATED.items() if text.replace("{n}", str(number)) in footer
    }
    return found


def became(server: PolicyServer, answer: tuple[int, str], reader: str) -> ReplyEffect:
    """What a reply became, as the journal and the ticket have it."""
    code, text = answer
    assert code == 250, text
    found = eventually(lambda: server.database.read(lambda c: _outcome(c, UUID(text.split()[1]))))
    match found:
        case (Verdict.OPENED, _):
            return ReplyEffect.NEW_REQUEST
        case (Verdict.HELD, _):
            return ReplyEffect.HELD
        case (Verdict.COMMENTED, Visibility.PUBLIC):
            return ReplyEffect.PUBLIC
        case (Verdict.COMMENTED, Visibility.NOTE):
            return ReplyEffect.FEEDBACK
        case (Verdict.FLAGGED, Visibility.PRIVATE):
            return ReplyEffect.WAITS if reader in (SAM, TOM) else ReplyEffect.CONTACT
    raise AssertionError(f"{found} is none of the effects of a reply")


def _outcome(connection: Connection, journal_id: UUID) -> tuple[str, str] | None:
    journal, comment = table(JournalRow), table(CommentRow)
    row = connection.execute(
        select(journal.c.id, journal.c.verdict, comment.c.visibility)
        .join_from(journal, comment, comment.c.journal_id == journal.c.id, isouter=True)
        .where(journal.c.id == journal_id)
    ).one_or_none()
    return (row.verdict, row.visibility or "") if row is not None else None


@pytest.mark.parametrize("kind", NoticeKind)
def test_all_a_footer_states_what_a_reply_of_its_reader_becomes(
    server: PolicyServer, sent: dict[NoticeKind, list[Sent]], kind: NoticeKind
) -> None:
    for each in sent[kind]:
        answer = server.reply(each.mail, each.reader, "I have read it, and this is what I think.")

        effect = became(server, answer, each.reader)
        assert (each.reader, stated(each.mail, each.number)) == (each.reader, effect)


def test_all_colleagues_read_what_a_footer_says_they_read(server: PolicyServer) -> None:
    company = server.a_company()
    ann, bob = server.a_user(company), server.a_user(company)
    number = server.open_by_mail(ann)
    closed, before = server.mail_to(ann, number), server.api("GET", f"/{number}", bob)[0]

    server.run("company", "lists", company.name, "open")

    server.comment(number, "It is done.")
    opened = server.mail_to(ann, number, containing="It is done.")
    assert (stated(closed, number), before) == (ReplyEffect.PUBLIC, 404)
    assert stated(opened, number) is ReplyEffect.PUBLIC_COMPANY
    assert server.api("GET", f"/{number}", bob)[0] == 200


def test_all_customers_see_no_command_line(server: PolicyServer) -> None:
    company = server.a_company()
    ann, bob = server.a_user(company), server.a_user(company)
    number = server.open_by_mail(ann)
    server.change(number, add=[bob])

    server.reply_as_staff(number, "#severity Low the customer panics\n#assign me\n\nIt is fixed.")

    for reader in (ann, bob):
        *_, comment = server.ticket(number, reader)["comments"]
        assert comment["text"].strip() == comment["shown"].strip() == "It is fixed."
        for mail in (server.mail_to(reader, number, "It is fixed."), *server.mails_to(reader)):
            assert "#severity" not in plain_text(mail)
            assert "#assign" not in plain_text(mail)
            assert "panics" not in str(mail)
    *_, whole = server.ticket(number)["comments"]
    assert "#severity Low the customer panics" in whole["text"]
