"""What a signature covers: a mail that only a signature proves says no more than was signed.

A signed mail can be caught and sent again by anybody: to another mailbox, or with fields put
before it (RFC 6376 §8.6). The signature still holds. So its unsigned pointers and recipients count
for nothing, it must be addressed to the mailbox that it came to, and it is one mail however often
it comes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from rules.addresses import normalise, without_detail
from rules.authentication import Seal
from rules.mail import Mail

POINTERS = ("to", "cc", "in-reply-to", "references", "subject")
"""The fields beside From that decide where a mail goes and whom it brings."""


def uncovered(mail: Mail, seal: Seal) -> frozenset[str]:
    """The pointers of which the mail has more than were signed (RFC 6376 §5.4.2)."""
    names = [name for name, _ in mail.header.fields]
    return frozenset(p for p in POINTERS if names.count(p) > seal.names.count(p))


def sealed(mail: Mail, seal: Seal) -> Mail:
    """The mail as it was signed, known by its signature."""
    without = uncovered(mail, seal)
    return replace(
        mail,
        identity=seal.fingerprint,
        to=() if "to" in without else mail.to,
        cc=() if "cc" in without else mail.cc,
        in_reply_to=() if "in-reply-to" in without else mail.in_reply_to,
        references=() if "references" in without else mail.references,
        subject="" if "subject" in without else mail.subject,
    )


def names_one_of(mail: Mail, addresses: Collection[str]) -> bool:
    """Whether To or Cc name one of these addresses, with or without `+detail`."""
    named = (normalise(without_detail(written)[0]) for written in (*mail.to, *mail.cc))
    return any(address in addresses for address in named)
