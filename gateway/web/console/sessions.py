"""Sessions of the console: cookies, the tokens of forms, and passwords.

A session is a random secret in a cookie that no script can read; the store has its hash. Each form
carries a token that is derived from the secret, so that no other site can send one (CSRF). The
forms before the login carry one of the cookie of the door: else another site could log a browser in
as somebody else.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
from functools import partial

from aiohttp import web
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

from gateway.web.console.context import CONSOLE, PREFIX, ConsoleContext, Refused, Visit
from gateway.web.console.cookies import Cookie
from gateway.web.console.login_attempts import network_of_client
from gateway.web.pages.forms import client_of_request
from storage.registry import console_users

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 200
_SECRET_BYTES = 32

_hasher = PasswordHasher()


def hash_of_nobody(hasher: PasswordHasher) -> str:
    """A hash that no known password has; to verify it takes as long as one that the hasher made.

    It is random and not computed: each process that loads this module would spend a tenth of a
    second and 64 MiB on it.
    """
    salt, hashed = (
        base64.b64encode(secrets.token_bytes(size)).rstrip(b"=").decode()
        for size in (hasher.salt_len, hasher.hash_len)
    )
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2{hasher.type.name.lower()}$v={ARGON2_VERSION}${costs}${salt}${hashed}"


_OF_NOBODY = hash_of_nobody(_hasher)
"""Verified for an address that has no password, so that the wait tells nobody who has one."""


def new_secret() -> str:
    return secrets.token_urlsafe(_SECRET_BYTES)


async def visit_of(request: web.Request, *, is_use: bool = True) -> Visit | None:
    """The request with its user; None for one that is not logged in. One that is no use of the
    session, since a page makes it by itself, does not prolong it."""
    context = request.app[CONSOLE]
    secret = context.cookies.read(request, Cookie.SESSION)
    if not secret:
        return None
    runtime = context.runtime
    now = runtime.clock()
    found = await runtime.read(partial(console_users.session_of, secret=secret, now=now))
    if found is None:
        return None
    if is_use and not found.is_noted:
        await runtime.write(partial(console_users.note_session, secret=secret, now=now))
    return Visit(request, found.user, secret, found.begun_at, form_token(secret))


def is_of(secret: str, token: str) -> bool:
    """Whether a form's token is derived from a secret, that of a session or of the door. No token
    is of an empty one, which everybody knows."""
    return bool(secret) and hmac.compare_digest(form_token(secret).encode(), token.encode())


def is_of_another_site(request: web.Request) -> bool:
    """Whether the browser says that another site's page sends this (Fetch Metadata, Origin)."""
    site = request.headers.get("Sec-Fetch-Site", "")
    if site:
        return site not in ("same-origin", "none")
    origin = request.headers.get("Origin", "")
    return bool(origin) and origin.rpartition("//")[2] != request.host


def door_of(request: web.Request) -> str:
    """The secret of a browser that is not logged in; a new one where it has none yet."""
    return request.app[CONSOLE].cookies.read(request, Cookie.DOOR) or new_secret()


def check_door(request: web.Request, token: str) -> None:
    """Raises Refused for a form that is not of a page that we made for this browser. Browsers that
    send neither Fetch Metadata nor an Origin send the cookie."""
    door = request.app[CONSOLE].cookies.read(request, Cookie.DOOR)
    if not is_of(door, token) or is_of_another_site(request):
        raise Refused(
            403,
            "This form was not sent from a page that this browser opened, or the browser keeps no "
            "cookies. Please open the page again.",
        )


def network_of_request(request: web.Request) -> str:
    """The network of the client, which is named to users and counted for their attempts."""
    return network_of_client(client_of_request(request))


async def log_in(
    request: web.Request, address: str, to: str, verified: str | None = None
) -> web.Response | None:
    """A new session for a user, whose browser goes on to a page of the console. None if the user
    was removed, or no longer has the password, given by its hash, that was verified."""
    context = request.app[CONSOLE]
    secret = new_secret()
    job = partial(
        console_users.begin_session,
        address=address,
        secret=secret,
        now=context.runtime.clock(),
        network=network_of_request(request),
        verified=verified,
    )
    if not await context.runtime.write(job):
        return None
    return entered(context, secret, to)


def entered(context: ConsoleContext, secret: str, to: str) -> web.Response:
    """The response to a browser whose session has begun."""
    response = web.Response(status=303, headers={"Location": f"{PREFIX}{to}"})
    context.cookies.keep(response, Cookie.SESSION, secret)
    context.cookies.forget(response, Cookie.DOOR)
    return response


async def log_out(visit: Visit) -> web.Response:
    await visit.runtime.write(partial(console_users.end_session, secret=visit.secret))
    response = web.Response(status=303, headers={"Location": f"{PREFIX}/login"})
    visit.context.cookies.forget(response, Cookie.SESSION)
    return response


async def is_password(context: ConsoleContext, address: str, password: str) -> str:
    """The stored hash if this is the user's password, else nothing; it takes as long for an address
    that has none."""
    look_up = partial(console_users.password_hash, address=address)
    stored = await context.runtime.read(look_up)
    async with context.hashing:
        right = await asyncio.to_thread(_verified, stored or _OF_NOBODY, password)
    return stored if right else ""


async def hashed(context: ConsoleContext, password: str) -> str:
    """The hash by which a password is stored."""
    async with context.hashing:
        return await asyncio.to_thread(_hasher.hash, password)


def _verified(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password[: LONGEST_PASSWORD + 1])
    except (VerificationError, InvalidHashError):
        return False


def form_token(secret: str) -> str:
    """What a form of the browser with this secret carries."""
    return hmac.new(secret.encode(), b"postern console form", hashlib.sha256).hexdigest()
