"""Sessions of the console: cookies, the tokens of forms, and passwords.

A session is a random secret in a cookie that no script can read; the store has its hash. Each form
carries a token that is derived from the secret, so that no other site can send one (CSRF).
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

from gateway.runtime import Runtime
from gateway.web.console.context import CONSOLE, PREFIX, SESSION_COOKIE, ConsoleContext, Visit, keep
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


async def visit_of(request: web.Request) -> Visit | None:
    """The request with its user; None for one that is not logged in."""
    secret = request.cookies.get(SESSION_COOKIE, "")
    if not secret or not secret.isascii():
        return None
    runtime = request.app[CONSOLE].runtime
    now = runtime.clock()
    found = await runtime.read(partial(console_users.session_of, secret=secret, now=now))
    if found is None:
        return None
    if not found.is_noted:
        await runtime.write(partial(console_users.note_session, secret=secret, now=now))
    return Visit(request, found.user, _form_token(secret))


def is_ours(request: web.Request, form_token: str) -> bool:
    """Whether a form came from a page of the session that sends it."""
    secret = request.cookies.get(SESSION_COOKIE, "")
    return hmac.compare_digest(_form_token(secret).encode(), form_token.encode())


def is_of_another_site(request: web.Request) -> bool:
    """Whether the browser says that another site's page sends this (Fetch Metadata, Origin)."""
    site = request.headers.get("Sec-Fetch-Site", "")
    if site:
        return site not in ("same-origin", "none")
    origin = request.headers.get("Origin", "")
    return bool(origin) and origin.rpartition("//")[2] != request.host


async def log_in(
    context: ConsoleContext, address: str, to: str, verified: str | None = None
) -> web.Response | None:
    """A new session for a user, whose browser goes on to a page of the console. None if the user
    no longer has the password, given by its hash, that was verified."""
    secret = new_secret()
    now = context.runtime.clock()
    job = partial(
        console_users.begin_session, address=address, secret=secret, now=now, verified=verified
    )
    if not await context.runtime.write(job):
        return None
    response = web.Response(status=303, headers={"Location": f"{PREFIX}{to}"})
    keep(response, SESSION_COOKIE, secret, context)
    return response


async def log_out(request: web.Request, runtime: Runtime) -> web.Response:
    secret = request.cookies.get(SESSION_COOKIE, "")
    await runtime.write(partial(console_users.end_session, secret=secret))
    response = web.Response(status=303, headers={"Location": f"{PREFIX}/login"})
    response.del_cookie(SESSION_COOKIE, path=PREFIX)
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


def _form_token(secret: str) -> str:
    return hmac.new(secret.encode(), b"postern console form", hashlib.sha256).hexdigest()
