"""Images that are written into HTML itself, as `data:` addresses (RFC 2397): files of the mail."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

MOST_IMAGES = 500
_SIGN = b";base64,"
_IMAGE = re.compile(
    rb"src\s{0,20}=\s{0,20}[\"']?\s{0,20}data:image/([a-z0-9.+-]{1,30})(?:;[^;,\"'\s<>]{1,100}){0,4}",
    re.IGNORECASE,
)
_LONGEST_SOURCE = 600
_CODED = re.compile(rb"[A-Za-z0-9+/=%\s_-]*+")
_NOT_CODED = re.compile(rb"[^A-Za-z0-9+/]+")
_ENDINGS = {b"jpeg": "jpg", b"svg+xml": "svg", b"x-icon": "ico", b"vnd.microsoft.icon": "ico"}


def data_images(markup: bytes) -> Iterator[tuple[str, str, bytes]]:
    """The name, type and content of each image that an HTML shows and has in itself, in order."""
    at, found = markup.find(_SIGN), 0
    while at >= 0 and found < MOST_IMAGES:
        begins = at + len(_SIGN)
        before = markup[max(0, at - _LONGEST_SOURCE) : at]
        source = _IMAGE.fullmatch(before, max(0, before.lower().rfind(b"src")))
        if source is not None:
            coded = _CODED.match(markup, begins)
            end = coded.end() if coded else begins
            content = _decoded(markup[begins:end])
            if content:
                found += 1
                kind = source[1].lower()
                ending = _ENDINGS.get(kind, kind.decode())
                yield f"image-{found}.{ending}", f"image/{kind.decode()}", content
            begins = max(begins, end)
        at = markup.find(_SIGN, begins)


def _decoded(coded: bytes) -> bytes:
    if b"%" in coded:
        coded = unquote_to_bytes(coded)
    coded = _NOT_CODED.sub(b"", coded.translate(_SAFE))
    coded = coded[: len(coded) - (len(coded) % 4 == 1)]
    try:
        return base64.b64decode(coded + b"=" * (-len(coded) % 4))
    except binascii.Error:
        return b""


_SAFE = bytes.maketrans(b"-_", b"+/")
