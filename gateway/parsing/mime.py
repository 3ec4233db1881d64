"""The body of a mail: its MIME tree (RFC 2046), its words, and what hangs on it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.feedparser import BytesFeedParser
from email.message import Message
from typing import Any

from gateway.parsing.html_text import text_from_html
from rules import charsets
from rules.header import Header, decode_words
from rules.header import read as read_header
from rules.mail import Attachment, Body, Unreadable

PARTS_LIMIT = 2_000
DEPTH_LIMIT = 32
LINES_LIMIT = 1_000_000
_FEED_SLICE_BYTES = 64 * 1024
# Every line is compared with the boundary of every open multipart.
_COMPARISONS_LIMIT = 25_000_000
_PARAMETERS_LIMIT = 64
_PARAMETERS_LIMIT_CHARACTERS = 4_096
_NESTED_HEADER_BYTES = 16 * 1024


class _TooManyPartsError(Exception):
    """Raised inside the feed parser, which knows no limit of its own."""


class _Part(Message):
    """One part, with three habits of the standard library's class changed.

    A `message/*` part is an opaque leaf, so a forwarded mail keeps its bytes and cannot leak its
    text into ours. Raw values stay raw (undecoded octets as surrogates). A Content-Type with a
    flood of parameters is reduced to its type, since splitting it takes quadratic time.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._first: dict[str, Any] = {}

    def set_raw(self, name: str, value: Any) -> None:
        super().set_raw(name, value)
        wanted = name.lower()
        if wanted in ("content-type", "content-disposition") and _is_flood(value):
            value = value.partition(";")[0][:256]
        self._first.setdefault(wanted, value)

    def get(self, name: str, failobj: Any = None) -> Any:
        return self._first.get(name.lower(), failobj)

    def get_content_type(self) -> str:
        kind = super().get_content_type()
        return "application/octet-stream" if kind.startswith("message/") else kind

    def media_type(self) -> str:
        """What the part says it is, in lower case; `text/plain` where it says nothing sound."""
        return super().get_content_type()

    def children(self) -> list[_Part]:
        # Asked for the payload of a leaf, the base class would decode it by the label's codec.
        payload: Any = self.get_payload() if self.is_multipart() else []
        return list(payload)

    def content(self) -> bytes:
        """The bytes without their transfer encoding."""
        payload: Any = self.get_payload(decode=True)
        return payload if isinstance(payload, bytes) else b""

    def parameter(self, name: str, header: str = "content-type") -> str:
        """A parameter as text, whether plain, RFC 2047 or RFC 2231; empty where absent."""
        value: Any = self.get_param(name, "", header)
        if isinstance(value, tuple):
            label, _, text = value
            return charsets.decode(text.encode("latin-1", "surrogateescape"), label or "")[0]
        return decode_words(value.encode("utf-8", "surrogateescape"))

    def text(self, header: str) -> str:
        """A header of the part as text on one line."""
        return decode_words(self.get(header, "").encode("utf-8", "surrogateescape"))


def _is_flood(value: str) -> bool:
    return len(value) > _PARAMETERS_LIMIT_CHARACTERS or value.count(";") > _PARAMETERS_LIMIT


def read_tree(raw: bytes, header: Header) -> _Part | Unreadable:
    """The tree of parts of a raw mail whose header has been read, within our bounds.

    Only the fields about the content go to the feed parser, so that there is one reading of
    where the header ends.
    """
    if header.cut:
        return Unreadable("header block over 256 KiB")
    lines = raw.count(b"\n") + raw.count(b"\r") - raw.count(b"\r\n")
    if lines > LINES_LIMIT:
        return Unreadable(f"more than {LINES_LIMIT} lines")
    # The count is dear, so it is made only where it can matter.
    if lines > _COMPARISONS_LIMIT // PARTS_LIMIT:
        multiparts = raw.lower().count(b"multipart/")
        if multiparts * lines > _COMPARISONS_LIMIT:
            return Unreadable("too many multiparts for so many lines")
    made = 0

    def part(**kwargs: Any) -> _Part:
        nonlocal made
        made += 1
        # The feed parser builds one for trial.
        if made > PARTS_LIMIT + 1:
            raise _TooManyPartsError
        return _Part(**kwargs)

    parser = BytesFeedParser(part)
    try:
        for name, value in header.fields:
            if name.startswith("content-"):
                parser.feed(b"%s:%s\r\n" % (name.encode("ascii"), value))
        parser.feed(b"\r\n")
        for at in range(header.body_at, len(raw), _FEED_SLICE_BYTES):
            parser.feed(raw[at : at + _FEED_SLICE_BYTES])
        return parser.close()
    except _TooManyPartsError:
        return Unreadable(f"more than {PARTS_LIMIT} parts")
    except RecursionError:
        return Unreadable(f"parts nested deeper than {DEPTH_LIMIT}")


def numbered_leaves(tree: _Part) -> Iterator[tuple[str, _Part]]:
    """Every leaf with its IMAP part number (RFC 9051 §6.4.5.1)."""
    waiting = [("", tree)]
    while waiting:
        number, part = waiting.pop()
        children = part.children()
        if not children:
            yield number or "1", part
        numbers = range(len(children), 0, -1)
        waiting += [(_child(number, n), children[n - 1]) for n in numbers]


def _child(number: str, n: int) -> str:
    return f"{number}.{n}" if number else str(n)


@dataclass(slots=True)
class _Words:
    """One stretch of text, in one or both of its forms."""

    plain: str = ""
    html: str = ""


@dataclass(slots=True)
class _Collected:
    words: list[_Words]
    attachments: list[Attachment]
    guessed: bool = False


def read_body(tree: _Part) -> Body | Unreadable:
    """The words of the mail in order, plain where there is a plain form, and the attachments."""
    collected = _Collected([], [])
    if not _collect(tree, "", "", 0, collected):
        return Unreadable(f"parts nested deeper than {DEPTH_LIMIT}")
    stretches = collected.words
    has_html = any(words.html for words in stretches)
    markup = "\n".join(
        words.html or f"<pre>{html.escape(words.plain)}</pre>" for words in stretches if has_html
    )
    shown = set(_CID.findall(markup))
    return Body(
        text="\n".join(_as_plain(words) for words in stretches),
        html=markup,
        charset_guessed=collected.guessed,
        attachments=tuple(
            _shown_inline(attachment) if attachment.content_id in shown else attachment
            for attachment in collected.attachments
        ),
    )


_CID = re.compile(r"(?i:cid:)([^\s\"'<>)]{1,250}+)")


def _as_plain(words: _Words) -> str:
    if words.plain.strip() or not words.html:
        return words.plain
    return text_from_html(words.html)


def _shown_inline(found: Attachment) -> Attachment:
    return Attachment(
        found.part, found.name, found.content_type, found.size_bytes, found.content_id, inline=True
    )


def _collect(part: _Part, number: str, parent: str, depth: int, into: _Collected) -> bool:
    """Add what a part holds; False where the nesting is too deep."""
    if depth > DEPTH_LIMIT:
        return False
    children = part.children()
    kind = part.media_type()
    if not children:
        _collect_leaf(part, number or "1", parent, into)
        return True
    before = len(into.words)
    for n, child in enumerate(children, 1):
        if not _collect(child, _child(number, n), kind, depth + 1, into):
            return False
    if kind == "multipart/alternative":
        _choose(into, before)
    return True


def _choose(into: _Collected, before: int) -> None:
    """The forms of one alternative (RFC 2046 §5.1.4) become one stretch."""
    forms = into.words[before:]
    if len(forms) < 2:
        return
    plain = next((words.plain for words in forms if words.plain.strip()), "")
    markup = next((words.html for words in reversed(forms) if words.html), "")
    into.words[before:] = [_Words(plain, markup)]


def _collect_leaf(part: _Part, number: str, parent: str, into: _Collected) -> None:
    kind = part.media_type()
    disposition = (part.get_content_disposition() or "").strip()
    name = part.parameter("filename", "content-disposition") or part.parameter("name")
    if _is_words(kind, disposition, name, parent):
        words, guessed = _words(part, kind)
        into.guessed |= guessed
        if words.plain or words.html:
            into.words.append(words)
        return
    content = part.content()
    content_id = part.text("content-id").strip().strip("<>")
    inline = bool(content_id) and disposition != "attachment" and kind.startswith("image/")
    into.attachments.append(
        Attachment(
            part=number,
            name=clean_name(name) or _usual_name(part, kind, parent, number),
            content_type=kind,
            size_bytes=len(content),
            content_id=content_id,
            inline=inline,
        )
    )


def _is_words(kind: str, disposition: str, name: str, parent: str) -> bool:
    """Is this leaf part of what the writer says? A text with a file name is a file."""
    if disposition == "attachment":
        return False
    if kind in ("text/plain", "text/html"):
        # The sole part, or one form of the text, is the text whatever its name.
        return not name or parent in ("", "multipart/alternative")
    # A multipart without parts shows its text; other kinds of text are words only on their own.
    return kind.startswith("multipart/") or (
        kind.startswith("text/") and parent == "" and kind not in _NAMES and not name
    )


# A page that says UTF-16 in readable ASCII is not in UTF-16.
_META_CHARSET = re.compile(rb"(?i:charset\s{0,8}=\s{0,8}[\"']?(?!utf-16)([\w.:-]{1,40}))")


def _words(part: _Part, kind: str) -> tuple[_Words, bool]:
    content = part.content()
    label = part.parameter("charset")
    if kind == "text/html" and not label:
        meta = _META_CHARSET.search(content[:2048])
        label = meta[1].decode("ascii", "replace") if meta else ""
    text, guessed = charsets.decode(content, label)
    # NUL is no text: PostgreSQL cannot keep it, and browsers end the word there.
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", " ")
    return (_Words(html=text) if kind == "text/html" else _Words(plain=text)), guessed


_NAMES = {
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


def _usual_name(part: _Part, kind: str, parent: str, number: str) -> str:
    """The name of a part that brings none (or none that can be used)."""
    if kind in _NAMES:
        return _NAMES[kind]
    if kind in ("message/rfc822", "message/global"):
        nested = read_header(part.content()[:_NESTED_HEADER_BYTES])
        subject = clean_name(next((decode_words(v) for v in nested.raw("subject")), ""), ".eml")
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

    `ending` is added; without it the name is a file name, and only what follows the last slash
    or backslash counts. Empty where nothing usable is left.
    """
    name = _NOT_IN_NAMES.sub("", name[:4_096])
    if ending:
        name = name.replace("/", "-").replace("\\", "-")
    name = name.replace("\\", "/").rpartition("/")[2].strip(" .")
    if not name:
        return ""
    stem, dot, last = name.rpartition(".")
    if not ending and stem and len(last) <= 16:
        name, ending = stem, dot + last
    room = _NAME_LIMIT_BYTES - len(ending.encode())
    return name.encode()[:room].decode("utf-8", "ignore") + ending
