"""The domain that vouches for a message by DKIM: which of its signatures hold."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
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
    aligned: Callable[[str], Awaitable[bool | Temporary]],
    run: Run,
    complete: Callable[[Sequence[Signature]], bool] = bool,
    worth_asking: Callable[[str], Awaitable[bool | Temporary]] | None = None,
) -> DkimVerdict:
    """Verifies the signatures until valid ones of an aligned domain are `complete`: by default, one
    that is not too old.

    `aligned` returns whether a domain is aligned with the author's, or how DNS failed. All keys are
    queried at once, of a domain that is `worth_asking`, and used in the order in which they arrive.
    """
    evidence, warnings, temporary = list(found.refused), [], False
    old: Signature | None = None
    valid: list[Signature] = []
    over_fields: list[Signature] = []
    if found.ignored:
        warnings.append(f"{found.ignored} DKIM signatures ignored")
    keys = [
        asyncio.create_task(_fetch_key(each, lookups, worth_asking)) for each in found.signatures
    ]
    try:
        for next_key in asyncio.as_completed(keys):
            signature, record = await next_key
            if record is None:
                evidence.append(_evidence(signature.domain, Result.POLICY, NOT_ALIGNED))
                continue
            if isinstance(record, Temporary):
                evidence.append(_evidence(signature.domain, Result.TEMPERROR, record.why))
                temporary |= record.defers
                continue
            result, detail = await run(partial(verify, message, signature, record))
            if result is not Result.PASS:
                evidence.append(_evidence(signature.domain, result, detail))
                if detail == BODY_CHANGED and await aligned(signature.domain) is True:
                    over_fields.append(signature)
                continue
            is_aligned = await aligned(signature.domain)
            if isinstance(is_aligned, Temporary):
                detail = f"holds, but alignment is unknown: {is_aligned.why}"
                evidence.append(_evidence(signature.domain, Result.TEMPERROR, detail))
                temporary |= is_aligned.defers
                continue
            if is_aligned and (why := age_problem(signature.age_s)):
                detail = f"holds, but is {why}"
                evidence.append(
                    Evidence("dkim", Result.POLICY, signature.domain, detail, aligned=True)
                )
                old = signature
                continue
            evidence.append(Evidence("dkim", result, signature.domain, detail, aligned=is_aligned))
            if is_aligned:
                valid.append(signature)
                if complete(valid):
                    break
    finally:
        for key in keys:
            key.cancel()
    if valid:
        return DkimVerdict(
            valid[0].domain, tuple(evidence), tuple(warnings), signatures=tuple(valid)
        )
    old_one = () if old is None else (old,)
    return DkimVerdict("", tuple(evidence), tuple(warnings), temporary, old_one, tuple(over_fields))


async def _fetch_key(
    signature: Signature,
    lookups: Lookups,
    worth_asking: Callable[[str], Awaitable[bool | Temporary]] | None,
) -> tuple[Signature, bytes | UnusableAnswer | Temporary | None]:
    if worth_asking is not None:
        is_worth_it = await worth_asking(signature.domain)
        if is_worth_it is not True:
            return signature, is_worth_it or None
    return signature, await fetch_key(signature.selector, signature.domain, lookups)


def _evidence(domain: str, result: Result, detail: str) -> Evidence:
    return Evidence("dkim", result, domain, detail)
