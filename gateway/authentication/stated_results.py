"""Reads Authentication-Results (RFC 8601) written by a trusted host.

Providers write this field in forms of their own: without an authserv-id (Exchange Online), with a
semicolon between the properties of one result (Amazon SES), with results of other names (Yahoo),
with addresses in angle brackets (Zoho). So it is read more leniently than RFC 8601 requires, but
never by searching for a text: comments and quoted strings, in which a sender's own text may stand,
are recognised first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.authentication.dns import host_domain

MAX_FIELD_BYTES = 4096
NO_NAME = ""
"""The authserv-id of a relay that writes none, such as Exchange Online."""

# Nothing here backtracks, so the time is linear.
_WORD = r'(?>(?:"(?>(?:[^"\\]++|\\.)*)"|[^\s"]++)+)'
_QUOTED = re.compile(r'"(?>(?:[^"\\]++|\\.)*)"', re.DOTALL)
_BETWEEN_SEMICOLONS = re.compile(rf'{_QUOTED.pattern}|[^";]++|;', re.DOTALL)
_PAIR = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*+)\s*+(?:/\s*+[0-9]++\s*+)?=\s*+(" + _WORD + ")")
_ITEM = re.compile(rf"{_PAIR.pattern}|{_WORD}")
_PASSED = frozenset({"pass", "success", "dkim_pass"})
"""The last two are Yahoo's."""
_CONTINUED = frozenset({"client-ip", "envelope-from", "helo"})
"""Amazon SES separates these properties of SPF by semicolons."""
ABOUT = {
    "dmarc": ("header.from",),
    "dkim": ("header.d", "header.i"),
    "spf": ("smtp.mailfrom", "envelope-from"),
}
_GREETING = ("smtp.helo", "helo")


@dataclass(frozen=True, slots=True)
class StatedResult:
    """One result of the field (`resinfo` in RFC 8601 §2.2)."""

    method: str
    result: str
    properties: tuple[tuple[str, str], ...] = ()

    @property
    def passed(self) -> bool:
        return self.result in _PASSED

    def domains(self) -> Iterator[str | None]:
        """Every domain that the result is about; None for a value that is not a domain."""
        about = ABOUT.get(self.method, ())
        for name, value in self.properties:
            if name in about:
                yield host_domain(value.strip('<>"').rpartition("@")[2])

    def is_about(self, domain: str) -> bool:
        return set(self.domains()) == {domain}

    def counted_domains(self) -> set[str]:
        """Those that DMARC counts: for SPF of a null reverse-path, that of the greeting."""
        found = {domain for domain in self.domains() if domain is not None}
        if found or self.method != "spf":
            return found
        return {domain for name, domain in self.named_domains() if name in _GREETING}

    def named_domains(self) -> Iterator[tuple[str, str]]:
        """Every domain that the result names, with the name of its property."""
        for name, value in self.properties:
            domain = host_domain(value.strip('<>"').rpartition("@")[2])
            if domain is not None:
                yield name, domain


@dataclass(frozen=True, slots=True)
class StatedResults:
    """What one field states."""

    authserv_id: str
    """In lower case; `NO_NAME` if it has none."""
    results: tuple[StatedResult, ...]


def read_results(value: bytes) -> StatedResults | None:
    """The results of one field value; None if it is malformed or too long. Linear, never raises."""
    if len(value) > MAX_FIELD_BYTES or not value.isascii():
        return None
    text = _without_comments(value.decode("ascii"))
    if text is None:
        return None
    segments = _segments(text)
    authserv_id = NO_NAME
    if not _PAIR.match(segments[0].strip()):
        first = segments.pop(0).split(maxsplit=1)
        authserv_id = first[0].strip('"').lower() if first else NO_NAME
    results: list[StatedResult] = []
    for segment in segments:
        pairs = [found for found in _ITEM.finditer(segment) if found[1] is not None]
        if not pairs or pairs[0].start() != len(segment) - len(segment.lstrip()):
            continue
        properties = tuple((each[1].lower(), each[2]) for each in pairs)
        name, result = properties[0]
        if name in _CONTINUED and results:
            last = results[-1]
            together = (*last.properties, *properties)
            results[-1] = StatedResult(last.method, last.result, together)
        else:
            results.append(StatedResult(name, result.lower(), properties[1:]))
    return StatedResults(authserv_id, tuple(results))


def is_named(authserv_id: str, relay: str) -> bool:
    """Whether an authserv-id is a relay's: exactly, or one below the domain of `*.domain`."""
    if relay.startswith("*."):
        return authserv_id.endswith(relay[1:].lower()) and host_domain(authserv_id) is not None
    return authserv_id == relay.lower()


def _without_comments(text: str) -> str | None:
    """The text with a space for each comment (RFC 5322 §3.2.2); None if one is not closed, or if a
    comment has a quotation mark: it may hold the sender's address, whose quoted local part may look
    like the end of the comment."""
    kept: list[str] = []
    depth = 0
    at = 0
    while at < len(text):
        character = text[at]
        if character == "\\":
            if depth == 0:
                return None
            at += 2
            continue
        if depth == 0 and character == '"':
            quoted = _QUOTED.match(text, at)
            if quoted is None:
                return None
            kept.append(quoted[0])
            at = quoted.end()
            continue
        if character == "(":
            depth += 1
            kept.append(" ")
        elif character == ")":
            depth -= 1
        elif depth == 0:
            kept.append(character)
        if depth < 0 or (depth and character == '"'):
            return None
        at += 1
    return "".join(kept) if depth == 0 else None


def _segments(text: str) -> list[str]:
    """The parts between semicolons that are not in quoted strings."""
    segments = [""]
    for found in _BETWEEN_SEMICOLONS.finditer(text):
        if found[0] == ";":
            segments.append("")
        else:
            segments[-1] += found[0]
    return segments
