"""Who calls the API: bearer tokens, their scopes, and the person on whose behalf a token acts."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial

from aiohttp import web

from gateway.in_time import in_time
from gateway.web.api.scopes import ACTS_FOR_ANYBODY, ACTS_FOR_STAFF
from gateway.web.api.scopes import Scope as Scope
from rules.mail.addresses import normalise
from storage.db.database import Database
from storage.registry import api_tokens
from storage.registry.api_tokens import ApiToken

ACTOR_HEADER = "X-Postern-Actor"
_CHECK_AGAIN = web.RequestKey("check_again", partial)
"""Of a request whose body had not come when its token was looked up: looks it up again."""


class ApiError(Exception):
    """A request that is answered with an error: a status, and a message that says what to do."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


async def authorise(request: web.Request, database: Database, *allowed: Scope) -> tuple[Scope, str]:
    """The first of the allowed scopes that the request's token has, and the token's name.

    Raises ApiError: 401 without a valid token, 403 for one with other scopes.
    """
    kind, _, token = only(request, "Authorization", 401).partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise ApiError(401, "send Authorization: Bearer TOKEN")
    if not token.isascii():  # an octet that is no UTF-8 cannot be looked up either
        raise ApiError(401, "unknown token")
    if not request.content.is_eof():
        request[_CHECK_AGAIN] = partial(_find, database, token.strip())
    found = await _find(database, token.strip())
    has = found.scope.split()
    scope = next((each for each in allowed if each in has), None)
    if scope is None:
        permitted = " and ".join(has)
        raise ApiError(403, f"this token is for {permitted}, not for {' or '.join(allowed)}")
    return scope, found.name


async def check_again(request: web.Request) -> None:
    """Raises ApiError if the token was revoked while the body came, which may take minutes: called
    by all that read one."""
    find_again: partial[Awaitable[ApiToken]] | None = request.get(_CHECK_AGAIN)
    if find_again is not None:
        await find_again()


async def _find(database: Database, token: str) -> ApiToken:
    found = await in_time(database.submit_read(partial(api_tokens.find_api_token, token=token)))
    if found is None:
        raise ApiError(401, "unknown token")
    return found


def only(request: web.Request, name: str, status: int) -> str:
    """A header, or "". Raises ApiError if it is there twice: a portal or proxy that adds its own
    below that of its client means the last one, and the request does not show it."""
    values = request.headers.getall(name, [])
    if len(values) > 1:
        raise ApiError(status, f"send {name} once; a proxy must replace it, not add another")
    return values[0] if values else ""


def actor(request: web.Request, scope: Scope) -> str:
    """The address of the person for whom the token acts; empty for one that acts for nobody.

    Raises ApiError if a person is required and none is named.
    """
    if scope not in (Scope.PORTAL, *ACTS_FOR_STAFF, *ACTS_FOR_ANYBODY):
        return ""
    named = only(request, ACTOR_HEADER, 403).strip()
    if not named and scope in ACTS_FOR_ANYBODY:
        return ""
    if not named:
        example = "ann@acme.example" if scope is Scope.PORTAL else "sam@help.example"
        raise ApiError(403, f"name the person you act for: send {ACTOR_HEADER}: {example}")
    address = normalise(named)
    if address is None:
        raise ApiError(403, f"{ACTOR_HEADER}: {named!r} is not a valid email address")
    return address
