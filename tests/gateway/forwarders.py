"""Forwarders for the tests: ARC sets by dkimpy that state anything, in any spelling."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Sequence

import dkim
from dkim.crypto import parse_pem_private_key

from tests.gateway.senders import SigningKey, rsa_key

GOOGLE_SIGNS = (
    "list-unsubscribe",
    "list-post",
    "list-id",
    "mailing-list",
    "precedence",
    "reply-to",
    "references",
    "in-reply-to",
    "cc",
    "to",
    "from",
    "subject",
    "mime-version",
    "message-id",
    "date",
    "dkim-signature",
)
GOOGLE_GROUP_SIGNS = (
    "date",
    "message-id",
    "mime-version",
    "subject",
    "from",
    "to",
    "cc",
    "x-original-sender",
    "x-original-authentication-results",
    "reply-to",
    "precedence",
    "mailing-list",
    "list-id",
    "list-post",
    "list-unsubscribe",
)
"""What the DKIM signature of a Google Group covers: not X-Original-From."""
MICROSOFT_SIGNS = ("From", "Date", "Subject", "Message-ID", "Content-Type", "MIME-Version")
"""Microsoft signs neither To nor Cc, in DKIM as in ARC."""


def arc_sealed(
    mail: bytes,
    sealer: str,
    states: str,
    *,
    selector: str = "s1",
    key: SigningKey | None = None,
    signs: Sequence[str] = GOOGLE_SIGNS,
    at: int | None = None,
    has_time: bool = True,
) -> bytes:
    """The mail with one more ARC set; `states` is the value of its results, after the instance."""
    signer = dkim.ARC(mail)
    signer.hasher = hashlib.sha256
    policy = dkim.CanonicalizationPolicy.from_c_value(b"relaxed/relaxed")
    private = parse_pem_private_key((key or rsa_key()).private)
    newest, chain = signer.sorted_arc_headers()
    older = [field for _, field in chain]
    instance = str(newest + 1)
    stamp = str(int(time.time()) if at is None else at)
    body = hashlib.sha256(policy.canonicalize_body(signer.body)).digest()

    def field(name: bytes, names: Sequence[bytes], **tags: str) -> bytes:
        terms = [(key.encode(), value.encode()) for key, value in {**tags, "b": "0" * 60}.items()]
        value = bytes(
            signer.gen_header(terms, list(names), policy, name, private, standardize=True)
        )
        signer.headers = policy.canonicalize_headers([(name, value)]) + signer.headers
        older.insert(0, (name, value))
        return name + b": " + value

    results = f" i={instance}; {states}\r\n".encode()
    signer.headers = policy.canonicalize_headers([(b"ARC-Authentication-Results", results)]) + list(
        signer.headers
    )
    older.insert(0, (b"ARC-Authentication-Results", results))
    common = {"i": instance, "a": "rsa-sha256", "d": sealer, "s": selector}
    if has_time:
        common["t"] = stamp
    covered = [name.lower().encode() for name in signs]
    message = field(
        b"ARC-Message-Signature",
        covered,
        **common,
        c="relaxed/relaxed",
        h=":".join(signs),
        bh=base64.b64encode(body).decode(),
    )
    names = [name.lower() for name, _ in reversed(older)]
    seal = field(b"ARC-Seal", names, **common, cv="pass" if newest else "none")
    return seal + message + b"ARC-Authentication-Results:" + results + mail
