"""Limits a mail to the content that its proof covers: if only a signature proves it, to the signed
fields.

Anybody who obtains a signed mail can send it again: to another mailbox, or with additional fields
(RFC 6376 §8.6). The signature remains valid. So what is not signed counts for nothing: the header
is restricted to the signed fields before any rule reads it, the mail must be addressed to the
mailbox that received it, and all its copies count as one mail.

A copy can also arrive before the mail itself and with less proof: unproven, or as automatic mail.
It must not replace the mail, so it gets another identity.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from rules.mail import Body, Envelope, Mail, Mailbox, automatic
from rules.mail.addresses import those_among
from rules.mail.automatic import may_be_recorded, sign_of_automation
from rules.mail.extent import squeezed
from rules.mail.forms import with_every_form
from rules.mail.header import Author, Header
from rules.sender.authentication import Authentication, SignedScope

SINGLE_FIELDS = frozenset(
    {
        "from",
        "sender",
        "reply-to",
        "to",
        "cc",
        "bcc",
        "subject",
        "date",
        "message-id",
        "in-reply-to",
        "references",
        "mime-version",
    }
)
"""Those that `is_single` names, besides all of Content-*."""

READ_FIELDS = frozenset(
    {
        "to",
        "cc",
        "subject",
        "date",
        "message-id",
        "in-reply-to",
        "references",
        "content-type",
        "content-transfer-encoding",
        "content-disposition",
        "content-id",
        "content-language",
        "accept-language",
        "x-priority",
        "importance",
        *automatic.FIELDS_READ,
    }
)
"""The fields, besides From, that a decision or the parser reads. If one of them is not signed, SPF
is evaluated as well: it may show that the mail came directly, so that all of it counts. (Received
is read too, but no signature covers it.)"""


CLOCK_IS_WRONG = timedelta(days=30)
"""A Date so far from the time when the mail comes says nothing: no queue keeps it so long."""


def uncovered(present: Iterable[str], signed: Sequence[str]) -> frozenset[str]:
    """The names that are present more often than they were signed (RFC 6376 §5.4.2)."""
    covered = Counter(signed)
    return frozenset(name for name, count in Counter(present).items() if count > covered[name])


def passed_on_scope(present: Iterable[str], scope: SignedScope) -> SignedScope:
    """What counts of a sealed mail that a listed forwarder sent here: also what is not signed.

    A signed To stays binding, and with it an unsigned Cc: it shows to whom the author wrote. A
    forwarder that does not seal what it forwards sends here whatever anybody sends to it, such as
    a mail to them that their own provider has sealed. Nor does it free a second field next to a
    signed one.
    """
    written, covered = Counter(present), Counter(scope.names)
    if any(0 < covered[name] < count and is_single(name) for name, count in written.items()):
        return scope
    if not (covered["to"] or covered["cc"]):
        return replace(scope, alone=False)
    bound = {*covered, "to", "cc"}
    freed = Counter({name: count for name, count in written.items() if name not in bound})
    return replace(scope, names=tuple((covered + freed).elements()), problem="")


def is_single(name: str) -> bool:
    """Whether a mail has the field at most once (RFC 5322 §3.6, RFC 2045 §3)."""
    return name in SINGLE_FIELDS or name.startswith("content-")


def apply_dkim_policy(proven: Authentication, dkim_required: bool) -> Authentication:
    """The verdict under a policy that may require DKIM.

    A host that sends for many domains passes SPF for all of them, whichever customer sends. If DKIM
    is required, SPF therefore proves neither an author nor that a signed mail came directly from
    them, whether it passed here or at a relay or sealer: only what the author signed counts. If
    only SPF passed, a DKIM key that the DNS failed to return could still prove the author: such a
    verdict is temporary.
    """
    if not dkim_required:
        return proven
    if proven.by.startswith("spf:") or proven.by_spf_alone:
        warnings = (*proven.warnings, "only SPF passed, but the policy requires DKIM")
        return replace(
            proven,
            aligned=False,
            by="",
            temporary=proven.key_unanswered,
            warnings=warnings,
            signed_scope=None,
            author_scope=None,
        )
    scope = proven.author_scope or proven.signed_scope
    if scope is None:
        return proven
    return replace(proven, signed_scope=replace(scope, alone=True))


def restrict_to_signed(mail: Mail, proven: Authentication) -> Mail:
    """The mail as far as its proof covers it: if only a signature proves it, what was signed.

    This is the one place where the header is restricted. All rules read the result.
    """
    scope = proven.signed_scope
    if scope is None or not scope.alone:
        return mail
    header = signed_header(mail.header, scope.names)
    outside = uncovered((name for name, _ in mail.header.fields), scope.names)
    body = mail.body
    if "content-type" in outside and isinstance(body, Body):
        body = with_every_form(body)
    return replace(
        mail,
        header=header,
        body=body,
        to=() if "to" in outside else mail.to,
        cc=() if "cc" in outside else mail.cc,
        in_reply_to=() if "in-reply-to" in outside else mail.in_reply_to,
        references=() if "references" in outside else mail.references,
        subject="" if "subject" in outside else squeezed(mail.subject),
        message_id="" if "message-id" in outside else mail.message_id,
        date=None if "date" in outside else mail.date,
    )


def signed_header(header: Header, names: Sequence[str]) -> Header:
    """The header without unsigned fields: of each name the instances that were signed, which are
    the lowest (RFC 6376 §5.4.2)."""
    left = Counter(names)
    kept: list[tuple[str, bytes]] = []
    for name, value in reversed(header.fields):
        if left[name] > 0:
            left[name] -= 1
            kept.append((name, value))
    return replace(header, fields=tuple(reversed(kept)))


def trusted_recipients(
    mail: Mail, envelope: Envelope, mailbox: Mailbox, proven: Authentication
) -> Envelope:
    """The envelope with the recipients whose reply tokens count: those of the delivery, and those
    in To and Cc, since an MTA may hand over a mail once for each of its recipients. If only its
    signature proves the mail, the latter alone: anybody who sends it again can choose any others,
    or leave some out.
    """
    named = those_among((*mail.to, *mail.cc), {mailbox.address})
    delivered = () if is_signed_alone(proven) else envelope.rcpt_tos
    return replace(envelope, rcpt_tos=tuple(dict.fromkeys((*delivered, *named))))


def is_signed_alone(proven: Authentication) -> bool:
    """Whether nothing but a signature proves the author."""
    return proven.signed_scope is not None and proven.signed_scope.alone


def has_open_structure(proven: Authentication) -> bool:
    """Whether what no signature covers could change how the body is read."""
    return is_signed_alone(proven) and bool(proven.signed_scope and proven.signed_scope.problem)


def lesser_copy(
    mail: Mail,
    envelope: Envelope,
    proven: Authentication,
    own_names: Collection[str],
    *,
    at_return_path: bool = False,
) -> str:
    """Why a copy must not replace the mail itself, should that arrive later; empty if it may.

    It depends only on what the last sender can choose: the proof, the envelope, unsigned fields.
    `at_return_path`: among its recipients is the return path of a notice of ours.
    """
    if not proven.aligned:
        return "unproven"
    if _is_automatic_by_envelope(mail, envelope):
        return "automatic"
    # Bounces are read only from what came to a return path of ours. No field names that, and what
    # a machine has written is recorded there.
    if mail.bounces or (at_return_path and may_be_recorded(mail, envelope)):
        return "report"
    if has_open_structure(proven):
        return "unsigned structure"
    if is_signed_alone(proven) and not is_addressed_to(mail, own_names):
        return "not addressed"
    return ""


def _is_automatic_by_envelope(mail: Mail, envelope: Envelope) -> bool:
    if envelope.mail_from:
        return False
    sign = sign_of_automation(mail, envelope)
    return sign is not None and sign.is_null_path


def identity_of_copy(identity: str, lesser: str) -> str:
    """The identity of a copy that must not replace the mail itself; otherwise unchanged."""
    return hashlib.sha256(f"{identity} {lesser}".encode()).hexdigest() if lesser else identity


def hour_of_undated(mail: Mail, came_at: datetime) -> str:
    """The hour in which a mail without a Date came, as part of its identity; empty for any other.

    Programs that write their mails without Date and Message-ID, or with the Date of a clock that
    was never set, send the same bytes whenever the same happens. What such a program sends an hour
    later is another mail, and no retry.
    """
    if mail.date is not None and (mail.message_id or abs(mail.date - came_at) < CLOCK_IS_WRONG):
        return ""
    return came_at.astimezone(UTC).strftime("%Y-%m-%d %H")


def content_identity(mail: Mail, hour: str) -> str:
    """What two copies of one mail have in common after routes that changed other fields: its
    author, Message-ID, Date and body. Empty if it has no Message-ID.

    Only a proven author's copies may be recognised by it, and only by each other: anybody can
    write a mail with these values. Where a mail has no Date, the Subject takes its place, and the
    hour (`hour_of_undated`): what sends without Date may send the same Message-ID again and again.
    """
    if not mail.message_id or not mail.body_digest or not isinstance(mail.author, Author):
        return ""
    date = mail.date.isoformat() if mail.date is not None else f"undated {hour} {mail.subject}"
    parts = ("content", mail.author.address, mail.message_id, date, mail.body_digest)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


def is_addressed_to(mail: Mail, addresses: Collection[str]) -> bool:
    """Whether To or Cc contain one of these addresses, with or without `+detail`."""
    return any(True for _ in those_among((*mail.to, *mail.cc), addresses))
