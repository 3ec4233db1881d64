"""Bytes of a stranger's mail as a response that no browser executes or shows as our page."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

from aiohttp import web

ANY_TYPE = "application/octet-stream"
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,60}")
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 ._()-]")


def download(body: bytes, name: str, content_type: str) -> web.Response:
    """A response that a browser saves as a file with this name."""
    declared = content_type.lower()
    return web.Response(
        body=body,
        headers={
            "Content-Type": declared if _TYPE.fullmatch(declared) else ANY_TYPE,
            "Content-Disposition": _disposition(name),
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "private, no-store",
        },
    )


def _disposition(name: str) -> str:
    """RFC 6266 §4.3: an ASCII name for old clients, and the full one in UTF-8 (RFC 8187)."""
    shown = "".join(c for c in name if unicodedata.category(c)[0] != "C").replace("/", "_").strip()
    shown = shown.lstrip(".") or "attachment"
    plain = _NOT_PLAIN.sub("_", shown)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(shown, safe='')}"
