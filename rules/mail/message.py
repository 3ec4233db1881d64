"""One mail as the gateway receives it (`Delivery`) and as the rules see it (`Mail`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rules.mail.bounces import Bounce
from rules.mail.header import Ambiguous, Author, Header


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A support address that we serve."""

    id: int
    address: str
    policy: str


StrangerHandling = Literal["refuse", "hold"]
"""What becomes of the mail of strangers."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the SMTP dialogue said (RFC 5321 §2.3.1), before any header is believed."""

    peer: str
    """The client's IP address; empty where no address is known (a pipe, a unix socket)."""
    helo: str
    tls: bool
    mail_from: str
    """The reverse-path without its brackets; empty for the null reverse-path `<>`."""
    rcpt_tos: tuple[str, ...]
    strangers: StrangerHandling | None = None
    """What the listener that took the mail says, before the policy: a relay in front of it would
    answer a refusal with a bounce. None where it says nothing."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What every ingress (SMTP, LMTP, HTTP, pipe) hands over: an envelope and the bytes as sent."""

    envelope: Envelope
    raw: bytes


_MBOX_LINE = re.compile(rb"From [^\r\n]*\r?\n")
_LONE_LF = re.compile(rb"(?<!\r)\n")


def as_sent(raw: bytes) -> bytes:
    """A mail from a file or a pipe as SMTP would have carried it: CRLF, no mbox line before it."""
    mbox_line = _MBOX_LINE.match(raw)
    if mbox_line:
        raw = raw[mbox_line.end() :]
    return _LONE_LF.sub(b"\r\n", raw)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is not the text of the mail; its bytes stay in the raw mail, at `part`."""

    part: str
    """The IMAP part number (RFC 9051 §6.4.5.1), such as `2.1`."""
    name: str
    content_type: str
    size_bytes: int
    """Decoded size."""
    content_id: str
    inline: bool


@dataclass(frozen=True, slots=True)
class Body:
    """The words of the mail and what hangs on it."""

    text: str
    html: str
    charset_guessed: bool
    attachments: tuple[Attachment, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """No body could be read within the bounds; the raw mail is kept all the same."""

    why: str


@dataclass(frozen=True, slots=True)
class Mail:
    """A parsed mail. Whatever the body holds, the header part is always there."""

    identity: str
    """SHA-256 (hex) over the bytes without trace headers: two copies of one mail agree."""
    size_bytes: int
    header: Header
    author: Author | Ambiguous
    subject: str
    message_id: str
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    to: tuple[str, ...]
    """Addresses as written, unchecked; `rules.mail.addresses.normalise` decides what they are."""
    cc: tuple[str, ...]
    date: datetime | None
    body: Body | Unreadable
    bounces: tuple[Bounce, ...] = ()
    """What it reports of mails that did not arrive, if it is such a report."""
