"""DKIM signatures on outgoing mail (RFC 6376): relaxed/relaxed, of a large mail relaxed/simple;
From is signed once more than sent."""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway import clock
from gateway.authentication.signatures import (
    MIN_RSA_BITS,
    Malformed,
    header_digest_input,
    read_message,
    select_fields,
)
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
_NAME = b"DKIM-Signature"
_NAMES_A_LINE = 6
_BASE64_A_LINE = 72


class KeyRefused(InvalidFile):
    """A signing key that cannot be used; `str()` contains the file and what to do."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key of one domain; its selector publishes the public key."""

    domain: str
    selector: str
    key: RSAPrivateKey | Ed25519PrivateKey = field(repr=False)

    @property
    def algorithm(self) -> str:
        return "rsa-sha256" if isinstance(self.key, RSAPrivateKey) else "ed25519-sha256"

    def sign(self, raw: bytes) -> bytes:
        """The mail with its signature prepended. Raises ValueError for a mail whose header no
        verifier would read."""
        message = read_message(raw, one_author=False)
        if isinstance(message, Malformed):
            raise ValueError(message.why)
        body = "simple" if len(raw) > LARGE_BYTES else "relaxed"
        canonicalisation = f"relaxed/{body}"
        unsigned = self._tags(canonicalisation, message.body_digest(body))
        names = [name.lower().encode("ascii") for name in SIGNED_FIELDS]
        signed = header_digest_input(
            canonicalisation.encode("ascii"),
            select_fields(message.fields, names),
            (_NAME, unsigned + b"\r\n"),
        )
        signature = base64.b64encode(self._signature(signed)).decode("ascii")
        lines = _in_lines(signature, _BASE64_A_LINE)
        return b"%s:%s%s\r\n%s" % (_NAME, unsigned, lines.encode("ascii"), raw)

    def _tags(self, canonicalisation: str, body_digest: bytes) -> bytes:
        """The value of the field with an empty `b=`."""
        rows = range(0, len(SIGNED_FIELDS), _NAMES_A_LINE)
        names = ":\r\n ".join(":".join(SIGNED_FIELDS[at : at + _NAMES_A_LINE]) for at in rows)
        tags = (
            f" v=1; a={self.algorithm}; c={canonicalisation}; d={self.domain};\r\n"
            f" s={self.selector}; t={int(clock.now().timestamp())};\r\n"
            f" h={names};\r\n bh={base64.b64encode(body_digest).decode('ascii')};\r\n b="
        )
        return tags.encode("ascii")

    def _signature(self, signed: bytes) -> bytes:
        if isinstance(self.key, RSAPrivateKey):
            return self.key.sign(signed, PKCS1v15(), SHA256())
        return self.key.sign(hashlib.sha256(signed).digest())  # RFC 8463 §3: of the hash


def _in_lines(text: str, width: int) -> str:
    return "\r\n ".join(text[at : at + width] for at in range(0, len(text), width))


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
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise KeyRefused(source, [f"the DKIM key cannot be read: {error.strerror}"]) from error
    except (TypeError, ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        problem = (
            "this is not a private key in PEM format (RSA or Ed25519, without a passphrase); "
            f"create one with: openssl genrsa -out {path.name} 2048"
        )
        raise KeyRefused(source, [problem])
    if isinstance(key, RSAPrivateKey) and key.key_size < MIN_RSA_BITS:
        problem = (
            f"verifiers ignore signatures by an RSA key of {key.key_size} bits; "
            "create one of 2048 bits"
        )
        raise KeyRefused(source, [problem])
    return SigningKey(domain, selector, key)
