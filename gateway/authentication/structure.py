"""What signatures cover of a mail, and whether the rest could change how its body is read.

Many honest signers cover neither Content-Type nor Content-Transfer-Encoding, so an unsigned field
is accepted where the signed body itself implies it: nobody who sends the mail again can then choose
another reading. What the body is read as is thus a function of what was signed.
"""

from __future__ import annotations

import binascii
import codecs
import re
import time
from collections import Counter
from collections.abc import Sequence

from gateway.authentication.signatures import (
    CHUNK_BYTES,
    PAUSE_S,
    HeaderField,
    RawMessage,
    Tags,
    canonical_body,
    is_body_relaxed,
    signed_content_digest,
)
from rules.mail import charsets
from rules.mail.encoded_words import unfold
from rules.mail.extent import squeezed
from rules.sender.authentication import SignedScope
from rules.sender.signature_scope import is_single

EXAMINED_BYTES = 256 * 1024
"""As much of the body as is examined, from its beginning, in its relaxed canonical form: any other
could be stretched under the signature."""
MAX_PARTS = 50
MAX_FIELD_CHARACTERS = 1024
"""A longer Content-Type is of no form: the parser of the body has limits too."""
MAX_PARAMETERS = 20
MAX_SPACE = 256
"""White space in a row, or empty lines at the end, that a signature does not cover."""

# Nothing here backtracks, so the time is linear. What two readers could decode differently is no
# value: angles and backslashes, encoded-words, octets outside ASCII.
_VALUE = r"(?:\"(?![^\"]*=\?)[^\"\\<>\ufffd]*+\"|(?!\S*=\?)[^\s\";\\<>\ufffd]++)"
_TYPE = re.compile(
    r"([a-z0-9!#$&^_.+-]++/[a-z0-9!#$&^_.+-]++)"
    rf"((?>(?:\s*+;\s*+[a-z0-9_-]++\s*+=\s*+{_VALUE})*))\s*+;?\s*+",
    re.IGNORECASE | re.ASCII,
)
_PARAMETER = re.compile(
    r";\s*+([a-z0-9_-]++)\s*+=\s*+(?:\"([^\"]*+)\"|([^\s\";]++))", re.IGNORECASE
)
_FIRST_BOUNDARY = re.compile(
    rb"(?:\A|(?<=\n))--(?P<name>[^\r\n]{1,200}+)\r?\n(?=\r?\n|Content-[A-Za-z-]+[ \t]*:)",
    re.IGNORECASE,
)
_SPACE = re.compile(rb"(?<![ \t])[ \t]{%d}" % MAX_SPACE)
_USUAL_PREAMBLE = re.compile(
    rb"(?:FILETIME=\[[0-9A-F:]{1,40}\] )?this (?:message )?(?:is|contains) (?:an? |in |the )?"
    rb"(?:(?:nested|message|preamble|area|of|in|a|cryptographically|signed) ){0,4}"
    rb"(?:multi-?part|s?/?mime)"
    rb"(?:[ -](?:encapsulated|formatted|encoded|signed|message|preamble|in|mime|format)){0,6}"
    rb"[.]{0,3}"
    rb"(?: ?(?:since your|your mail|mail readers|if you|if the next|portions of|the first part) "
    rb".{0,300})?",
    re.IGNORECASE,
)
"""What senders' programs write above the parts; a person's words there are the text."""
_PREAMBLE_BYTES = 500
_USUAL_PREAMBLES = frozenset(
    (
        b"Dies ist eine mehrteilige Nachricht im MIME-Format.",
        b"Dit is een meerdelig bericht in MIME-indeling.",
        b"Det h\xc3\xa4r \xc3\xa4r ett flerdelat meddelande i MIME-format.",
    )
)
"""The same in other languages, to the letter."""
_MAIL_PART = re.compile(rb"message/(?:rfc822|global)\b", re.IGNORECASE)
_REPORT_PART = re.compile(
    rb"\nContent-Type:[ \t\r\n]{0,8}message/[a-z-]{1,40}-(?:status|notification|report)\b",
    re.IGNORECASE,
)
_VISIBLE = re.compile(rb"\S")
_HTML = re.compile(
    r"\s*<(?:!doctype|html|head|body|div|p|br|table|span|font|meta|style|center|h[1-6])\b",
    re.IGNORECASE,
)
_NAMELESS = re.compile(r"(?:text/(?:plain|html)|multipart/[a-z-]+)\s*+(?:;|\Z)", re.IGNORECASE)
"""Of these a body is shown, whatever name it has."""
_NOT_QUOTED_PRINTABLE = re.compile(rb"=(?![0-9A-Fa-f]{2}|[ \t]*\r?\n|[ \t]*\Z)|[^\x00-\x7f]")
_ESCAPED_OCTET = re.compile(rb"=[89A-F][0-9A-F]")
_QUOTED_PRINTABLE = re.compile(rb"=(?:(?:[89A-F][A-F]|[A-F][0-9])(?![0-9A-F])|3D|20\r?\n|\r?\n)")
"""Not `limit=80`, which may be meant as it is written."""
_BASE64 = re.compile(rb"[A-Za-z0-9+/]++={0,2}")
_HEXADECIMAL = re.compile(rb"[0-9a-f]++|[0-9A-F]++")
_BASE64_LENGTH, _BASE64_LINE, _BASE64_LONG = 20, 40, 256
"""A shorter run of such characters may be a word; shorter lines may be; a key or a token may be as
long as that, so of a shorter line it is examined what it would decode to."""
_NOT_IN_TEXT = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_IDENTITY = ("", "7bit", "8bit", "binary")


def signed_scope(
    message: RawMessage, signatures: Sequence[tuple[HeaderField, Tags]]
) -> tuple[SignedScope, tuple[str, ...]]:
    """What valid signatures cover together, and the fingerprint of each. CPU-bound.

    Raises whatever dkimpy raises.
    """
    digests = tuple(signed_content_digest(message, field, tags) for field, tags in signatures)
    names = covered_names([tags for _, tags in signatures])
    exact = any(not is_body_relaxed(tags) for _, tags in signatures)
    problem = structure_problem(message, names, exact=exact)
    return SignedScope(digests[0], names, problem=problem), digests


def covered_names(signatures: Sequence[Tags]) -> tuple[str, ...]:
    """The names in `h=`, each as often as in the signature that has it most often."""
    most: Counter[str] = Counter()
    for tags in signatures:
        names = tags[b"h"].decode("ascii", "replace").lower().split(":")
        most |= Counter(name.strip() for name in names)
    return tuple(most.elements())


def structure_problem(message: RawMessage, signed: Sequence[str], *, exact: bool = False) -> str:
    """Why the fields outside a signature could change what is read; empty if they could not.

    `signed` are the names that the signature covers, each as often as in `h=`; an `exact` one
    covers the body with all white space but the empty lines at its end. CPU-bound, linear in what
    is examined, never raises.
    """
    present = Counter(message.names())
    covered = Counter(signed)
    for name, count in present.items():
        if count > 1 and is_single(name) and covered[name] < count:
            return f"{count} {name} fields, not all of them signed"
    if problem := _stretched(message, exact=exact):
        return problem
    fields = ("content-type", "content-transfer-encoding", "content-disposition")
    if all(covered[name] for name in fields):
        return ""
    kind, encoding, disposition = (_value(message, name) for name in fields)
    if not covered["content-disposition"] and not _is_shown(disposition, kind):
        return "an unsigned Content-Disposition"
    body, whole = _beginning(message)
    kind_signed = bool(covered["content-type"])
    if (
        not kind_signed
        and (boundary := _boundary(body, whole))
        and _has_epilogue(message, boundary)
    ):
        return "a text below the parts, and an unsigned Content-Type"
    return _contradiction(
        body,
        whole=whole,
        kind=kind,
        kind_signed=kind_signed,
        encoding=encoding.lower(),
        encoding_signed=bool(covered["content-transfer-encoding"]),
    )


def _stretched(message: RawMessage, *, exact: bool) -> str:
    """Why the body could have been stretched under its signature, which white space and empty
    lines at the end hardly concern: so far that the parser would meet its limits."""
    raw, at = message.raw, message.body_at
    if len(raw) - at > 8 * MAX_SPACE and not raw[-8 * MAX_SPACE :].strip():
        return "a body that ends with so much white space as no signature covers"
    while at < len(raw) and not exact:
        piece = raw[at : at + CHUNK_BYTES + MAX_SPACE]
        if piece.count(b" ") + piece.count(b"\t") >= MAX_SPACE:
            if _SPACE.search(piece):
                return "a body with so much white space in a row as no signature covers"
            time.sleep(PAUSE_S)
        at += CHUNK_BYTES
    return ""


def _is_shown(disposition: str, kind: str) -> bool:
    """Whether an unsigned disposition makes no file of the body, and gives none a name."""
    shown, named, _ = disposition.partition(";")
    nameless = not (named and kind and not _NAMELESS.match(kind))
    return nameless and shown.strip().lower() in ("", "inline")


def _beginning(message: RawMessage) -> tuple[bytes, bool]:
    """The beginning of the canonical body, and whether it is all of it."""
    pieces: list[bytes] = []
    size = 0
    for piece in canonical_body(message.raw, message.body_at, relaxed=True):
        pieces.append(piece)
        size += len(piece)
        if size > EXAMINED_BYTES:
            return b"".join(pieces)[:EXAMINED_BYTES], False
    return b"".join(pieces), True


def _value(message: RawMessage, name: str) -> str:
    found = [each for each in message.fields if each[0].strip().lower() == name.encode()]
    return squeezed(unfold(found[0][1]).decode("ascii", "replace")) if found else ""


def _contradiction(
    body: bytes,
    *,
    whole: bool,
    kind: str,
    kind_signed: bool,
    encoding: str,
    encoding_signed: bool,
) -> str:
    """Why the signed body does not imply the unsigned ones of the two fields."""
    short = len(kind) <= MAX_FIELD_CHARACTERS and kind.count(";") <= MAX_PARAMETERS
    read = _TYPE.fullmatch(kind or "text/plain") if short else None
    if read is None and not kind_signed:
        return "an unsigned Content-Type of no form"
    # Of a signed type of no form, the encoding may be unsigned all the same.
    media_type = (read[1] if read else kind.partition(";")[0].strip()).lower()
    parameters: dict[str, str] = {}
    for name, quoted, token in _PARAMETER.findall(read[2] if read else ""):
        if parameters.setdefault(name.lower(), quoted or token) != (quoted or token):
            return "an unsigned Content-Type with a parameter twice"
    boundary = _boundary(body, whole)
    if media_type.startswith("multipart/"):
        if kind_signed:  # its parts have encodings of their own, which are in the signed body
            named = parameters.get("boundary", "").rstrip()
            has_parts = bool(boundary) and named in ("", boundary)
            return "" if encoding in _IDENTITY or has_parts else "an unsigned encoding"
        return _unsigned_multipart(body, boundary, media_type, parameters)
    if not kind_signed:
        if boundary:
            return f"the body has parts, but the unsigned Content-Type is {media_type}"
        if media_type not in ("text/plain", "text/html"):
            return f"an unsigned Content-Type of {media_type}"
    if not encoding_signed:
        is_text = media_type.startswith("text/")
        if problem := _unsigned_encoding(body, whole, encoding, is_text=is_text):
            return problem
    return "" if kind_signed else _unsigned_text(body, encoding, media_type, parameters)


def _boundary(body: bytes, whole: bool) -> str:
    """The boundary that the body itself begins with; empty if it has no parts."""
    found = _FIRST_BOUNDARY.search(body)
    if found is None:
        return ""
    before, name = body[: found.start()].strip(), found["name"].rstrip(b" \t")
    if len(before) > _PREAMBLE_BYTES:
        return ""
    line = b" ".join(before.split())
    if line and line not in _USUAL_PREAMBLES and not _USUAL_PREAMBLE.fullmatch(line):
        return ""
    if whole and not re.search(rb"\n--" + re.escape(name) + rb"--[ \t]*(?:\r?\n|\Z)", body):
        return ""
    return name.decode("ascii", "replace")


def _unsigned_multipart(
    body: bytes, boundary: str, media_type: str, parameters: dict[str, str]
) -> str:
    if not boundary or parameters.get("boundary", "").rstrip() != boundary:
        return "an unsigned Content-Type names another boundary than the body begins with"
    # Forms of one text are not known by the type (`rules.mail.forms`), but none of them is a file,
    # and of a mail that is attached to a report nothing is read: it is none that is forwarded.
    headers = _part_headers(body, boundary.encode())
    has_report = any(_REPORT_PART.search(b"\n" + header) for header in headers)
    if (
        media_type == "multipart/digest"
        or (media_type == "multipart/alternative" and _have_files(headers))
        or ((media_type == "multipart/report") != has_report and _MAIL_PART.search(body))
    ):
        return f"the body's parts do not imply the unsigned {media_type}"
    return ""


def _part_headers(body: bytes, boundary: bytes) -> list[bytes]:
    pieces = re.split(rb"(?:\A|\n)--" + re.escape(boundary) + rb"(?:--)?[ \t]*\r?\n", body)
    return [re.split(rb"\r?\n\r?\n", piece, maxsplit=1)[0].lower() for piece in pieces[1:]]


def _have_files(headers: Sequence[bytes]) -> bool:
    """Whether a part has a file name, or more parts follow than are examined."""
    named = any(re.search(rb"attachment|filename|\bname[*=]", each) for each in headers)
    return named or len(headers) >= MAX_PARTS


def _has_epilogue(message: RawMessage, boundary: str) -> bool:
    """Whether more than white space follows the parts: nobody would see it."""
    end = re.compile(rb"(?:\A|\n)--" + re.escape(boundary.encode()) + rb"--[ \t]*(?:\r?\n|\Z)")
    found = end.search(message.raw, message.body_at)
    return found is not None and _VISIBLE.search(message.raw, found.end()) is not None


def _unsigned_encoding(body: bytes, whole: bool, encoding: str, *, is_text: bool) -> str:
    implied = _implied_encoding(body, whole, is_text=is_text)
    named = "" if encoding in _IDENTITY else encoding
    if named == implied or (whole and not body.strip()):
        return ""
    if named == "quoted-printable" and not implied and whole and b"=" not in body:
        return ""  # read the same
    return f"the body does not imply the unsigned encoding {encoding or 'none'}"


def _implied_encoding(body: bytes, whole: bool, *, is_text: bool) -> str:
    if _is_base64([line.strip() for line in body.strip().split(b"\n")], whole, is_text=is_text):
        return "base64"
    if _NOT_QUOTED_PRINTABLE.search(body):
        return ""
    if _QUOTED_PRINTABLE.search(body):
        return "quoted-printable"
    if _ESCAPED_OCTET.search(body) and _is_utf8(binascii.a2b_qp(body)):
        return "quoted-printable"
    return ""


def _is_base64(lines: list[bytes], whole: bool, *, is_text: bool) -> bool:
    """Whether these lines can hardly be anything but base64: all of one length, the last at most
    that, and a text comes out where a text is expected."""
    joined = b"".join(lines)
    if not _BASE64.fullmatch(joined) or _HEXADECIMAL.fullmatch(joined):
        return False
    if whole and len(joined) % 4:
        return False
    width = len(lines[0])
    if len(lines) > 1:
        if width < _BASE64_LINE or width % 4 or {len(line) for line in lines[:-1]} != {width}:
            return False
        if len(lines[-1]) > width:
            return False
    elif len(joined) < _BASE64_LENGTH and b"=" not in joined:
        return False
    decoded = binascii.a2b_base64(joined[: len(joined) // 4 * 4])
    if not is_text:
        return True
    if decoded.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        decoded = decoded.decode("utf-16", "replace").encode("utf-8", "replace")
    if len(joined) < _BASE64_LONG and not _is_utf8(decoded) and len(lines) == 1:
        return False
    return not _NOT_IN_TEXT.search(decoded)


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _unsigned_text(body: bytes, encoding: str, media_type: str, parameters: dict[str, str]) -> str:
    content = body
    if encoding not in (*_IDENTITY, "quoted-printable", "base64"):
        return "an unsigned Content-Type under an unusual encoding"
    if encoding == "quoted-printable":
        content = binascii.a2b_qp(body)
    elif encoding == "base64":
        joined = b"".join(body.split())
        try:
            if b"=" in joined[:-2]:
                raise binascii.Error("the text may be read as it came, with what follows")
            content = binascii.a2b_base64(joined[: len(joined) // 4 * 4])
        except binascii.Error:
            return "damaged base64 under an unsigned Content-Type"
    implied = charsets.decode_text(content)[0]
    label = parameters.get("charset", "")
    if media_type == "text/html" and charsets.codec_for(label) in ("", "ascii"):
        label = charsets.declared_in_html(content) or label
    if charsets.decode_text(content, label)[0] != implied or (
        encoding != "base64" and not charsets.reads_ascii(label)
    ):
        return "the text does not imply the unsigned character set"
    if "delsp" in parameters and content.isascii():
        return "an unsigned delsp"
    if (media_type == "text/html") != bool(_HTML.match(implied)):
        return f"the text does not imply the unsigned {media_type}"
    return ""
