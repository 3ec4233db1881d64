"""Logging in: by password, or by a link that works once."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from gateway import log
from gateway.shares import keys_of
from gateway.web.console import sessions
from gateway.web.console.context import CONSOLE, FORM_LIMIT_BYTES, PREFIX, Refused, page
from gateway.web.console.sessions import LONGEST_PASSWORD, SHORTEST_PASSWORD
from gateway.web.pages.forms import client_of_request, read_form
from gateway.web.pages.render import language_for
from rules.mail.addresses import normalise
from rules.service.console_roles import EntryUse
from storage.registry import console_users
from storage.registry.console_users import ConsoleUser

LONGEST_PATH = 500
LONGEST_ADDRESS = 500
"""Characters that are read of what was typed: a failed attempt is logged."""


async def ask(request: web.Request) -> web.Response:
    """The form for address and password."""
    if await sessions.visit_of(request) is not None:
        return web.Response(status=303, headers={"Location": f"{PREFIX}/"})
    return _login_page(request, to=_local(request.query.get("to", "")))


async def log_in(request: web.Request) -> web.Response:
    context = request.app[CONSOLE]
    _check_origin(request)
    form = await read_form(request, FORM_LIMIT_BYTES)
    typed, to = form.get("address", "").strip()[:LONGEST_ADDRESS], _local(form.get("to", ""))
    address = normalise(typed) or ""
    client = client_of_request(request)
    allowed = context.clients.allows(*(keys_of(client) if client is not None else (b"",)))
    if not (allowed and context.addresses.allows(address.encode())):
        raise Refused(429, "Too many attempts to log in. Please wait a minute and try again.")
    verified = await sessions.is_password(context, address, form.get("password", ""))
    # The password may have been changed while this one was compared.
    entered = await sessions.log_in(context, address, to, verified) if verified else None
    if entered is None:
        log.console_login_failed(address or typed)
        return _login_page(request, to=to, address=typed, wrong=True, status=401)
    log.console_login(address)
    return entered


def _login_page(
    request: web.Request, to: str, address: str = "", *, wrong: bool = False, status: int = 200
) -> web.Response:
    values = {"to": to, "address": address, "wrong": wrong}
    return page(request, "login.html", language_for(request), status, **values)


async def enter(request: web.Request) -> web.Response:
    """The page behind a link; it changes nothing, since programs follow links as well."""
    user, use = await _link(request)
    return _enter_page(request, user, use)


async def use_link(request: web.Request) -> web.Response:
    context = request.app[CONSOLE]
    _check_origin(request)
    user, use = await _link(request)
    form = await read_form(request, FORM_LIMIT_BYTES)
    password = form.get("password", "")
    if use is EntryUse.PASSWORD and (fault := fault_of(password, form.get("again", ""))):
        return _enter_page(request, user, use, fault=fault, status=422)
    secret = request.match_info["secret"]
    now = context.runtime.clock()
    hashed = await sessions.hashed(context, password) if use is EntryUse.PASSWORD else ""
    job = partial(console_users.use_link, secret=secret, use=use, password=hashed, now=now)
    if await context.runtime.write(job) is None:  # another request was first
        raise _link_is_dead()
    entered = await sessions.log_in(context, user.address, "/")
    if entered is None:  # the user was removed
        raise _link_is_dead()
    log.console_login(user.address)
    return entered


async def _link(request: web.Request) -> tuple[ConsoleUser, EntryUse]:
    runtime = request.app[CONSOLE].runtime
    secret = request.match_info["secret"]
    query = partial(console_users.link_of, secret=secret, now=runtime.clock())
    found = await runtime.read(query)
    if found is None:
        raise _link_is_dead()
    return found


def _link_is_dead() -> Refused:
    return Refused(
        404,
        "This link was used already, or has ended. Please ask the person who manages the console "
        "for a new one: postern console invite ADDRESS",
    )


def _enter_page(
    request: web.Request, user: ConsoleUser, use: EntryUse, fault: str = "", status: int = 200
) -> web.Response:
    language = language_for(request, own=user.language)
    values = {"owner": user, "use": use.value, "fault": fault, "shortest": SHORTEST_PASSWORD}
    return page(request, "enter.html", language, status, **values)


def fault_of(password: str, again: str) -> str:
    """What is wrong with a chosen password, as the key of a text; empty if nothing is."""
    if len(password) < SHORTEST_PASSWORD:
        return "short"
    if len(password) > LONGEST_PASSWORD:
        return "long"
    return "" if password == again else "differs"


def _check_origin(request: web.Request) -> None:
    """No session has a token yet that a form could carry."""
    if sessions.is_of_another_site(request):
        raise Refused(403, "This form was sent by another site. Please open the console yourself.")


def _local(path: str) -> str:
    """Where to go after the login: a page of the console, never another site."""
    plain = path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path[:LONGEST_PATH] if plain and path.isprintable() else "/"
