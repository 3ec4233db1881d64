"""Shared by DKIM and ARC: the message as it is signed, its hashes, and public keys.

dkimpy does the cryptography and parses tag lists. The hashing is ours: dkimpy's expressions take
quadratic time on runs of spaces, and hold the interpreter lock for all of a large body.
"""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import dkim
from dkim.crypto import RSASSA_PKCS1_v1_5_verify
from dkim.util import InvalidTagValueList, parse_tag_value
from nacl.exceptions import BadSignatureError

from gateway.authentication.dns import Absent, Lookups, Temporary, TextRecords, UnusableAnswer
from gateway.authentication.proven_names import key_name
from rules.mail.header import FIELDS_LIMIT

MAX_HEADER_BYTES = 256 * 1024
MAX_SIGNATURE_BYTES = 16 * 1024
MAX_KEY_BYTES = 4096
MIN_RSA_BITS = 1024
MAX_RSA_BITS = 4096
"""RFC 8301 §3.2 requires verifiers to accept 1024 to 4096 bits; a longer key could cost seconds."""
CHUNK_BYTES = 32 * 1024
"""The amount that is canonicalised at once: about 1 ms."""
PAUSE_S = 50e-6
"""Pause between pieces: without it the thread keeps the interpreter lock for the switch interval
(5 ms), and the event loop waits that long repeatedly while a large mail is hashed."""

HeaderField = tuple[bytes, bytes]
"""Name and value as written, with the value's folding and last CRLF."""
Tags = dict[bytes, bytes]

_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n|\x00")
_WHITE_SPACE = re.compile(rb"[ \t]++")
_FIELD_NAME = re.compile(rb"([!-9;-~]+)([ \t]*):")


@dataclass(frozen=True, slots=True)
class RawMessage:
    """A mail whose header has no malformed line and, unless read otherwise, exactly one From."""

    fields: tuple[HeaderField, ...]
    raw: bytes
    body_at: int
    """Offset of the body in `raw`."""
    _digests: dict[str, bytes] = field(default_factory=dict, compare=False, repr=False)

    def named(self, name: bytes) -> list[HeaderField]:
        """The fields of that name (lower-case), from the top."""
        return [each for each in self.fields if each[0].lower() == name]

    def names(self) -> list[str]:
        """The name of each field, in lower case."""
        return [name.strip(b" \t").lower().decode("ascii", "replace") for name, _ in self.fields]

    def body_digest(self, algorithm: str) -> bytes:
        """SHA-256 of the body under `simple` or `relaxed`, computed once for all signatures."""
        if algorithm not in self._digests:
            hasher = hashlib.sha256()
            for chunk in canonical_body(self.raw, self.body_at, relaxed=algorithm == "relaxed"):
                hasher.update(chunk)
            self._digests[algorithm] = hasher.digest()
        return self._digests[algorithm]


@dataclass(frozen=True, slots=True)
class Malformed:
    """The header is ambiguous, so it must not be used for an identity."""

    why: str
    too_long: bool = False
    """It was not read as a whole; nothing else is known to be wrong with it."""


def read_message(raw: bytes, *, one_author: bool = True) -> RawMessage | Malformed:
    """The header fields in order, or why the header is malformed. Only CRLF ends a line; fields are
    not unfolded. Without `one_author` any number of From fields is accepted."""
    end = raw.find(b"\r\n\r\n", 0, MAX_HEADER_BYTES)
    if end < 0 and len(raw) > MAX_HEADER_BYTES:
        return Malformed(f"header is longer than {MAX_HEADER_BYTES} bytes", too_long=True)
    block, body_at = (raw, len(raw)) if end < 0 else (raw[:end], end + 4)
    if _BARE.search(block):
        return Malformed("bare CR, bare LF or NUL in the header")
    fields: list[tuple[bytes, list[bytes]]] = []
    for number, line in enumerate(block.removesuffix(b"\r\n").split(b"\r\n")):
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1][1].append(line)
            continue
        if len(fields) == FIELDS_LIMIT:
            return Malformed(f"more than {FIELDS_LIMIT} fields", too_long=True)
        start = _FIELD_NAME.match(line)
        if start is None:
            if number == 0 and line.startswith(b"From "):  # the separator line of an mbox file
                continue
            return Malformed("a header line is not a field")
        if start[2] and start[1].lower() == b"from":
            return Malformed("space between From and its colon")
        fields.append((start[1] + start[2], [line[start.end() :]]))
    from_count = [name.lower() for name, _ in fields].count(b"from")
    if one_author and from_count != 1:
        return Malformed(f"{from_count} From fields")
    joined = [(name, b"\r\n".join(lines) + b"\r\n") for name, lines in fields]
    return RawMessage(tuple(joined), raw, body_at)


def canonical_body(raw: bytes, start: int, *, relaxed: bool) -> Iterator[bytes]:
    """The body from `start` in canonical form (RFC 6376 §3.4.3 and §3.4.4), in pieces.

    To be run in a thread: it pauses between pieces for the event loop. Linear in time for any
    bytes: what depends on the next piece (a space that may end a line, empty lines that may end the
    body) is held back until then.
    """
    held_lines, held_space, empty = 0, False, True
    position = start
    while position < len(raw):
        end = position + CHUNK_BYTES
        if position > start:
            time.sleep(PAUSE_S)
        while raw[end - 1 : end] == b"\r":
            end += 1
        piece, position = raw[position:end], end
        if relaxed:
            piece = (b" " + piece if held_space else piece).replace(b"\t", b" ")
            while b"  " in piece:
                piece = piece.replace(b"  ", b" ")
            piece = piece.replace(b" \r\n", b"\r\n")
            held_space = piece.endswith(b" ")
            piece = piece[:-1] if held_space else piece
        text_end = _length_without_trailing_lines(piece)
        if text_end:
            yield from _line_ends(held_lines)
            held_lines, empty = 0, False
            yield piece[:text_end]
        held_lines += (len(piece) - text_end) // 2
    if not (relaxed and empty):
        yield b"\r\n"


def header_digest_input(
    canonicalisation: bytes, signed: Iterable[HeaderField], signature: HeaderField
) -> bytes:
    """The bytes under a signature (RFC 6376 §3.7): the signed fields, then the signature itself
    with an empty `b=` and without its last CRLF.

    Raises dkim.canonicalization.InvalidCanonicalizationPolicyError.
    """
    policy = dkim.CanonicalizationPolicy.from_c_value(canonicalisation)
    fields = [*signed, (signature[0], without_b(signature[1]))]
    if policy.header_algorithm.name == b"relaxed":
        fields = [_relaxed(each) for each in fields]
    return b"".join(name + b":" + value for name, value in fields).removesuffix(b"\r\n")


def _relaxed(field: HeaderField) -> HeaderField:
    """A field in the relaxed canonical form (RFC 6376 §3.4.2). White space is spaces and tabs only:
    dkimpy strips form feeds and vertical tabs too, and `base64` with one of them is no encoding."""
    name, value = field
    text = _WHITE_SPACE.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")
    return name.rstrip(b" \t").lower(), text + b"\r\n"


def signed_content_digest(message: RawMessage, field: HeaderField, tags: Tags) -> str:
    """SHA-256 (hex) of the content that a message signature covers.

    Not of the signature itself: base64 has many spellings, RSA has several signatures for one text,
    and one of two signatures can be removed. If neither Message-ID nor Date is covered, two mails
    can have equal signed content; then the signature's own tags, above all its time, are included.

    Raises whatever dkimpy raises.
    """
    covered = select_fields(message.fields, tags[b"h"].lower().split(b":"))
    names = {name.strip(b" \t").lower() for name, _ in covered}
    own_field = (b"", b"\r\n") if names & {b"message-id", b"date"} else field
    canonicalisation = tags.get(b"c", b"simple/simple")
    hasher = hashlib.sha256(header_digest_input(canonicalisation, covered, own_field))
    hasher.update(base64.b64decode(tags[b"bh"]))
    return hasher.hexdigest()


def has_this_body(message: RawMessage, tags: Tags) -> bool:
    """Whether the body is the one that was signed (`bh=`, over the canonical form in `c=`)."""
    body = "relaxed" if is_body_relaxed(tags) else "simple"
    return message.body_digest(body) == base64.b64decode(tags[b"bh"])


def is_body_relaxed(tags: Tags) -> bool:
    """Whether the canonical form of the body leaves out white space (`c=`)."""
    return tags.get(b"c", b"simple/simple").endswith(b"/relaxed")


def select_fields(fields: Sequence[HeaderField], names: Iterable[bytes]) -> list[HeaderField]:
    """The fields that `h=` lists, each name taken from the bottom up (RFC 6376 §5.4.2)."""
    remaining: defaultdict[bytes, list[HeaderField]] = defaultdict(list)
    for each in fields:
        remaining[each[0].rstrip(b" \t").lower()].append(each)
    return [remaining[name].pop() for name in names if remaining[name]]


def without_b(value: bytes) -> bytes:
    """The field value with an empty `b=` tag, surrounding white space removed."""
    parts = value.removesuffix(b"\r\n").split(b";")
    for number, part in enumerate(parts):
        name, equals, _ = part.partition(b"=")
        if name.strip() == b"b":
            parts[number] = name + equals
    return b";".join(parts) + b"\r\n"


def read_tags(value: bytes) -> Tags | str:
    """The tag list (RFC 6376 §3.2) without white space in its values, or why it is invalid."""
    if len(value) > MAX_SIGNATURE_BYTES:
        return f"longer than {MAX_SIGNATURE_BYTES} bytes"
    try:
        tags: Tags = parse_tag_value(value)
    except InvalidTagValueList:
        return "not a tag list, or a tag twice"
    return {name: b"".join(text.split()) for name, text in tags.items()}


def grammar_problem(tags: Tags, mandatory: Sequence[bytes], *, arc: bool) -> str:
    """Why dkimpy finds the tags of a DKIM or ARC field invalid, except times, or could not read the
    canonical forms or the hash of the body; empty if valid. Never raises."""
    # Times are checked elsewhere: dkimpy would compare them with its own clock.
    untimed = {name: value for name, value in tags.items() if name not in (b"t", b"x")}
    try:
        dkim.validate_signature_fields(untimed, mandatory, arc)
        dkim.CanonicalizationPolicy.from_c_value(tags.get(b"c", b"simple/simple"))
        base64.b64decode(tags.get(b"bh", b""))
    except Exception as error:  # noqa: BLE001  dkimpy raises anything: IndexError on a short i=
        return str(error)[:80] or type(error).__name__
    return ""


@dataclass(frozen=True, slots=True)
class Key:
    """A usable public key: RSA of 1024 to 4096 bits, or Ed25519."""

    algorithm: bytes
    """As in `a=` without the hash: `rsa` or `ed25519`."""
    material: Any
    """dkimpy's dict for RSA, PyNaCl's VerifyKey for Ed25519."""
    bits: int
    testing: bool
    """`t=y`: the domain is only testing DKIM (RFC 6376 §3.6.1)."""
    exact_identity: bool
    """`t=s`: the domain of `i=` must equal `d=`."""


async def fetch_key(
    selector: str, domain: str, lookups: Lookups
) -> bytes | UnusableAnswer | Temporary:
    """The only key record of a selector (RFC 6376 §3.6.2), not parsed, or why there is none."""
    answer = await lookups.ask(key_name(selector, domain), "TXT")
    match answer:
        case Temporary() | UnusableAnswer():
            return answer
        case Absent():
            return UnusableAnswer("no key")
        case TextRecords(texts=texts):
            keys = [text for text in texts if b"p=" in text]
            if len(keys) != 1:
                return UnusableAnswer(f"{len(keys)} keys")
            if len(keys[0]) > MAX_KEY_BYTES:
                return UnusableAnswer(f"key record of {len(keys[0])} bytes")
            return keys[0]


def read_key(record: bytes) -> Key | str:
    """The key of a record (RFC 6376 §3.6.1), or why it cannot be used.

    Raises whatever dkimpy raises on an invalid key.
    """
    tags = read_tags(record)
    if isinstance(tags, str):
        return f"key record: {tags}"
    if not tags.get(b"p"):
        return "key is revoked"
    if b"sha256" not in tags.get(b"h", b"sha256").lower().split(b":"):
        return "key is not for sha256"
    if not {b"*", b"email"} & set(tags.get(b"s", b"*").lower().split(b":")):
        return "key is not for mail"
    material, bits, algorithm, _ = dkim.evaluate_pk("key", b"; ".join(map(b"=".join, tags.items())))
    if algorithm == b"rsa":
        if not MIN_RSA_BITS <= bits <= MAX_RSA_BITS:
            return f"RSA key of {bits} bits"
        if material["publicExponent"].bit_length() > 33:  # a long one makes verification slow
            return "RSA key with a huge exponent"
    flags = tags.get(b"t", b"").lower().split(b":")
    return Key(algorithm, material, bits, b"y" in flags, b"s" in flags)


def is_valid_signature(signed: bytes, signature: bytes, key: Key) -> bool:
    """Whether `signature` (base64) is a signature by the key over SHA-256 of `signed`."""
    value = base64.b64decode(signature)
    digest = hashlib.sha256(signed)
    if key.algorithm == b"rsa":
        if len(value) != (key.bits + 7) // 8:  # RFC 8017 §8.2.2, step 1
            return False
        return bool(RSASSA_PKCS1_v1_5_verify(digest, value, key.material))
    try:
        key.material.verify(digest.digest(), value)  # RFC 8463 §3: Ed25519 signs the hash
    except BadSignatureError:
        return False
    return True


def _length_without_trailing_lines(piece: bytes) -> int:
    """The length of `piece` without its trailing CRLFs."""
    end = len(piece.rstrip(b"\r\n"))
    if piece[end:] == b"\r\n" * ((len(piece) - end) // 2):
        return end
    end = len(piece)
    while piece.endswith(b"\r\n", 0, end):
        end -= 2
    return end


def _line_ends(count: int) -> Iterator[bytes]:
    """`count` line ends, in pieces of bounded size."""
    full, rest = divmod(count, CHUNK_BYTES // 2)
    for _ in range(full):
        yield b"\r\n" * (CHUNK_BYTES // 2)
    if rest:
        yield b"\r\n" * rest
