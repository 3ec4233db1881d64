"""Outgoing mails: what one recipient gets, and what nobody can slip in."""

from __future__ import annotations

import email
from dataclasses import replace
from email import policy as email_policy
from email.message import EmailMessage
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sending.compose import Writer
from gateway.sending.relay import Outgoing
from rules.addresses import without_detail
from rules.notices import Kind
from rules.tokens import Purpose, ReplyToken, read_message_id, read_reply_token, read_sign_up_token
from storage.outbox import About, Notice
from tests.rules.building import KEYS, MAILBOX, NOON, default_policy

WRITER = Writer(KEYS, "https://postern.example")
NOTICE = Notice(
    id=UUID(int=5),
    kind=Kind.ACKNOWLEDGEMENT,
    mailbox=MAILBOX,
    about=About(7, 70, "Printer", "Normal", False),
    address="ann@acme.example",
    name="Ann",
    answers="<1@client.example>",
    created_at=NOON,
    attempts=1,
)


def read(outgoing: Outgoing) -> EmailMessage:
    parsed = email.message_from_bytes(outgoing.raw, policy=email_policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def written(**changes: object) -> EmailMessage:
    return read(WRITER.write(replace(NOTICE, **changes), default_policy()))  # type: ignore[arg-type]  # by name


def test_it_threads_with_the_mail_that_it_answers() -> None:
    mail = written()

    assert mail["In-Reply-To"] == mail["References"] == "<1@client.example>"
    assert read_message_id(KEYS, MAILBOX.id, mail["Message-ID"]) == 7


def test_a_reply_to_it_comes_to_the_recipients_own_address() -> None:
    base, token = without_detail(written()["Reply-To"])

    assert base == MAILBOX.address
    assert read_reply_token(KEYS, MAILBOX.id, token) == ReplyToken(7, 70, Purpose.REPLY)


def test_no_machine_answers_it() -> None:
    outgoing = WRITER.write(NOTICE, default_policy())

    assert outgoing.mail_from == ""
    assert read(outgoing)["Auto-Submitted"] == "auto-replied"
    assert read(outgoing)["X-Auto-Response-Suppress"] == "All"


def test_the_number_stands_in_the_subject_once() -> None:
    about = About(7, 70, "Re: AW: [#7] Printer", "Normal", False)

    assert written(about=about)["Subject"] == "Re: [#7] Printer"


def test_a_critical_claim_is_shown_the_critical_channel_first() -> None:
    about = About(7, 70, "Down", "High", True)

    text = written(about=about).get_content()

    assert text.index("by phone") < text.index("We have your request")


def test_without_a_claim_there_is_no_word_of_it() -> None:
    assert "critical" not in written().get_content().lower()


def test_an_invitation_carries_a_link_that_works() -> None:
    mail = written(kind=Kind.INVITATION, about=None)
    (link,) = [w for w in mail.get_content().split() if w.startswith("https://postern.example/")]
    _, _, rest = link.partition("/signup/")
    mailbox, _, token = rest.partition("/")

    assert int(mailbox) == MAILBOX.id
    assert read_sign_up_token(KEYS, MAILBOX.id, token, NOON) == "ann@acme.example"


@pytest.mark.parametrize(
    "subject",
    ["a\r\nBcc: eve@evil.example", "=?utf-8?q?a=0d=0aBcc=3a_eve=40evil.example?=", "a\u2028Bcc: x"],
)
def test_no_subject_brings_a_header(subject: str) -> None:
    mail = written(about=About(7, 70, subject, "Normal", False))

    assert "Bcc" not in mail
    assert mail["To"] == "Ann <ann@acme.example>"


@given(st.text(max_size=200), st.text(max_size=100))
def test_whatever_is_in_subject_and_name_the_mail_has_its_own_headers(
    subject: str, name: str
) -> None:
    about = About(7, 70, subject, "Normal", False)
    clean = [text.encode("utf-8", "replace").decode() for text in (subject, name)]

    mail = written(about=replace(about, subject=clean[0]), name=clean[1])

    assert sorted(mail.keys()) == sorted(written().keys())


def test_lines_end_as_the_wire_wants_them() -> None:
    raw = WRITER.write(NOTICE, default_policy()).raw

    assert b"\n" not in raw.replace(b"\r\n", b"")
