"""Senders for the tests: keys, signed mails, and a small world of DNS with one authenticator."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache

import dkim
import nacl.encoding
import nacl.signing
from dkim.crypto import parse_pem_private_key

from gateway.authentication.authenticator import Authenticator, Trust
from gateway.authentication.dns import Resolver
from rules.mail import Delivery, Envelope
from rules.mail.header import Author
from rules.sender.authentication import Authentication, Evidence
from tests.nameserver import NameServer

ACME_HOST = "192.0.2.1"
"""The one address that acme.example's SPF record lets send."""
ELSEWHERE = "198.51.100.9"


@dataclass(frozen=True)
class SigningKey:
    algorithm: bytes
    private: bytes
    record: str
    """The key record to publish (RFC 6376 §3.6.1)."""


@cache
def rsa_key(bits: int = 1024) -> SigningKey:
    """An RSA key made by OpenSSL, the same for the whole test run."""
    private = subprocess.run(
        ["openssl", "genrsa", "-traditional", str(bits)], check=True, capture_output=True
    ).stdout
    public = subprocess.run(
        ["openssl", "rsa", "-pubout", "-outform", "DER"],
        input=private,
        check=True,
        capture_output=True,
    ).stdout
    return SigningKey(
        b"rsa-sha256", private, f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"
    )


@cache
def ed25519_key() -> SigningKey:
    key = nacl.signing.SigningKey.generate()
    public = base64.b64encode(key.verify_key.encode()).decode()
    private = key.encode(encoder=nacl.encoding.Base64Encoder)
    return SigningKey(b"ed25519-sha256", private, f"v=DKIM1; k=ed25519; p={public}")


def a_mail(author: str = "ann@acme.example", body: str = "The pump is broken.\r\n") -> bytes:
    return (
        f"From: Ann <{author}>\r\n"
        "To: support@help.example.com\r\n"
        "Subject: pump\r\n"
        "Message-ID: <1@acme.example>\r\n"
        "Date: Sat, 21 Nov 2026 06:00:00 +0000\r\n"
        f"\r\n{body}"
    ).encode()


def signed(
    mail: bytes,
    domain: str = "acme.example",
    key: SigningKey | None = None,
    *,
    selector: str = "s1",
    signs: Sequence[str] = ("from", "to", "subject", "date", "message-id"),
    canonical: bytes = b"relaxed/relaxed",
    signed_bytes: int | None = None,
    tags: Mapping[str, str | None] | None = None,
) -> bytes:
    """The mail with a signature that dkimpy made. `tags` adds or replaces tags, None leaves one
    out; `signed_bytes` hashes only so much of the body, as `l=` says."""
    key = key or rsa_key()
    signer = dkim.DKIM(mail, signature_algorithm=key.algorithm)
    signer.hasher = hashlib.sha1 if key.algorithm == b"rsa-sha1" else hashlib.sha256
    policy = dkim.CanonicalizationPolicy.from_c_value(canonical)
    body = policy.canonicalize_body(signer.body)[:signed_bytes]
    terms: dict[str, str | None] = {
        "v": "1",
        "a": key.algorithm.decode(),
        "c": canonical.decode(),
        "d": domain,
        "s": selector,
        "t": str(int(time.time())),
        "h": ":".join(signs),
        "bh": base64.b64encode(signer.hasher(body).digest()).decode(),
        **(tags or {}),
        "b": "0" * 60,
    }
    if key.algorithm.startswith(b"rsa"):
        private = parse_pem_private_key(key.private)
    else:
        private = nacl.signing.SigningKey(key.private, encoder=nacl.encoding.Base64Encoder)
    fields = [(name.encode(), value.encode()) for name, value in terms.items() if value is not None]
    names = [name.encode() for name in signs]
    value = signer.gen_header(fields, names, policy, b"DKIM-Signature", private)
    return b"DKIM-Signature: " + bytes(value) + mail


class World:
    """What stands in DNS, and an authenticator that asks it."""

    def __init__(self, server: NameServer, authenticator: Authenticator) -> None:
        self.server = server
        self.authenticator = authenticator

    def publish(self, name: str, *texts: str, kind: str = "TXT") -> None:
        self.server.records[name, kind] = texts

    async def verdict(
        self,
        raw: bytes,
        author: str = "ann@acme.example",
        *,
        peer: str = ELSEWHERE,
        mail_from: str = "ann@acme.example",
        helo: str = "client.example",
    ) -> Authentication:
        envelope = Envelope(peer, helo, True, mail_from, ("support@help.example.com",))
        return await self.authenticator.authenticate(Delivery(envelope, raw), Author(author))


@asynccontextmanager
async def a_world(trust: Trust | None = None, *, budget_s: float = 3.0) -> AsyncIterator[World]:
    """acme.example signs with one key, sends from one host and asks to reject the rest; so does
    evil.test, with the same key and from another host. Nobody else exists."""
    with NameServer() as server:
        resolver = Resolver(["127.0.0.1"], server.port, attempt_s=0.3, lifetime_s=1.0)
        authenticator = Authenticator(resolver, trust or Trust(), budget_s=budget_s)
        world = World(server, authenticator)
        for domain, host in (("acme.example", ACME_HOST), ("evil.test", ELSEWHERE)):
            world.publish(f"s1._domainkey.{domain}", rsa_key().record)
            world.publish(domain, f"v=spf1 ip4:{host} -all")
            world.publish(f"_dmarc.{domain}", "v=DMARC1; p=reject")
        try:
            yield world
        finally:
            authenticator.close()
            await resolver.close()


def the(method: str, verdict: Authentication) -> Evidence:
    """The one piece of evidence by that method."""
    (found,) = (each for each in verdict.evidence if each.method == method)
    return found
