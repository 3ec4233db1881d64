"""One mail as the gateway receives it (`Delivery`) and as the rules see it (`Mail`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from rules.mail.bounces import Bounce
from rules.mail.header import Ambiguous, Author, Header
from rules.mail.opening import Opening
from rules.strangers import StrangerHandling


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A support address of this gateway."""

    id: int
    address: str
    policy: str
    postmaster: str = ""
    """`postmaster@` its domain, if it takes that mail as well; see `with_postmasters`."""

    @property
    def names(self) -> frozenset[str]:
        """The addresses by which mail is addressed to it."""
        return frozenset(filter(None, (self.address, self.postmaster)))


def with_postmasters(mailboxes: Sequence[Mailbox]) -> tuple[Mailbox, ...]:
    """The mailboxes that take mail, with the `postmaster` of each: in a domain without a mailbox of
    that name, it is the mailbox that was added first (RFC 5321 §4.5.1)."""
    taken = {mailbox.address for mailbox in mailboxes}
    first: dict[str, int] = {}
    for mailbox in sorted(mailboxes, key=lambda mailbox: mailbox.id):
        first.setdefault(_postmaster_of(mailbox), mailbox.id)
    return tuple(
        replace(mailbox, postmaster=name)
        if (name := _postmaster_of(mailbox)) not in taken and first[name] == mailbox.id
        else mailbox
        for mailbox in mailboxes
    )


def _postmaster_of(mailbox: Mailbox) -> str:
    return f"postmaster@{mailbox.address.rpartition('@')[2]}"


@dataclass(frozen=True, slots=True)
class Envelope:
    """The SMTP envelope (RFC 5321 §2.3.1), independent of any header."""

    peer: str
    """The client's IP address; empty if there is none (a pipe, a unix socket)."""
    helo: str
    tls: bool
    mail_from: str
    """The reverse-path without its brackets; empty for the null reverse-path `<>`."""
    rcpt_tos: tuple[str, ...]
    strangers: StrangerHandling | None = None
    """The listener's setting, which takes precedence over the policy: a relay in front of it would
    answer a refusal with a bounce. None if the listener has no setting."""
    listed: bool = False
    """The client is listed as one that brings the mail of many."""
    handed_on: bool = False
    """It came by LMTP: the client is an MTA of ours, and its address does not show where the mail
    came from."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """The input of every ingress (SMTP, LMTP, HTTP, pipe): an envelope and the bytes as sent."""

    envelope: Envelope
    raw: bytes


BLOCK_BYTES = 64 * 1024
_MBOX_LINE = re.compile(rb"From [^\r\n]*\r?\n")


def as_sent(raw: bytes) -> bytes:
    """A mail from a file or a pipe as SMTP would transfer it: CRLF, no leading mbox line."""
    return b"".join(sent_in_blocks(raw))


def sent_in_blocks(raw: bytes) -> Iterator[bytes]:
    """The same in blocks, none of which ends within a CRLF: of a large mail the event loop has time
    for one block at a time."""
    mbox_line = _MBOX_LINE.match(raw)
    at = mbox_line.end() if mbox_line else 0
    while at < len(raw):
        end = at + BLOCK_BYTES
        if raw[end - 1 : end + 1] == b"\r\n":
            end += 1
        # A pattern takes seconds for a large mail of empty lines.
        yield raw[at:end].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        at = end


def forbidden_octets(raw: bytes) -> str:
    """What a mail with the line ends of SMTP has that no mail may have (RFC 5321 §2.3.8). Each
    listener refuses it, and so does every other way in. Empty if it has nothing of the kind."""
    if b"\0" in raw:
        return "NUL"
    return "a bare CR" if raw.count(b"\r") != raw.count(b"\r\n") else ""


@dataclass(frozen=True, slots=True)
class AttachedMail:
    """A mail within another, as far as it shows whose request is forwarded, and its files."""

    author: str
    """Empty if its From does not name exactly one address."""
    subject: str
    text: str
    sent: str = ""
    """Its Date, such as `2026-11-30 08:00 UTC`; empty if it cannot be read."""
    people: tuple[str, ...] = ()
    """The addresses in To and Cc, as written, the first of them."""
    files: tuple[Attachment, ...] = ()
    """Those within it, by their parts in the mail that it is attached to."""
    is_narrowed: bool = False
    """It was not read as it was sent: no signature over it is one over what was read."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part other than the text of the mail; its bytes remain in the raw mail, at `part`."""

    part: str
    """The IMAP part number (RFC 9051 §6.4.5.1), such as `2.1`."""
    name: str
    content_type: str
    size_bytes: int
    """Decoded size."""
    content_id: str
    inline: bool
    is_click: bool = False
    """A reaction, or the answer to an invitation: made by a click, without words of the sender."""
    mail: AttachedMail | None = None
    """For a mail that is not part of a report."""


@dataclass(frozen=True, slots=True)
class SentFiles:
    """Files that come with a comment over the API. They are stored as those of a mail are."""

    digest: str = ""
    """SHA-256 of the mail that was made of them, in hex; empty for none."""
    attachments: tuple[Attachment, ...] = ()


NO_FILES = SentFiles()


@dataclass(frozen=True, slots=True)
class Body:
    """The text of the mail and its attachments."""

    text: str
    html: str
    charset_guessed: bool
    attachments: tuple[Attachment, ...]
    forms: tuple[str, ...] = ()
    """The text of each part, if the whole body is a multipart and a signature does not cover that
    type; see `rules.mail.forms`."""
    one_form: str = ""
    """The text of the one that is shown if they are forms of one text."""
    damaged: bool = False
    """The transfer encoding of a part was not valid: what could be decoded is shown."""
    opened: tuple[Opening, ...] = ()
    """What was packed in it, for the trace; see `rules.mail.opening`."""
    every_form: bool = False
    """The text has all of the forms, since only an unsigned Content-Type makes them forms of one
    text."""

    @property
    def characters(self) -> int:
        """How much there is that the rules may read, attached mails included."""
        attached = sum(len(each.mail.text) for each in self.attachments if each.mail is not None)
        return len(self.text) + len(self.html) + attached


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The body could not be read within the limits; the raw mail is stored nevertheless."""

    why: str


@dataclass(frozen=True, slots=True)
class Unread:
    """The body has not been read: the mail is judged by its header and its envelope first."""


class BodyNeeded(Exception):
    """The decision depends on the body of a mail that was judged with its body unread."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A parsed mail. The header is always present, even if the body could not be read."""

    identity: str
    """SHA-256 (hex) over the bytes without trace fields: equal for two copies of one mail. One of
    its identities: see `rules.decision.considered`."""
    size_bytes: int
    header: Header
    author: Author | Ambiguous
    subject: str
    message_id: str
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    to: tuple[str, ...]
    """Addresses as written, not validated; see `rules.mail.addresses.normalise`."""
    cc: tuple[str, ...]
    date: datetime | None
    body: Body | Unreadable | Unread
    bounces: tuple[Bounce, ...] = ()
    """The failed or delayed recipients, if the mail is a bounce."""
    body_digest: str = ""
    """SHA-256 (hex) over the bytes of the body; empty if they are not known."""
