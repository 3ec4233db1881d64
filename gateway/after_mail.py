"""All that a server does besides taking mail: it sends, does what falls due, and serves HTTP.

It is loaded when mail is taken already (`gateway.loading`); until then HTTP clients wait in the
queue of their socket, the probe of readiness among them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

from gateway.certificate import Certificate
from gateway.config.model import Config
from gateway.mail_services import MailServices, listed
from gateway.outgoing.dispatcher import Dispatcher
from gateway.outgoing.preview import Previews
from gateway.services import Services, complete
from gateway.sockets import Bound
from gateway.web import app
from gateway.web.compiled_pages import compile_pages
from gateway.web.connection import HttpLimits, HttpPool, listening
from gateway.web.console.identity_provider import IdentityProvider
from gateway.web.pages.signup import SignUp


@dataclass(frozen=True, slots=True)
class Running:
    """What a stop has to end: the dispatcher with the task that it runs in, and HTTP."""

    dispatcher: Dispatcher
    sending: asyncio.Task[None]
    pools: tuple[HttpPool, ...]

    def stop(self, until: float) -> None:
        """Begin no further mail. Requests over HTTP that have not ended by then, by the loop's
        clock, are cut off at the end."""
        self.dispatcher.stop()
        for pool in self.pools:
            pool.ends_at = until

    async def ended(self, within_s: float) -> None:
        """Returns once the mails that had begun are sent, or this time has passed."""
        await asyncio.wait([self.sending], timeout=within_s)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was checked, and does nothing yet."""

    services: Services
    identity_provider: IdentityProvider | None


def prepare(config: Config, mail: MailServices) -> Prepared:
    """Everything else, ready to run. Raises InvalidFile for a template, a key or a secret of the
    configuration that cannot be used."""
    return Prepared(complete(mail), _identity_provider(config))


@asynccontextmanager
async def running(
    config: Config,
    prepared: Prepared,
    sockets: Bound,
    certificate: Certificate | None,
    reload: asyncio.Event,
) -> AsyncIterator[Running]:
    """Everything else runs until the end; requests in progress are then finished.

    Certificate and policies are read again whenever `reload` is set.
    """
    services = prepared.services
    async with AsyncExitStack() as stack:
        pools = []
        for server, pool in _http(config, prepared, sockets):
            await stack.enter_async_context(server)
            pools.append(pool)
        sending = asyncio.create_task(services.dispatcher.run())
        timed = asyncio.create_task(services.scheduler.run())
        reloading = asyncio.create_task(_reload(reload, services, certificate))
        compiling = asyncio.create_task(compile_pages(), name="compile_pages")
        for task in (sending, timed, reloading, compiling):
            stack.push_async_callback(_cancel, task)
        yield Running(services.dispatcher, sending, tuple(pools))


_HttpServer = tuple[AbstractAsyncContextManager[object], HttpPool]


def _http(config: Config, prepared: Prepared, sockets: Bound) -> Iterator[_HttpServer]:
    """The servers for HTTP: pages for everybody, and the API."""
    sign_up = SignUp(runtime=prepared.services.runtime)
    together = "admin" not in sockets
    yield _http_server(config, prepared, sign_up, sockets, pages=True, api=together)
    if not together:
        yield _http_server(config, prepared, sign_up, sockets, pages=False, api=True)


def _http_server(
    config: Config,
    prepared: Prepared,
    sign_up: SignUp,
    sockets: Bound,
    *,
    pages: bool,
    api: bool,
) -> _HttpServer:
    services = prepared.services
    application = app.application(
        runtime=services.runtime,
        ingest=services.ingest,
        connections=services.connections,
        sign_up=sign_up,
        pages=pages,
        api=api,
        proxies=config.http.proxies,
        listed=listed(config),
        console_begins=config.http.console_begins,
        viewers=config.http.connections // 2,
        identity_provider=prepared.identity_provider if api else None,
        previews=Previews(
            clock=services.runtime.clock,
            templates=services.dispatcher.templates,
            links_begin=config.http.links_begin,
        ),
        policy_folder=config.policies.folder,
    )
    limits = HttpLimits(
        connections=config.http.connections,
        connections_per_peer=config.http.connections_per_peer,
        requests_per_minute=config.http.requests_per_minute if pages else None,
    )
    pool = HttpPool(limits, config.http.proxies)
    services.runtime.metrics.watch("http_connections" if pages else "admin_connections", pool.slots)
    if pages:
        services.runtime.metrics.watch_rates(pool.delayed)
    return listening(application, pool, sockets["http" if pages else "admin"]), pool


def _identity_provider(config: Config) -> IdentityProvider | None:
    if config.openid is None:
        return None
    from gateway.web.console import openid  # noqa: PLC0415 - half a second that few need

    return openid.configured(config.openid, config.http.console_begins)


async def _reload(
    requested: asyncio.Event, services: Services, certificate: Certificate | None
) -> None:
    """Read certificate and policies again at each request, until cancelled."""
    while True:
        await requested.wait()
        requested.clear()
        if certificate is not None:
            await certificate.reload()
        await services.policy_reload.reload()


async def _cancel(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for its end, so that it never uses a closed service."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
