"""Errors over HTTP for programs: problem details (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from gateway.web.pages.render import PATIENCE_S

CONTENT_TYPE = "application/problem+json"
TEMPORARY = (429, 503)
"""After which a client should try again."""


def problem(
    status: int, detail: str, headers: Mapping[str, str] | None = None, **more: object
) -> web.Response:
    """An error whose `detail` says what is wrong and what to do; `more` are further members.

    A temporary one says when to try again (RFC 9110 §10.2.3).
    """
    made = web.Response(
        body=problem_body(status, detail, **more), status=status, content_type=CONTENT_TYPE
    )
    made.headers.update(headers or {})
    if status in TEMPORARY:
        made.headers["Retry-After"] = str(PATIENCE_S)
    if status == HTTPStatus.UNAUTHORIZED:
        made.headers["WWW-Authenticate"] = "Bearer"  # RFC 9110 §11.6.1
    return made


def problem_body(status: int, detail: str, **more: object) -> bytes:
    """Without a `type`, which means that a problem has no other meaning than its status."""
    members = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return json.dumps(members | more).encode()
