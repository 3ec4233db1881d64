"""Answers of real mail clients to a real acknowledgement, through the real SMTP port."""

from __future__ import annotations

import email
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from rules.mail.quoting import masked
from storage.ticket.views import CommentView
from tests.acceptance.support_server import (
    SUPPORT,
    SupportServer,
    a_mail,
    eventually,
    filed,
    message_id_of,
)
from tests.mails import ClientMail, clients

all_fixtures = pytest.mark.parametrize("fixture", clients(), ids=lambda fixture: fixture.name)
answers = pytest.mark.parametrize(
    "fixture", [f for f in clients() if f.act != "forward"], ids=lambda fixture: fixture.name
)


@dataclass(frozen=True)
class OpenedTicket:
    """A ticket that Ann opened with Bob in Cc, and its acknowledgement to Ann."""

    ticket: int
    ann: str
    bob: str
    first: str
    """The Message-ID of Ann's mail."""
    acknowledgement: EmailMessage

    def values(self, author: str, notice_id: str = "") -> dict[str, str]:
        return {
            "reply_address": self.acknowledgement["Reply-To"],
            "support": SUPPORT,
            "notice_id": notice_id or str(self.acknowledgement["Message-ID"]),
            "subject": self.acknowledgement["Subject"].removeprefix("Re: "),
            "author": author,
            "ticket": str(self.ticket),
        }


@pytest.fixture
def opened(server: SupportServer) -> OpenedTicket:
    ann, bob = server.a_person(), server.a_person()
    raw = a_mail(ann, cc=bob, text="It does not print.")
    ticket = filed(server.send(raw, ann))[1]
    return OpenedTicket(
        ticket, ann, bob, message_id_of(raw), mail_containing(server, ann, "Your request is")
    )


def sent_by_client(
    server: SupportServer, fixture: ClientMail, values: dict[str, str]
) -> tuple[int, bytes]:
    """Send a mail of a client; the ticket that it reaches, and the mail."""
    raw = fixture.render(**values)
    to = values["reply_address"] if fixture.to_reply_address else SUPPORT
    return filed(server.send(raw, values["author"], to))[1], raw


def comments(server: SupportServer, ticket: int) -> Sequence[CommentView]:
    return server.ticket(ticket).comments


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def mail_containing(server: SupportServer, reader: str, text: str) -> EmailMessage:
    """The first mail to a reader that contains a text. Mails to others are not parsed."""
    head, seen = f"Delivered-To: {reader}\n".encode(), set[Path]()

    def look() -> EmailMessage | None:
        for path in set((server.folder / "outbox" / "new").glob("*")) - seen:
            raw = path.read_bytes()
            if head in raw.replace(b"\r\n", b"\n"):
                mail = email.message_from_bytes(raw, policy=default)
                if text in text_of(mail):
                    return mail
            seen.add(path)
        return None

    return eventually(look)


def notice_about(server: SupportServer, reader: str, author: str) -> EmailMessage:
    """The notice to a reader about this author's comment."""
    return mail_containing(server, reader, f"{author} wrote")


def quoted_text(notice: EmailMessage) -> str:
    """The comment that a notice quotes, below its author and its time."""
    _, _, said = text_of(notice).replace("\r\n", "\n").partition(" wrote:\n")
    _, _, below = said.partition("(UTC)\n")
    return below.partition("\nRequest #")[0]


def token_of(address: str) -> str:
    """The part of a reply address after the +."""
    return address.partition("+")[2].partition("@")[0]


def tokens_in(mail: EmailMessage) -> set[str]:
    """Every reply token in a mail: in its header and its texts, also across line breaks."""
    forms = (mail.as_string(), text_of(mail), text_of(mail, "html"))
    joined = "\n".join(re.sub(r"=?\r?\n[> \t]*", "", form) for form in forms)
    whole = "\n".join((*forms, joined)).lower()
    return set(re.findall(r"support(?:\+|%2b)([a-z2-7]{36})(?![a-z2-7])", whole))


@all_fixtures
def test_an_answer_reaches_its_ticket_and_others_read_only_its_new_text(
    server: SupportServer, opened: OpenedTicket, fixture: ClientMail
) -> None:
    values = opened.values(opened.ann)

    landed, raw = sent_by_client(server, fixture, values)

    assert (landed == opened.ticket) is (fixture.lands == "same ticket")
    last = comments(server, landed)[-1]
    assert (last.author, last.visibility) == (opened.ann, "public")
    assert server.journal(raw)[-1].reason == (fixture.by or "new_request")
    notice = notice_about(server, opened.bob, opened.ann)
    assert tokens_in(notice) == {token_of(notice["Reply-To"])}
    if fixture.act != "forward":  # the quoted part of a forward is its content
        assert quoted_text(notice).split() == masked(fixture.shown(**values), {SUPPORT}).split()


@answers
def test_a_colleague_s_answer_to_all_reaches_the_same_ticket(
    server: SupportServer, opened: OpenedTicket, fixture: ClientMail
) -> None:
    """Bob has Ann's mail to her own reply address, and answers to all its recipients."""
    values = opened.values(opened.bob, notice_id=opened.first)

    landed, _ = sent_by_client(server, fixture, values)

    assert landed == opened.ticket
    last = comments(server, landed)[-1]
    assert (last.author, last.visibility) == (opened.bob, "public")
