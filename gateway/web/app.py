"""The HTTP application: raw mails in, health and metrics out, with the pages and the ticket API."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from gateway import log
from gateway.ingest import Ingest
from gateway.metrics import CONTENT_TYPE
from gateway.outgoing.preview import Previews
from gateway.runtime import Runtime
from gateway.shares import Networks
from gateway.smtp.limits import ConnectionPool
from gateway.web.api import form_parts, routes
from gateway.web.api.access import CONTEXT, ApiContext
from gateway.web.api.auth import ApiError
from gateway.web.api.download import Downloads
from gateway.web.api.masked_texts import MaskedTexts
from gateway.web.api.pushed_mail import PUSHED_MAILS, PushedMails
from gateway.web.api.uploads import Uploads
from gateway.web.connection import SERVER
from gateway.web.console.context import PREFIX, ConsoleContext
from gateway.web.console.feed import JournalFeed
from gateway.web.console.identity_provider import IdentityProvider
from gateway.web.console.routes import console
from gateway.web.pages import file_links, folded, held, links, signup
from gateway.web.pages.file_links import FilePages
from gateway.web.pages.folded import FoldedPages
from gateway.web.pages.forms import PROXIES
from gateway.web.pages.held import HeldPages
from gateway.web.pages.links import LinkPages
from gateway.web.problems import problem
from gateway.web.readers import Readers
from rules import replies
from storage.db.database import store_down
from storage.db.ledger import Conflict
from storage.notices import claims

RUNTIME = web.AppKey("runtime", Runtime)
CONNECTIONS = web.AppKey("connections", ConnectionPool)
READS = ("GET", "HEAD")
"""Methods that change nothing."""
READY_S = 3.0
"""A store that takes longer than this is not ready."""
LONGEST_TYPE = 256
"""Characters of a Content-Type: the boundary of a form has 70 at most (RFC 2046 §5.1.1)."""


def application(
    *,
    runtime: Runtime,
    ingest: Ingest,
    connections: ConnectionPool,
    sign_up: signup.SignUp,
    pages: bool = True,
    api: bool = True,
    proxies: Networks = (),
    listed: Networks = (),
    console_begins: str = "",
    viewers: int = 100,
    identity_provider: IdentityProvider | None = None,
    previews: Previews | None = None,
    policy_folder: Path | None = None,
) -> web.Application:
    """The web application; it has no state besides its arguments.

    `pages` are for everybody; `api` is all else: the console, the API, metrics and readiness.
    `proxies` are believed about whose requests they bring; `listed` clients may push any number of
    mails. Links into the console begin with `console_begins`; where that is https, its cookies are
    for https only. Users log in there with accounts of the `identity_provider` too, and so many
    `viewers` may follow its journal at a time. Outgoing mail is shown as `previews` write it, and
    operators get the policy files, those of the `policy_folder` too.
    """
    form_parts.ignore_warnings()
    app = web.Application(
        client_max_size=connections.limits.mail_size_bytes, middlewares=[_not_kept, _plain_errors]
    )
    app[RUNTIME], app[CONNECTIONS] = runtime, connections
    app.add_routes([web.get("/", _index_of_everything if api else _index)])
    app[PROXIES] = proxies
    app.on_response_prepare.append(_named)
    limits = connections.limits
    downloads = Downloads(limits.in_flight_bytes, limits.mail_size_bytes)
    # Of the pages and the console, which mask alike; the API masks for each caller.
    masked_texts = MaskedTexts()
    if pages:
        file_pages = FilePages(runtime=runtime, downloads=downloads, masked_texts=masked_texts)
        file_links.add_routes(app, file_pages)
        signup.add_routes(app, sign_up)
        links.add_routes(app, LinkPages(runtime=runtime, masked_texts=masked_texts))
        held.add_routes(app, HeldPages(runtime=runtime, ingest=ingest, readers=Readers(runtime)))
        folded.add_routes(app, FoldedPages(runtime=runtime, masked_texts=masked_texts))
    if api:
        app.add_routes(
            [
                web.get("/healthz", _healthz),
                web.get("/readyz", _readyz),
                web.get("/metrics", _metrics),
            ]
        )
        app[PUSHED_MAILS] = PushedMails(ingest=ingest, connections=connections, listed=listed)
        runtime.metrics.watch("download_bytes", downloads.shares)
        uploads = Uploads(connections, ingest.parser)
        context = app[CONTEXT] = ApiContext(
            runtime=runtime,
            ingest=ingest,
            downloads=downloads,
            uploads=uploads,
            showing=Readers(runtime),
            viewing=Readers(runtime),
        )
        routes.add_routes(app)
        feed = JournalFeed(runtime.database, runtime.clock, viewers)
        desk = console(
            ConsoleContext(
                runtime=runtime,
                ingest=ingest,
                feed=feed,
                downloads=downloads,
                api=context,
                previews=previews or Previews(clock=runtime.clock),
                policy_folder=policy_folder,
                masked_texts=masked_texts,
                begins=console_begins,
                provider=identity_provider,
            )
        )
        desk[PROXIES] = proxies
        app.add_subapp(PREFIX, desk)
        app.router.add_get(PREFIX, _to_the_console)
    return app


async def _to_the_console(_: web.Request) -> web.Response:
    return web.Response(status=308, headers={"Location": f"{PREFIX}/"})


async def _named(_: web.Request, response: web.StreamResponse) -> None:
    """Else aiohttp states its version and that of Python."""
    response.headers["Server"] = SERVER


@web.middleware
async def _not_kept(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """No cache keeps an answer that does not say that it may: a portal has one token for all of its
    users, so that a cache in it would take them for one."""
    response = await handler(request)
    if not response.prepared:
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response


@web.middleware
async def _plain_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Errors as problems: what is wrong and what to do, never a foreign exception's text."""
    try:
        _check_encoding(request)
        _check_content_type(request)
        return await handler(request)
    except ApiError as refused:
        return problem(refused.status, refused.message)
    except Conflict as conflict:
        return problem(409, str(conflict))
    except web.HTTPRequestEntityTooLarge:
        return problem(413, str(replies.MAIL_TOO_BIG))
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        detail = f"expected one of the methods {allowed}"
        return problem(405, detail, {"Allow": allowed})
    except web.HTTPException as error:
        return problem(error.status, error.reason)
    except web.RequestPayloadError:
        return problem(400, "the body is not valid HTTP")
    except ConnectionError:  # the client left
        raise
    except store_down() as error:
        log.page_failed(_route_of(request), error)
        if request.method in READS:
            return problem(503, "the store does not respond, try again")
        # What had begun may still be committed.
        return problem(
            503,
            "the store does not respond, and it is not known whether this was done: look before "
            "you send it again, or send it with the same Idempotency-Key",
        )
    except Exception as error:  # noqa: BLE001 - a bug of ours, reported without its text
        log.page_failed(_route_of(request), error)
        return problem(500, "internal error; see the log")


def _check_encoding(request: web.Request) -> None:
    """Raises ApiError for a compressed body: a few hundred octets of one may be gigabytes."""
    for encoding in request.headers.getall("Content-Encoding", ()):
        if encoding.strip().lower() not in ("", "identity"):
            raise ApiError(415, "send the body without Content-Encoding: it must not be compressed")


def _check_content_type(request: web.Request) -> None:
    """Raises ApiError for a type with more parameters than any program sends: the library reads one
    of 8 KiB for a second, in the event loop."""
    if any(len(each) > LONGEST_TYPE for each in request.headers.getall("Content-Type", ())):
        raise ApiError(400, f"the Content-Type must have at most {LONGEST_TYPE} characters")


def _route_of(request: web.Request) -> str:
    """The pattern of the path: the path itself may contain a secret."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "?"


async def _index(_: web.Request) -> web.Response:
    return web.Response(
        text="The pages of a support desk: follow the link in our mail, or sign up at /signup.\n"
    )


async def _index_of_everything(_: web.Request) -> web.Response:
    return web.Response(
        text="Postern takes support mail and files it as tickets.\n\n"
        "POST /api/v1/mails   one raw mail, with a bearer token\n"
        "GET  /api/v1/tickets tickets, for portals and staff tools: see /api/v1/reference\n"
        "GET  /console/       for people: what waits, and held mail\n"
        "GET  /healthz        the process is running\n"
        "GET  /readyz         the store responds\n"
        "GET  /metrics        for Prometheus\n"
        "The pages for everybody, /signup and the links in our mails, are on http.listen.\n\n"
        "To view mails and tickets: postern tail, postern tickets, postern explain.\n"
    )


async def _healthz(_: web.Request) -> web.Response:
    return web.json_response({"status": "alive"})


async def _readyz(request: web.Request) -> web.Response:
    """503 while the store does not respond or the process shuts down: balancers go elsewhere.

    A row is written as well: a store that can be read may accept nothing.
    """
    if request.app[CONNECTIONS].draining:
        return problem(503, "shutting down")
    if not request.app[CONNECTIONS].has_disk(0):
        return problem(503, "too little disk space is free (store.free_mib): no mail is taken")
    runtime = request.app[RUNTIME]
    try:
        async with asyncio.timeout(READY_S):
            await runtime.read(runtime.database.require_version)
            await runtime.write(claims.probe)
    except Exception as error:  # noqa: BLE001 - whatever keeps the store from responding
        log.not_ready(error)
        return problem(503, "the store does not respond; see the log")
    return web.json_response({"status": "ready"})


async def _metrics(request: web.Request) -> web.Response:
    body = await asyncio.to_thread(request.app[RUNTIME].metrics.render)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})
