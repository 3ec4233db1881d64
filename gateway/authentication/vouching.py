"""What stands behind a mail without a single author: a company's signature, and nothing else.

Such a mail has no identity, and none is taken from here. The question is only whether the mail is
worth keeping for a person to look at, or is one of those that anybody can send.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import replace

from gateway.authentication.dkim_check import (
    MAX_SIGNATURES,
    MAX_VERIFIED,
    Candidates,
    Signature,
    read_signature,
)
from gateway.authentication.dkim_verdict import check_dkim
from gateway.authentication.dns import Lookups
from gateway.authentication.offload import Run
from gateway.authentication.proven_names import key_name
from gateway.authentication.signatures import (
    Malformed,
    RawMessage,
    read_message,
    signed_content_digest,
)
from rules.sender.authentication import Authentication

RegisteredAmong = Callable[[Collection[str]], Awaitable[Collection[str]]]
"""Which of some domains belong to registered companies."""

MAX_DOMAINS = 10
"""So many different domains of signatures are looked up for one mail."""


def signatures_over_author(raw: bytes, now: float) -> tuple[RawMessage, tuple[Signature, ...]]:
    """The well-formed signatures that cover every From field; none of a malformed header.

    A signature that leaves one From field out says nothing for it: anybody may have added that.
    """
    message = read_message(raw, one_author=False)
    if isinstance(message, Malformed):
        return RawMessage((), raw, len(raw)), ()
    written = len(message.named(b"from"))
    found = (
        read_signature(each, message, now)
        for each in message.named(b"dkim-signature")[:MAX_SIGNATURES]
    )
    return message, tuple(
        each
        for each in found
        if isinstance(each, Signature)
        and each.tags[b"h"].lower().split(b":").count(b"from") >= written
    )


async def vouch_by_signature(
    message: RawMessage,
    signatures: Iterable[Signature],
    registered_among: RegisteredAmong,
    lookups: Callable[[], Lookups],
    run: Run,
) -> Authentication:
    """Whether a registered company signed it, by its own domain: a name below that may be of
    somebody whom the company gives names to, and who would see by the look-up that it is
    registered. Only such signatures are verified, and only for them is the DNS asked."""
    by_domain: dict[str, list[Signature]] = {}
    for each in signatures:
        by_domain.setdefault(each.domain, []).append(each)
    wanted = list(by_domain)[:MAX_DOMAINS]
    known = set(await registered_among(wanted)) if wanted else set()
    verified = [each for domain in wanted if domain in known for each in by_domain[domain]]
    chosen = bool(by_domain)
    if not verified:
        return replace(Authentication.unchecked("no author to check"), names_chosen=chosen)
    candidates = Candidates(
        tuple(verified[:MAX_VERIFIED]), (), max(0, len(verified) - MAX_VERIFIED)
    )
    asked = lookups()
    checked = await check_dkim(message, candidates, asked, _of_a_company, run)
    if checked.domain:
        asked.prove({key_name(each.selector, each.domain) for each in checked.signatures})
    return Authentication(
        aligned=False,
        vouched_by=f"dkim:{checked.domain}" if checked.domain else "",
        temporary=checked.temporary and not checked.domain,
        names_chosen=chosen,
        # There is no author with whom a domain could be aligned.
        evidence=tuple(replace(each, aligned=False) for each in checked.evidence),
        warnings=("no author to check", *checked.warnings),
        # Else each addition to a caught mail would be kept as another mail.
        fingerprints=tuple(
            signed_content_digest(message, each.field, each.tags) for each in checked.signatures
        ),
    )


async def _of_a_company(_: str) -> bool:
    return True
