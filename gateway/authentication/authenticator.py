"""One verdict about the author of a mail, from every mechanism that can prove it."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import IPv4Network, IPv6Network

from gateway.authentication import spf_check
from gateway.authentication.arc_check import ArcVerdict, check_arc
from gateway.authentication.dkim_check import (
    Candidates,
    Signature,
    candidates,
    check_dkim,
    fingerprints,
)
from gateway.authentication.dmarc import DmarcRecord, aligned, could_align, find_policy
from gateway.authentication.dns import Lookups, Resolver, host_domain
from gateway.authentication.lookup_shares import Asker, company_of
from gateway.authentication.offload import Offload, Run, at_once
from gateway.authentication.results_header import stated_by_relay
from gateway.authentication.signatures import (
    CHUNK_BYTES,
    MAX_HEADER_BYTES,
    Malformed,
    RawMessage,
    read_message,
)
from gateway.authentication.structure import assumed_scope, covered_names, signed_scope
from gateway.authentication.suffixes import public_suffixes
from gateway.authentication.vouching import (
    RegisteredAmong,
    signatures_over_author,
    vouch_by_signature,
)
from gateway.shares import IPAddress, address_of, is_in
from rules.mail import Delivery, Envelope
from rules.mail.header import Author
from rules.sender.authentication import (
    Authentication,
    Evidence,
    Result,
    SignedScope,
    domain_warnings,
)
from rules.sender.signature_scope import READ_FIELDS, uncovered

Network = IPv4Network | IPv6Network
LIGHT_SIGNATURES = 3
"""The most in a mail that is hashed in the event loop; the worst known case takes 4 ms."""
_SIGNATURE = re.compile(rb"(?im)^(?:dkim|arc-message)-signature[ \t]*:")


@dataclass(frozen=True, slots=True)
class Trust:
    """The hosts whose statements about the author we trust. By default none."""

    peers: tuple[Network, ...] = ()
    """Clients that send only genuine authors: the company's own hosts, loopback when embedded."""
    relays: tuple[tuple[Network, str], ...] = ()
    """Relays in front of us, each with the authserv-id that it adds and removes from other mail;
    empty for one that writes none, `*.domain` for any below a domain."""
    sealers: tuple[str, ...] = ()
    """Forwarders whose ARC seal is accepted as proof of the author, as A-labels."""


@dataclass(frozen=True, slots=True)
class _CheckedMail:
    """One mail during the checks."""

    envelope: Envelope
    message: RawMessage
    signatures: Candidates
    domain: str
    """The author's domain."""
    now: float
    lookups: Lookups
    run: Run
    behind_relay: bool


@dataclass(frozen=True, slots=True)
class _CheckResult:
    """The result of one check."""

    by: str
    """The mechanism and domain that proved the author; empty if they did not."""
    evidence: tuple[Evidence, ...] = ()
    temporary: bool = False
    warnings: tuple[str, ...] = ()
    signed_scope: SignedScope | None = None
    fingerprints: tuple[str, ...] = ()
    """Of the signatures that hold."""


NeedsLookups = Callable[[], Awaitable[bool]]


async def _always() -> bool:
    return True


class Authenticator:
    """Authenticates mails, many at once. `close()` ends its threads."""

    def __init__(
        self,
        resolver: Resolver,
        trust: Trust = Trust(),
        *,
        budget_s: float = 3.0,
        max_lookups: int = 30,
        clock: Callable[[], float] = time.time,
        threads: int = 2,
    ) -> None:
        """`budget_s` and `max_lookups` limit the DNS look-ups of one mail; `clock` returns Unix
        seconds."""
        self._resolver = resolver
        self._trust = trust
        self._budget_s = budget_s
        self._max_lookups = max_lookups
        self._clock = clock
        self._offload = Offload(threads)
        public_suffixes()  # takes a tenth of a second, which no mail should wait for

    def close(self) -> None:
        """Waits for calculations in progress; further mails raise RuntimeError."""
        self._offload.close()

    async def authenticate(
        self,
        delivery: Delivery,
        author: Author,
        needs_lookups: NeedsLookups = _always,
        is_known: NeedsLookups = _always,
    ) -> Authentication:
        """The verdict; checks run in the order of their cost: peer, relay, DKIM, SPF, ARC.

        The first check that proves the author's domain ends the search, except that DKIM and the
        DMARC policy are looked up together. Never raises for any bytes; DNS takes at most
        `budget_s`. The DNS is not queried unless `needs_lookups` returns true. `is_known` returns
        whether the author's domain is registered; called only if the client has no share left.
        """
        local, _, domain_text = author.address.rpartition("@")
        domain = host_domain(domain_text)
        if not local or domain is None:
            return Authentication.unchecked("From has no valid domain")
        envelope, warnings = delivery.envelope, domain_warnings(domain)
        peer = address_of(envelope.peer)
        trusted = peer is not None and any(peer in network for network in self._trust.peers)
        signatures_written = _signatures_written(delivery.raw)
        if trusted and not signatures_written:
            return Authentication.by_peer(str(peer), warnings)
        run, now = self._offload.for_mail(len(delivery.raw)), self._clock()
        is_light = len(delivery.raw) <= CHUNK_BYTES and signatures_written <= LIGHT_SIGNATURES
        hash_run: Run = at_once if is_light else run
        arc = bool(self._trust.sealers)
        if trusted:
            found = await hash_run(partial(_fingerprints, delivery.raw, domain, arc=arc))
            return Authentication.by_peer(str(peer), warnings, found)
        read = await hash_run(partial(_read, delivery.raw, domain, now))
        if isinstance(read, Malformed):
            return Authentication.unchecked(read.why)
        message, signatures = read
        relays = [name for network, name in self._trust.relays if peer and peer in network]

        def mail() -> _CheckedMail:
            lookups = self._lookups(peer, partial(company_of, (domain,), is_known))
            return _CheckedMail(
                envelope=envelope,
                message=message,
                signatures=signatures,
                domain=domain,
                now=now,
                lookups=lookups,
                run=run,
                behind_relay=bool(relays),
            )

        verdict = await self._verdict(mail, relays, warnings, needs_lookups)
        if not verdict.aligned:
            return verdict
        named = await hash_run(partial(fingerprints, message, domain, arc=arc))
        return replace(verdict, fingerprints=tuple(dict.fromkeys((*verdict.fingerprints, *named))))

    async def _verdict(
        self,
        mail: Callable[[], _CheckedMail],
        relays: Sequence[str],
        warnings: tuple[str, ...],
        needs_lookups: NeedsLookups,
    ) -> Authentication:
        """The verdict for a mail that did not come from a trusted peer."""
        for authserv_id in relays:
            checked = mail()
            stated = await checked.run(
                partial(stated_by_relay, checked.message, authserv_id, checked.domain)
            )
            name = authserv_id or checked.envelope.peer
            if stated is None:
                warnings += (f"relay {name} has no result that proves the author",)
                continue
            signatures = checked.signatures
            if not stated.direct and (signatures.ignored or signatures.unreadable):
                # One of these may be what the relay's result is based on.
                why = "it may depend on a signature that was not read"
                warnings += (f"relay {name}: its result is not counted: {why}",)
                continue
            verdict = Authentication.by_relay(name, stated.proof, warnings)
            if not signatures.signatures or not await needs_lookups():
                return verdict
            # The relay's statement may be based on the signature, which limits the proof.
            signed = (await _policy_and_dkim(checked))[1]
            scope = signed.signed_scope
            if scope is None:
                candidates = [(s.field, s.tags) for s in signatures.signatures]
                scope = await checked.run(partial(assumed_scope, checked.message, candidates))
            return replace(
                verdict,
                signed_scope=replace(scope, alone=not stated.direct),
                fingerprints=signed.fingerprints,
            )
        if not await needs_lookups():
            return Authentication.unchecked(
                "no registered user has an address in this domain", warnings
            )
        verdict = await self._prove(mail())
        return replace(verdict, warnings=warnings + verdict.warnings)

    async def vouch(self, delivery: Delivery, registered_among: RegisteredAmong) -> Authentication:
        """What stands behind a mail without a single author: a trusted peer, a relay of ours, or
        the signature of a registered company. It proves nobody; see `Authentication.vouched_by`."""
        peer = address_of(delivery.envelope.peer)
        unchecked = Authentication.unchecked("no author to check")
        if peer is not None and any(peer in network for network in self._trust.peers):
            return replace(unchecked, vouched_by=f"peer:{peer}")
        for network, authserv_id in self._trust.relays:
            if peer is not None and peer in network:
                return replace(unchecked, vouched_by=f"relay:{authserv_id or peer}")
        run = self._offload.for_mail(len(delivery.raw))
        message, signatures = await run(
            partial(signatures_over_author, delivery.raw, self._clock())
        )

        def lookups(known: Collection[str]) -> Lookups:
            return self._lookups(peer, partial(company_of, known, _always))

        return await vouch_by_signature(message, signatures, registered_among, lookups, run)

    def _lookups(self, peer: IPAddress | None, company: Callable[[str], Awaitable[str]]) -> Lookups:
        listed = is_in(peer, (*self._trust.peers, *(network for network, _ in self._trust.relays)))
        return Lookups(
            self._resolver,
            budget_s=self._budget_s,
            limit=self._max_lookups,
            asker=Asker(peer, listed, company),
        )

    async def _prove(self, mail: _CheckedMail) -> Authentication:
        policy, signed = await _policy_and_dkim(mail)
        results, scope = [signed], signed.signed_scope
        if not results[0].by or (scope is not None and _could_be_redirected(mail, scope)):
            by_spf = await _by_spf(mail, policy)
            results.append(by_spf)
            if by_spf.by and scope is not None:  # unchanged, directly from the author's domain
                scope = replace(scope, alone=False)
        if not any(result.by for result in results) and self._trust.sealers:
            results.append(await self._by_arc(mail))
            scope = results[-1].signed_scope
        verdict = _verdict(mail.domain, policy, results)
        held = tuple(each for result in results for each in result.fingerprints)
        # An old signature identifies the mail, but proves nothing by itself.
        return replace(verdict, signed_scope=scope if verdict.aligned else None, fingerprints=held)

    async def _by_arc(self, mail: _CheckedMail) -> _CheckResult:
        checked: ArcVerdict = await check_arc(
            mail.message,
            sealers=self._trust.sealers,
            author_domain=mail.domain,
            now=mail.now,
            lookups=mail.lookups,
            run=mail.run,
        )
        by = f"arc:{checked.sealer}" if checked.sealer else ""
        signed = checked.signature
        if signed is None:
            return _CheckResult(by, checked.evidence, checked.temporary)
        scope, held = await mail.run(partial(signed_scope, mail.message, [signed]))
        return _CheckResult(
            by, checked.evidence, checked.temporary, signed_scope=scope, fingerprints=held
        )


async def _policy_and_dkim(mail: _CheckedMail) -> tuple[DmarcRecord, _CheckResult]:
    async with asyncio.TaskGroup() as group:
        policy_task = group.create_task(find_policy(mail.domain, mail.lookups))
        signed = group.create_task(_by_dkim(mail, policy_task))
    return policy_task.result(), signed.result()


async def _by_dkim(mail: _CheckedMail, policy_task: asyncio.Task[DmarcRecord]) -> _CheckResult:
    async def is_aligned(domain: str) -> bool | None:
        if domain == mail.domain:  # aligned under every policy, so it need not be awaited
            return True
        policy = await policy_task
        return await aligned(domain, policy, policy.dkim, mail.lookups)

    def complete(valid: Sequence[Signature]) -> bool:
        names = covered_names([each.tags for each in valid])
        return not READ_FIELDS & uncovered(mail.message.names(), names)

    checked = await check_dkim(
        mail.message, mail.signatures, mail.lookups, is_aligned, mail.run, complete
    )
    by = f"dkim:{checked.domain}" if checked.domain else ""
    signed = [(each.field, each.tags) for each in checked.signatures]
    if not signed:
        return _CheckResult(by, checked.evidence, checked.temporary, checked.warnings)
    scope, held = await mail.run(partial(signed_scope, mail.message, signed))
    return _CheckResult(by, checked.evidence, checked.temporary, checked.warnings, scope, held)


def _could_be_redirected(mail: _CheckedMail, scope: SignedScope) -> bool:
    """Whether the mail could be sent again to other recipients, or be read differently, under the
    same signature: then SPF must show that it came directly."""
    if scope.problem or READ_FIELDS & uncovered(mail.message.names(), scope.names):
        return True
    written = b" ".join(v for n in (b"to", b"cc") for _, v in mail.message.named(n)).lower()
    return not all(r.lower().encode() in written for r in mail.envelope.rcpt_tos)


async def _by_spf(mail: _CheckedMail, policy: DmarcRecord) -> _CheckResult:
    """SPF, unless it could prove nothing: for a domain that cannot be aligned, or if the client is
    a relay of ours, whose address does not show where the mail came from."""
    identity, peer = spf_check.identity_of(mail.envelope), address_of(mail.envelope.peer)
    refusal = ""
    if identity is None or peer is None:
        return _CheckResult(
            "", (Evidence("spf", Result.NONE, "", "no domain or no address to check"),)
        )
    if mail.behind_relay:
        refusal = "not asked: the client is a relay of ours"
    elif not could_align(identity.domain, mail.domain):
        refusal = "not asked: cannot be aligned"
    if refusal:
        skipped = spf_check.SpfVerdict(Result.POLICY, refusal)
        return _CheckResult("", (spf_check.evidence(identity, skipped, aligned=False),))
    checked = await spf_check.check_spf(
        identity, str(peer), mail.envelope.helo, mail.lookups, mail.run
    )
    is_aligned: bool | None = False
    if checked.result in (Result.PASS, Result.TEMPERROR):
        is_aligned = await aligned(identity.domain, policy, policy.spf, mail.lookups)
    passed = checked.result is Result.PASS and is_aligned is True
    return _CheckResult(
        f"spf:{identity.domain}" if passed else "",
        (spf_check.evidence(identity, checked, aligned=bool(is_aligned)),),
        # A TEMPERROR of a domain that is certainly unaligned could not have become a proof.
        temporary=not passed and is_aligned is not False,
        warnings=checked.warnings,
    )


def _verdict(domain: str, policy: DmarcRecord, results: list[_CheckResult]) -> Authentication:
    """Combines all checks; DMARC (RFC 9989 §4) requires an aligned SPF or DKIM pass."""
    by = next((result.by for result in results if result.by), "")
    unknown = bool(policy.walk.unanswered) and not policy.published
    temporary = not by and (unknown or any(result.temporary for result in results))
    if unknown or temporary:
        dmarc = Result.TEMPERROR
    elif not policy.published:
        dmarc = Result.NONE
    else:
        dmarc = Result.PASS if by.startswith(("dkim:", "spf:")) else Result.FAIL
    evidence = [each for result in results for each in result.evidence]
    detail = policy.walk.unanswered if unknown else f"policy {policy.action}"
    evidence.append(Evidence("dmarc", dmarc, domain, detail, aligned=dmarc is Result.PASS))
    warnings = [each for result in results for each in result.warnings]
    if policy.walk.records.get(domain, {}).get("psd") == "y":
        warnings.append(f"{domain} declares itself a public suffix (psd=y)")
    action = policy.action if dmarc is Result.FAIL and not by else "none"
    return Authentication(
        aligned=bool(by),
        by=by,
        dmarc=dmarc,
        dmarc_policy=action,
        temporary=temporary,
        evidence=tuple(evidence),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _signatures_written(raw: bytes) -> int:
    """The number of fields in the header that name a signature of the message."""
    end = raw.find(b"\r\n\r\n", 0, MAX_HEADER_BYTES)
    return len(_SIGNATURE.findall(raw, 0, end if end >= 0 else MAX_HEADER_BYTES))


def _fingerprints(raw: bytes, domain: str, *, arc: bool) -> tuple[str, ...]:
    message = read_message(raw)
    if isinstance(message, Malformed):
        return ()
    return fingerprints(message, domain, arc=arc)


def _read(raw: bytes, domain: str, now: float) -> tuple[RawMessage, Candidates] | Malformed:
    message = read_message(raw)
    if not isinstance(message, Malformed):
        return message, candidates(message, domain, now)
    if not message.too_long:
        return message
    # None of its fields counts, no signature and no result of a relay; where it came from does.
    unread = Evidence("dkim", Result.POLICY, domain, message.why)
    return RawMessage((), raw, len(raw)), Candidates((), (unread,), 0)
