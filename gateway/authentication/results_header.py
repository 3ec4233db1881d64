"""Reads Authentication-Results (RFC 8601) written by a trusted host."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import authres

from gateway.authentication.dns import host_domain
from gateway.authentication.signatures import RawMessage
from rules.sender.authentication import Evidence, Result

MAX_FIELD_BYTES = 4096

# Fields that a relay adds on top together with its results. Any other field ends the search: from
# there on the header was written by the sender.
_RELAY_FIELDS = frozenset(
    {
        b"received",
        b"return-path",
        b"delivered-to",
        b"received-spf",
        b"dkim-signature",
        b"arc-seal",
        b"arc-message-signature",
        b"arc-authentication-results",
    }
)


@dataclass(frozen=True, slots=True)
class RelayStatement:
    """The statement of a relay about a mail."""

    proof: Evidence
    direct: bool
    """The relay received it directly from the author's domain: `spf=pass` for exactly that one."""


def stated_by_relay(
    message: RawMessage, authserv_id: str, author_domain: str
) -> RelayStatement | None:
    """What the topmost Authentication-Results proves about the author; None if nothing.

    It counts only if its authserv-id is exactly the relay's. CPU-bound, never raises.
    """
    for name, value in message.fields:
        lower_name = name.strip().lower()
        if lower_name == b"authentication-results":
            return _stated(value, authserv_id, author_domain)
        if lower_name not in _RELAY_FIELDS and not lower_name.startswith(b"x-"):
            return None
    return None


def proof_in(value: bytes, authserv_id: str | None, author_domain: str) -> Evidence | None:
    """The result in one field value that proves the author's domain: `dmarc=pass` for it, or, if
    there is no DMARC result, `dkim=pass` or `spf=pass` for exactly that domain.

    `authserv_id=None` accepts any. CPU-bound, never raises.
    """
    stated = _stated(value, authserv_id, author_domain)
    return stated.proof if stated is not None else None


def _stated(value: bytes, authserv_id: str | None, author_domain: str) -> RelayStatement | None:
    try:
        text = " ".join(value.decode("ascii").split())
        if len(value) > MAX_FIELD_BYTES:
            return None
        read = authres.AuthenticationResultsHeader.parse(f"Authentication-Results: {text}")
        if authserv_id is not None and read.authserv_id != authserv_id.lower():
            return None
        results = list(read.results)
        methods = {each.method for each in results}
        for each in results:
            if "dmarc" in methods and each.method != "dmarc":
                continue
            if each.result == "pass" and set(_domains(each)) == {author_domain}:
                if sum(other.method == each.method == "dmarc" for other in results) > 1:
                    return None  # two DMARC results are contradictory or duplicate
                detail = f"stated by {read.authserv_id}"
                proven = Evidence(each.method, Result.PASS, author_domain, detail, aligned=True)
                return RelayStatement(proven, _came_directly(results, author_domain))
    except Exception:  # noqa: BLE001  authres raises anything on hostile text
        return None
    return None


def _came_directly(results: Sequence[Any], author_domain: str) -> bool:
    return any(
        (each.method, each.result) == ("spf", "pass") and set(_domains(each)) == {author_domain}
        for each in results
    )


def _domains(result: Any) -> Iterator[str | None]:
    """Every domain that the result is about; None for a value that is not a domain."""
    properties = {
        "dmarc": ("header.from",),
        "dkim": ("header.d", "header.i"),
        "spf": ("smtp.mailfrom",),
    }.get(result.method, ())
    for each in result.properties:
        if f"{each.type}.{each.name}" in properties:
            yield host_domain(str(each.value).rpartition("@")[2])
