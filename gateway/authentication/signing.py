"""DKIM signatures on outgoing mail (RFC 6376): relaxed/relaxed, of a large mail relaxed/simple;
From is signed once more than sent."""

from __future__ import annotations

import base64
import binascii
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import dkim
from dkim.crypto import UnparsableKeyError, parse_private_key

from gateway.authentication.signatures import MIN_RSA_BITS
from rules.validation.messages import InvalidFile

SIGNED_FIELDS = (
    "From",
    "From",  # once more than it occurs, so that nobody can prepend a second one
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Reply-To",
    "Auto-Submitted",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "MIME-Version",
    "Content-Type",
    "X-Postern-Loop",
)
"""A field that is missing from a mail is signed as absent, so that it cannot be added."""
LARGE_BYTES = 256 * 1024
"""The body of a larger mail, most of it files in base64, is signed as it stands (`simple`)."""
_ED25519_DER_PREFIX = bytes.fromhex("302e020100300506032b657004220420")
"""The prefix of the 32 octets of an Ed25519 key in DER (RFC 8410 §7)."""


class KeyRefused(InvalidFile):
    """A signing key that cannot be used; `str()` contains the file and what to do."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key of one domain; its selector publishes the public key."""

    domain: str
    selector: str
    algorithm: str
    """`rsa-sha256` or `ed25519-sha256`."""
    secret: bytes = field(repr=False)
    """In the form that dkimpy takes: PEM for RSA, base64 of the seed for Ed25519."""

    def sign(self, raw: bytes) -> bytes:
        """The mail with its signature prepended."""
        is_large = len(raw) > LARGE_BYTES
        if is_large:
            # The library searches the body several times, and no other thread runs meanwhile.
            head, _, body = raw.partition(b"\r\n\r\n")
            signing = dkim.DKIM(head + b"\r\n\r\n")
            signing.body = body
        else:
            signing = dkim.DKIM(raw)
        signature: bytes = signing.sign(
            self.selector.encode("ascii"),
            self.domain.encode("ascii"),
            self.secret,
            canonicalize=(b"relaxed", b"simple" if is_large else b"relaxed"),
            signature_algorithm=self.algorithm.encode("ascii"),
            include_headers=[name.encode("ascii") for name in SIGNED_FIELDS],
        )
        return signature + raw


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs a mail with every key of its author's domain, or of the nearest domain above it."""

    keys: Mapping[str, Sequence[SigningKey]] = field(default_factory=dict)
    """Keys by domain."""

    def signed(self, raw: bytes, domain: str) -> bytes:
        """The signed mail; unchanged if the domain has no key."""
        for key in self._keys_of(domain):
            raw = key.sign(raw)
        return raw

    def _keys_of(self, domain: str) -> Sequence[SigningKey]:
        labels = domain.lower().split(".")
        candidates = (".".join(labels[start:]) for start in range(len(labels)))
        return next((self.keys[each] for each in candidates if each in self.keys), ())


def signer(keys: Iterable[SigningKey]) -> Signer:
    by_domain: dict[str, list[SigningKey]] = defaultdict(list)
    for key in keys:
        by_domain[key.domain.lower()].append(key)
    return Signer(dict(by_domain))


def read_key(domain: str, selector: str, path: Path) -> SigningKey:
    """The key in a PEM file. Raises KeyRefused if it is not a key or verifiers would refuse it."""
    source = str(path)
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise KeyRefused(source, [f"the DKIM key cannot be read: {error.strerror}"]) from error
    der = _der(pem)
    if (
        der is not None
        and der.startswith(_ED25519_DER_PREFIX)
        and len(der) == len(_ED25519_DER_PREFIX) + 32
    ):
        seed = base64.b64encode(der.removeprefix(_ED25519_DER_PREFIX))
        return SigningKey(domain, selector, "ed25519-sha256", seed)
    bits = _rsa_bits(der)
    if der is None or bits is None:
        problem = (
            "this is not a private key in PEM format (RSA or Ed25519, without a passphrase); "
            f"create one with: openssl genrsa -out {path.name} 2048"
        )
        raise KeyRefused(source, [problem])
    if bits < MIN_RSA_BITS:
        problem = (
            f"verifiers ignore signatures by an RSA key of {bits} bits; create one of 2048 bits"
        )
        raise KeyRefused(source, [problem])
    return SigningKey(domain, selector, "rsa-sha256", _pem(der))


def _der(pem: bytes) -> bytes | None:
    """The decoded content of the first private key; None if there is none."""
    lines: list[bytes] | None = None
    for line in pem.splitlines():
        line = line.strip()
        if line.startswith(b"-----BEGIN ") and line.endswith(b"PRIVATE KEY-----"):
            lines = []
        elif line.startswith(b"-----END ") and lines is not None:
            try:
                return base64.b64decode(b"".join(lines), validate=True)
            except binascii.Error:
                return None
        elif lines is not None:
            lines.append(line)
    return None


def _pem(der: bytes) -> bytes:
    """PEM for dkimpy, which accepts only LF as line end."""
    return b"-----BEGIN KEY-----\n" + base64.encodebytes(der) + b"-----END KEY-----\n"


def _rsa_bits(der: bytes | None) -> int | None:
    if der is None:
        return None
    try:
        modulus: int = parse_private_key(der)["modulus"]
    except (UnparsableKeyError, LookupError, TypeError, ValueError):
        return None
    return modulus.bit_length()
