"""To, Cc and Date of a mail: the only user of mail-parser.

No identity depends on these fields. mail-parser gets one of them at a time, and never a long one,
since it reads without limits and takes up to 25 µs for each address.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from functools import lru_cache
from typing import Any

import mailparser

from rules.mail.extent import squeezed
from rules.mail.header import Header

LIST_LIMIT_CHARACTERS = 64 * 1024
"""Of To and of Cc; further addresses are not read."""
_ODD_LIMIT_CHARACTERS = 8 * 1024
"""Of a list that mail-parser reads, since it has more than plain addresses with names."""
_DATE_CHARACTERS = 200
# Most mails to a support address have the same To; the result depends only on the value.
_CACHED_CHARACTERS = 256


def recipients(header: Header, name: str) -> tuple[str, ...]:
    """The addresses in the fields of that name, as written, each once."""
    value = ", ".join(header.get_all(name))
    if len(value) > LIST_LIMIT_CHARACTERS:  # whoever sends a signed mail again can widen its gaps
        value = squeezed(value)[:LIST_LIMIT_CHARACTERS]
    return (_cached if len(value) <= _CACHED_CHARACTERS else _addresses_in)(value)


def date_of(header: Header) -> datetime | None:
    """The date of the mail in UTC; None if it cannot be read."""
    written = header.get("date")[:_DATE_CHARACTERS]
    date = _utc(_field_by_mail_parser("Date", written))
    if date is not None:
        return date
    try:
        return _utc(parsedate_to_datetime(written))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


# The common form of a list (RFC 5322 §3.4): addresses, with or without a name, between commas. The
# expressions are possessive, and the search for an address begins only where one can begin.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}+(?<!-))?+"
_PLAIN = rf"{_ATOM}(?:\.{_ATOM})*+@{_LABEL}(?:\.{_LABEL})*+"
_PHRASE = r'(?:"[^"\\]*+"|[^",;:<>()@\[\]\\]++)*+'
_MEMBER = re.compile(rf"[ \t]*+(?:{_PHRASE}<({_PLAIN})>|({_PLAIN}))[ \t]*+(?:,|\Z)")
_ANY_ADDRESS = re.compile(
    r"(?<![^\s<>()\[\]\",;:\\@])[^\s<>()\[\]\",;:\\@]{1,64}+@[^\s<>()\[\]\",;:\\@]{1,253}+"
)


def _addresses_in(value: str) -> tuple[str, ...]:
    if not value:
        return ()
    plain = _plain_list(value)
    if plain is not None:
        return plain
    if len(value) > _ODD_LIMIT_CHARACTERS:
        return tuple(dict.fromkeys(_ANY_ADDRESS.findall(value)))
    pairs: list[tuple[str, str]] = _field_by_mail_parser("To", value) or []
    return _addresses(pairs) or (_addresses(getaddresses([value])) if "@" in value else ())


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


def _addresses(pairs: list[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(address for _, address in pairs if "@" in address))


class _HeadersOnly(mailparser.MailParser):  # type: ignore[misc]  # untyped base
    """mail-parser without its parsing of the parts and its dict of all headers."""

    def parse(self) -> _HeadersOnly:
        self._reset()
        return self


def _field_by_mail_parser(name: str, value: str) -> Any:
    """One field as mail-parser reads it; None if it fails."""
    message = Message()
    message[name] = value
    try:
        return getattr(_HeadersOnly(message), name.lower())
    # It raises whatever its helpers raise: AttributeError and TypeError were seen.
    except Exception:  # noqa: BLE001
        return None


def _utc(date: datetime | None) -> datetime | None:
    """Aware UTC; None for a date that datetime cannot represent."""
    try:
        if date is None:
            return None
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
