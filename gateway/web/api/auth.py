"""Who calls the API: bearer tokens, what each is for, and the person on whose behalf it acts."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from functools import partial

from aiohttp import web

from rules.mail.addresses import normalise
from storage.db.database import Database
from storage.registry import api_tokens

ACTOR_HEADER = "X-Postern-Actor"


class Scope(StrEnum):
    """What a token is for."""

    MAILS = "mails"
    """To hand in mails."""
    STAFF = "staff"
    """A desk's own tool, which acts for staff persons."""
    PORTAL = "portal"
    """A customers' portal, which acts for users."""
    READ = "read"
    """A report or a screen: sees what staff see, changes nothing, acts for nobody."""


class ApiError(Exception):
    """A request that is answered with an error: its status and what to do, in words."""

    def __init__(self, status: int, what: str) -> None:
        super().__init__(what)
        self.status = status
        self.what = what


async def authorise(request: web.Request, database: Database, *allowed: Scope) -> Scope:
    """The scope of the request's token. Raises Fault: 401 without a good one, 403 for another."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise ApiError(401, "send Authorization: Bearer TOKEN")
    look_up = partial(api_tokens.api_token_scope, token=token.strip())
    scope = await asyncio.to_thread(database.read, look_up)
    if scope is None:
        raise ApiError(401, "unknown token")
    if scope not in allowed:
        raise ApiError(403, f"this token is for {scope}, not for {' or '.join(allowed)}")
    return Scope(scope)


def actor(request: web.Request, scope: Scope) -> str:
    """The address of the person whom the token acts for; empty for one that acts for nobody.

    Raises Fault where none is named.
    """
    if scope not in (Scope.STAFF, Scope.PORTAL):
        return ""
    named = request.headers.get(ACTOR_HEADER, "").strip()
    if not named:
        example = "sam@help.example" if scope is Scope.STAFF else "ann@acme.example"
        raise ApiError(403, f"say for whom: send {ACTOR_HEADER}: {example}")
    address = normalise(named)
    if address is None:
        raise ApiError(403, f"{ACTOR_HEADER}: {named!r} is no mail address")
    return address
