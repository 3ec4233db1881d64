"""Mails that a load is made of, and what a server promises of them."""

from __future__ import annotations

from dataclasses import dataclass

MAILBOX = "support@help.example"
USERS = tuple(f"user{n}@acme.example" for n in range(20))


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail, the same bytes at every try."""

    message_id: str
    sender: str
    raw: bytes
    answers: str = ""
    """The Message-ID of the letter that this one replies to."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What the server promised."""

    letter: Letter
    journal: str
    ticket: int


def letter(number: int, answers: Letter | None = None, padding: bytes = b"") -> Letter:
    """A mail of a registered user, unlike any other number's."""
    sender = answers.sender if answers else USERS[number % len(USERS)]
    message_id = f"{number}.letter@client.example"
    header = (
        f"From: {sender}\r\nTo: {MAILBOX}\r\nSubject: Letter {number}\r\n"
        f"Date: Mon, 06 Jan 2025 10:00:00 +0000\r\nMessage-ID: <{message_id}>\r\n"
    )
    if answers:
        header += f"In-Reply-To: <{answers.message_id}>\r\n"
    body = f"\r\nThis is letter {number}.\r\n".encode()
    return Letter(
        message_id,
        sender,
        header.encode() + body + padding,
        answers.message_id if answers else "",
    )
