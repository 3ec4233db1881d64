"""What proves a mail limits what it says: one that only a signature proves says what was signed.

A signed mail can be caught and sent again by anybody: to another mailbox, or with fields put
before it (RFC 6376 §8.6). The signature still holds. So its unsigned pointers and recipients count
for nothing, it must be addressed to the mailbox that it came to, and it is one mail however often
it comes.

A copy can also come before the mail itself, on lesser terms: with nothing that proves it, or as
automatic mail. It must not take the mail's place, so it is another mail.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import replace

from rules.mail import Envelope, Mail
from rules.mail.addresses import normalise, without_detail
from rules.mail.automatic import sign_of_automation
from rules.sender.authentication import Authentication, Result, SignedScope

POINTER_FIELDS = ("to", "cc", "in-reply-to", "references", "subject")
"""The fields beside From that decide where a mail goes and whom it brings."""


def apply_dkim_policy(proven: Authentication, dkim_required: bool) -> Authentication:
    """What of a proof counts where DKIM may be required.

    A host that sends for many domains passes SPF for each of them, whoever of its customers writes.
    So SPF then proves no author, nor that a signed mail came straight from him. Where it was SPF
    alone, a key that the DNS did not give may still be the proof: that is tried again.
    """
    if not dkim_required:
        return proven
    if proven.by.startswith("spf:"):
        temporary = any(
            e.method == "dkim" and e.result is Result.TEMPERROR for e in proven.evidence
        )
        warnings = (*proven.warnings, "SPF alone, and the policy asks for DKIM")
        return replace(
            proven, aligned=False, by="", temporary=temporary, warnings=warnings, signed_scope=None
        )
    if proven.by.startswith("dkim:") and proven.signed_scope is not None:
        return replace(proven, signed_scope=replace(proven.signed_scope, alone=True))
    return proven


def restrict_to_signed(mail: Mail, envelope: Envelope, proven: Authentication) -> Mail:
    """The mail as far as its proof goes, told apart from its copies that came on other terms."""
    if proven.signed_scope is not None:
        mail = keep_signed_fields(mail, proven.signed_scope)
    if proven.aligned and sign_of_automation(mail, envelope) is None:
        return mail
    terms = "automatic" if proven.aligned else "unproven"
    return replace(mail, identity=hashlib.sha256(f"{mail.identity} {terms}".encode()).hexdigest())


def trusted_recipients(mail: Mail, envelope: Envelope, proven: Authentication) -> Envelope:
    """The recipients whose reply tokens count: of a mail that only its signature proves, those
    that it names. Whoever sends it on can choose any other."""
    if proven.signed_scope is None or not proven.signed_scope.alone:
        return envelope
    recipients = {written.lower() for written in (*mail.to, *mail.cc)}
    return replace(
        envelope, rcpt_tos=tuple(r for r in envelope.rcpt_tos if r.lower() in recipients)
    )


def unsigned_fields(mail: Mail, scope: SignedScope) -> frozenset[str]:
    """The pointers of which the mail has more than were signed (RFC 6376 §5.4.2)."""
    names = [name for name, _ in mail.header.fields]
    return frozenset(p for p in POINTER_FIELDS if names.count(p) > scope.names.count(p))


def keep_signed_fields(mail: Mail, scope: SignedScope) -> Mail:
    """The mail as it was signed, known by its signature; whole where something else proves it."""
    without = unsigned_fields(mail, scope) if scope.alone else frozenset[str]()
    return replace(
        mail,
        identity=scope.fingerprint,
        to=() if "to" in without else mail.to,
        cc=() if "cc" in without else mail.cc,
        in_reply_to=() if "in-reply-to" in without else mail.in_reply_to,
        references=() if "references" in without else mail.references,
        subject="" if "subject" in without else mail.subject,
    )


def is_addressed_to(mail: Mail, addresses: Collection[str]) -> bool:
    """Whether To or Cc name one of these addresses, with or without `+detail`."""
    recipients = (normalise(without_detail(written)[0]) for written in (*mail.to, *mail.cc))
    return any(address in addresses for address in recipients)
