"""The names of the files of a mail: as declared, or what is usual for their type."""

from __future__ import annotations

import re

from gateway.parsing.gaps import one_line, without_wide_gaps
from gateway.parsing.tree import MimePart
from rules.mail.encoded_words import decode_words
from rules.mail.extent import squeezed
from rules.mail.header import read as read_header

_NESTED_HEADER_BYTES = 16 * 1024
MAILS = ("message/rfc822", "message/global")
REACTION = "text/vnd.google.email-reaction+json"
NAMES = {
    "application/ms-tnef": "winmail.dat",
    "application/vnd.ms-tnef": "winmail.dat",
    "application/pgp-encrypted": "pgp-version.asc",
    "application/pgp-keys": "keys.asc",
    "application/pgp-signature": "signature.asc",
    "application/pkcs7-mime": "smime.p7m",
    "application/pkcs7-signature": "smime.p7s",
    "application/x-pkcs7-mime": "smime.p7m",
    "application/x-pkcs7-signature": "smime.p7s",
    "message/delivery-status": "delivery-status.txt",
    "message/disposition-notification": "disposition-notification.txt",
    "message/feedback-report": "feedback-report.txt",
    "message/global-delivery-status": "delivery-status.txt",
    "text/calendar": "invite.ics",
    REACTION: "reaction.json",
    "text/rfc822-headers": "headers.txt",
}
_ENDINGS = {
    "application/json": "json",
    "application/msword": "doc",
    "application/pdf": "pdf",
    "application/rtf": "rtf",
    "application/xml": "xml",
    "application/zip": "zip",
    "image/bmp": "bmp",
    "image/gif": "gif",
    "image/jpeg": "jpg",
    "image/jpg": "jpg",
    "image/png": "png",
    "image/svg+xml": "svg",
    "image/tiff": "tif",
    "image/webp": "webp",
    "text/csv": "csv",
    "text/html": "html",
    "text/plain": "txt",
    "text/rtf": "rtf",
    "text/xml": "xml",
}


def default_name(part: MimePart, kind: str, parent: str, number: str) -> str:
    """The name for a part without a usable name of its own."""
    if kind in NAMES:
        return NAMES[kind]
    if kind in MAILS:
        nested = read_header(without_wide_gaps(part.content(), _NESTED_HEADER_BYTES))
        subjects = nested.unfolded_values("subject")
        subject = clean_name(decode_words(one_line(subjects[0])), ".eml") if subjects else ""
        return subject or "message.eml"
    if kind == "application/octet-stream" and parent == "multipart/encrypted":
        return "encrypted.asc"
    return f"part-{number}.{_ENDINGS.get(kind, 'bin')}"


_NAME_LIMIT_BYTES = 255
_NOT_IN_NAMES = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]+"
)


def clean_name(name: str, ending: str = "") -> str:
    """A file name safe to show and to save: no path, controls or bidi marks, ≤ 255 bytes UTF-8.

    If `ending` is given, it is appended. Otherwise `name` may be a path, and only the part after
    the last slash or backslash is used. Empty if nothing usable is left.
    """
    name = _NOT_IN_NAMES.sub("", squeezed(name)[:4_096])
    if name.startswith('"'):  # a quote that nothing closes
        name = name.strip('"')
    if ending:
        name = name.replace("/", "-").replace("\\", "-")
    name = name.replace("\\", "/").rpartition("/")[2].strip(" .")
    if not name:
        return ""
    stem, dot, last = name.rpartition(".")
    if not ending and stem and len(last) <= 16:
        name, ending = stem, dot + last
    room_bytes = _NAME_LIMIT_BYTES - len(ending.encode())
    return name.encode()[:room_bytes].decode("utf-8", "ignore") + ending


def type_by_name(name: str) -> str:
    """The type of a file by the ending of its name; empty if that is none of the usual ones."""
    ending = name.rpartition(".")[2].lower()
    return next((kind for kind, usual in _ENDINGS.items() if usual == ending), "")
