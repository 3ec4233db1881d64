"""Limits a mail to the content that its proof covers: if only a signature proves it, to the signed
fields.

Anybody who obtains a signed mail can send it again: to another mailbox, or with additional fields
(RFC 6376 §8.6). The signature remains valid. So unsigned pointers and recipients are ignored, the
mail must be addressed to the mailbox that received it, and all its copies count as one mail.

A copy can also arrive before the mail itself and with less proof: unproven, or as automatic mail.
It must not replace the mail, so it gets another identity.
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
"""The fields, besides From, that determine a mail's ticket and participants."""


def apply_dkim_policy(proven: Authentication, dkim_required: bool) -> Authentication:
    """The verdict under a policy that may require DKIM.

    A host that sends for many domains passes SPF for all of them, whichever customer sends. If DKIM
    is required, SPF therefore proves neither an author nor that a signed mail came directly from
    them. If only SPF passed, a DKIM key that the DNS failed to return could still prove the author:
    such a verdict is temporary.
    """
    if not dkim_required:
        return proven
    if proven.by.startswith("spf:"):
        temporary = any(
            e.method == "dkim" and e.result is Result.TEMPERROR for e in proven.evidence
        )
        warnings = (*proven.warnings, "only SPF passed, but the policy requires DKIM")
        return replace(
            proven, aligned=False, by="", temporary=temporary, warnings=warnings, signed_scope=None
        )
    if proven.by.startswith("dkim:") and proven.signed_scope is not None:
        return replace(proven, signed_scope=replace(proven.signed_scope, alone=True))
    return proven


def restrict_to_signed(mail: Mail, envelope: Envelope, proven: Authentication) -> Mail:
    """The mail limited to what its proof covers; copies with less proof get another identity."""
    if proven.signed_scope is not None:
        mail = keep_signed_fields(mail, proven.signed_scope)
    if proven.aligned and sign_of_automation(mail, envelope) is None:
        return mail
    terms = "automatic" if proven.aligned else "unproven"
    return replace(mail, identity=hashlib.sha256(f"{mail.identity} {terms}".encode()).hexdigest())


def trusted_recipients(mail: Mail, envelope: Envelope, proven: Authentication) -> Envelope:
    """The envelope with the recipients whose reply tokens count: if only its signature proves the
    mail, those in To and Cc. Anybody who sends it again can choose any others."""
    if proven.signed_scope is None or not proven.signed_scope.alone:
        return envelope
    recipients = {written.lower() for written in (*mail.to, *mail.cc)}
    return replace(
        envelope, rcpt_tos=tuple(r for r in envelope.rcpt_tos if r.lower() in recipients)
    )


def unsigned_fields(mail: Mail, scope: SignedScope) -> frozenset[str]:
    """The pointer fields that the mail has more often than they were signed (RFC 6376 §5.4.2)."""
    names = [name for name, _ in mail.header.fields]
    return frozenset(p for p in POINTER_FIELDS if names.count(p) > scope.names.count(p))


def keep_signed_fields(mail: Mail, scope: SignedScope) -> Mail:
    """The mail identified by its signed content; without unsigned fields if only that proves it."""
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
    """Whether To or Cc contain one of these addresses, with or without `+detail`."""
    recipients = (normalise(without_detail(written)[0]) for written in (*mail.to, *mail.cc))
    return any(address in addresses for address in recipients)
