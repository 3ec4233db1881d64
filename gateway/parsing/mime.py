"""The body of a mail: its MIME tree (RFC 2046), its text and its attachments."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from gateway.parsing.html_text import HtmlReader
from gateway.parsing.tree import PARTS_LIMIT, LimitError, MimePart, build_tree
from rules.mail import AttachedMail, Attachment, Body, Unreadable, charsets
from rules.mail.encoded_words import decode_words
from rules.mail.extent import squeezed, unstretched
from rules.mail.header import Author, Header, author
from rules.mail.header import read as read_header

LINES_LIMIT = 1_000_000
# Each line may have to be compared with the boundary of each open multipart.
_COMPARISONS_LIMIT = 25_000_000
_NESTED_HEADER_BYTES = 16 * 1024
_NAME_SOURCE_BYTES = 998
"""Of the subject of an attached mail, which becomes its name: a line (RFC 5322 §2.1.1)."""


def read_tree(raw: bytes, header: Header) -> MimePart | Unreadable:
    """The tree of parts of a raw mail, or why it exceeds our limits.

    The end of the header and its Content-* fields are taken from `header`, not parsed again.
    """
    if header.truncated:
        return Unreadable("header block over 256 KiB or 2,000 fields")
    # Counting is expensive, so it is done only where it can matter.
    if len(raw) > _COMPARISONS_LIMIT // PARTS_LIMIT:
        lines = raw.count(b"\n") + raw.count(b"\r") - raw.count(b"\r\n")
        if lines > LINES_LIMIT:
            return Unreadable(f"more than {LINES_LIMIT} lines")
        if lines > _COMPARISONS_LIMIT // PARTS_LIMIT:
            multiparts = raw.lower().count(b"multipart/")
            if multiparts * lines > _COMPARISONS_LIMIT:
                return Unreadable("too many multiparts for so many lines")
    fields: dict[str, bytes] = {}
    for name, value in header.fields:
        if name.startswith("content-"):
            fields.setdefault(name, value)
    try:
        return build_tree(raw, header.body_at, fields)
    except LimitError as error:
        return Unreadable(str(error))


def numbered_leaves(tree: MimePart) -> Iterator[tuple[str, MimePart]]:
    """Every leaf with its IMAP part number (RFC 9051 §6.4.5.1)."""
    pending = [("", tree)]
    while pending:
        number, part = pending.pop()
        children = part.children
        if not children:
            yield number or "1", part
        numbers = range(len(children), 0, -1)
        pending += [(_child(number, n), children[n - 1]) for n in numbers]


def _child(number: str, n: int) -> str:
    return f"{number}.{n}" if number else str(n)


@dataclass(slots=True)
class _TextSection:
    """One section of the text: as plain text, as HTML, or both."""

    plain: str = ""
    html: str = ""


@dataclass(slots=True)
class _Collected:
    sections: list[_TextSection]
    attachments: list[Attachment]
    guessed: bool = False
    damaged: bool = False
    is_attached: bool = False
    """Within an attached mail: those attached to it in turn are files."""
    most_tags: int | None = None
    forms: list[_TextSection] = field(default_factory=list)
    """Those of the parts, if the whole body is a multipart."""


def read_body(tree: MimePart, *, type_signed: bool = True, most_tags: int | None = None) -> Body:
    """The text of the mail in order, from plain text where available, and the attachments; where
    the type of the body may be unsigned, also the forms of its text.

    Raises TooManyTagsError if trees of more than `most_tags` tags would have to be built.
    """
    collected = _Collected([], [], most_tags=most_tags)
    _collect(tree, "", "", collected)
    sections = collected.sections
    has_html = any(section.html for section in sections)
    markup = "\n".join(
        section.html or f"<pre>{html.escape(section.plain)}</pre>"
        for section in sections
        if has_html
    )
    reader = HtmlReader(most_tags)
    referenced = set(_CID.findall(markup)) if collected.attachments else frozenset()
    text = unstretched("\n".join(_as_plain(section, reader) for section in sections))
    several = not type_signed and len(collected.forms) > 1
    return Body(
        text=text,
        html=markup,
        charset_guessed=collected.guessed,
        attachments=tuple(
            _as_inline(attachment) if attachment.content_id in referenced else attachment
            for attachment in collected.attachments
        ),
        forms=tuple(unstretched(_as_plain(section, reader)) for section in collected.forms)
        if several
        else (),
        one_form=unstretched(_as_plain(_one_of(collected.forms), reader)) if several else "",
        damaged=collected.damaged,
    )


def is_type_signed(header: Header) -> bool:
    """Whether each signature that a mail carries, valid or not, covers its Content-Type: those of
    forwarders prove an author, too (ARC)."""
    sealed = header.raw_values("arc-message-signature")
    for value in (*header.raw_values("dkim-signature"), *sealed):
        for tag in b"".join(value.split()).lower().split(b";"):
            name, _, names = tag.partition(b"=")
            if name == b"h" and b"content-type" not in names.split(b":"):
                return False
    return True


_CID = re.compile(r"(?i:cid:)([^\s\"'<>)]{1,250}+)")


def _as_plain(section: _TextSection, reader: HtmlReader) -> str:
    if section.plain.strip() or not section.html:
        return section.plain
    return reader.text(section.html)


def _as_inline(found: Attachment) -> Attachment:
    return replace(found, inline=True)


def _collect(part: MimePart, number: str, parent: str, into: _Collected) -> None:
    """Adds the content of a part; recursion is bounded by `tree.DEPTH_LIMIT`."""
    if not part.children:
        _collect_leaf(part, number or "1", parent, into)
        return
    before = len(into.sections)
    for n, child in enumerate(part.children, 1):
        _collect(child, _child(number, n), part.media_type, into)
    if not number:
        into.forms = into.sections[:]
    if part.media_type == "multipart/alternative" and len(into.sections) - before > 1:
        into.sections[before:] = [_one_of(into.sections[before:])]


def _one_of(forms: list[_TextSection]) -> _TextSection:
    """The forms of one multipart/alternative (RFC 2046 §5.1.4) as one section."""
    plain = next((section.plain for section in forms if section.plain.strip()), "")
    markup = next((section.html for section in reversed(forms) if section.html), "")
    return _TextSection(plain, markup)


def _collect_leaf(part: MimePart, number: str, parent: str, into: _Collected) -> None:
    kind = part.media_type
    disposition = part.disposition()
    name = part.parameter("filename", "content-disposition") or part.parameter("name")
    if _is_body_text(kind, disposition, name, parent):
        section, guessed = _read_text(part, kind)
        into.damaged |= part.is_damaged
        into.guessed |= guessed
        if section.plain or section.html:
            into.sections.append(section)
        return
    content = part.content()
    into.damaged |= part.is_damaged
    content_id = part.text("content-id").strip().strip("<>")
    inline = bool(content_id) and disposition != "attachment" and kind.startswith("image/")
    into.attachments.append(
        Attachment(
            part=number,
            name=clean_name(name) or _default_name(part, kind, parent, number),
            content_type=kind,
            size_bytes=len(content),
            content_id=content_id,
            inline=inline,
            is_click=disposition != "attachment" and _is_click(part, kind, parent, content),
            mail=_attached_mail(kind, parent, content, into),
        )
    )


def _attached_mail(kind: str, parent: str, content: bytes, into: _Collected) -> AttachedMail | None:
    """What an attached mail says, if it is one that a person forwards."""
    if kind not in _MAILS or parent in _REPORTS:
        return None
    if into.is_attached:
        return None
    if len(content) > _ATTACHED_BYTES:
        content = _without_wide_gaps(content, _ATTACHED_BYTES + 1)
    if len(content) > _ATTACHED_BYTES:
        return None
    if any(each.mail is not None for each in into.attachments):
        return AttachedMail(author="", subject="", text="")  # of several, the first is shown
    content = _without_white_line(content)
    header = read_header(content)
    tree = read_tree(content, header)
    if isinstance(tree, Unreadable):
        return None
    inner = _Collected([], [], is_attached=True)
    _collect(tree, "", "", inner)
    reader = HtmlReader(into.most_tags)
    text = unstretched("\n".join(_as_plain(section, reader) for section in inner.sections))
    found, subjects = author(header), header.raw_values("subject")
    return AttachedMail(
        author=found.address if isinstance(found, Author) else "",
        subject=decode_words(_one_line(subjects[0])).strip() if subjects else "",
        text=text,
    )


def _without_white_line(content: bytes) -> bytes:
    """An attached mail whose header ends at the first line of white space, as that of a part."""
    return _WHITE_LINE.sub(rb"\1", content, count=1)


def _without_wide_gaps(content: bytes, limit: int) -> bytes:
    """The first bytes of a part with one space for several, and none at the end of a line: a
    signed mail can be sent again with wider gaps."""
    content = content[: limit * _WIDEST].replace(b"\t", b" ")
    for wide in (b" " * 32, b" " * 4, b"  "):
        while wide in content:
            content = content.replace(wide, b" ")
    return content.replace(b" \r\n", b"\r\n").replace(b" \n", b"\n")[:limit]


_WHITE_LINE = re.compile(rb"(\A|\r\n|\r|\n)[ \t]++(?=[\r\n])")


def _one_line(value: bytes) -> bytes:
    return b" ".join(value.split())[:_NAME_SOURCE_BYTES]


_WIDEST = 256
"""Bytes of a gap in a mail that is not held: see `gateway.authentication.structure`."""
_MAILS = ("message/rfc822", "message/global")
_REPORTS = ("multipart/report", "multipart/digest")
_ATTACHED_BYTES = 256 * 1024
"""Of an attached mail whose text is read."""


def _is_click(part: MimePart, kind: str, parent: str, content: bytes) -> bool:
    """Whether it is an emoji reaction of Gmail, or the answer to an invitation (RFC 5546 §3.2.3),
    whose part need not name the method. Next to a text, in a multipart/mixed, it is a file."""
    if kind == _REACTION:
        return True
    if kind != "text/calendar" or parent not in ("", "multipart/alternative"):
        return False
    method = part.parameter("method").encode() or b"".join(
        _METHOD.findall(_without_wide_gaps(content, 4_096))[:1]
    )
    return method.strip().lower() == b"reply"


def _is_body_text(kind: str, disposition: str, name: str, parent: str) -> bool:
    """Whether this leaf is part of the mail's text. A text with a file name is a file."""
    if disposition == "attachment":
        return False
    if kind in ("text/plain", "text/html"):
        # The only part, or a form of the text, is the text even if it has a name.
        return not name or parent in ("", "multipart/alternative")
    # A multipart without parts is shown as text; other text types only if they are the only part.
    return kind.startswith("multipart/") or (
        kind.startswith("text/") and parent == "" and kind not in _NAMES and not name
    )


def _read_text(part: MimePart, kind: str) -> tuple[_TextSection, bool]:
    content = part.content()
    label = part.parameter("charset")
    if kind == "text/html" and not label:
        label = charsets.declared_in_html(content)
    text, guessed = charsets.decode(content, label)
    # NUL is not text: PostgreSQL cannot store it, and browsers may stop there.
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", " ")
    return (_TextSection(html=text) if kind == "text/html" else _TextSection(plain=text)), guessed


_REACTION = "text/vnd.google.email-reaction+json"
_METHOD = re.compile(rb"(?im:^METHOD:([A-Z]{1,20})\s*$)")
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
    _REACTION: "reaction.json",
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


def _default_name(part: MimePart, kind: str, parent: str, number: str) -> str:
    """The name for a part without a usable name of its own."""
    if kind in _NAMES:
        return _NAMES[kind]
    if kind in _MAILS:
        nested = read_header(_without_wide_gaps(part.content(), _NESTED_HEADER_BYTES))
        subjects = nested.unfolded_values("subject")
        subject = clean_name(decode_words(_one_line(subjects[0])), ".eml") if subjects else ""
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
