"""Mails that more than one kind of attack uses."""

from __future__ import annotations

import time

from tests.acceptance.internet import (
    AUTHSERV_ID,
    Target,
    a_mail,
    signed_by,
)
from tests.acceptance.support_server import SUPPORT, Answer


def replace_once(raw: bytes, old: bytes, new: bytes) -> bytes:
    """The mail with the first occurrence replaced; it must have one."""
    assert raw.count(old) >= 1
    return raw.replace(old, new, 1)


def unix_time_in(shift_s: int) -> str:
    """The Unix time that many seconds from now, for the tags `t=` and `x=` of a signature."""
    return str(int(time.time()) + shift_s)


def with_relay_results(raw: bytes, domain: str = "acme.example") -> bytes:
    """The mail with Authentication-Results of the trusted relay that prove its author's domain."""
    results = f"{AUTHSERV_ID}; dkim=pass header.d={domain}; dmarc=pass header.from={domain}"
    return f"Authentication-Results: {results}\r\n".encode() + raw


def with_respelt_signature(raw: bytes) -> bytes:
    """The same signature in another spelling: the last letter of base64 has unused bits."""
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    at = raw.rindex(b"==", 0, raw.index(b"\r\nFrom:")) - 1
    other = letters[letters.index(raw[at]) ^ 1]
    return raw[:at] + bytes([other]) + raw[at + 1 :]


def send_reply(target: Target, author: str, token: str) -> Answer:
    """Send a signed mail to a reply address, which To names as clients do; the reply."""
    raw = replace_once(a_mail(author), f"To: {SUPPORT}".encode(), f"To: {token}".encode())
    return target.send(signed_by(author.partition("@")[2], raw), author, to=token)
