"""DKIM (RFC 6376, RFC 8301, RFC 8463): one signature of a message, and which are worth a look."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from gateway.authentication.dmarc import could_align
from gateway.authentication.dns import UnusableAnswer, host_domain
from gateway.authentication.signatures import (
    HeaderField,
    Key,
    RawMessage,
    Tags,
    grammar_problem,
    has_this_body,
    header_digest_input,
    is_valid_signature,
    read_key,
    read_tags,
    select_fields,
    signed_content_digest,
)
from rules.sender.authentication import Evidence, Result

MAX_SIGNATURES = 100
MAX_VERIFIED = 5
MAX_FINGERPRINTS = 10
MAX_NAMES = 500
"""Limit of names in one `h=`."""
MANDATORY = (b"v", b"a", b"b", b"bh", b"d", b"h", b"s")
ALGORITHMS = (b"rsa-sha256", b"ed25519-sha256")
OPEN_BODY = "l= leaves the end of the body open"
CLOCK_SKEW_S = 3600
REPLAY_AGE_S = 7 * 86_400
"""No queue keeps a mail longer (RFC 5321 §4.5.4.1: 4–5 days); an older one may be a replay."""
MAX_DATE_BYTES = 200
NOT_ALIGNED = "not asked: not aligned"
BODY_CHANGED = "body was changed"


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature with acceptable tags, not yet verified."""

    field: HeaderField
    tags: Tags
    domain: str
    selector: str
    age_s: float | None
    """Seconds since `t=`, or since the signed Date; None if neither gives a time."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """The signatures that could prove the author's domain, the exact domain first."""

    signatures: tuple[Signature, ...]
    refused: tuple[Evidence, ...]
    ignored: int
    """The number of signatures that were not read or verified because of the limits."""
    lapsed: tuple[Signature, ...] = ()
    """Refused for their times only: one may have been valid when a relay or sealer saw it."""
    unread: int = 0
    """The number of others that were refused and may be of the author's domain. We do not know what
    they cover, and a relay or sealer may accept them."""
    open_ended: bool = False
    """One of those has `l=`: anybody may have appended to the body that it covers."""
    named: frozenset[str] = frozenset()
    """The domains of all signatures, also of those that are ignored or refused."""

    @property
    def bounds(self) -> tuple[tuple[HeaderField, Tags], ...]:
        """The signatures of which one may have proven the author to a relay or sealer, unless we
        do not know all of them (`is_partial`)."""
        return tuple((each.field, each.tags) for each in (*self.signatures, *self.lapsed))

    @property
    def is_partial(self) -> bool:
        return bool(self.ignored or self.unread)

    @property
    def all_bounds(self) -> tuple[tuple[HeaderField, Tags], ...] | None:
        """The same; None if we do not know all of them."""
        return None if self.is_partial else self.bounds


def candidates(message: RawMessage, author_domain: str, now: float) -> Candidates:
    """Selects from at most 100 signatures without DNS, the cheapest refusals first.

    A signature of a domain that can never be aligned proves nothing here, and its key would be
    queried from servers that the sender chose: it is not verified at all.
    """
    found: list[Signature] = []
    lapsed: list[Signature] = []
    refused: list[Evidence] = []
    unread = 0
    open_ended = False
    named: set[str] = set()
    fields = message.named(b"dkim-signature")
    for each in fields[:MAX_SIGNATURES]:
        read = _well_formed(each, message, now)
        named.add(read.domain)
        if isinstance(read, Evidence):
            refused.append(read)
            may_be_theirs = not read.domain or could_align(read.domain, author_domain)
            unread += may_be_theirs
            open_ended |= may_be_theirs and read.detail == OPEN_BODY
        elif not could_align(read.domain, author_domain):
            refused.append(_evidence(read.domain, Result.POLICY, "not verified: cannot be aligned"))
        elif problem := time_problem(read.tags, now):
            refused.append(_evidence(read.domain, Result.PERMERROR, problem))
            lapsed.append(read)
        else:
            found.append(read)
    found.sort(key=lambda signature: signature.domain != author_domain)
    ignored = max(0, len(fields) - MAX_SIGNATURES) + max(0, len(found) - MAX_VERIFIED)
    unread += max(0, len(lapsed) - MAX_VERIFIED)
    return Candidates(
        tuple(found[:MAX_VERIFIED]),
        tuple(refused[:MAX_VERIFIED]),
        ignored,
        tuple(lapsed[:MAX_VERIFIED]),
        unread,
        open_ended,
        frozenset(named),
    )


def read_signature(field: HeaderField, message: RawMessage, now: float) -> Signature | Evidence:
    """The signature of one field, or why it is refused. `now` is in Unix seconds."""
    read = _well_formed(field, message, now)
    if isinstance(read, Signature) and (problem := time_problem(read.tags, now)):
        return _evidence(read.domain, Result.PERMERROR, problem)
    return read


def _well_formed(field: HeaderField, message: RawMessage, now: float) -> Signature | Evidence:
    """The same, whatever its times."""
    tags = read_tags(field[1])
    if isinstance(tags, str):
        return _evidence("", Result.PERMERROR, tags)
    domain = host_domain(tags.get(b"d", b"").decode("ascii", "replace")) or ""
    selector = host_domain(tags.get(b"s", b"").decode("ascii", "replace"))
    if not domain or not selector:
        return _evidence(domain, Result.PERMERROR, "d= or s= is not a domain")
    if b"l" in tags:
        return _evidence(domain, Result.POLICY, OPEN_BODY)
    if tags.get(b"a") not in ALGORITHMS:
        shown = tags.get(b"a", b"").decode("ascii", "replace")
        return _evidence(domain, Result.POLICY, f"algorithm {shown[:30]}")
    problem = _unreadable_time(tags) or grammar_problem(tags, MANDATORY, arc=False)
    if problem:
        return _evidence(domain, Result.PERMERROR, problem)
    names = tags[b"h"].lower().split(b":")
    if b"from" not in names:
        return _evidence(domain, Result.POLICY, "From is not signed")
    if len(names) > MAX_NAMES:
        return _evidence(domain, Result.POLICY, f"h= of {len(names)} names")
    at = signed_at(tags, names, message)
    age_s = now - at if at is not None else None
    return Signature(field, tags, domain, selector, age_s)


def signed_at(tags: Tags, names: Sequence[bytes], message: RawMessage) -> float | None:
    """When it was signed, in Unix seconds: `t=`, else the lowest Date if `h=` covers it.

    Who sends the mail again may widen the white space in Date, which most signatures do not cover.
    """
    if b"t" in tags:
        return int(tags[b"t"])
    dates = message.named(b"date") if b"date" in names else []
    if not dates:
        return None
    try:
        text = b" ".join(dates[-1][1].split())[:MAX_DATE_BYTES]
        written = parsedate_to_datetime(text.decode("ascii", "replace"))
    except (ValueError, OverflowError):
        return None
    return (written if written.tzinfo else written.replace(tzinfo=UTC)).timestamp()


def time_problem(tags: Tags, now: float) -> str:
    """Why the times of a signature (RFC 6376 §3.5, `t=` and `x=`) invalidate it; empty if not."""
    if problem := _unreadable_time(tags):
        return problem
    signed_at, expires = int(tags.get(b"t", b"0")), int(tags.get(b"x", b"0"))
    if signed_at > now + CLOCK_SKEW_S:
        return "signed in the future"
    if b"x" in tags and (expires < now or expires < signed_at):
        return "expired"
    return ""


def _unreadable_time(tags: Tags) -> str:
    times = [tags[name] for name in (b"t", b"x") if name in tags]
    readable = all(re.fullmatch(rb"[0-9]{1,12}", time) for time in times)
    return "" if readable else "t= or x= is not a time"


def verify(
    message: RawMessage, signature: Signature, record: bytes | UnusableAnswer
) -> tuple[Result, str]:
    """Result and detail of one signature with one key record. CPU-bound, never raises."""
    if isinstance(record, UnusableAnswer):
        return Result.PERMERROR, record.why
    try:
        key = read_key(record)
        if isinstance(key, str):
            return Result.PERMERROR, key
        problem = _key_problem(signature, key)
        if problem:
            return Result.PERMERROR, problem
        failure = signature_failure(message, signature.field, signature.tags, key)
    except Exception as error:  # noqa: BLE001  dkimpy raises anything on hostile bytes
        return Result.PERMERROR, f"unreadable key or signature ({type(error).__name__})"
    if failure:
        return Result.FAIL, failure
    return Result.PASS, "key in test mode (t=y)" if key.testing else ""


def signature_failure(message: RawMessage, field: HeaderField, tags: Tags, key: Key) -> str:
    """Why a message signature (DKIM's, or ARC's over the message) is invalid; empty if it is valid.

    Raises whatever dkimpy raises.
    """
    canonicalisation = tags.get(b"c", b"simple/simple")
    # Header first: it costs less than the body, and does not match for any forged signature.
    fields = select_fields(message.fields, tags[b"h"].lower().split(b":"))
    if not is_valid_signature(
        header_digest_input(canonicalisation, fields, field), tags[b"b"], key
    ):
        return "signature does not match the header"
    if not has_this_body(message, tags):
        return BODY_CHANGED
    return ""


def fingerprints(message: RawMessage, author_domain: str, *, arc: bool) -> tuple[str, ...]:
    """The fingerprints of what the signatures over the mail cover, without their keys.

    Each covers From and the body, which must be the mail's. So an invalid signature, added to a
    mail by somebody who cannot sign it, makes it equal to no other mail. With `arc`, message
    signatures of ARC too. CPU-bound, never raises.
    """
    found: list[str] = []
    fields = message.named(b"dkim-signature")[:MAX_SIGNATURES]
    fields += message.named(b"arc-message-signature")[:MAX_VERIFIED] if arc else []
    for field in fields:
        try:
            digest = _fingerprint(message, field, author_domain)
        except Exception:  # noqa: BLE001, S112  dkimpy raises anything on hostile bytes
            continue
        if digest and digest not in found:
            found.append(digest)
        if len(found) == MAX_FINGERPRINTS:
            break
    return tuple(found)


def _fingerprint(message: RawMessage, field: HeaderField, author_domain: str) -> str:
    tags = read_tags(field[1])
    if isinstance(tags, str) or b"l" in tags or not tags.get(b"a", b"").endswith(b"-sha256"):
        return ""
    names = tags[b"h"].lower().split(b":")
    if b"from" not in names or len(names) > MAX_NAMES:
        return ""
    is_dkim = field[0].strip().lower() == b"dkim-signature"
    domain = host_domain(tags[b"d"].decode("ascii", "replace")) or ""
    if is_dkim and not could_align(domain, author_domain):
        return ""
    return signed_content_digest(message, field, tags) if has_this_body(message, tags) else ""


def _key_problem(signature: Signature, key: Key) -> str:
    if signature.tags[b"a"].partition(b"-")[0] != key.algorithm:
        return "key is for another algorithm"
    identity = signature.tags.get(b"i", b"").rpartition(b"@")[2].decode("ascii", "replace")
    if key.exact_identity and identity and host_domain(identity) != signature.domain:
        return "key asks that i= be of the very domain (t=s)"
    return ""


def age_problem(age_s: float | None) -> str:
    """Why a signature of that age proves nothing (RFC 6376 §8.6); empty if it may."""
    if age_s is None or age_s <= REPLAY_AGE_S:
        return ""
    return f"{age_s / 86_400:.0f} days old: maybe sent again"


def _evidence(domain: str, result: Result, detail: str) -> Evidence:
    return Evidence("dkim", result, domain, detail)
