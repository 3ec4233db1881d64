"""ARC (RFC 8617): the authentication results of a trusted forwarder before it changed the mail."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial

from gateway.authentication.assumed import assumed_scope
from gateway.authentication.dkim_check import (
    Candidates,
    age_problem,
    signature_failure,
    signed_at,
    time_problem,
)
from gateway.authentication.dmarc import are_apart
from gateway.authentication.dns import Lookups, Temporary, UnusableAnswer, host_domain
from gateway.authentication.offload import Run
from gateway.authentication.own_sender import is_from_author
from gateway.authentication.proven_names import key_name
from gateway.authentication.results_header import (
    FORGED,
    OF_A_NEIGHBOUR,
    OF_ANOTHER_ORGANISATION,
    RelayStatement,
    is_pass_of_neighbour,
    may_forge_results,
    statement_in,
)
from gateway.authentication.signatures import (
    HeaderField,
    Key,
    RawMessage,
    Tags,
    fetch_key,
    grammar_problem,
    header_digest_input,
    is_valid_signature,
    read_key,
    read_tags,
)
from gateway.authentication.structure import signed_scope
from rules.sender.authentication import Evidence, Result, SignedScope

MAX_HOPS = 10
"""RFC 8617 §4.2.1 allows 50, but each hop costs a look-up and a verification."""

_RESULTS = re.compile(rb"\s*i\s*=\s*([0-9]{1,2})\s*;(.*)", re.DOTALL)
_SEAL_TAGS = (b"i", b"a", b"b", b"cv", b"d", b"s")
_MESSAGE_TAGS = (b"i", b"a", b"b", b"bh", b"d", b"h", b"s")


@dataclass(frozen=True, slots=True)
class ArcSet:
    """The fields that one hop added (RFC 8617 §4.2)."""

    results: HeaderField
    stated: bytes
    """The results without their instance number: an Authentication-Results value."""
    signature: HeaderField
    signature_tags: Tags
    seal: HeaderField
    seal_tags: Tags


@dataclass(frozen=True, slots=True)
class ArcVerdict:
    evidence: tuple[Evidence, ...] = ()
    sealer: str = ""
    """The listed sealer that vouches for the author's domain; empty if there is none."""
    temporary: bool = False
    """DNS failures prevented a verdict, so a later attempt may have another result."""
    signature: tuple[HeaderField, Tags] | None = None
    """The newest message signature, if the sealer vouches: anybody who sends the mail again can add
    content that it does not cover."""
    direct: bool = False
    """The sealer received the mail directly from the author's domain."""
    by_signature: bool = False
    """A signature proved the author to the sealer."""
    by_spf_alone: bool = False
    """Nothing but SPF proved the author to the sealer."""
    senders: tuple[str, ...] = ()
    """Of the author's domain, as far as it states their addresses."""
    signatures_seen: int = 0
    """The number of signatures of which the sealer states a result."""
    with_their_fields: Collection[HeaderField] = ()
    """Signatures whose keys show that the fields which they cover are as their signer wrote them,
    whatever became of the body."""

    def from_author(self, author: str) -> ArcVerdict:
        """The same: direct only if the envelope sender is the author, where that matters."""
        return replace(self, direct=self.direct and is_from_author(author, self.senders))

    def is_by_somebody_else(self, author: str) -> bool:
        """Whether nothing but SPF of somebody else's address proved the author to the sealer."""
        return self.by_spf_alone and not is_from_author(author, self.senders)

    def covers_words(self, signatures: Candidates) -> bool:
        """Whether the body is the author's: not if anybody may have appended to it, under a
        signature of theirs with `l=`, before the sealer saw it."""
        return self.direct or not (self.by_signature and signatures.open_ended)


async def check_arc(
    message: RawMessage,
    sealers: Sequence[str],
    author_domain: str,
    now: float,
    lookups: Lookups,
    run: Run,
    others: Collection[str] = (),
) -> ArcVerdict:
    """Verifies the newest seal, which covers all others, if its sealer is listed.

    It vouches for the author only if the newest sealer states `dmarc=pass` for exactly that domain,
    and not by SPF and DKIM of `others`.
    """
    chain = await run(partial(read_chain, message, now))
    if chain is None:
        return ArcVerdict()
    if isinstance(chain, str):
        return _no_proof(Result.FAIL, "", chain)
    newest = chain[-1]
    sealer = _domain(newest.seal_tags)
    if refusal := _seal_refusal(message, newest, sealers, now):
        return _no_proof(Result.POLICY, sealer, refusal)
    stated = await run(partial(_statement, message, newest, author_domain, others))
    if isinstance(stated, str):
        return _no_proof(Result.POLICY, sealer, f"sealed by {sealer}, {stated}")
    # Only the listed sealer's own keys. It states by cv=pass that it checked the older seals, and
    # anybody can write one, with a name of their own zone: asked for it, they would learn that the
    # author's domain is registered here.
    places = [
        (tags[b"s"].decode("ascii", "replace"), _domain(tags))
        for tags in (newest.seal_tags, newest.signature_tags)
    ]
    keys = await asyncio.gather(*(fetch_key(*place, lookups) for place in places))
    if failed := [record for record in keys if isinstance(record, Temporary)]:
        defers = all(record.defers for record in failed)
        return _no_proof(Result.TEMPERROR, sealer, failed[0].why, temporary=defers)
    if failure := await run(partial(newest_failure, message, chain, keys)):
        return _no_proof(Result.FAIL, sealer, failure)
    apart = await are_apart(stated.passed, author_domain, lookups)
    if isinstance(apart, Temporary):
        return _no_proof(Result.TEMPERROR, sealer, apart.why, temporary=True)
    if apart:
        detail = f"sealed by {sealer}, but {OF_ANOTHER_ORGANISATION}"
        return _no_proof(Result.POLICY, sealer, detail)
    lookups.prove({key_name(*place) for place in places})
    return _proof(sealer, newest, stated)


def _no_proof(result: Result, sealer: str, detail: str, *, temporary: bool = False) -> ArcVerdict:
    return ArcVerdict((Evidence("arc", result, sealer, detail),), temporary=temporary)


def _proof(sealer: str, newest: ArcSet, stated: RelayStatement) -> ArcVerdict:
    return ArcVerdict(
        (Evidence("arc", Result.PASS, sealer, f"sealed by {sealer}", aligned=True),),
        sealer,
        signature=(newest.signature, newest.signature_tags),
        direct=stated.direct,
        by_signature=stated.by_signature,
        by_spf_alone=stated.by_spf_alone,
        senders=stated.senders,
        signatures_seen=stated.signatures_seen,
    )


def _seal_refusal(message: RawMessage, newest: ArcSet, sealers: Sequence[str], now: float) -> str:
    """Why the newest seal is not looked at, whether or not it holds; empty if it is."""
    sealer = _domain(newest.seal_tags)
    if sealer not in sealers:
        return f"sealer {sealer} is not listed"
    sealed_at = sealed_time(message, newest)
    why = "without a time" if sealed_at is None else age_problem(now - sealed_at)
    return f"the seal is {why}" if why else ""


def _statement(
    message: RawMessage, newest: ArcSet, author_domain: str, others: Collection[str]
) -> RelayStatement | str:
    """What the newest sealer states of the author, or why that proves nothing. CPU-bound."""
    stated = statement_in(newest.stated, None, author_domain, others)
    if stated is None or stated.proof.method != "dmarc":
        if is_pass_of_neighbour(newest.stated, None, author_domain, others):
            return f"but {OF_A_NEIGHBOUR}"
        return "which states no dmarc=pass for From"
    return f"but {FORGED}" if may_forge_results(message) else stated


def sealed_scope(
    message: RawMessage,
    verdict: ArcVerdict,
    signatures: Sequence[tuple[HeaderField, Tags]] | None,
    *,
    hold: bool,
) -> tuple[SignedScope, tuple[str, ...]]:
    """What of a sealed mail comes from its author, and the fingerprints of what is signed.

    All that the sealer signed, if it received the mail directly from the author's domain. Otherwise
    anybody can have sent it to the sealer, and only what the author's signatures cover is theirs:
    those that `hold`, or what each of those covers that a change on the way broke. None: there are
    some of which we do not know what they cover. CPU-bound.

    Raises whatever dkimpy raises.
    """
    assert verdict.signature is not None
    holding = (signatures or ()) if hold else ()
    if hold and not verdict.direct:
        return signed_scope(message, holding)
    scope, digests = signed_scope(message, [*holding, verdict.signature])
    return as_the_author_signed(message, verdict, scope, signatures), digests


def as_the_author_signed(
    message: RawMessage,
    verdict: ArcVerdict,
    scope: SignedScope,
    signatures: Sequence[tuple[HeaderField, Tags]] | None,
) -> SignedScope:
    """What of a sealed scope the author signed, by signatures of theirs that no longer hold, None
    if we do not know them; all of it, if the sealer had it from the author's domain itself. If the
    sealer counted a signature, nothing, unless these are the ones that it saw. CPU-bound.

    Raises whatever dkimpy raises.
    """
    has_none = signatures is not None and not signatures
    if verdict.direct or (has_none and not verdict.by_signature):
        return scope
    if verdict.by_signature and not _are_as_sealed(message, verdict, signatures or ()):
        signatures = [s for s in signatures or () if s[0] in verdict.with_their_fields]
    if not signatures:  # not known, or somebody removed it
        return replace(scope, names=())
    least = assumed_scope(message, signatures)
    names = Counter(scope.names) & Counter(least.names)
    problem = scope.problem or least.problem
    return replace(scope, names=tuple(names.elements()), problem=problem)


def _are_as_sealed(
    message: RawMessage, verdict: ArcVerdict, signatures: Sequence[tuple[HeaderField, Tags]]
) -> bool:
    """Whether the sealer saw these signatures, and none that is gone. Who has the sealed mail can
    take away one that its message signature does not cover, and add one that claims to cover more:
    of those that do not hold, nothing else shows who wrote them."""
    assert verdict.signature is not None
    listed = verdict.signature[1][b"h"].lower().split(b":").count(b"dkim-signature")
    covered = message.named(b"dkim-signature")[-listed:] if listed else []
    all_covered = all(field in covered for field, _ in signatures)
    return all_covered and verdict.signatures_seen <= len(covered)


def read_chain(message: RawMessage, now: float) -> list[ArcSet] | str | None:
    """The sets from the oldest to the newest; None if there are none; or why they are invalid.

    The structure of RFC 8617 §5.2, steps 1 to 3. CPU-bound, never raises.
    """
    parts = {
        name: message.named(name)
        for name in (b"arc-authentication-results", b"arc-message-signature", b"arc-seal")
    }
    hops = max(map(len, parts.values()))
    if not hops:
        return None
    if hops > MAX_HOPS:
        return f"more than {MAX_HOPS} hops"
    results: dict[int, tuple[HeaderField, bytes]] = {}
    for field in parts[b"arc-authentication-results"]:
        read = _RESULTS.fullmatch(field[1])
        if read:
            results[int(read[1])] = (field, read[2])
    signatures = _by_instance(parts[b"arc-message-signature"], _MESSAGE_TAGS, now)
    seals = _by_instance(parts[b"arc-seal"], _SEAL_TAGS, now)
    instances = list(range(1, hops + 1))
    if not (sorted(results) == sorted(signatures) == sorted(seals) == instances):
        return "incomplete or unreadable sets"
    chain = [ArcSet(*results[each], *signatures[each], *seals[each]) for each in instances]
    for number, each in enumerate(chain):
        if each.seal_tags[b"cv"] != (b"pass" if number else b"none"):
            return "the chain reports its own failure (cv=)"
        if b"h" in each.seal_tags:  # RFC 8617 §4.1.3
            return "a seal with h="
    newest = chain[-1].signature_tags
    names = newest[b"h"].lower().split(b":")
    if b"from" not in names or b"arc-seal" in names or b"l" in newest:
        return "the newest signature does not cover From and body as it must"
    if _domain(newest) != _domain(chain[-1].seal_tags):
        return "signature and seal are of two domains"
    return chain


def sealed_results(message: RawMessage) -> Sequence[bytes]:
    """What the newest set of a chain states; empty where that cannot be read. Never raises."""
    fields = message.named(b"arc-authentication-results")
    if len(fields) > MAX_HOPS:
        return ()
    read = (_RESULTS.fullmatch(value) for _, value in fields)
    return [each[2] for each in read if each and int(each[1]) == len(fields)]


def sealed_time(message: RawMessage, newest: ArcSet) -> float | None:
    """When it was sealed, in Unix seconds: `t=` of the seal or of its message signature, else the
    Date if that signature covers it. Without any of them it could be sent again for ever."""
    if b"t" in newest.seal_tags:
        return int(newest.seal_tags[b"t"])
    names = newest.signature_tags[b"h"].lower().split(b":")
    return signed_at(newest.signature_tags, names, message)


Record = bytes | UnusableAnswer | Temporary


def newest_failure(message: RawMessage, chain: Sequence[ArcSet], records: Sequence[Record]) -> str:
    """Why the newest seal or its message signature is invalid (RFC 8617 §5.2, steps 4 and 5); empty
    if both are valid. `records` are their key records. CPU-bound, never raises."""
    try:
        keys = _keys(records)
        if isinstance(keys, str):
            return keys
        newest = chain[-1]
        return signature_failure(
            message, newest.signature, newest.signature_tags, keys[1]
        ) or _seal_failure(chain, keys[0])
    except Exception as error:  # noqa: BLE001  dkimpy raises anything on hostile bytes
        return f"unreadable key or seal ({type(error).__name__})"


def _keys(records: Sequence[Record]) -> list[Key] | str:
    keys: list[Key] = []
    for record in records:
        if not isinstance(record, bytes):
            return record.why
        key = read_key(record)
        if isinstance(key, str):
            return key
        keys.append(key)
    return keys


def _seal_failure(chain: Sequence[ArcSet], key: Key) -> str:
    """Why the newest seal does not hold over all sets; empty if it does."""
    *older, newest = chain
    before = [part for e in older for part in (e.results, e.signature, e.seal)]
    sealed = [*before, newest.results, newest.signature]
    signed = header_digest_input(b"relaxed/relaxed", sealed, newest.seal)
    if is_valid_signature(signed, newest.seal_tags[b"b"], key):
        return ""
    return f"seal {newest.seal_tags[b'i'].decode()} does not hold"


def _by_instance(
    fields: Sequence[HeaderField], mandatory: Sequence[bytes], now: float
) -> dict[int, tuple[HeaderField, Tags]]:
    """The valid fields by instance number; a duplicate number leaves a gap elsewhere."""
    found: dict[int, tuple[HeaderField, Tags]] = {}
    for field in fields:
        tags = read_tags(field[1])
        if isinstance(tags, str) or time_problem(tags, now) or not _domain(tags):
            continue
        number = re.fullmatch(rb"[0-9]{1,2}", tags.get(b"i", b""))
        if number and not grammar_problem(tags, mandatory, arc=True):
            found[int(number[0])] = (field, tags)
    return found


def _domain(tags: Tags) -> str:
    return host_domain(tags.get(b"d", b"").decode("ascii", "replace")) or ""
