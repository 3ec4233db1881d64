"""Measures what proves the author of one mail: DKIM, SPF and DMARC, and the seals of forwarders."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from gateway.authentication import spf_check
from gateway.authentication.arc_check import ArcVerdict, check_arc, sealed_scope
from gateway.authentication.checked_mail import OF_ANOTHER_COMPANY, CheckedMail
from gateway.authentication.dkim_check import (
    NOT_ALIGNED,
    OPEN_BODY,
    Signature,
)
from gateway.authentication.dkim_verdict import check_dkim
from gateway.authentication.dmarc import (
    DmarcRecord,
    aligned,
    could_align,
    find_policy,
    may_be_aligned,
    record_names,
)
from gateway.authentication.dns import Temporary
from gateway.authentication.own_sender import OF_SOMEBODY_ELSE, is_from_author
from gateway.authentication.proven_names import key_name
from gateway.authentication.relay_sender import relay_passed_sender
from gateway.authentication.signatures import (
    HeaderField,
    RawMessage,
    Tags,
    has_this_body,
    is_body_relaxed,
)
from gateway.authentication.structure import covered_names, signed_scope
from gateway.shares import address_of
from rules.sender.authentication import Authentication, Evidence, Result, SignedScope
from rules.sender.signature_scope import READ_FIELDS, passed_on_scope, uncovered

BEHIND_RELAY = "not asked: the client is a relay of ours"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check."""

    by: str
    """The mechanism and domain that proved the author; empty if they did not."""
    evidence: tuple[Evidence, ...] = ()
    temporary: bool = False
    warnings: tuple[str, ...] = ()
    signed_scope: SignedScope | None = None
    fingerprints: tuple[str, ...] = ()
    """Of the signatures that hold."""
    signed: tuple[tuple[HeaderField, Tags], ...] = ()
    """Those signatures."""
    with_their_fields: tuple[HeaderField, ...] = ()
    """The signatures, of those and of others whose body was changed, that cover what tells one mail
    from another."""
    direct: bool = False
    """A sealer received the mail directly from the author's domain."""
    by_spf_alone: bool = False
    """Nothing but SPF proved the author, to a sealer."""
    author_scope: SignedScope | None = None
    """What of a mail that a sealer received directly its author signed."""


async def prove(
    mail: CheckedMail, sealers: Sequence[str], forwarders: Sequence[str]
) -> Authentication:
    """The verdict from what is measured: signatures first, then SPF, then a listed sealer's ARC."""
    policy, signed = await policy_and_dkim(mail)
    results, scope = [signed], signed.signed_scope
    author_scope: SignedScope | None = None
    if not signed.by or (scope is not None and _could_be_redirected(mail, scope)):
        by_spf = await _by_spf(mail, policy)
        results.append(by_spf)
        if by_spf.by and scope is not None:  # unchanged, directly from the author's domain
            scope = replace(scope, alone=False)
        elif sealers and not by_spf.by:
            sealed = await _by_arc(mail, sealers, signed)
            results.append(sealed)
            scope = sealed.signed_scope if sealed.by else scope
            author_scope = sealed.author_scope
            if scope is not None and sealed.direct:
                passed_on = await _by_forwarder(mail, forwarders)
                results.append(CheckResult("", passed_on))
                if any(each.result is Result.PASS for each in passed_on):
                    scope = passed_on_scope(mail.message.names(), scope)
    verdict = _verdict(mail.domain, policy, results)
    held = tuple(each for result in results for each in result.fingerprints)
    # An old signature identifies the mail, but proves nothing by itself.
    scope = scope if verdict.aligned else None
    return replace(verdict, signed_scope=scope, author_scope=author_scope, fingerprints=held)


async def _by_arc(mail: CheckedMail, sealers: Sequence[str], signed: CheckResult) -> CheckResult:
    """The result of ARC; what of the mail comes from the author depends on their signatures too."""
    checked: ArcVerdict = await check_arc(
        mail.message,
        sealers=sealers,
        author_domain=mail.domain,
        now=mail.now,
        lookups=mail.lookups,
        run=mail.run,
        others=mail.others,
    )
    if checked.signature is None:
        return CheckResult("", checked.evidence, checked.temporary)
    checked = replace(checked.from_author(mail.author), with_their_fields=signed.with_their_fields)
    if checked.is_by_somebody_else(mail.author):
        detail = f"sealed by {checked.sealer}, but {OF_SOMEBODY_ELSE}"
        return CheckResult("", (Evidence("arc", Result.POLICY, checked.sealer, detail),))
    if not signed.by and not checked.covers_words(mail.signatures):
        detail = f"sealed by {checked.sealer}, which may have counted a signature: {OPEN_BODY}"
        return CheckResult("", (Evidence("arc", Result.POLICY, checked.sealer, detail),))
    signatures = signed.signed or mail.signatures.all_bounds
    of_mail = partial(sealed_scope, mail.message, signatures=signatures, hold=bool(signed.by))
    scope, held = await mail.run(partial(of_mail, checked))
    author_scope: SignedScope | None = None
    if checked.direct:  # as SPF showed, which a policy may not count
        author_scope, _ = await mail.run(partial(of_mail, replace(checked, direct=False)))
    by = f"arc:{checked.sealer}"
    known = mail.signatures.bounds
    is_changed = bool(known) and not await mail.run(
        partial(_has_a_signed_body, mail.message, known)
    )
    warnings: tuple[str, ...] = ()
    if is_changed:
        warnings = (f"{CHANGED}: a customer of {checked.sealer} may have done it",)
    if not scope.names:
        warnings = (*warnings, f"sealed by {checked.sealer}, but {NOTHING_SIGNED}")
    return CheckResult(
        by,
        checked.evidence,
        checked.temporary,
        warnings=warnings,
        signed_scope=scope,
        author_scope=author_scope,
        fingerprints=held,
        direct=checked.direct,
        by_spf_alone=checked.by_spf_alone,
    )


NOTHING_SIGNED = (
    "neither from the servers of the author's domain nor with a signature of theirs: no field of "
    "it counts as theirs"
)
CHANGED = "the body was changed after its author had signed it"


def _has_a_signed_body(message: RawMessage, signatures: Sequence[tuple[HeaderField, Tags]]) -> bool:
    """Whether a signature has this body, whether or not the rest of it holds. CPU-bound."""
    return any(has_this_body(message, tags) for _, tags in signatures)


async def _by_forwarder(mail: CheckedMail, forwarders: Sequence[str]) -> tuple[Evidence, ...]:
    """SPF of a listed forwarder's envelope sender (SRS): with a pass, its servers sent the mail
    here, or to a relay of ours that states the pass. Empty for any other envelope sender."""
    identity, peer = spf_check.identity_of(mail.envelope), address_of(mail.envelope.peer)
    if identity is None or identity.domain not in forwarders:
        return ()
    if identity.identifier != "smtp.mailfrom":
        return ()
    detail = f"{identity.domain} is a listed forwarder"
    if mail.behind_relay:
        by = (mail.message, mail.relays, mail.envelope.mail_from, identity.domain)
        passed = await mail.run(partial(relay_passed_sender, *by))
        result = Result.PASS if passed else Result.POLICY
        detail = f"stated by the relay: {detail}" if passed else BEHIND_RELAY
        checked = spf_check.SpfVerdict(result, detail)
    elif peer is not None:
        helo = mail.envelope.helo
        checked = await spf_check.check_spf(identity, str(peer), helo, mail.lookups, mail.run)
    else:
        return ()
    found = spf_check.evidence(identity, checked, aligned=False)
    return (replace(found, detail=found.detail or detail),)


async def policy_and_dkim(mail: CheckedMail) -> tuple[DmarcRecord, CheckResult]:
    async with asyncio.TaskGroup() as group:
        policy_task = group.create_task(find_policy(mail.domain, mail.lookups))
        signed = group.create_task(_by_dkim(mail, policy_task))
    return policy_task.result(), signed.result()


async def _by_dkim(mail: CheckedMail, policy_task: asyncio.Task[DmarcRecord]) -> CheckResult:
    # A task that waits for the policy may be cancelled, which must not cancel the policy.
    async def is_aligned(domain: str) -> bool | Temporary:
        if domain == mail.domain:  # aligned under every policy, so it need not be awaited
            return True
        if domain in mail.others:
            return False
        policy = await asyncio.shield(policy_task)
        return await aligned(domain, policy, policy.dkim, mail.lookups)

    async def worth_asking(domain: str) -> bool | Temporary:
        if domain == mail.domain:
            return True
        if domain in mail.others:
            return False
        policy = await asyncio.shield(policy_task)
        return may_be_aligned(domain, policy, policy.dkim)

    exact = [each for each in mail.signatures.signatures if not is_body_relaxed(each.tags)]

    def complete(valid: Sequence[Signature]) -> bool:
        # Whichever key arrives first: white space counts where any of them covers it.
        names = covered_names([each.tags for each in valid])
        covers_space = not exact or any(each in valid for each in exact)
        return covers_space and not READ_FIELDS & uncovered(mail.message.names(), names)

    checked = await check_dkim(
        mail.message,
        mail.signatures,
        mail.lookups,
        is_aligned,
        mail.run,
        complete,
        worth_asking,
    )
    by = f"dkim:{checked.domain}" if checked.domain else ""
    signed = tuple((each.field, each.tags) for each in checked.signatures)
    if by:
        for each in checked.signatures:
            names = {key_name(each.selector, each.domain), *record_names(each.domain)}
            mail.lookups.prove(names)
    fields = tuple(
        each.field
        for each in (*checked.signatures, *checked.over_fields)
        if {"message-id", "date"} & set(covered_names([each.tags]))
    )
    if not signed:
        return CheckResult(
            by, checked.evidence, checked.temporary, checked.warnings, with_their_fields=fields
        )
    scope, held = await mail.run(partial(signed_scope, mail.message, signed))
    return CheckResult(
        by,
        checked.evidence,
        checked.temporary,
        checked.warnings,
        scope,
        fingerprints=held,
        signed=signed,
        with_their_fields=fields,
    )


def _could_be_redirected(mail: CheckedMail, scope: SignedScope) -> bool:
    """Whether the mail could be sent again to other recipients, or be read differently, under the
    same signature: then SPF must show that it came directly."""
    if scope.problem or READ_FIELDS & uncovered(mail.message.names(), scope.names):
        return True
    written = b" ".join(v for n in (b"to", b"cc") for _, v in mail.message.named(n)).lower()
    return not all(r.lower().encode() in written for r in mail.envelope.rcpt_tos)


async def _by_spf(mail: CheckedMail, policy: DmarcRecord) -> CheckResult:
    """SPF, unless it could prove nothing: for a domain that cannot be aligned, for an address of
    somebody else where anybody can have one, or if the client is a relay of ours, whose address
    does not show where the mail came from."""
    identity, peer = spf_check.identity_of(mail.envelope), address_of(mail.envelope.peer)
    if identity is None or peer is None:
        return CheckResult(
            "", (Evidence("spf", Result.NONE, "", "no domain or no address to check"),)
        )
    refusal, unanswered = _why_not_asked(mail, identity.domain, policy)
    if refusal:
        result = Result.TEMPERROR if unanswered else Result.POLICY
        skipped = spf_check.SpfVerdict(result, refusal)
        found = spf_check.evidence(identity, skipped, aligned=False)
        return CheckResult("", (found,), temporary=unanswered is not None and unanswered.defers)
    checked = await spf_check.check_spf(
        identity, str(peer), mail.envelope.helo, mail.lookups, mail.run
    )
    is_aligned: bool | Temporary = False
    if checked.result in (Result.PASS, Result.TEMPERROR):
        is_aligned = await aligned(identity.domain, policy, policy.spf, mail.lookups)
    passed = checked.result is Result.PASS and is_aligned is True
    if passed:
        mail.lookups.prove(checked.names | set(record_names(identity.domain)))
    # A failure of a domain that is certainly unaligned could not have become a proof.
    defers = checked.result is Result.PASS or checked.defers
    if isinstance(is_aligned, Temporary):
        defers = defers and is_aligned.defers
    return CheckResult(
        f"spf:{identity.domain}" if passed else "",
        (spf_check.evidence(identity, checked, aligned=is_aligned is True),),
        temporary=not passed and is_aligned is not False and defers,
        warnings=checked.warnings,
    )


def _why_not_asked(
    mail: CheckedMail, domain: str, policy: DmarcRecord
) -> tuple[str, Temporary | None]:
    """Why the SPF record of a domain is not looked up; empty if it is. With the failure of the DNS
    that leaves open whether it could be aligned: a stranger may own it, and would see the query."""
    if mail.behind_relay:
        return BEHIND_RELAY, None
    if not could_align(domain, mail.domain):
        return "not asked: cannot be aligned", None
    if not is_from_author(mail.author, (mail.envelope.mail_from,)):
        return f"not asked: {OF_SOMEBODY_ELSE}", None
    if domain in mail.others:
        return f"not asked: {OF_ANOTHER_COMPANY}", None
    may_be = may_be_aligned(domain, policy, policy.spf)
    if isinstance(may_be, Temporary):
        return f"not asked: alignment is unknown: {may_be.why}", may_be
    return ("" if may_be else NOT_ALIGNED), None


def _verdict(domain: str, policy: DmarcRecord, results: list[CheckResult]) -> Authentication:
    """Combines all checks, DKIM first; DMARC (RFC 9989 §4) requires an aligned SPF or DKIM pass."""
    by = next((result.by for result in results if result.by), "")
    unanswered = None if policy.published else policy.walk.unanswered
    unknown = unanswered is not None
    temporary = not by and (unknown or any(result.temporary for result in results))
    if unknown or temporary:
        dmarc = Result.TEMPERROR
    elif not policy.published:
        dmarc = Result.NONE
    else:
        dmarc = Result.PASS if by.startswith(("dkim:", "spf:")) else Result.FAIL
    evidence = [each for result in results for each in result.evidence]
    detail = unanswered.why if unanswered else f"policy {policy.action}"
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
        by_spf_alone=any(result.by_spf_alone for result in results if result.by == by),
        temporary=temporary,
        key_unanswered=results[0].temporary,
        evidence=tuple(evidence),
        warnings=tuple(dict.fromkeys(warnings)),
    )
