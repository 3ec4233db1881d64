"""Replies and forwards of real mail clients: parsed, shown and assigned to their ticket."""

from __future__ import annotations

from itertools import product
from uuid import UUID

import pytest

from gateway.parsing.reading import read
from rules.mail import Body, Envelope, Mail, Mailbox
from rules.mail.addresses import without_detail
from rules.mail.header import Author
from rules.mail.quoting import REPLY_MARK, is_forward, masked, published, visible
from rules.sender.pointers import find_pointers
from rules.sender.tokens import Keys, Purpose, ReplyToken, message_id, reply_address
from tests.mails import ClientMail, clients

CLIENTS = (
    "apple-mail",
    "exchange",
    "gmail",
    "ios-mail",
    "notes",
    "outlook",
    "owa",
    "thunderbird",
    "zoho",
)
ACTS = ("reply", "reply-all", "forward")

KEYS = Keys(1, {1: b"k" * 32})
MAILBOX = Mailbox(3, "support@help.example", "default")
TICKET = 1042
REPLY_TO = reply_address(KEYS, MAILBOX.id, MAILBOX.address, ReplyToken(TICKET, 7, Purpose.REPLY))
NOTICE_ID = message_id(KEYS, MAILBOX.id, TICKET, UUID(int=5), "help.example")
VALUES = {
    "reply_address": REPLY_TO,
    "support": MAILBOX.address,
    "notice_id": NOTICE_ID,
    "subject": f"[#{TICKET}] Printer does not print",
    "author": "ann@customer.example",
    "ticket": str(TICKET),
}

every_fixture = pytest.mark.parametrize("fixture", clients(), ids=lambda fixture: fixture.name)


def read_as_sent(fixture: ClientMail) -> Mail:
    return read(fixture.render(**VALUES))


def text_of(mail: Mail) -> str:
    assert isinstance(mail.body, Body)
    return mail.body.text


def test_every_client_has_every_kind_of_mail() -> None:
    assert [fixture.name for fixture in clients()] == sorted(
        f"{client}-{act}" for client, act in product(CLIENTS, ACTS)
    )


@every_fixture
def test_the_mail_needs_no_conversion_for_smtp(fixture: ClientMail) -> None:
    raw = fixture.render(**VALUES)
    lines = raw.split(b"\r\n")
    assert raw.endswith(b"\r\n")
    assert not any(b"\n" in line or b"\r" in line or b"{" in line for line in lines)
    assert max(map(len, lines)) <= 998


@every_fixture
def test_the_author_is_read(fixture: ClientMail) -> None:
    author = read_as_sent(fixture).author
    assert isinstance(author, Author)
    assert author.address == VALUES["author"]


@every_fixture
def test_the_thread_headers_contain_the_notice_if_the_client_keeps_them(
    fixture: ClientMail,
) -> None:
    mail = read_as_sent(fixture)
    assert (NOTICE_ID in (*mail.in_reply_to, *mail.references)) is fixture.carries_notice_id


@every_fixture
def test_the_reply_address_is_a_recipient_of_replies(fixture: ClientMail) -> None:
    mail = read_as_sent(fixture)
    ours = [a for a in (*mail.to, *mail.cc) if without_detail(a)[0] == MAILBOX.address]
    assert ours == [REPLY_TO if fixture.to_reply_address else MAILBOX.address]


@every_fixture
def test_the_strongest_pointer_leads_to_the_ticket(fixture: ClientMail) -> None:
    mail = read_as_sent(fixture)
    envelope = Envelope(
        peer="192.0.2.1",
        helo="mx.customer.example",
        tls=True,
        mail_from=VALUES["author"],
        rcpt_tos=mail.to,
    )
    found = find_pointers(mail, envelope, MAILBOX, KEYS, "[#{n}]")
    strongest = next((pointer for pointer in found if pointer.ticket == TICKET), None)
    assert (fixture.lands == "same ticket") is (strongest is not None)
    assert fixture.by == (strongest.kind if strongest else "")


@every_fixture
def test_the_subject_distinguishes_forwards_from_replies(fixture: ClientMail) -> None:
    assert is_forward(read_as_sent(fixture).subject) is (fixture.act == "forward")


@every_fixture
def test_the_author_s_text_is_shown(fixture: ClientMail) -> None:
    mail = read_as_sent(fixture)
    shown = visible(text_of(mail), forwarded=is_forward(mail.subject))
    assert shown.text.split() == fixture.shown(**VALUES).split()


@every_fixture
def test_nothing_of_a_notice_is_published(fixture: ClientMail) -> None:
    text = published(text_of(read_as_sent(fixture)), REPLY_MARK)
    assert REPLY_MARK not in text
    assert "Is the printer switched on" not in text
    assert MAILBOX.address not in text


@every_fixture
def test_no_token_is_left_after_masking(fixture: ClientMail) -> None:
    text = masked(text_of(read_as_sent(fixture)), {MAILBOX.address})
    assert REPLY_TO not in text
    assert "support+" not in text


def test_a_mail_is_not_rendered_without_all_its_values() -> None:
    with pytest.raises(KeyError, match="missing or unknown: ticket"):
        clients()[0].render(**{k: v for k, v in VALUES.items() if k != "ticket"})
