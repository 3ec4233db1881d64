"""What of a mail counts that a listed relay vouches for: its statement may be based on a signature,
which limits it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

from gateway.authentication.assumed import assumed_fingerprints, assumed_scope
from gateway.authentication.checked_mail import CheckedMail
from gateway.authentication.dmarc import are_apart
from gateway.authentication.dns import Temporary
from gateway.authentication.measuring import policy_and_dkim
from gateway.authentication.own_sender import OF_SOMEBODY_ELSE, is_from_author
from gateway.authentication.results_header import (
    FORGED,
    FORGED_SENDER,
    RelayStatement,
    may_forge_results,
    may_forge_sender,
)
from rules.mail.addresses import domain_of
from rules.sender.authentication import Authentication, SignedScope

REMOVED = "the relay counted a signature that is not there any more, whatever that covered"
UNREAD = "the relay may have counted a signature that was not read, whatever that covered"
MAY_BE_UNREAD = "it may depend on a signature that was not read"

NeedsLookups = Callable[[], Awaitable[bool]]


def from_author(stated: RelayStatement, mail: CheckedMail) -> RelayStatement:
    """The statement: direct only if the envelope sender is the author, where that matters. A relay
    that states the domain alone hands on the address, and so does one that states no SPF."""
    handed_on = mail.envelope.mail_from
    if not stated.senders and domain_of(handed_on).lower() in ("", mail.domain):
        stated = replace(stated, senders=(handed_on,))
    own = is_from_author(mail.author, stated.senders)
    return replace(stated, direct=stated.direct and own)


async def why_not_counted(stated: RelayStatement, mail: CheckedMail) -> str:
    """Why a statement does not count, as far as that is known without the DNS; empty if it may."""
    if await mail.run(partial(may_forge_results, mail.message)):
        return FORGED
    if may_forge_sender(mail.envelope.mail_from):
        return FORGED_SENDER
    # Where nothing is stated that passed, it may have been SPF.
    may_be_spf = stated.by_spf_alone or not (stated.passed or stated.by_signature)
    if may_be_spf and not is_from_author(mail.author, stated.senders):
        return OF_SOMEBODY_ELSE
    if not stated.direct and mail.signatures.is_partial:
        # What the relay's result is based on may be one that we do not know.
        return MAY_BE_UNREAD
    return ""


async def is_of_another_organisation(
    stated: RelayStatement, mail: CheckedMail, needs_lookups: NeedsLookups
) -> bool | Temporary:
    """Whether the DNS declares that what passed for a relay is of another organisation than the
    author's; asked only where nothing of exactly the author's domain passed."""
    if not stated.passed or mail.domain in stated.passed or not await needs_lookups():
        return False
    return await are_apart(stated.passed, mail.domain, mail.lookups)


async def with_signatures(
    verdict: Authentication,
    stated: RelayStatement,
    mail: CheckedMail,
    needs_lookups: NeedsLookups,
) -> Authentication:
    """The verdict of a relay with what the author's signatures cover, if there are any or the relay
    counted one.

    Where the relay states that the mail came directly, the scope is not `alone`: all of the mail
    counts, unless the policy requires DKIM (`apply_dkim_policy`).
    """
    signatures = mail.signatures
    verdict = replace(verdict, by_spf_alone=stated.by_spf_alone)
    if not signatures.bounds and not stated.by_signature:
        return verdict
    if not signatures.bounds:
        unknown = SignedScope("", (), alone=not stated.direct, problem=REMOVED)
        return replace(verdict, signed_scope=unknown)
    # The statement may be based on the signature, which limits it without a look-up, too.
    scope: SignedScope | None = None
    held: tuple[str, ...] = ()
    holds = False
    if await needs_lookups():
        signed = (await policy_and_dkim(mail))[1]
        scope, held, holds = signed.signed_scope, signed.fingerprints, bool(signed.by)
        verdict = replace(
            verdict,
            by_spf_alone=stated.by_spf_alone and not holds,
            key_unanswered=signed.temporary,
        )
    if scope is None:
        bounds = (mail.message, signatures.bounds)
        scope = await mail.run(partial(assumed_scope, *bounds))
        held = await mail.run(partial(assumed_fingerprints, *bounds))
    if signatures.is_partial and not holds:
        scope = replace(scope, names=(), problem=UNREAD)
    return replace(verdict, signed_scope=replace(scope, alone=not stated.direct), fingerprints=held)
