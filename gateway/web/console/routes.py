"""The pages of the console, and the right that each requires."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import quote

import aiohttp_jinja2
from aiohttp import web

from gateway import log
from gateway.parsing.turns import Overloaded
from gateway.web.console import (
    companies,
    figures,
    held,
    journal,
    login,
    mailboxes,
    mails,
    openid_login,
    outbox,
    people,
    policies,
    proposed,
    queues,
    sessions,
    ticket,
    ticket_changes,
    tickets,
    trial,
    users,
    waiting,
    words,
)
from gateway.web.console.context import (
    CONSOLE,
    HEADERS,
    PREFIX,
    ConsoleContext,
    Refused,
    Visit,
    page,
)
from gateway.web.console.identity_provider import CALLBACK_PATH
from gateway.web.console.posted import posted
from gateway.web.messages import CATALOGUES
from gateway.web.page_templates import page_templates
from gateway.web.pages.render import PATIENCE_S, STYLE_FRESH_S, Problem, language_for
from gateway.web.readers import TooManyReaders
from gateway.web.style_sheets import style_sheet, with_colours
from rules.service.console_roles import ConsoleRight
from storage.db.database import store_down

Page = Callable[[Visit], Awaitable[web.StreamResponse]]
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LANGUAGE = web.RequestKey("language", str)
"""Of a request: that of the user who is logged in."""


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str
    right: ConsoleRight
    page: Page
    is_use: bool = True
    """A person asks for it, and not a page that is open: it prolongs their session."""
    takes_long: bool = False
    """So long that its user may lose the right meanwhile: they are asked for it again before they
    are shown what came out."""


ROUTES = (
    Route("GET", "/", ConsoleRight.READ, queues.home),
    Route("POST", "/logout", ConsoleRight.READ, sessions.log_out),
    Route("GET", "/held", ConsoleRight.READ, held.listing),
    Route("GET", "/held/{id}", ConsoleRight.READ, held.held_mail),
    Route("POST", "/held/{id}", ConsoleRight.HANDLE, held.decide),
    Route("GET", "/proposed", ConsoleRight.READ, proposed.listing),
    Route("POST", "/proposed", ConsoleRight.HANDLE, proposed.decide),
    Route("GET", "/waiting", ConsoleRight.READ, waiting.listing),
    Route("GET", "/journal", ConsoleRight.READ, journal.journal),
    Route("GET", "/journal/events", ConsoleRight.READ, journal.events, is_use=False),
    Route("GET", "/mails/{id}", ConsoleRight.READ, mails.mail),
    Route("GET", "/mails/{id}/html", ConsoleRight.READ, mails.html),
    Route("GET", "/mails/{id}/files/{part}", ConsoleRight.READ, mails.file),
    Route("GET", "/mails/{id}/raw", ConsoleRight.HANDLE, mails.raw_mail),
    Route("GET", "/outbox", ConsoleRight.READ, outbox.outbox),
    Route("POST", "/outbox", ConsoleRight.OPERATE, outbox.retry),
    Route("GET", "/outbox/{id}", ConsoleRight.READ, outbox.outgoing_mail),
    Route("GET", "/tickets", ConsoleRight.READ, tickets.tickets),
    Route("GET", "/tickets/{number}", ConsoleRight.READ, ticket.ticket),
    Route("POST", "/tickets/{number}", ConsoleRight.HANDLE, ticket_changes.change),
    Route("POST", "/tickets/{number}/deletion", ConsoleRight.OPERATE, ticket_changes.delete),
    Route("GET", "/tickets/{number}/files/{part}", ConsoleRight.READ, ticket.file),
    Route("GET", "/try", ConsoleRight.HANDLE, trial.form),
    Route("POST", "/try", ConsoleRight.HANDLE, trial.preview),
    Route("GET", "/policies", ConsoleRight.READ, policies.listing),
    Route("GET", "/policies/{name}", ConsoleRight.READ, policies.policy),
    Route("GET", "/policies/{name}/file", ConsoleRight.OPERATE, policies.file),
    Route("GET", "/people", ConsoleRight.READ, people.listing),
    Route("POST", "/people", ConsoleRight.OPERATE, people.register),
    Route("GET", "/people/{number}", ConsoleRight.READ, people.person),
    Route("POST", "/people/{number}", ConsoleRight.OPERATE, people.change_person),
    Route("GET", "/companies/{number}", ConsoleRight.READ, companies.company),
    Route("POST", "/companies/{number}", ConsoleRight.OPERATE, companies.change_company),
    Route("GET", "/me", ConsoleRight.READ, users.own_page),
    Route("POST", "/me", ConsoleRight.READ, users.change_own),
    Route("GET", "/users", ConsoleRight.ADMINISTER, users.listing),
    Route("POST", "/users", ConsoleRight.ADMINISTER, users.change_users),
    Route("GET", "/mailboxes", ConsoleRight.ADMINISTER, mailboxes.listing),
    Route("POST", "/mailboxes", ConsoleRight.ADMINISTER, mailboxes.add),
    Route("GET", "/figures", ConsoleRight.READ, figures.dashboard),
    Route("GET", "/backtest", ConsoleRight.OPERATE, policies.backtest_form),
    Route("POST", "/backtest", ConsoleRight.OPERATE, policies.run_backtest, takes_long=True),
)
"""Every page behind the login. A form is refused without the token of its session."""

_STATIC = {
    "console.css": "text/css",
    "desk.css": "text/css",
    "figures.css": "text/css",
    "mails.css": "text/css",
    "tickets.css": "text/css",
    "journal.js": "text/javascript",
}

TEMPLATES = page_templates("console")
"""Compiled once in a process, as the public pages are, and not by each application."""
TEMPLATES.filters["divisible"] = words.divisible
TEMPLATES.filters["with_tickets"] = partial(words.with_tickets, tickets=f"{PREFIX}/tickets")


def console(context: ConsoleContext) -> web.Application:
    """The application under `/console`."""
    app = web.Application(middlewares=[_pages_only])
    app[CONSOLE] = context
    app[aiohttp_jinja2.APP_KEY] = TEMPLATES
    app.on_shutdown.append(_end_streams)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, _guarded(route))
    app.router.add_get("/login", login.ask)
    app.router.add_post("/login", login.log_in)
    app.router.add_get("/openid", openid_login.begin)
    app.router.add_get(CALLBACK_PATH, openid_login.end)
    app.router.add_get("/enter/{secret}", login.enter)
    app.router.add_post("/enter/{secret}", login.use_link)
    app.router.add_get("/static/{name}", _static)
    return app


async def _end_streams(app: web.Application) -> None:
    await app[CONSOLE].feed.close()


def _guarded(route: Route) -> _Handler:
    """The page for users with the right; others are sent to the login, or refused."""

    async def answer(request: web.Request) -> web.StreamResponse:
        visit = await _permitted(request, route)
        if visit is None:
            return _to_login(request)
        if request.method != "POST":
            return await route.page(visit)
        async with posted(visit) as sent:
            # A body takes as long as its sender likes, ten minutes at most: who may not do this
            # any more does it no more.
            visit = await _permitted(request, route)
            if visit is None:
                return _to_login(request)
            ours = sessions.is_of(visit.secret, sent.form.get("csrf", ""))
            if not ours or sessions.is_of_another_site(request):
                text = "This form is not from your session. Please open the page again."
                raise Refused(403, text)
            response = await route.page(replace(visit, form=sent.form, files=sent.files))
        if route.takes_long and await _permitted(request, route) is None:
            return _to_login(request)
        return response

    return answer


def _to_login(request: web.Request) -> web.Response:
    if journal.asks_for_events(request):
        return journal.ended()
    to = quote(request.path_qs.removeprefix(PREFIX)) if request.method == "GET" else "/"
    return web.Response(status=303, headers={"Location": f"{PREFIX}/login?to={to}"})


async def _permitted(request: web.Request, route: Route) -> Visit | None:
    """The request of a user with the right for a page; None without a session. Raises Refused for a
    user without the right."""
    visit = await sessions.visit_of(request, is_use=route.is_use)
    if visit is None:
        return None
    request[LANGUAGE] = visit.language
    if not visit.may(route.right):
        raise Refused(
            403,
            "Your role, {role}, does not permit this. An administrator can give you another, "
            "under Users.",
            role=visit.say(visit.user.role.value),
        )
    return replace(visit, right=route.right)


@web.middleware
async def _pages_only(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Answers every error with a page, and gives each response the headers of the console."""
    response = await _answered(request, handler)
    if not response.prepared:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
    return response


async def _answered(request: web.Request, handler: _Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refused as refused:
        return _error_page(request, refused)
    except TooManyReaders:
        text = "Too many pages are being made. Please try again in a minute."
        return _error_page(request, Refused(503, text))
    except Overloaded:
        text = "Too many mails are being read. Please try again."
        return _error_page(request, Refused(503, text))
    except Problem as problem:  # of reading a form
        language = request.get(LANGUAGE) or language_for(request)
        text = CATALOGUES[language].page_errors[problem.error].text
        return _error_page(request, Refused(problem.status, text))
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as error:
        return _error_page(request, Refused(error.status, "There is no such page."))
    except ConnectionError:  # the client left
        raise
    except store_down() as error:
        log.page_failed(PREFIX, error)
        text = "The store does not respond. Please try again in a minute."
        if request.method == "POST":  # what had begun may still be committed
            text = (
                "The store does not respond, and it is not known whether this was done. Please "
                "look before you do it again."
            )
        return _error_page(request, Refused(503, text))
    except Exception as error:  # noqa: BLE001 - a bug of ours, reported without its text
        log.page_failed(PREFIX, error)
        text = "An error of ours; the log of the server says more."
        return _error_page(request, Refused(500, text))


def _error_page(request: web.Request, refused: Refused) -> web.Response:
    language = request.get(LANGUAGE) or language_for(request)
    values = {"english": refused.english, "values": refused.values}
    response = page(request, "error.html", language, refused.status, **values)
    if refused.status in (429, 503):
        response.headers["Retry-After"] = str(PATIENCE_S)
    return response


async def _static(request: web.Request) -> web.Response:
    """Style and scripts; they are not secret and may be cached for an hour."""
    name = request.match_info["name"]
    if name not in _STATIC:
        raise Refused(404, "There is no such page.")
    text = with_colours(name) if name == "console.css" else style_sheet(name)
    headers = {"Cache-Control": f"public, max-age={STYLE_FRESH_S}"}
    return web.Response(text=text, content_type=_STATIC[name], headers=headers)
