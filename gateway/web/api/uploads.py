"""Requests with files: `multipart/form-data` with the JSON in `request`, and each file in `file`.

The files become the attachments of a mail that is made of them. So they have the limits, the names
and the types of those that come by mail, are stored as those are, and every reader finds them.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from typing import Generic, TypeVar
from urllib.parse import unquote

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError
from pydantic import BaseModel

from gateway.parsing.parser import Parser
from gateway.smtp.limits import ConnectionPool
from gateway.web.api.auth import ApiError, check_again
from gateway.web.api.form_parts import parts_of
from gateway.web.api.request_parsing import BODY_LIMIT_BYTES, body_of, parsed, too_large
from gateway.web.pages.forms import client_of_request
from rules import replies
from rules.mail import NO_FILES, Body, SentFiles
from storage.db import raw_mail
from storage.db.database import Connection

M = TypeVar("M", bound=BaseModel)

FORM = "multipart/form-data"
MOST_FILES = 100
LONGEST_NAME = 255
CHUNK_BYTES = 64 * 1024
ANY_TYPE = ("application", "octet-stream")
_TYPE = re.compile(r"([a-z0-9][a-z0-9!#$&^_.+-]{0,60})/([a-z0-9][a-z0-9!#$&^_.+-]{0,60})")
_CONTROLS = dict.fromkeys((*range(32), 127))
MALFORMED = (ValueError, AssertionError, RuntimeError, HttpProcessingError)
"""All that aiohttp raises for a malformed form."""
_NOT_VALID = "the body is not valid multipart/form-data"


@dataclass(frozen=True, slots=True)
class SentFile:
    name: str
    content_type: tuple[str, str]
    content: bytes
    digest: str
    """SHA-256 of the content, in hex."""

    @property
    def fingerprint(self) -> str:
        """What makes two files the same to the sender of a request."""
        return f"{'/'.join(self.content_type)} {self.digest} {self.name}"


async def sent_file(name: str, content_type: tuple[str, str], content: bytes) -> SentFile:
    """In a thread: without instructions for it, a processor digests 20 MiB for a tenth of a
    second."""
    return SentFile(name, content_type, content, await asyncio.to_thread(_digest, content))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True)
class AskedFor(Generic[M]):
    """A request: what it asks for, and its files."""

    what: M
    files: tuple[SentFile, ...] = ()

    @property
    def fingerprints(self) -> tuple[str, ...]:
        return tuple(file.fingerprint for file in self.files)


@dataclass(frozen=True, slots=True)
class StorableFiles:
    """Files as they are stored: a mail with its attachments."""

    files: SentFiles = NO_FILES
    raw: bytes = b""
    compressed: bytes = b""

    def store(self, connection: Connection, mailbox: int) -> None:
        """In the transaction that writes the comment which they are with."""
        if self.raw:
            raw_mail.store(connection, mailbox, self.raw, self.compressed, self.files.digest)


@dataclass(frozen=True, slots=True)
class Uploads:
    """Takes requests with files, within the room of memory and disk that mails have."""

    connections: ConnectionPool
    parser: Parser
    making: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    """A large mail takes long to make: one at a time."""

    @asynccontextmanager
    async def request(self, request: web.Request, model: type[M]) -> AsyncIterator[AskedFor[M]]:
        """The request, whose files are in memory until the end of the context. Raises ApiError."""
        if request.content_type != FORM:
            yield AskedFor(await body_of(request, model))
            return
        async with self.room(request):
            asked = await self._read(request, model)
            await check_again(request)
            yield asked

    @asynccontextmanager
    async def room(self, request: web.Request) -> AsyncIterator[None]:
        """Memory and disk for the files of a request, until the end of the context. Raises
        ApiError."""
        limit = self.connections.limits.mail_size_bytes
        announced = request.content_length
        if announced is not None and announced > limit + BODY_LIMIT_BYTES:
            raise self.too_large()
        size_bytes = limit if announced is None else min(announced, limit)
        if not self.connections.has_disk(size_bytes):
            raise ApiError(503, str(replies.TOO_LITTLE_DISK))
        # By the client that sends: one whose uploads never end leaves room for mail and for others.
        client, in_flight = client_of_request(request), self.connections.in_flight
        if not in_flight.take(client, size_bytes):
            raise ApiError(503, str(replies.TOO_MUCH_IN_FLIGHT))
        try:
            yield
        finally:
            in_flight.give_back(client, size_bytes)

    async def _read(self, request: web.Request, model: type[M]) -> AskedFor[M]:
        try:
            return await self._read_parts(request, model)
        except MALFORMED:
            raise ApiError(400, _NOT_VALID) from None

    async def _read_parts(self, request: web.Request, model: type[M]) -> AskedFor[M]:
        what: M | None = None
        files: list[SentFile] = []
        left = self.connections.limits.mail_size_bytes
        async for part in parts_of(request):
            if not isinstance(part, BodyPartReader):
                raise ApiError(400, "a part of the form is itself multipart; send each file alone")
            if {"Content-Transfer-Encoding", "Content-Encoding"}.intersection(part.headers):
                raise ApiError(400, "send each part of the form as it is, without an encoding")
            if part.name == "request" and what is None:
                what = await parsed(await content_of(part, BODY_LIMIT_BYTES, too_large()), model)
                continue
            if part.name != "file":
                expected = (
                    "one part named request, with the JSON, and each file in a part named file"
                )
                raise ApiError(400, f"the form has the part {part.name!r}; expected: {expected}")
            if not (name := name_of(part)):
                raise ApiError(400, "a part named file has no filename; name each file")
            if len(files) == MOST_FILES:
                raise ApiError(413, f"a request has at most {MOST_FILES} files")
            content = await content_of(part, left, self.too_large())
            left -= len(content)
            files.append(await sent_file(name, type_of(part), content))
        if what is None:
            raise ApiError(400, "the form has no part named request; send the JSON in it")
        return AskedFor(what, tuple(files))

    async def storable(
        self, files: Sequence[SentFile], text: str, at: datetime, boundary: str
    ) -> StorableFiles:
        """The files as they are stored. Raises ApiError if a mail could not have them."""
        if not files:
            return StorableFiles()
        async with self.making:
            raw = await asyncio.to_thread(_as_mail, files, text, at, boundary)
            if len(raw) > self.connections.limits.mail_size_bytes:
                raise self.too_large()
            body = (await self.parser.parse(raw)).body
            if not isinstance(body, Body):
                raise ApiError(400, "the files cannot be read within the limits; pack them")
            compressed = await asyncio.to_thread(raw_mail.compress, raw)
            digest = await asyncio.to_thread(raw_mail.digest_of, raw)
        return StorableFiles(SentFiles(digest, body.attachments), raw, compressed)

    def too_large(self) -> ApiError:
        size = self.connections.limits.mail_size_bytes // 2**20
        return ApiError(413, f"an email with these files would be larger than {size} MiB")


async def content_of(part: BodyPartReader, most: int, error: ApiError) -> bytes:
    """Raises the error for a part that is larger."""
    content = bytearray()
    while chunk := await part.read_chunk(CHUNK_BYTES):
        content += chunk
        if len(content) > most:
            raise error
    return bytes(content)


def name_of(part: BodyPartReader) -> str:
    """Browsers send it in UTF-8; many programs percent-encode it (RFC 7578 §2)."""
    name = part.filename or ""
    if name.isascii():
        with suppress(UnicodeDecodeError):
            name = unquote(name, errors="strict")
    # An octet that is no UTF-8 arrives as a surrogate.
    name = name.translate(_CONTROLS).encode("utf-8", "replace").decode()
    return name.strip()[:LONGEST_NAME]


def type_of(part: BodyPartReader) -> tuple[str, str]:
    declared = part.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    found = _TYPE.fullmatch(declared)
    if found is None or found[1] == "multipart":
        return ANY_TYPE
    return found[1], found[2]


def _as_mail(files: Sequence[SentFile], text: str, at: datetime, boundary: str) -> bytes:
    """A mail with the text and the files, each in base64."""
    head = EmailMessage(SMTP)
    head["Date"], head["MIME-Version"] = at, "1.0"
    head["Content-Type"] = f'multipart/mixed; boundary="{boundary}"'
    body = EmailMessage(SMTP)
    body.add_header("Content-Type", "text/plain", charset="utf-8")
    parts = [_part(body, text.encode("utf-8", "replace"))]
    for file in files:
        part = EmailMessage(SMTP)
        part["Content-Type"] = "/".join(file.content_type)
        part.add_header("Content-Disposition", "attachment", filename=file.name)
        parts.append(_part(part, file.content))
    between = f"--{boundary}\r\n".encode()
    return b"".join((_header(head), *(between + part for part in parts), between[:-2], b"--\r\n"))


def _part(part: EmailMessage, content: bytes) -> bytes:
    part["Content-Transfer-Encoding"] = "base64"
    return _header(part) + base64.encodebytes(content).replace(b"\n", b"\r\n")


def _header(part: EmailMessage) -> bytes:
    """With the empty line that ends it. The library does not write a message/rfc822 as a whole
    unless it has parsed its message."""
    return b"".join(SMTP.fold_binary(name, value) for name, value in part.items()) + b"\r\n"
