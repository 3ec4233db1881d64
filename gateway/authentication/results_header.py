"""What a trusted host proves about an author by its Authentication-Results (RFC 8601)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from gateway.authentication.dmarc import could_align
from gateway.authentication.signatures import RawMessage
from gateway.authentication.stated_results import (
    ABOUT,
    MAX_FIELD_BYTES,
    StatedResult,
    is_named,
    read_results,
)
from rules.sender.authentication import Evidence, Result

MAX_FIELDS = 5
"""So many of a relay are read for whom they name: DKIM, SPF and DMARC may each have one."""

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
        b"resent-from",
    }
)
_MARKS = re.compile(rb"[();]")
_NO_POLICY = frozenset({"none", "bestguesspass"})
"""DMARC results for a domain that publishes no policy; the second is Exchange Online's."""
_SIGNED = frozenset({b"dkim-signature", b"arc-seal", b"arc-message-signature"})
_COPIED_TAG = re.compile(rb"(?:\A|;)\s*+[abdis]\s*+=([^;]*+)", re.IGNORECASE)
_ENCODED = re.compile(rb"=([0-9A-Fa-f]{2})")
_PLAIN = re.compile(rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.@\x80-\xff-]*+")
"""Neither white space nor a mark: what is not ASCII is in no field that is read."""
_COUNTED_PROPERTY = re.compile(
    rb"(?:header\.(?:from|d|i)|smtp\.mailfrom|envelope-from)\s*+[=/(]", re.IGNORECASE
)
FORGED = "a tag of a signature is no plain name, and may have been written into the results"
OF_ANOTHER_ORGANISATION = (
    "its dmarc=pass is by SPF and DKIM of names that a DMARC record (psd=) keeps apart from From"
)
OF_A_NEIGHBOUR = "its dmarc=pass is by SPF and DKIM of a neighbour under a shared domain"
FORGED_SENDER = "the envelope sender is no plain address, and may have been written into it"


@dataclass(frozen=True, slots=True)
class RelayStatement:
    """The statement of a relay about a mail."""

    proof: Evidence
    direct: bool
    """The relay received it directly from the author's domain: `spf=pass` for exactly that one."""
    by_signature: bool = False
    """A signature held that may be of the author's domain: `dkim=pass` for one like it."""
    by_spf_alone: bool = False
    """No such signature held, and SPF passed for a domain that may be the author's."""
    signatures_seen: int = 0
    """The number of signatures of which it states a result."""
    senders: tuple[str, ...] = ()
    """The envelope senders for which it states SPF, as far as it shows their addresses; an empty
    one where it states that of the greeting alone, and so of the null reverse-path."""
    passed: frozenset[str] = frozenset()
    """The domains that may be of the author's organisation, by DKIM or SPF of which it passed."""


def stated_by_relay(
    message: RawMessage, authserv_id: str, author_domain: str, others: Collection[str] = ()
) -> RelayStatement | None:
    """What the topmost Authentication-Results proves about the author; None if nothing.

    It counts only if its authserv-id is the relay's, and not if the client that the relay served
    named itself by more than a name: some write that as it is into the field. CPU-bound, never
    raises.
    """
    topmost = topmost_results(message)
    if topmost is None:
        return None
    further = message.named(b"authentication-results")[1:MAX_FIELDS]
    read = [found for found in (read_results(value) for _, value in further) if found is not None]
    below = [r for each in read if is_named(each.authserv_id, authserv_id) for r in each.results]
    return statement_in(topmost, authserv_id, author_domain, others, below)


def topmost_results(message: RawMessage) -> bytes | None:
    """The value of the first Authentication-Results, above which there are only fields that relays
    add; None if there is none, or if the client that the relay served named itself by more than a
    name. CPU-bound, never raises."""
    found: bytes | None = None
    for name, value in message.fields:
        lower_name = name.strip().lower()
        if lower_name == b"received":
            if _has_forged_greeting(value):
                return None
            if found is not None:  # of the relay itself, which adds its results above it
                return found
        elif lower_name == b"authentication-results":
            if found is not None:  # further ones are below the relay's
                return found
            found = value
        elif lower_name not in _RELAY_FIELDS and not lower_name.startswith(b"x-"):
            break
    return found


def _has_forged_greeting(received: bytes) -> bool:
    """Whether a Received field has a semicolon before that of its date, outside of comments: a
    client wrote it into HELO, to end one result in a relay's Authentication-Results and begin
    another. Or whether it names a property of a result: quotation marks hide a semicolon here, and
    a space suffices to add a property."""
    if _COUNTED_PROPERTY.search(received, 0, MAX_FIELD_BYTES):
        return True
    depth = found = 0
    for mark in _MARKS.findall(received, 0, MAX_FIELD_BYTES):
        if mark == b"(":
            depth += 1
        elif mark == b")":
            depth = max(0, depth - 1)
        elif depth == 0:
            found += 1
    return found > 1


def may_forge_results(message: RawMessage) -> bool:
    """Whether a tag of a signature or seal that verifiers write into Authentication-Results is more
    than a plain name, perhaps behind its encoding (RFC 6376 §2.11). opendkim decodes `i=`, and
    writes it as it is, whether or not the signature holds. A label in the DNS may have a
    parenthesis, so `d=acme.example(.evil.example` holds and hides its end. No signer needs that.
    Never raises."""
    return any(
        not _is_plain(b"".join(value.split()))
        for name, field in message.fields
        if name.strip().lower() in _SIGNED
        for value in _COPIED_TAG.findall(field)
    )


def may_forge_sender(mail_from: str) -> bool:
    """Whether the envelope sender has a quoted local part or another mark. What speaks with an MTA
    may have it without its quotation marks, and write it as it is into Authentication-Results."""
    # A domain may be an address in brackets.
    plain = mail_from.encode("utf-8", "replace").translate(None, b"[:]")
    return _PLAIN.fullmatch(plain) is None


def _is_plain(value: bytes) -> bool:
    """Whether it is, and what it is decoded to, once or twice: some decode it again."""
    for _ in range(3):
        if not _PLAIN.fullmatch(value):
            return False
        value = _ENCODED.sub(lambda found: bytes((int(found[1], 16),)), value)
    return True


def statement_in(
    value: bytes,
    authserv_id: str | None,
    author_domain: str,
    others: Collection[str] = (),
    below: Sequence[StatedResult] = (),
) -> RelayStatement | None:
    """What one field value proves about the author's domain: with `dmarc=pass` for it, or, if DMARC
    has no verdict, `dkim=pass` or `spf=pass` for exactly that domain. None if nothing.

    `authserv_id=None` accepts any. `others` are domains of other companies, which prove nothing.
    `below` are results of the same host in further fields: where this one does not state by what
    DMARC passed, they do. CPU-bound, never raises.
    """
    read = read_results(value)
    if read is None or (authserv_id is not None and not is_named(read.authserv_id, authserv_id)):
        return None
    by_what = read.results
    if not {"dkim", "spf"} & {each.method for each in by_what}:
        by_what = (*by_what, *(each for each in below if each.method in ("dkim", "spf")))
    dmarc = [each for each in read.results if each.method == "dmarc"]
    if len(dmarc) > 1:
        return None  # two DMARC results are contradictory or duplicate
    counted: Sequence[StatedResult] = dmarc
    if not dmarc or (dmarc[0].result in _NO_POLICY and dmarc[0].is_about(author_domain)):
        counted = [each for each in read.results if each.method in ("dkim", "spf")]
    if counted is dmarc and _is_of_cousins(by_what, author_domain, others):
        return None
    for each in counted:
        if each.passed and each.is_about(author_domain):
            detail = f"stated by {read.authserv_id or 'a relay that writes no name'}"
            proven = Evidence(each.method, Result.PASS, author_domain, detail, aligned=True)
            signed = _has_signature(read.results, author_domain, others)
            stated_signature = _has_signature(by_what, author_domain, others)
            return RelayStatement(
                proven,
                _came_directly(read.results, author_domain),
                signed,
                by_spf_alone=not stated_signature and _has_sender(by_what, author_domain),
                signatures_seen=sum(
                    each.method == "dkim" and each.result != "none" for each in read.results
                ),
                senders=tuple(_senders(by_what)),
                passed=_passed_for(by_what, author_domain, others),
            )
    return None


def is_pass_of_neighbour(
    value: bytes, authserv_id: str | None, author_domain: str, others: Collection[str] = ()
) -> bool:
    """Whether one field value states `dmarc=pass` for the author's domain, which does not count for
    what else it states. CPU-bound, never raises."""
    read = read_results(value)
    if read is None or (authserv_id is not None and not is_named(read.authserv_id, authserv_id)):
        return False
    dmarc = [each for each in read.results if each.method == "dmarc"]
    stated = len(dmarc) == 1 and dmarc[0].passed and dmarc[0].is_about(author_domain)
    return stated and _is_of_cousins(read.results, author_domain, others)


def relay_passed_neighbour(
    message: RawMessage, authserv_id: str, author_domain: str, others: Collection[str] = ()
) -> bool:
    """Whether this is why the topmost field, of this relay, proves nothing. CPU-bound, never
    raises."""
    fields = message.named(b"authentication-results")
    if not fields:
        return False
    return is_pass_of_neighbour(fields[0][1], authserv_id, author_domain, others)


def passed_domains(values: Iterable[bytes], authserv_id: str | None = None) -> set[str]:
    """The domains that some field values name next to SPF or DKIM that passed, in any property:
    providers have names of their own for these. `authserv_id=None` accepts any. CPU-bound, never
    raises."""
    read = [found for found in map(read_results, values) if found is not None]
    if authserv_id is not None:
        read = [each for each in read if is_named(each.authserv_id, authserv_id)]
    results = [each for found in read for each in found.results]
    passed = (each for each in results if each.method in ("dkim", "spf") and each.passed)
    return {domain for each in passed for _, domain in each.named_domains()}


def _is_of_cousins(
    results: Sequence[StatedResult], author_domain: str, others: Collection[str]
) -> bool:
    """Whether all that passed is of domains that cannot be of the author's organisation: its shared
    parent made them one for a verifier without a suffix list, or without our register of companies.

    What is not stated here another field may state. It counts, unless the mail names `others`: then
    it may be one of theirs that passed. The client chose its greeting, which excuses nothing there.
    """
    passed = [each for each in results if each.method in ("dkim", "spf") and each.passed]

    def may_be_own(domains: Iterable[str | None]) -> bool:
        known = (each for each in domains if each is not None)
        return any(could_align(each, author_domain) and each not in others for each in known)

    if any(may_be_own(each.domains()) for each in passed):
        return False
    if others:
        return True
    about = [each.counted_domains() for each in passed]
    states_all = {"dkim", "spf"} <= {each.method for each in results}
    return bool(passed) and states_all and all(about) and not any(map(may_be_own, about))


def _came_directly(results: Sequence[StatedResult], author_domain: str) -> bool:
    return any(
        each.method == "spf" and each.passed and each.is_about(author_domain) for each in results
    )


def _has_signature(
    results: Sequence[StatedResult], author_domain: str, others: Collection[str]
) -> bool:
    signers = (
        domain
        for each in results
        if each.method == "dkim" and each.passed
        for domain in tuple(each.domains()) or (None,)
    )
    return any(
        signer is None or (could_align(signer, author_domain) and signer not in others)
        for signer in signers
    )


def _senders(results: Sequence[StatedResult]) -> Iterator[str]:
    passed = [each for each in results if each.method == "spf" and each.passed]
    stated = [value for each in passed for name, value in each.properties if name in ABOUT["spf"]]
    named = [address for value in stated if (address := value.strip('<>"'))]
    if not named and any(each.counted_domains() for each in passed):
        yield ""
    for address in named:
        if address.rpartition("@")[0]:
            yield address


def _passed_for(
    results: Sequence[StatedResult], author_domain: str, others: Collection[str]
) -> frozenset[str]:
    return frozenset(
        domain
        for each in results
        if each.method in ("dkim", "spf") and each.passed
        for domain in each.counted_domains()
        if could_align(domain, author_domain) and domain not in others
    )


def _has_sender(results: Sequence[StatedResult], author_domain: str) -> bool:
    passed = (each for each in results if each.method == "spf" and each.passed)
    return any(could_align(d, author_domain) for each in passed for d in each.counted_domains())
