"""Requests that may be sent again, with an `Idempotency-Key`.

As in draft-ietf-httpapi-idempotency-key-header. A request and its key are one transaction, so that
nothing is ever half done: a repeat while the first is in progress waits for its commit, and then
gets its answer.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable

from aiohttp import web
from pydantic import BaseModel

from gateway.web.api.auth import ApiError, only
from rules.mail import Mailbox
from storage.db.database import Connection
from storage.ticket import request_keys
from storage.ticket.request_keys import EarlierAnswer, RequestKey

HEADER = "Idempotency-Key"
LONGEST_KEY = 200
_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
"""A string of RFC 9651 §3.3.3."""


def key_of(
    request: web.Request, actor: str, asked: BaseModel, files: Iterable[str] = ()
) -> RequestKey | None:
    """The key of a request with what it asks for; None for one without. `files` are what identifies
    each of its files. Raises ApiError for an invalid key."""
    written = only(request, HEADER, 400).strip()
    if HEADER not in request.headers:
        return None
    quoted = _QUOTED.fullmatch(written)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted is not None else written
    if not 0 < len(key) <= LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise ApiError(
            400,
            f"{HEADER}: must be 1 to {LONGEST_KEY} printable characters of ASCII, such as a UUID "
            "in quotation marks",
        )
    # Without defaults, so that a new version reads an old request as it was read before.
    wanted = asked.model_dump(mode="json", exclude_defaults=True)
    content = [request.method, request.path, wanted, *files]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return RequestKey(actor, key, digest)


def earlier_answer(
    connection: Connection,
    mailbox: Mailbox | None,
    key: RequestKey | None,
    find_named: Callable[[], object] = lambda: None,
) -> EarlierAnswer | None:
    """The answer that a repeat gets; None for the first request, and for one without a key. Raises
    ApiError where the first one asked for something else, and before that what `find_named` raises:
    nobody learns so that there is a ticket which they may not read."""
    if mailbox is None or key is None:
        return None
    earlier = request_keys.earlier_answer(connection, mailbox, key)
    if earlier is None:
        return None
    if not earlier.same:
        find_named()
        raise ApiError(
            422, f"this {HEADER} was used for another request; send a new key with each request"
        )
    return earlier
