"""Raw mails: content-addressed, compressed, stored once."""

from __future__ import annotations

import hashlib

import zstandard
from sqlalchemy import Connection, bindparam, select

from storage.db.statements import compiled_insert
from storage.db.tables import RawMailRow, table

_raw = table(RawMailRow)
_READ = select(_raw.c.zstd, _raw.c.size_bytes).where(
    _raw.c.mailbox_id == bindparam("mailbox"), _raw.c.digest == bindparam("digest")
)
_STORE = compiled_insert(_raw, ignore_existing=True)


def compress(raw: bytes) -> bytes:
    """zstd at its default level, with the size in the frame: 40 µs for 3–5 KB of text mail."""
    return zstandard.compress(raw)


def store(connection: Connection, mailbox: int, raw: bytes, compressed: bytes) -> str:
    """Store the bytes unless they are already stored. Returns their SHA-256 in hex."""
    digest = hashlib.sha256(raw).hexdigest()
    row = {"mailbox_id": mailbox, "digest": digest, "size_bytes": len(raw), "zstd": compressed}
    _STORE.run(connection, row)
    return digest


HEADER_BYTES = 16 * 1024
"""At most so much is kept of a mail whose body is not."""


def header_only(raw: bytes, body_at: int, why: str) -> bytes:
    """The mail's header, and in place of its body a line that says why that is missing."""
    block = raw[: min(body_at, HEADER_BYTES)]
    if len(block) == HEADER_BYTES:
        block = block[: block.rfind(b"\n") + 1] or block
    note = f"[Postern: {why}; the mail had {len(raw)} octets]\r\n"
    return block.rstrip(b"\r\n") + b"\r\n\r\n" + note.encode()


def load(connection: Connection, mailbox: int, digest: str) -> bytes:
    """The bytes as they arrived. Raises LookupError where the mailbox has none with this digest."""
    row = connection.execute(_READ, {"mailbox": mailbox, "digest": digest}).one_or_none()
    if row is None:
        raise LookupError(f"no raw mail {digest} in mailbox {mailbox}")
    return zstandard.decompress(row.zstd, max_output_size=row.size_bytes)
