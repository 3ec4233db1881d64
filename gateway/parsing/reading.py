"""Raw bytes to `Mail`, in the process that asks.

Apart from `parser`, so that a process that reads bodies loads no event loop.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from gateway.parsing.address_fields import date_of, recipients
from gateway.parsing.apart import NotHereError
from gateway.parsing.contained import bytes_in_tree, container, contents_within
from gateway.parsing.labels import Labels, labels_in
from gateway.parsing.mail_tree import numbered_leaves, read_tree
from gateway.parsing.mime import is_type_signed, read_body
from rules.mail import Body, Mail, Unread, Unreadable
from rules.mail.detection import SAMPLE_BYTES, detected
from rules.mail.encoded_words import decode_words
from rules.mail.header import Header, author, digests, message_ids
from rules.mail.header import read as read_header
from rules.mail.quoting import is_forward

_SUBJECT_LIMIT_BYTES = 16 * 1024


def read(raw: bytes, most_tags: int | None = None) -> Mail:
    """Parses a mail. Always returns: a body that cannot be read becomes `Unreadable`; but with
    `most_tags`, NotHereError is raised for a body that may take too long here.

    Time is linear in the size as far as we know, but only a process that can be killed guarantees
    a limit: see `gateway.parsing.parser`.
    """
    header = read_header(raw)
    return _mail(raw, header, body_of(raw, header, most_tags))


def read_unread(raw: bytes) -> Mail:
    """The mail with its body unread: at most 256 KiB of header, and a hash over all bytes."""
    return _mail(raw, read_header(raw), Unread())


def _mail(raw: bytes, header: Header, body: Body | Unreadable | Unread) -> Mail:
    subjects = header.raw_values("subject")
    whole, body_digest = digests(raw, header)
    return Mail(
        identity=whole,
        size_bytes=len(raw),
        header=header,
        author=author(header),
        subject=_subject(_subject_read(subjects[0]), raw, header) if subjects else "",
        message_id=next(iter(message_ids(header, "message-id")), ""),
        in_reply_to=message_ids(header, "in-reply-to"),
        references=message_ids(header, "references"),
        to=recipients(header, "to"),
        cc=recipients(header, "cc"),
        date=date_of(header),
        body=body,
        body_digest=body_digest,
    )


def _subject_read(value: bytes) -> bytes:
    """What is read of a Subject: its beginning, and of one that is longer its words. A signed
    mail can be sent again with wider gaps between them."""
    if len(value) > _SUBJECT_LIMIT_BYTES:
        value = b" ".join(value.split())
    return value[:_SUBJECT_LIMIT_BYTES]


def _subject(value: bytes, raw: bytes, header: Header) -> str:
    """The text of a Subject. Octets outside ASCII that are not UTF-8 are in the charset that the
    mail declares for its text; if it declares none, in the one that both are likely in."""
    if value.isascii():
        return decode_words(value).strip()
    at = header.body_at
    labels = [*labels_in(b" ".join(header.raw_values("content-type"))), *Labels(raw, at).found()]
    likely = detected(value if labels else value + b"\n" + raw[at : at + SAMPLE_BYTES])
    return decode_words(value, [*labels, likely]).strip()


def body_of(raw: bytes, header: Header, most_tags: int | None = None) -> Body | Unreadable:
    """The body of a mail with this header."""
    tree = read_tree(raw, header)
    if isinstance(tree, Unreadable):
        return tree
    subjects = header.raw_values("subject")
    return read_body(
        tree,
        type_signed=is_type_signed(header),
        forwarded=bool(subjects) and is_forward(decode_words(_subject_read(subjects[0])).strip()),
        most_tags=most_tags,
    )


def parts_bytes(raw: bytes, parts: Collection[str]) -> dict[str, bytes]:
    """The decoded bytes of attachments, by `Attachment.part`; an attached message as sent.

    Raises LookupError if one is missing.
    """
    tree = read_tree(raw, read_header(raw))
    if isinstance(tree, Unreadable):
        raise LookupError("the mail cannot be read")
    return bytes_in_tree(tree, parts)


def nested_files(raw: bytes, *, here: bool = False) -> Iterator[bytes]:
    """The decoded bytes of the parts of a file that is a mail; none of any other file, and of a
    part that is the file as it stands. Raises LimitError where more is packed than is read, and
    with `here` NotHereError for what may take longer than a thread of the server has time."""
    if here and not is_ordinary(raw):
        raise NotHereError
    header = read_header(raw)
    tree = read_tree(raw, header)
    if isinstance(tree, Unreadable):
        return
    for _, leaf in numbered_leaves(tree):
        content = leaf.content()
        if len(content) < len(raw) - header.body_at:
            yield content
        if here and container(leaf, leaf.parameter("name")):
            raise NotHereError
        yield from contents_within(leaf)


_ORDINARY_BYTES = 64 * 1024
_ORDINARY_ANGLES = 8_000
ORDINARY_TAGS = 3_000
"""Which are read: see `HtmlReader`. Counted once the body is decoded."""
_ORDINARY_HEADER_BYTES = 16 * 1024
_ORDINARY_ENCODED_WORDS = 100
_ORDINARY_LINES = 2_000
_ORDINARY_BOUNDARIES = 50
_ORDINARY_MULTIPARTS = 20


def is_ordinary(raw: bytes) -> bool:
    """Whether this mail is small and simple enough to be parsed in the event loop, as far as its
    bytes show. The tags of its HTML are counted when it is read there.

    Within these limits every known costly case takes less than 50 ms.
    """
    if len(raw) > _ORDINARY_BYTES or raw.count(b"<") > _ORDINARY_ANGLES:
        return False
    # A longer header is not ordinary, so its end need not be found.
    search_end = _ORDINARY_HEADER_BYTES + 4
    crlf = raw.find(b"\n\r\n", 0, search_end)
    lf = raw.find(b"\n\n", 0, search_end if crlf < 0 else crlf + 2)
    ends = [at for at in (crlf, lf) if at >= 0]
    header_bytes = len(raw)
    if ends:
        header_bytes = min(ends) - raw.endswith(b"\r", 0, min(ends))
    lines = raw.count(b"\n")
    return (
        header_bytes <= _ORDINARY_HEADER_BYTES
        and raw.count(b"=?", 0, header_bytes) <= _ORDINARY_ENCODED_WORDS
        and lines <= _ORDINARY_LINES
        and (lines <= _ORDINARY_BOUNDARIES or raw.count(b"\n--") <= _ORDINARY_BOUNDARIES)
        and raw.count(b"multipart/") <= _ORDINARY_MULTIPARTS
    )
