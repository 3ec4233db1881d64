"""The domain that vouches for a message by DKIM: which of its signatures hold."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from gateway.authentication.dkim_check import (
    BODY_CHANGED,
    NOT_ALIGNED,
    Candidates,
    Signature,
    age_problem,
    verify,
)
from gateway.authentication.dns import Lookups, Temporary, UnusableAnswer
from gateway.authentication.offload import Run
from gateway.authentication.signatures import RawMessage, fetch_key
from rules.sender.authentication import Evidence, Result

Aligned = Callable[[str], Awaitable[bool | Temporary]]
"""Whether a domain is aligned with the author's, or how the DNS failed."""


@dataclass(frozen=True, slots=True)
class DkimVerdict:
    domain: str
    """The aligned domain with a valid signature; empty if there is none."""
    evidence: tuple[Evidence, ...]
    warnings: tuple[str, ...]
    temporary: bool = False
    """DNS failures prevented the verification of a signature that could be aligned."""
    signatures: tuple[Signature, ...] = ()
    """Valid ones: those that prove the domain, or else an old one, which proves nothing."""
    over_fields: tuple[Signature, ...] = ()
    """Those that would be valid over the body that was signed: the fields are as they were."""


async def check_dkim(
    message: RawMessage,
    found: Candidates,
    lookups: Lookups,
    aligned: Aligned,
    run: Run,
    complete: Callable[[Sequence[Signature]], bool] = bool,
    worth_asking: Aligned | None = None,
) -> DkimVerdict:
    """Verifies the signatures until valid ones of an aligned domain are `complete`: by default, one
    that is not too old.

    `aligned` returns whether a domain is aligned with the author's, or how DNS failed. All keys are
    queried at once, of a domain that is `worth_asking`, and used in the order in which they arrive.
    """
    findings = _Findings(list(found.refused))
    ignored = (f"{found.ignored} DKIM signatures ignored",) if found.ignored else ()
    keys = [
        asyncio.create_task(_fetch_key(each, lookups, worth_asking)) for each in found.signatures
    ]
    try:
        for next_key in asyncio.as_completed(keys):
            signature, record = await next_key
            if record is None:
                findings.add(signature, Result.POLICY, NOT_ALIGNED)
            elif isinstance(record, Temporary):
                findings.add_failure(signature, record, record.why)
            else:
                verified = await run(partial(verify, message, signature, record))
                await _align(findings, signature, *verified, aligned)
                if signature in findings.valid and complete(findings.valid):
                    break
    finally:
        for key in keys:
            key.cancel()
    return findings.verdict(ignored)


@dataclass(slots=True)
class _Findings:
    """What the signatures that were examined so far show."""

    evidence: list[Evidence]
    valid: list[Signature] = field(default_factory=list)
    over_fields: list[Signature] = field(default_factory=list)
    old: tuple[Signature, ...] = ()
    """The latest that would be valid if it were newer."""
    temporary: bool = False

    def add(
        self, signature: Signature, result: Result, detail: str, *, aligned: bool = False
    ) -> None:
        self.evidence.append(Evidence("dkim", result, signature.domain, detail, aligned=aligned))

    def add_failure(self, signature: Signature, failure: Temporary, detail: str) -> None:
        self.add(signature, Result.TEMPERROR, detail)
        self.temporary |= failure.defers

    def verdict(self, warnings: tuple[str, ...]) -> DkimVerdict:
        evidence, valid = tuple(self.evidence), tuple(self.valid)
        if valid:
            return DkimVerdict(valid[0].domain, evidence, warnings, signatures=valid)
        over_fields = tuple(self.over_fields)
        return DkimVerdict("", evidence, warnings, self.temporary, self.old, over_fields)


async def _align(
    findings: _Findings, signature: Signature, result: Result, detail: str, aligned: Aligned
) -> None:
    """Adds a signature that was verified with this result: what it proves depends on whether its
    domain is aligned with the author's."""
    if result is not Result.PASS:
        findings.add(signature, result, detail)
        if detail == BODY_CHANGED and await aligned(signature.domain) is True:
            findings.over_fields.append(signature)
        return
    is_aligned = await aligned(signature.domain)
    if isinstance(is_aligned, Temporary):
        why = f"holds, but alignment is unknown: {is_aligned.why}"
        findings.add_failure(signature, is_aligned, why)
    elif is_aligned and (why := age_problem(signature.age_s)):
        findings.add(signature, Result.POLICY, f"holds, but is {why}", aligned=True)
        findings.old = (signature,)
    else:
        findings.add(signature, result, detail, aligned=is_aligned)
        if is_aligned:
            findings.valid.append(signature)


async def _fetch_key(
    signature: Signature,
    lookups: Lookups,
    worth_asking: Aligned | None,
) -> tuple[Signature, bytes | UnusableAnswer | Temporary | None]:
    if worth_asking is not None:
        is_worth_it = await worth_asking(signature.domain)
        if is_worth_it is not True:
            return signature, is_worth_it or None
    return signature, await fetch_key(signature.selector, signature.domain, lookups)
