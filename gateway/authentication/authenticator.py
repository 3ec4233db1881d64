"""One verdict about the author of a mail, from every mechanism that can prove it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import IPv4Network, IPv6Network

from gateway.authentication.arc_check import sealed_results
from gateway.authentication.checked_mail import (
    OF_ANOTHER_COMPANY,
    CheckedMail,
    OfOthers,
    names_chosen,
    with_others,
)
from gateway.authentication.dkim_check import Candidates, candidates, fingerprints
from gateway.authentication.dns import Lookups, Resolver, Temporary, host_domain
from gateway.authentication.lookup_shares import Asker
from gateway.authentication.measuring import policy_and_dkim, prove
from gateway.authentication.offload import Offload, Run, at_once
from gateway.authentication.proven_names import NamesOfAuthor, NamesOfSigners, ProvenNames
from gateway.authentication.relay_scope import (
    NeedsLookups,
    from_author,
    is_of_another_organisation,
    why_not_counted,
    with_signatures,
)
from gateway.authentication.results_header import (
    MAX_FIELDS,
    OF_A_NEIGHBOUR,
    OF_ANOTHER_ORGANISATION,
    relay_passed_neighbour,
    stated_by_relay,
)
from gateway.authentication.signatures import (
    CHUNK_BYTES,
    MAX_HEADER_BYTES,
    Malformed,
    RawMessage,
    read_message,
)
from gateway.authentication.through_list import author_through_list
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
    domain_warnings,
)
from rules.sender.signature_scope import uncovered

Network = IPv4Network | IPv6Network
LIGHT_SIGNATURES = 3
"""The most in a mail that is hashed in the event loop; the worst known case takes 4 ms."""
SHOWN_FIELDS = frozenset({"from", "subject", "date", "to", "cc"})
"""Of an attached mail."""
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
    forwarders: tuple[str, ...] = ()
    """Domains of ours whose servers forward sealed mail here under an envelope sender of theirs."""


async def _always() -> bool:
    return True


async def _no_others(_: Collection[str], __: str) -> Collection[str]:
    return ()


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
        self._proven = ProvenNames()

    @property
    def trust(self) -> Trust:
        return self._trust

    def trusting(self, trust: Trust) -> Authenticator:
        """The same, but with another trust; it ends with this one."""
        other = copy(self)
        other._trust = trust
        return other

    def close(self) -> None:
        """Waits for calculations in progress; further mails raise RuntimeError."""
        self._offload.close()

    async def authenticate(
        self,
        delivery: Delivery,
        author: Author,
        needs_lookups: NeedsLookups = _always,
        is_known: NeedsLookups = _always,
        of_others: OfOthers = _no_others,
    ) -> Authentication:
        """The verdict; checks run in the order of their cost: peer, relay, DKIM, SPF, ARC.

        The first check that proves the author's domain ends the search, except that DKIM and the
        DMARC policy are looked up together. Never raises for any bytes; DNS takes at most
        `budget_s`. The DNS is not queried unless `needs_lookups` returns true. `is_known` returns
        whether the author's domain is registered; called only if the client has no share left.
        What passes for a domain `of_others` proves nothing.
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
        relays = tuple(name for network, name in self._trust.relays if peer and peer in network)

        def mail() -> CheckedMail:
            lookups = self._lookups(peer, NamesOfAuthor(self._proven, domain), is_known)
            return CheckedMail(
                envelope=envelope,
                message=message,
                signatures=signatures,
                domain=domain,
                author=author.address,
                now=now,
                lookups=lookups,
                run=run,
                relays=relays,
            )

        verdict = await self._verdict(mail, relays, warnings, needs_lookups, of_others)
        if not verdict.aligned:
            return verdict
        named = await hash_run(partial(fingerprints, message, domain, arc=arc))
        return replace(verdict, fingerprints=tuple(dict.fromkeys((*verdict.fingerprints, *named))))

    async def authenticate_through_list(
        self,
        delivery: Delivery,
        through: Author,
        author: Author,
        of_others: OfOthers = _no_others,
    ) -> Authentication | None:
        """The verdict on an author whom a list of ours replaced in From by its address, `through`.

        None if nothing proves them: then From is all that there is. Only our own domain and listed
        sealers are looked up in the DNS.
        """
        list_domain = host_domain(through.address.rpartition("@")[2])
        author_domain = host_domain(author.address.rpartition("@")[2])
        if not self._trust.sealers or list_domain is None or author_domain is None:
            return None
        mail = await self._signed_mail(delivery.raw, list_domain, delivery.envelope)
        if mail is None:
            return None
        mail = await with_others(mail, of_others)
        theirs = await mail.run(partial(candidates, mail.message, author_domain, mail.now))
        of_author = replace(mail, domain=author_domain, signatures=theirs)
        of_author = await with_others(of_author, of_others, sealed_results(mail.message))
        return await author_through_list(mail, of_author, self._trust.sealers, author.address)

    async def signed_by_author(
        self,
        attached: bytes,
        author: str,
        delivery: Delivery,
        budget_s: float,
        of_others: OfOthers = _no_others,
    ) -> str:
        """What proves the author of a mail that is attached to one from a client: a signature of
        theirs over all that is shown of it; empty if none is valid. A failure of the DNS is none.

        It has what the mail itself has left of its time, and the same share of its client.
        """
        domain = host_domain(author.rpartition("@")[2])
        if domain is None or budget_s <= 0:
            return ""
        mail = await self._signed_mail(attached, domain, delivery.envelope, budget_s)
        if mail is None:
            return ""
        signed = (await policy_and_dkim(await with_others(mail, of_others)))[1]
        scope = signed.signed_scope
        if not signed.by or scope is None or scope.problem:
            return ""
        return "" if SHOWN_FIELDS & uncovered(mail.message.names(), scope.names) else signed.by

    async def _signed_mail(
        self, raw: bytes, domain: str, envelope: Envelope, budget_s: float | None = None
    ) -> CheckedMail | None:
        """A mail to be checked for an author of `domain`; None if it has no signature."""
        run, now = self._offload.for_mail(len(raw)), self._clock()
        read = await run(partial(_read, raw, domain, now))
        if isinstance(read, Malformed) or not read[1].signatures:
            return None
        names = NamesOfAuthor(self._proven, domain)
        return CheckedMail(
            envelope=envelope,
            message=read[0],
            signatures=read[1],
            domain=domain,
            now=now,
            lookups=self._lookups(address_of(envelope.peer), names, _always, budget_s),
            run=run,
        )

    async def _verdict(
        self,
        mail: Callable[[], CheckedMail],
        relays: Sequence[str],
        warnings: tuple[str, ...],
        needs_lookups: NeedsLookups,
        of_others: OfOthers,
    ) -> Authentication:
        """The verdict for a mail that did not come from a trusted peer."""
        for authserv_id in relays:
            checked = mail()
            fields = checked.message.named(b"authentication-results")[:MAX_FIELDS]
            values = [value for _, value in fields]
            checked = await with_others(checked, of_others, values, authserv_id)
            by = (authserv_id, checked.domain, checked.others)
            stated = await checked.run(partial(stated_by_relay, checked.message, *by))
            name = authserv_id or checked.envelope.peer
            if stated is None:
                why = f"relay {name} has no result that proves the author"
                of_neighbour = partial(relay_passed_neighbour, checked.message, *by)
                if await checked.run(of_neighbour):
                    why = f"relay {name}: its result is not counted: {OF_A_NEIGHBOUR}"
                warnings += (why,)
                continue
            stated = from_author(stated, checked)
            if why := await why_not_counted(stated, checked):
                warnings += (f"relay {name}: its result is not counted: {why}",)
                continue
            apart = await is_of_another_organisation(stated, checked, needs_lookups)
            if isinstance(apart, Temporary):
                unknown = Authentication.unchecked(f"relay {name}: {apart.why}", warnings)
                return replace(unknown, temporary=True)
            if apart:
                warnings += (f"relay {name}: its result is not counted: {OF_ANOTHER_ORGANISATION}",)
                continue
            verdict = Authentication.by_relay(name, stated.proof, warnings)
            return await with_signatures(verdict, stated, checked, needs_lookups)
        chosen = names_chosen(mail(), self._trust.sealers)
        if not await needs_lookups():
            why = "no registered user has an address in this domain"
            return replace(Authentication.unchecked(why, warnings), names_chosen=chosen)
        checked = mail()
        sealed = sealed_results(checked.message) if self._trust.sealers else ()
        checked = await with_others(checked, of_others, sealed)
        verdict = await prove(checked, self._trust.sealers, self._trust.forwarders)
        if not verdict.aligned:
            warnings += tuple(f"{each} {OF_ANOTHER_COMPANY}" for each in sorted(checked.others))
        return replace(verdict, warnings=warnings + verdict.warnings, names_chosen=chosen)

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

        def lookups() -> Lookups:
            return self._lookups(peer, NamesOfSigners(self._proven), _always)

        return await vouch_by_signature(message, signatures, registered_among, lookups, run)

    @property
    def budget_s(self) -> float:
        """The time after which no mail waits for the DNS any more."""
        return self._budget_s

    def _lookups(
        self,
        peer: IPAddress | None,
        names: NamesOfAuthor | NamesOfSigners,
        is_known: NeedsLookups,
        budget_s: float | None = None,
    ) -> Lookups:
        async def company(name: str) -> str:
            owner = names.owner(name)
            return owner if owner and await is_known() else ""

        def chosen(name: str) -> bool:
            return not names.defers(name)

        listed = is_in(peer, (*self._trust.peers, *(network for network, _ in self._trust.relays)))
        return Lookups(
            self._resolver,
            budget_s=self._budget_s if budget_s is None else budget_s,
            limit=self._max_lookups,
            asker=Asker(peer, listed, company, chosen),
            names=names,
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
