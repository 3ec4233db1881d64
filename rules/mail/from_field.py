"""The one address in a From field, or why there is none.

A reader that is careless with quotes, comments or character sets may find another author than we
do. A field in the common form, printable ASCII, was read by every reader that we know as we read
it (tests/fuzz/authors.py). Any other legal form is read only if nothing in it but the address could
be taken for one: however it is read, there is one `@` to find.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from rules.mail.encoded_words import decoded, unfold


@dataclass(frozen=True, slots=True)
class NoAddress:
    why: str


# RFC 5322 §3.4.1 without comments, quoted local parts, domain literals and obsolete forms; dots and
# similar characters are accepted in the display name, since they are common.
_ATOM = rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++"
_LABEL = rb"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = rb"(" + _ATOM + rb"(?>(?:\." + _ATOM + rb")*))@((?:" + _LABEL + rb"\.)+" + _LABEL + rb")"
_QUOTED = rb'"(?>(?:[^"\\\x00-\x08\x0a-\x1f\x7f-\xff]++|\\[\t -~])*)"'
_PHRASE = rb"(?>(?:" + _QUOTED + rb'|[^\x00-\x08\x0a-\x1f"(),:;<>@\[\\\]\x7f-\xff]++)*)'
_FOLDABLE_QUOTED = re.compile(rb'"(?>(?:[^"\\]++|\\.)*)"', re.DOTALL)
_EMPTY_FOLD = re.compile(rb"(?:\r\n|\r|\n)[ \t]++(?=[\r\n]|\Z)")
_COMMON = (re.compile(_PHRASE + rb"<" + _ADDRESS + rb">"), re.compile(_ADDRESS))

# The other forms: comments around the address and in the display name, 8-bit octets in both (RFC
# 6532), brackets in the name, spaces inside the angle brackets, an empty member at the end (RFC
# 5322 §4.4). A comma, colon or semicolon outside of quotes and comments begins another member.
_NEVER = rb"\\@<>\x00-\x08\x0a-\x1f\x7f"
_COMMENT = rb"\((?>(?:[^()" + _NEVER + rb"]++|\([^()" + _NEVER + rb"]*+\))*)\)"
_AROUND = rb"(?>(?:[ \t]++|" + _COMMENT + rb")*)"
_QUOTED_8BIT = rb'"(?>(?:[^"' + _NEVER + rb']++|\\["\\])*)"'
_NAME = rb"(?>(?:" + _QUOTED_8BIT + rb"|" + _COMMENT + rb'|[^"(),:;' + _NEVER + rb"]++)*)"
_END = _AROUND + rb"(?:,[ \t]*+)?"
_OTHER = (
    re.compile(_NAME + rb"<[ \t]*+" + _ADDRESS + rb"[ \t]*+>" + _END),
    re.compile(_AROUND + _ADDRESS + _END),
)
# Such a charset writes `@` and `<` with other ASCII characters.
_ASCII_IN_DISGUISE = re.compile(rb"=\?[^?]{0,64}(?:utf[^?]?7|u7)", re.IGNORECASE)
_CONTROLS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_C1 = re.compile("[\x80-\x9f]")
_LIMIT_BYTES = 998
_LOCAL_LIMIT_BYTES = 64
_ADDRESS_LIMIT_BYTES = 254


def address_in(value: bytes) -> str | NoAddress:
    """The address in lower case, of a value with its folds. Linear time."""
    if len(value) > _LIMIT_BYTES:
        return NoAddress("From is too long")
    if _EMPTY_FOLD.search(value):
        return NoAddress("folded line of white space in From")
    if any(b"@" in quoted and b"\n" in quoted for quoted in _FOLDABLE_QUOTED.findall(value)):
        # Python's getaddresses, without unfolding, takes the first line for the address.
        return NoAddress("folded address in the display name of From")
    mailbox = unfold(value)
    found = _match(_COMMON, mailbox)
    if found is None:
        found = _match(_OTHER, mailbox)
        if found is None:
            return NoAddress("From is not a single plain mailbox")
        if why := _could_be_read_otherwise(mailbox):
            return NoAddress(why)
    local, domain = found.groups()
    if b"=?" in local:
        return NoAddress("encoded-word in the address")
    if len(local) > _LOCAL_LIMIT_BYTES or len(local) + 1 + len(domain) > _ADDRESS_LIMIT_BYTES:
        return NoAddress("the address is too long")
    return f"{local.decode()}@{domain.decode()}".lower()


def _match(forms: tuple[re.Pattern[bytes], ...], mailbox: bytes) -> re.Match[bytes] | None:
    return next(filter(None, (form.fullmatch(mailbox) for form in forms)), None)


def _could_be_read_otherwise(mailbox: bytes) -> str:
    """Why a reader that decodes or simplifies the text first could find something else."""
    if not mailbox.isascii() and b"\\" in mailbox:
        # It is the second octet of many characters of GBK and Shift_JIS.
        return "backslash in a From with 8-bit octets"
    if _ASCII_IN_DISGUISE.search(mailbox):
        return "UTF-7 in From"
    text = decoded(mailbox)
    plain = unicodedata.normalize("NFKC", text)
    if any(plain.count(mark) != mailbox.count(mark.encode()) for mark in "@<>"):
        return "an address or its brackets in the display name or a comment of From"
    return "control character in From" if _CONTROLS.search(_without_guesses(text, mailbox)) else ""


def _without_guesses(text: str, mailbox: bytes) -> str:
    """The text without octets of a character set that no label names, some of which were guessed
    to be control characters."""
    try:
        mailbox.decode()
    except UnicodeDecodeError:
        return _C1.sub("", text)
    return text
