"""Logging in: by password, or by a link that works once."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from gateway import log
from gateway.web.console import sessions
from gateway.web.console.context import (
    CONSOLE,
    PREFIX,
    ConsoleContext,
    Refused,
    page,
)
from gateway.web.console.cookies import Cookie
from gateway.web.console.sessions import LONGEST_PASSWORD, SHORTEST_PASSWORD
from gateway.web.pages.forms import client_of_request, read_form
from gateway.web.pages.render import language_for
from rules.mail.addresses import normalise
from rules.service.console_roles import EntryUse
from storage.notices import console_logins
from storage.notices.console_logins import Change
from storage.registry import console_networks, console_users
from storage.registry.console_users import ConsoleUser

DOOR_FORM_BYTES = 16 * 1024
"""Fits the longest password twice, each character written as four times %XX."""
LONGEST_PATH = 500
LONGEST_ADDRESS = 500
"""Characters that are read of what was typed: a failed attempt is logged."""


async def ask(request: web.Request) -> web.Response:
    """The form for address and password, and the way to the identity provider."""
    if await sessions.visit_of(request) is not None:
        return web.Response(status=303, headers={"Location": f"{PREFIX}/"})
    return login_page(request, to=local(request.query.get("to", "")))


async def log_in(request: web.Request) -> web.Response:
    context = request.app[CONSOLE]
    form = await read_form(request, DOOR_FORM_BYTES)
    sessions.check_door(request, form.get("csrf", ""))
    check_takes_passwords(context)
    typed, to = form.get("address", "").strip()[:LONGEST_ADDRESS], local(form.get("to", ""))
    address = normalise(typed) or ""
    await _check_attempts(request, address)
    verified = await sessions.is_password(context, address, form.get("password", ""))
    # The password may have been changed while this one was compared.
    entered = await sessions.log_in(request, address, to, verified) if verified else None
    if entered is None:
        log.console_login_failed(address or typed)
        text = "The address or the password is wrong."
        return login_page(request, to=to, address=typed, error=text, status=401)
    log.console_login(address, "password")
    return entered


def check_takes_passwords(context: ConsoleContext) -> None:
    """Raises Refused where users log in with the identity provider alone."""
    if context.provider is not None and not context.takes_passwords:
        name = context.provider.name
        raise Refused(403, "Here you log in with {name}, not with a password.", name=name)


async def _check_attempts(request: web.Request, address: str) -> None:
    """Raises Refused for more passwords than may be tried."""
    context, client = request.app[CONSOLE], client_of_request(request)
    text = "Too many attempts to log in. Please wait a minute and try again."
    if not context.attempts.of_client(client):
        raise Refused(429, text)
    network, now = sessions.network_of_request(request), context.runtime.clock()
    is_known = await context.runtime.read(
        partial(console_networks.is_known, address=address, network=network, now=now)
    )
    if not context.attempts.of_address(address, network, is_known=is_known):
        log.console_login_delayed(address, network)
        raise Refused(429, text)


def login_page(
    request: web.Request,
    to: str,
    address: str = "",
    *,
    error: str = "",
    status: int = 200,
    **values: object,
) -> web.Response:
    """The page of the login; `error` is a text in English, with its values."""
    context = request.app[CONSOLE]
    bound = {
        "to": to,
        "address": address,
        "error": error,
        "values": values,
        "provider": context.provider.name if context.provider is not None else "",
        "by_password": context.takes_passwords,
    }
    return _door_page(request, "login.html", language_for(request), status, **bound)


def _door_page(
    request: web.Request, template: str, language: str, status: int, **values: object
) -> web.Response:
    """A page for a browser that is not logged in, with the token of its form."""
    door = sessions.door_of(request)
    response = page(request, template, language, status, csrf=sessions.form_token(door), **values)
    request.app[CONSOLE].cookies.keep(response, Cookie.DOOR, door)
    return response


async def enter(request: web.Request) -> web.Response:
    """The page behind a link; it changes nothing, since programs follow links as well."""
    user, use = await _link(request)
    return _enter_page(request, user, use)


async def use_link(request: web.Request) -> web.Response:
    context = request.app[CONSOLE]
    form = await read_form(request, DOOR_FORM_BYTES)
    sessions.check_door(request, form.get("csrf", ""))
    user, use = await _link(request)
    password = form.get("password", "")
    chooses = _chooses_password(request, use)
    if chooses and (fault := fault_of(password, form.get("again", ""))):
        return _enter_page(request, user, use, fault=fault, status=422)
    hashed = await sessions.hashed(context, password) if chooses else ""
    network, runtime = sessions.network_of_request(request), context.runtime
    used = await runtime.write(
        partial(
            console_logins.use_link,
            secret=request.match_info["secret"],
            use=use,
            change=Change(runtime.new_id(), runtime.clock(), network),
            password=hashed,
        )
    )
    if used is None:  # another request was first
        raise _link_is_dead()
    if hashed:
        report_new_login(request, user.address, "password", is_notified=used[1])
    entered = await sessions.log_in(request, user.address, "/")
    if entered is None:  # the user was removed
        raise _link_is_dead()
    log.console_login(user.address, "link")
    return entered


def report_new_login(request: web.Request, address: str, change: str, *, is_notified: bool) -> None:
    """Log a new way to log in, and have the mail about it sent."""
    log.console_user_changed(address, change, address)
    if is_notified:
        request.app[CONSOLE].runtime.wake()
    else:
        log.console_user_not_notified(address, change)


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
        "for a new one, under Users.",
    )


def _chooses_password(request: web.Request, use: EntryUse) -> bool:
    """Whether a password is chosen with a link: not where none would be of any use."""
    return use is EntryUse.PASSWORD and request.app[CONSOLE].takes_passwords


def _enter_page(
    request: web.Request, user: ConsoleUser, use: EntryUse, fault: str = "", status: int = 200
) -> web.Response:
    values = {
        "owner": user,
        "chooses": _chooses_password(request, use),
        "fault": fault,
        "shortest": SHORTEST_PASSWORD,
    }
    language = language_for(request, own=user.language)
    return _door_page(request, "enter.html", language, status, **values)


def fault_of(password: str, again: str) -> str:
    """What is wrong with a chosen password, as the key of a text; empty if nothing is."""
    if len(password) < SHORTEST_PASSWORD:
        return "short"
    if len(password) > LONGEST_PASSWORD:
        return "long"
    return "" if password == again else "differs"


def local(path: str) -> str:
    """Where to go after the login: a page of the console, never another site."""
    plain = path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path[:LONGEST_PATH] if plain and path.isprintable() else "/"
