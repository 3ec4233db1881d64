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
from storage.ticket.read import CommentView
from tests.acceptance.support_server import (
    SUPPORT,
    SupportServer,
    a_mail,
    eventually,
    filed,
    message_id_of,
)
from tests.mails import ClientMail, clients

every_fixture = pytest.mark.parametrize("fixture", clients(), ids=lambda fixture: fixture.name)
answers = pytest.mark.parametrize(
    "fixture", [f for f in clients() if f.act != "forward"], ids=lambda fixture: fixture.name
)


@dataclass(frozen=True)
class Asked:
    """A ticket that Ann opened with Bob in Cc, and the acknowledgement that she has of it."""

    ticket: int
    ann: str
    bob: str
    first: str
    """The Message-ID of her mail."""
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
def asked(server: SupportServer) -> Asked:
    ann, bob = server.a_person(), server.a_person()
    raw = a_mail(ann, cc=bob, text="It does not print.")
    ticket = filed(server.send(raw, ann))[1]
    return Asked(ticket, ann, bob, message_id_of(raw), mail_with(server, ann, "Your request is"))


def sent_by_client(
    server: SupportServer, fixture: ClientMail, values: dict[str, str]
) -> tuple[int, bytes]:
    """The ticket where a client's mail lands, and the mail."""
    raw = fixture.render(**values)
    to = values["reply_address"] if fixture.to_reply_address else SUPPORT
    return filed(server.send(raw, values["author"], to))[1], raw


def comments(server: SupportServer, ticket: int) -> Sequence[CommentView]:
    return server.ticket(ticket).comments


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def mail_with(server: SupportServer, reader: str, words: str) -> EmailMessage:
    """The first mail to a reader with these words in its text. Of the others none is parsed."""
    head, looked_at = f"Delivered-To: {reader}\n".encode(), set[Path]()

    def look() -> EmailMessage | None:
        for path in set((server.folder / "outbox" / "new").glob("*")) - looked_at:
            raw = path.read_bytes()
            if head in raw.replace(b"\r\n", b"\n"):
                mail = email.message_from_bytes(raw, policy=default)
                if words in text_of(mail):
                    return mail
            looked_at.add(path)
        return None

    return eventually(look)


def notice_of(server: SupportServer, reader: str, author: str) -> EmailMessage:
    """The mail that tells a reader what this author wrote."""
    return mail_with(server, reader, f"{author} wrote")


def words_in(notice: EmailMessage) -> str:
    """What it says somebody wrote."""
    _, _, below = text_of(notice).replace("\r\n", "\n").partition(" wrote:\n")
    return below.partition("\nRequest #")[0]


def token_of(address: str) -> str:
    """What stands behind the + of a reply address."""
    return address.partition("+")[2].partition("@")[0]


def tokens_in(mail: EmailMessage) -> set[str]:
    """Every reply token in a mail: in its header, its texts, and where lines are broken."""
    forms = (mail.as_string(), text_of(mail), text_of(mail, "html"))
    joined = "\n".join(re.sub(r"=?\r?\n[> \t]*", "", form) for form in forms)
    whole = "\n".join((*forms, joined)).lower()
    return set(re.findall(r"support(?:\+|%2b)([a-z2-7]{36})(?![a-z2-7])", whole))


@every_fixture
def test_it_lands_and_others_read_its_words_alone(
    server: SupportServer, asked: Asked, fixture: ClientMail
) -> None:
    values = asked.values(asked.ann)

    landed, raw = sent_by_client(server, fixture, values)

    assert (landed == asked.ticket) is (fixture.lands == "same ticket")
    last = comments(server, landed)[-1]
    assert (last.author, last.visibility) == (asked.ann, "public")
    assert server.journal(raw)[-1].reason == (fixture.by or "new_request")
    notice = notice_of(server, asked.bob, asked.ann)
    assert tokens_in(notice) == {token_of(notice["Reply-To"])}
    if fixture.act != "forward":  # of a forward the quoted part is what it is about
        assert words_in(notice).split() == masked(fixture.shown(**values), {SUPPORT}).split()


@answers
def test_a_colleague_who_answers_all_lands_there_too(
    server: SupportServer, asked: Asked, fixture: ClientMail
) -> None:
    """Bob has Ann's mail to her own reply address, and answers to everybody in it."""
    values = asked.values(asked.bob, notice_id=asked.first)

    landed, _ = sent_by_client(server, fixture, values)

    assert landed == asked.ticket
    last = comments(server, landed)[-1]
    assert (last.author, last.visibility) == (asked.bob, "public")
