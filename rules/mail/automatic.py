"""Automatic mail (RFC 3834): it opens nothing, reopens nothing and is never answered."""

from __future__ import annotations

import re

from rules.mail import Envelope, Mail
from rules.mail.addresses import domain_of, is_role
from rules.mail.header import Author

MAX_RECEIVED = 30
"""More hops than this indicate a mail loop (RFC 5321 §6.3)."""

_COMMENT = re.compile(r"\([^()]*\)")
_LIST_HEADERS = ("list-id", "list-post", "list-unsubscribe", "list-help")
_MARKS = (
    "x-autoreply",
    "x-autorespond",
    "x-auto-reply-from",
    "x-mail-autoreply",
    "x-fc-machinegenerated",
    "x-failed-recipients",
)
FIELDS_READ = (
    "auto-submitted",
    "precedence",
    "content-type",
    "x-auto-response-suppress",
    *_LIST_HEADERS,
    *_MARKS,
)
"""The fields that this module reads; besides them Received, which no signature covers."""
_PRECEDENCES = frozenset(("bulk", "list", "junk", "auto_reply"))


def sign_of_automation(mail: Mail, envelope: Envelope) -> str | None:
    """The first sign that this mail is automatic, as readable text; None for a person's mail."""
    header = mail.header
    if envelope.mail_from == "":
        return "null reverse-path"
    present = header.names()
    submitted = _COMMENT.sub(" ", header.get("auto-submitted")).strip().lower()
    token = re.split(r"[\s;]", submitted, maxsplit=1)[0]
    if token not in ("", "no"):
        return f"Auto-Submitted: {token[:40]}"
    if header.get("content-type").strip().lower().startswith("multipart/report"):
        return "multipart/report"
    for name in (*_LIST_HEADERS, *_MARKS):
        if name in present:
            return name
    precedence = header.get("precedence").strip().lower()
    if precedence in _PRECEDENCES:
        return f"Precedence: {precedence}"
    for address in (_author(mail), envelope.mail_from):
        if address and is_role(address.lower()):
            return f"role address {address.rpartition('@')[0][:40]}@{domain_of(address)[:80]}"
    hops = len(header.get_all("received"))
    if hops > MAX_RECEIVED:
        return f"{hops} Received lines"
    return None


def wants_no_answer(mail: Mail) -> bool:
    """Whether the sender requests no automatic answer (MS-OXCMAIL, RFC 3834 §2)."""
    return "x-auto-response-suppress" in mail.header.names()


def _author(mail: Mail) -> str:
    return mail.author.address if isinstance(mail.author, Author) else ""
