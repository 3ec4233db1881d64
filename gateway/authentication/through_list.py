"""Who wrote a mail in which a list of ours, such as a Google Group, put its own address into From.

The author is in X-Original-From, which anybody can write. They are the author only if the list's
own domain signed that, and a listed sealer, which received the mail before the list changed it,
states dmarc=pass for the author's domain. Google signs X-Original-Sender, which names the same
person, instead of X-Original-From.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.authentication.arc_check import as_the_author_signed, check_arc
from gateway.authentication.checked_mail import CheckedMail
from gateway.authentication.measuring import policy_and_dkim
from gateway.authentication.signatures import RawMessage
from gateway.authentication.structure import signed_scope
from rules.mail.from_field import address_in
from rules.sender.authentication import Authentication, SignedScope, domain_warnings
from rules.sender.signature_scope import uncovered


async def author_through_list(
    mail: CheckedMail, of_author: CheckedMail, sealers: tuple[str, ...], author: str
) -> Authentication | None:
    """The verdict on the author in X-Original-From; None if nothing proves them.

    It is one mail, to be checked for the domain of the list and for the author's. The verdict is
    temporary if the DNS failed.
    """
    signed = (await policy_and_dkim(mail))[1]
    evidence = tuple(replace(each, aligned=False) for each in signed.evidence)
    warnings = (*domain_warnings(of_author.domain), *signed.warnings)
    unanswered = Authentication(
        aligned=False, temporary=True, evidence=evidence, warnings=warnings, author=author
    )
    scope = signed.signed_scope
    if not signed.by or scope is None:
        return unanswered if signed.temporary else None
    outside = uncovered(mail.message.names(), scope.names)
    if "from" in outside or not _is_signed(mail.message, author, outside):
        return None
    sealed = await check_arc(
        mail.message,
        sealers=sealers,
        author_domain=of_author.domain,
        now=mail.now,
        lookups=mail.lookups,
        run=mail.run,
        others=of_author.others,
    )
    if sealed.signature is None:
        return unanswered if sealed.temporary else None
    sealed = sealed.from_author(author)
    theirs = of_author.signatures
    if sealed.is_by_somebody_else(author) or not sealed.covers_words(theirs):
        return None

    def scopes_of_both() -> tuple[SignedScope, SignedScope, tuple[str, ...]]:
        """What counts, what of it the author signed, and the fingerprints."""
        seals = (*signed.signed, *filter(None, (sealed.signature,)))
        together, held = signed_scope(mail.message, seals)
        # Anybody can send the list a mail that they have from the author, with another To.
        indirect = replace(sealed, direct=False)
        bounded = as_the_author_signed(mail.message, indirect, together, theirs.all_bounds)
        return (together if sealed.direct else bounded), bounded, held

    together, of_author_alone, held = await mail.run(scopes_of_both)
    return Authentication(
        aligned=True,
        by=f"arc:{sealed.sealer}",
        by_spf_alone=sealed.by_spf_alone,
        evidence=(*evidence, *sealed.evidence),
        warnings=warnings,
        signed_scope=together,
        author_scope=of_author_alone if sealed.direct else None,
        fingerprints=held,
        author=author,
    )


def _is_signed(message: RawMessage, author: str, outside: frozenset[str]) -> bool:
    """Whether one field that names the author is signed, of which there is no second."""
    for name in ("x-original-from", "x-original-sender"):
        written = message.named(name.encode())
        if len(written) == 1 and name not in outside and address_in(written[0][1]) == author:
            return True
    return False
