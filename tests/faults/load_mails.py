"""The mails that the fault tests send, and the acknowledgements that they get."""

from __future__ import annotations

from dataclasses import dataclass

MAILBOX = "support@help.example"
USERS = tuple(f"user{n}@acme.example" for n in range(20))


@dataclass(frozen=True, slots=True)
class LoadMail:
    """One mail, with the same bytes at every attempt."""

    message_id: str
    sender: str
    raw: bytes
    in_reply_to: str = ""
    """The Message-ID of the mail that this one replies to; empty if it opens a ticket."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A mail that was answered 250, with the journal id and ticket in the reply."""

    mail: LoadMail
    journal: str
    ticket: int


def load_mail(number: int, parent: LoadMail | None = None, padding: bytes = b"") -> LoadMail:
    """A mail of a registered user; each number makes a different mail."""
    sender = parent.sender if parent else USERS[number % len(USERS)]
    message_id = f"{number}.load@client.example"
    header = (
        f"From: {sender}\r\nTo: {MAILBOX}\r\nSubject: Mail {number}\r\n"
        f"Date: Mon, 06 Jan 2025 10:00:00 +0000\r\nMessage-ID: <{message_id}>\r\n"
    )
    if parent:
        header += f"In-Reply-To: <{parent.message_id}>\r\n"
    body = f"\r\nThis is mail {number}.\r\n".encode()
    return LoadMail(
        message_id,
        sender,
        header.encode() + body + padding,
        parent.message_id if parent else "",
    )
