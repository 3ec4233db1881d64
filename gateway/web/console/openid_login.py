"""Logging in with the account of an identity provider, by the authorization code flow of OpenID
Connect."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from urllib.parse import quote, unquote

from aiohttp import web

from gateway import log
from gateway.web.console import sessions
from gateway.web.console.context import CONSOLE, Refused
from gateway.web.console.cookies import Cookie
from gateway.web.console.identity_provider import BegunLogin, IdentityProvider, NoAnswer, NotValid
from gateway.web.console.login import local, login_page, report_new_login
from gateway.web.pages.forms import client_of_request
from rules.service.console_identities import Account, LoginRefusal, account_of
from storage.notices import console_logins
from storage.notices.console_logins import Change, LoggedIn

LASTS_S = 600
"""A login that was begun can be ended for so long."""
LONGEST_DETAIL = 300
"""Characters in the log of what somebody may have made up."""
SECRET_LENGTH = len(sessions.new_secret())

_MAY_NOT = (
    "Your account at {name} does not open this console. Please ask the person who manages it; the "
    "log of the server says why."
)
"""One text for several reasons: else it would say whether an address is known here."""
_TEXTS: Mapping[LoginRefusal, tuple[int, str]] = MappingProxyType(
    {
        LoginRefusal.NOT_THIS_BROWSER: (
            403,
            "This login was not begun in this browser, or has ended. Please begin again.",
        ),
        LoginRefusal.DECLINED: (403, "{name} did not log you in. Please try again."),
        LoginRefusal.NO_ANSWER: (503, "{name} cannot be reached. Please try again in a minute."),
        LoginRefusal.NOT_VALID: (502, "The answer of {name} proves nothing. Please try again."),
        LoginRefusal.NOT_VERIFIED: (
            403,
            "{name} has not verified the email address of your account. Please do so there first.",
        ),
        LoginRefusal.OTHER_DOMAIN: (403, _MAY_NOT),
        LoginRefusal.WITHOUT_CLAIM: (403, _MAY_NOT),
        LoginRefusal.UNKNOWN: (403, _MAY_NOT),
        LoginRefusal.ANOTHER_ACCOUNT: (403, _MAY_NOT),
    }
)
KEYS = tuple(text for _, text in _TEXTS.values())


class _Ended(Exception):
    """The login is refused; what the log adds to the reason."""

    def __init__(self, why: LoginRefusal, detail: str = "", account: Account | None = None) -> None:
        super().__init__(why.value)
        self.why = why
        self.detail = detail
        self.account = account


async def begin(request: web.Request) -> web.Response:
    """To the page of the provider."""
    provider = _provider(request)
    to = local(request.query.get("to", ""))
    secret = sessions.new_secret()
    try:
        where = await provider.login_url(BegunLogin(secret))
    except NoAnswer as error:
        return _refused(request, to, _Ended(LoginRefusal.NO_ANSWER, str(error)))
    response = web.Response(status=303, headers={"Location": where})
    value = secret + quote(to, safe="")
    request.app[CONSOLE].cookies.keep(response, Cookie.OPENID, value, max_age=LASTS_S)
    return response


async def end(request: web.Request) -> web.Response:
    """The answer of the provider, which the browser brings: the user is logged in, or reads why
    not. Either ends what this browser has begun."""
    context = request.app[CONSOLE]
    begun = context.cookies.read(request, Cookie.OPENID)
    secret, to = begun[:SECRET_LENGTH], local(unquote(begun[SECRET_LENGTH:]))
    if not context.attempts.of_client(client_of_request(request)):
        raise Refused(429, "Too many attempts to log in. Please wait a minute and try again.")
    try:
        response = await _logged_in(request, secret, to)
    except _Ended as ended:
        response = _refused(request, to, ended)
    context.cookies.forget(response, Cookie.OPENID)
    return response


async def _logged_in(request: web.Request, secret: str, to: str) -> web.Response:
    context, provider, begun_login = request.app[CONSOLE], _provider(request), BegunLogin(secret)
    state = request.query.get("state", "")
    if not secret or not hmac.compare_digest(begun_login.state.encode(), state.encode()):
        raise _Ended(LoginRefusal.NOT_THIS_BROWSER)
    # An answer of another provider, brought here (RFC 9207).
    if request.query.get("iss", provider.issuer) != provider.issuer:
        raise _Ended(LoginRefusal.NOT_VALID, "the answer names another issuer")
    code = request.query.get("code", "")
    if not code:
        raise _Ended(LoginRefusal.DECLINED, request.query.get("error", "there is no code"))
    runtime = context.runtime
    try:
        claims = await provider.claims_of(code, begun_login, runtime.clock())
    except NoAnswer as error:
        raise _Ended(LoginRefusal.NO_ANSWER, str(error)) from error
    except NotValid as error:
        raise _Ended(LoginRefusal.NOT_VALID, str(error)) from error
    account = account_of(claims, provider.demands)
    if isinstance(account, LoginRefusal):
        raise _Ended(account, str(claims.get("sub", "")))
    session = sessions.new_secret()
    change = Change(runtime.new_id(), runtime.clock(), sessions.network_of_request(request))
    logged_in = await runtime.write(
        partial(console_logins.log_in, account=account, secret=session, change=change)
    )
    match logged_in:
        case LoggedIn():
            if logged_in.is_new:
                report_new_login(
                    request,
                    logged_in.address,
                    f"linked to {account.subject} of {account.issuer}",
                    is_notified=logged_in.is_notified,
                )
            log.console_login(logged_in.address, "openid")
            return sessions.entered(context, session, to)
        case why:
            raise _Ended(why, account=account)


def _refused(request: web.Request, to: str, ended: _Ended) -> web.Response:
    provider, account = _provider(request), ended.account
    log.console_openid_refused(
        ended.why.value,
        provider.issuer,
        detail=ended.detail[:LONGEST_DETAIL],
        address=account.address if account is not None else "",
        subject=account.subject if account is not None else "",
    )
    status, text = _TEXTS[ended.why]
    return login_page(request, to=to, error=text, status=status, name=provider.name)


def _provider(request: web.Request) -> IdentityProvider:
    provider = request.app[CONSOLE].provider
    if provider is None:
        raise Refused(404, "There is no such page.")
    return provider
