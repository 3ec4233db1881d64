"""To, Cc and Date of a mail. Date is read by mail-parser, whose only user this is.

No identity depends on these fields. So the lists are read leniently: people separate addresses with
semicolons and spaces, paste links, forget quotes, and their programs do the same. mail-parser loses
half of such a list, and takes up to 25 µs for each address.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from types import MappingProxyType

from mailparser.dates import parse_mail_date

from rules.mail.encoded_words import decode_words
from rules.mail.extent import squeezed
from rules.mail.header import Header

LIST_LIMIT_CHARACTERS = 64 * 1024
"""Of To and of Cc; further addresses are not read."""
_DATE_CHARACTERS = 200
# Most mails to a support address have the same To; the result depends only on the value.
_CACHED_CHARACTERS = 256


def recipients(header: Header, name: str) -> tuple[str, ...]:
    """The addresses in the fields of that name, as written, each once."""
    value = ", ".join(header.get_all(name))
    if len(value) > LIST_LIMIT_CHARACTERS:  # a signed mail can be sent again with wider gaps
        value = squeezed(value)[:LIST_LIMIT_CHARACTERS]
    return (_cached if len(value) <= _CACHED_CHARACTERS else _addresses_in)(value)


def date_of(header: Header) -> datetime | None:
    """The date of the mail in UTC; None if it cannot be read."""
    written = squeezed(header.get("date"))[:_DATE_CHARACTERS]
    date = _utc(_date_by_mail_parser(written))
    if date is not None:
        return date
    try:
        return _utc(parsedate_to_datetime(written))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


# The common form of a list (RFC 5322 §3.4): addresses, with or without a name, between commas. The
# expressions never backtrack, and the search for an address begins only where one can begin.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++"
_LABEL = r"[A-Za-z0-9](?>(?:[A-Za-z0-9-]{0,61}+(?<!-))?)"
_PLAIN = rf"{_ATOM}(?>(?:\.{_ATOM})*)@{_LABEL}(?>(?:\.{_LABEL})*)"
_PHRASE = r'(?>(?:"[^"\\]*+"|[^",;:<>()@\[\]\\]++)*)'
_MEMBER = re.compile(rf"[ \t]*+(?:{_PHRASE}<({_PLAIN})>|({_PLAIN}))[ \t]*+(?:,|\Z)")


def _addresses_in(value: str) -> tuple[str, ...]:
    if not value:
        return ()
    plain = _plain_list(value)
    if plain is not None:
        return plain
    found = _lenient_list(value)
    if not found and "=?" in value and "@" not in value:
        # A client has encoded the addresses along with the names. Else it has encoded the names,
        # which others chose, and the addresses have a form that is not read.
        return _lenient_list(decode_words(value.encode()))
    return found


_cached = lru_cache(maxsize=512)(_addresses_in)


def _plain_list(value: str) -> tuple[str, ...] | None:
    """The addresses of a list in the common form; None for any other."""
    found: dict[str, None] = {}
    at = 0
    while at < len(value):
        member = _MEMBER.match(value, at)
        if member is None:
            return None
        found[member[1] or member[2]] = None
        at = member.end()
    return tuple(found)


# The parts of any other list. A colon ends the name of a group, and the scheme of `mailto:`.
_PART = re.compile(
    r'"(?P<quoted>(?>(?:[^"\\]++|\\.)*))(?P<closed>")?'
    r"|\((?>(?:[^()]++|\([^()]*+\))*)\)"
    r'|(?P<text>[^",;:(]++)'
    r"|(?P<end>[,;:])"
    r"|\(",
    re.DOTALL,
)
_WIDE_SEPARATORS = MappingProxyType({0xFF1B: ";", 0xFF0C: ",", 0x3001: ",", 0xFE54: ";"})
"""The semicolons and commas of Chinese and Japanese keyboards."""
_NOT_IN_ADDRESS = r"\s<>()\[\]\",;:\\@"
_ANY_ADDRESS = re.compile(
    rf"(?<![^{_NOT_IN_ADDRESS}])[^{_NOT_IN_ADDRESS}]{{1,64}}+@[^{_NOT_IN_ADDRESS}?]{{1,253}}+"
)
_ANGLED = re.compile(r"<([^<>]*+)>")
_LITERAL = re.compile(r"@\[[^\[\]]*+\]")
"""In the place of a domain: it may contain what looks like an address."""


def _lenient_list(value: str) -> tuple[str, ...]:
    """The addresses of a list in any form, as far as a reader would see them as recipients: not
    those in comments, nor in the display name of another address."""
    found: dict[str, None] = {}
    text, quoted = "", ""
    value = _LITERAL.sub("@", value)
    for part in _PART.finditer(value.translate(_WIDE_SEPARATORS) + ","):
        if part["end"]:
            if "@" in text or "@" in quoted:  # a long list of separators has nothing between them
                is_alone = part["end"] != ":" and not text.strip()
                # Else it is the name of a group, or of an address whose form is not read.
                found.update(dict.fromkeys(_addresses_of_member(quoted if is_alone else text)))
            text, quoted = "", ""
        elif part["text"]:
            text += part["text"]
        elif part["quoted"] is not None:
            if not part["closed"]:
                # With a quote too many, others enclose addresses instead of names.
                return _lenient_list(value.replace('"', " "))
            quoted = part["quoted"]
    return tuple(found)


def _addresses_of_member(text: str) -> list[str]:
    """The addresses between two separators: those in angle brackets, and behind them; without
    brackets all, since some people put spaces between them."""
    angled = [found for inside in _ANGLED.findall(text) for found in _ANY_ADDRESS.findall(inside)]
    rest = text.rpartition(">" if angled else "<")[2]
    return [_bare(each) for each in (*angled, *_ANY_ADDRESS.findall(rest))]


def _bare(address: str) -> str:
    """Without the apostrophes that Outlook puts around it, and the full stop of a sentence."""
    if address.startswith("'") and address.endswith("'"):
        address = address[1:-1]
    return address.rstrip(".")


def _date_by_mail_parser(value: str) -> datetime | None:
    """The date as mail-parser reads it, without what it makes of a whole mail; None if it fails."""
    try:
        found: datetime | None = parse_mail_date(value).value
    except Exception:  # noqa: BLE001 - it raises whatever its helpers raise
        return None
    return found


def _utc(date: datetime | None) -> datetime | None:
    """Aware UTC; None for a date that datetime cannot represent."""
    try:
        if date is None:
            return None
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
