"""Reply addresses, Message-IDs and links that contain a MAC, so that only we can create them.

A token routes a mail to its ticket. It is not a password: it travels in quotes, copies and
archives, so the sender of a mail with a token must still be authenticated.

Layout, base32 in lower case (mail systems fold case; RFC 4648 §6), no padding:

    key id (1 octet) · payload · MAC (10 octets, HMAC-SHA-256 cut to 80 bit)

The MAC covers the token's use and its mailbox, so that a token is invalid for any other use or
mailbox.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from uuid import UUID

MAC_BYTES = 10
LAST_MILLISECOND = 253_402_300_799_999
"""The end of the year 9999: a UUID other than a UUIDv7 can begin with a greater number."""
REPLY_TOKEN_LENGTH = 36
"""Characters of a reply token; with `support+` before it a local part stays under 64 octets."""

_REPLY_TOKEN = re.compile(rf"[a-z2-7]{{{REPLY_TOKEN_LENGTH}}}", re.IGNORECASE)
_OUR_ID = re.compile(r"<([a-z2-7]{52})@([^<>@\s]+)>")


class Purpose(IntEnum):
    """What a reply to this address becomes."""

    REPLY = 0
    NOTE = 1
    FEEDBACK = 2


@dataclass(frozen=True, slots=True)
class Keys:
    """The signing keys by id. `current` signs; the others still verify (rotation)."""

    current: int
    secrets: Mapping[int, bytes]


@dataclass(frozen=True, slots=True)
class ReplyToken:
    ticket: int
    participant: int
    """The participant row of this address's holder; for staff, the person's follower row."""
    purpose: Purpose


def reply_token(keys: Keys, mailbox: int, token: ReplyToken) -> str:
    """The detail after the `+` of a reply address: 36 characters."""
    payload = (
        token.ticket.to_bytes(5, "big")
        + token.participant.to_bytes(5, "big")
        + bytes([token.purpose])
    )
    return _encode(keys, b"reply", mailbox, payload)


def read_reply_token(keys: Keys, mailbox: int, text: str) -> ReplyToken | None:
    """The token; None for any text that we did not create."""
    payload = _decode(keys, b"reply", mailbox, text)
    if payload is None or len(payload) != 11 or payload[10] not in list(Purpose):
        return None
    return ReplyToken(
        ticket=int.from_bytes(payload[:5], "big"),
        participant=int.from_bytes(payload[5:10], "big"),
        purpose=Purpose(payload[10]),
    )


def looks_like_reply_token(text: str) -> bool:
    """Whether the text has the form of a reply token; its MAC is not verified."""
    return _REPLY_TOKEN.fullmatch(text) is not None


def reply_address(keys: Keys, mailbox: int, address: str, token: ReplyToken) -> str:
    """`support@host` → `support+<token>@host`."""
    local, _, domain = address.rpartition("@")
    return f"{local}+{reply_token(keys, mailbox, token)}@{domain}"


def message_id(keys: Keys, mailbox: int, ticket: int, notice: UUID, domain: str) -> str:
    """A Message-ID of ours with its brackets, which contains its ticket and cannot be forged."""
    payload = ticket.to_bytes(5, "big") + notice.bytes
    return f"<{_encode(keys, b'message-id', mailbox, payload)}@{domain}>"


@dataclass(frozen=True, slots=True)
class OurId:
    """The content of a Message-ID that we created."""

    ticket: int
    made_at: datetime
    """When its notice was created, from the notice's id, a UUIDv7 (RFC 9562 §5.7)."""


def read_message_id(keys: Keys, mailbox: int, text: str) -> OurId | None:
    """The content of a Message-ID that we created; None for any other."""
    match = _OUR_ID.fullmatch(text.lower())
    if match is None:
        return None
    payload = _decode(keys, b"message-id", mailbox, match[1])
    if payload is None or len(payload) != 21:
        return None
    milliseconds = min(int.from_bytes(payload[5:11], "big"), LAST_MILLISECOND)
    made_at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return OurId(int.from_bytes(payload[:5], "big"), made_at)


def thread_root(keys: Keys, mailbox: int, ticket: int, domain: str) -> str:
    """The id in the References of every mail that we send about a ticket.

    No mail has this Message-ID. It makes every client group mails that share no other ancestor.
    """
    return message_id(keys, mailbox, ticket, UUID(int=0), domain)


def return_path(keys: Keys, mailbox: int, address: str, notice: UUID) -> str:
    """The reverse-path of one notice: a bounce to it identifies the notice that failed."""
    local, _, domain = address.rpartition("@")
    return f"{local}+{_encode(keys, b'return-path', mailbox, notice.bytes)}@{domain}"


def read_return_path(keys: Keys, mailbox: int, text: str) -> UUID | None:
    """The notice of a return path of ours, from the detail after the `+`; None for any other."""
    payload = _decode(keys, b"return-path", mailbox, text)
    return UUID(bytes=payload) if payload is not None and len(payload) == 16 else None


def loop_mark(keys: Keys) -> str:
    """The value of `X-Postern-Loop` in our mails; a mail that comes back with it is automatic."""
    return _encode(keys, b"loop", 0, b"")


def is_loop_mark(keys: Keys, text: str) -> bool:
    return _decode(keys, b"loop", 0, text.strip()) == b""


class LinkUse(StrEnum):
    """The use of a signed link in a notice; a link is invalid for any other use."""

    APPROVE = "approve"
    """`text` is the address that was proposed."""
    UNSUBSCRIBE = "unsubscribe"
    FEEDBACK = "feedback"
    REOPEN = "reopen"
    """For staff alone."""


class FileUse(StrEnum):
    """The use of a link to a file; the `text` of its `Link` is that of a `FileLink`."""

    FILE = "file"
    STAFF_FILE = "staff-file"
    """For staff who are not on the ticket: `participant` is the row of the person."""


@dataclass(frozen=True, slots=True)
class Link:
    ticket: int
    participant: int
    """The participant that the link was sent to."""
    text: str


def link_token(keys: Keys, mailbox: int, use: LinkUse | FileUse, link: Link) -> str:
    """The secret part of a link in a notice."""
    numbers = link.ticket.to_bytes(5, "big") + link.participant.to_bytes(5, "big")
    return _encode(keys, use.value.encode(), mailbox, numbers + link.text.encode())


def read_link_token(keys: Keys, mailbox: int, use: LinkUse | FileUse, text: str) -> Link | None:
    """The content of a link of this use; None for one that we did not create."""
    payload = _decode(keys, use.value.encode(), mailbox, text)
    if payload is None or len(payload) < 10:
        return None
    return Link(
        int.from_bytes(payload[:5], "big"),
        int.from_bytes(payload[5:10], "big"),
        payload[10:].decode(),
    )


@dataclass(frozen=True, slots=True)
class FileLink:
    """The `text` of a link to a file."""

    attachment: int
    until: datetime

    @property
    def text(self) -> str:
        return f"{self.attachment}.{int(self.until.timestamp())}"


def read_file_link(link: Link) -> FileLink:
    """What a link to a file names, which we have sealed ourselves."""
    attachment, _, until = link.text.partition(".")
    return FileLink(int(attachment), datetime.fromtimestamp(int(until), UTC))


def sign_up_token(keys: Keys, mailbox: int, address: str, expires_at: datetime) -> str:
    """The secret part of a sign-up link: its holder can read the mail of `address`."""
    payload = int(expires_at.timestamp()).to_bytes(5, "big") + address.encode()
    return _encode(keys, b"sign-up", mailbox, payload)


def read_sign_up_token(keys: Keys, mailbox: int, text: str, now: datetime) -> str | None:
    """The address of a sign-up link; None for one that is not ours or has expired."""
    payload = _decode(keys, b"sign-up", mailbox, text)
    if payload is None or int.from_bytes(payload[:5], "big") < now.timestamp():
        return None
    return payload[5:].decode()


@dataclass(frozen=True, slots=True)
class HeldLink:
    """A link to one held or folded mail, for one staff person."""

    person: int
    """The row of the staff person that it was sent to."""
    journal_id: UUID


class MailUse(StrEnum):
    """The use of a signed link to one mail; a link is invalid for any other use."""

    HELD = "held"
    FOLDED = "folded"


def held_token(keys: Keys, mailbox: int, link: HeldLink, use: MailUse = MailUse.HELD) -> str:
    """The secret part of a link to a held mail, or to a folded one."""
    payload = link.person.to_bytes(5, "big") + link.journal_id.bytes
    return _encode(keys, use.value.encode(), mailbox, payload)


def read_held_token(
    keys: Keys, mailbox: int, text: str, use: MailUse = MailUse.HELD
) -> HeldLink | None:
    """The content of a link to a held mail, or to a folded one; None for one that is not ours."""
    payload = _decode(keys, use.value.encode(), mailbox, text)
    if payload is None or len(payload) != 21:
        return None
    return HeldLink(int.from_bytes(payload[:5], "big"), UUID(bytes=payload[5:]))


SEALED_LENGTHS: Mapping[int, tuple[bytes, ...]] = {
    22: (b"reply",),
    27: (b"return-path",),
    32: (b"message-id", *(use.value.encode() for use in MailUse)),
}
"""The uses of sealed values with a fixed length, by that length in octets."""
SEALED_TEXTS: tuple[tuple[int, tuple[bytes, ...]], ...] = (
    (11, tuple(use.value.encode() for use in (*LinkUse, *FileUse))),
    (6, (b"sign-up",)),
)
"""The uses of those that end with a text of any length, by the octet at which it begins."""


def opens(keys: Keys, use: bytes, mailbox: int, sealed: bytes) -> bool:
    """Whether we sealed these octets for this use at this mailbox."""
    body, mac = sealed[:-MAC_BYTES], sealed[-MAC_BYTES:]
    secret = keys.secrets.get(body[0]) if body else None
    return secret is not None and hmac.compare_digest(mac, _mac(secret, use, mailbox, body))


def _encode(keys: Keys, use: bytes, mailbox: int, payload: bytes) -> str:
    body = bytes([keys.current]) + payload
    signed = body + _mac(keys.secrets[keys.current], use, mailbox, body)
    return base64.b32encode(signed).decode("ascii").rstrip("=").lower()


def _decode(keys: Keys, use: bytes, mailbox: int, text: str) -> bytes | None:
    try:
        signed = base64.b32decode(text.upper() + "=" * (-len(text) % 8))
    except ValueError:
        return None
    if base64.b32encode(signed).decode("ascii").rstrip("=").lower() != text.lower():
        return None  # base32 has unused bits at its end: only one spelling of a token is valid
    body, mac = signed[:-MAC_BYTES], signed[-MAC_BYTES:]
    secret = keys.secrets.get(body[0]) if body else None
    if secret is None or not hmac.compare_digest(mac, _mac(secret, use, mailbox, body)):
        return None
    return body[1:]


def _mac(secret: bytes, use: bytes, mailbox: int, body: bytes) -> bytes:
    message = use + b"\0" + mailbox.to_bytes(8, "big") + body
    # `hmac.digest` would give up the interpreter's lock for this microsecond of work.
    return hmac.new(secret, message, hashlib.sha256).digest()[:MAC_BYTES]
