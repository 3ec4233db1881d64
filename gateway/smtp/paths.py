"""The addresses of an SMTP envelope, parsed strictly (RFC 5321 §4.1.2, RFC 6531)."""

from __future__ import annotations

import re

LOCAL_PART_OCTETS = 64
"""RFC 5321 §4.5.3.1.1"""
ADDRESS_OCTETS = 254
"""RFC 5321 §4.5.3.1.3: a path has at most 256 octets, including its brackets."""

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]"
_LET_DIG = r"[A-Za-z0-9]"
_BEYOND_ASCII = r"[^\x00-\x7f]"
_LITERAL = r"\[(?:[0-9.]{7,15}|IPv6:[0-9A-Fa-f:.]{2,45})\]"
_QUOTED = r'"(?:[ !#-\[\]-~]|\\[ -~])*"'
_PARAMETERS = r"(?: +([ -~]*))?"


def _path(atext: str, let_dig: str) -> re.Pattern[str]:
    label = rf"{let_dig}(?:(?:{let_dig}|-){{0,61}}{let_dig})?"
    domain = rf"{label}(?:\.{label})*"
    local = rf"{atext}+(?:\.{atext}+)*|{_QUOTED}"
    source_route = rf"(?:@{domain}(?:,@{domain})*:)?"  # ignored (RFC 5321, appendix C)
    return re.compile(rf"<{source_route}((?:{local})@(?:{domain}|{_LITERAL}))>{_PARAMETERS}")


_ASCII_PATH = _path(_ATEXT, _LET_DIG)
_UTF8_PATH = _path(rf"(?:{_ATEXT}|{_BEYOND_ASCII})", rf"(?:{_LET_DIG}|{_BEYOND_ASCII})")
_POSTMASTER = re.compile(rf"<(postmaster)>{_PARAMETERS}", re.IGNORECASE)
_NULL_PATH = re.compile(rf"<()>{_PARAMETERS}")


def reverse_path(text: str) -> tuple[str, str] | None:
    """Address ("" for the null path) and parameters of MAIL; None if the syntax is invalid.

    Non-ASCII addresses are valid only if the parameters include SMTPUTF8 (RFC 6531 §3.4).
    """
    utf8 = "SMTPUTF8" in text.rpartition(">")[2].upper().split()
    return _split(_NULL_PATH.fullmatch(text) or _any_path(text, utf8))


def forward_path(text: str, *, utf8: bool) -> tuple[str, str] | None:
    """Address and parameters of RCPT; None if the syntax is invalid.

    Only `postmaster` is valid without a domain (RFC 5321 §4.5.1).
    """
    return _split(_POSTMASTER.fullmatch(text) or _any_path(text, utf8))


def _any_path(text: str, utf8: bool) -> re.Match[str] | None:
    return (_UTF8_PATH if utf8 else _ASCII_PATH).fullmatch(text)


def _split(match: re.Match[str] | None) -> tuple[str, str] | None:
    # An encoded-word (RFC 2047) has the syntax of an atom, but no meaning in an envelope.
    if match is None or "=?" in match[1]:
        return None
    octets = match[1].encode()
    if len(octets) > ADDRESS_OCTETS or len(octets.rpartition(b"@")[0]) > LOCAL_PART_OCTETS:
        return None
    return match[1], match[2] or ""
