"""Runs the servers: opens the services and the sockets, and closes them in order."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from dataclasses import replace
from pathlib import Path
from typing import Any

from gateway import descriptors, log, permissions
from gateway.accepting import ListeningSockets
from gateway.certificate import Certificate
from gateway.config.model import Config
from gateway.outgoing.preview import Previews
from gateway.services import Services, open_services
from gateway.shares import Networks
from gateway.smtp.limits import ConnectionPool
from gateway.smtp.listener import Listener
from gateway.smtp.listeners import SmtpHooks, listen_tcp, listen_unix
from gateway.web import app
from gateway.web.compiled_pages import compile_pages
from gateway.web.connection import HttpLimits, HttpPool, listening
from gateway.web.console.identity_provider import IdentityProvider
from gateway.web.pages.signup import SignUp
from storage.registry import mailboxes

PROXY_TIMEOUT_S = 5.0

_COLLECTED_AFTER = 20_000, 20, 50
"""Allocations before a garbage collection, and collections before one of the next generation. A
mail's values are freed by their counts; Python's default of 700 would search them several times."""

_LOCK_S = 0.0005
"""How long a thread that writes notices may keep the interpreter's lock from the event loop, which
gives it up at each statement of a mail. By Python's default it would wait 5 ms each time."""


async def serve(
    config: Config,
    stop: asyncio.Event,
    ready: Callable[[], None],
    share_ports: bool = False,
    reload: asyncio.Event | None = None,
) -> None:
    """Serve until `stop` is set; mails that are being received then are finished first.

    `ready` is called once all sockets are open. With `share_ports` several processes serve the
    same ports. Certificate and policies are read again whenever `reload` is set.
    """
    descriptors.ensure(config)
    async with open_services(config) as services, AsyncExitStack() as stack:
        permissions.check(config)
        await services.check_tickets()
        if not await services.runtime.read(mailboxes.list_mailboxes):
            log.no_mailbox()
        runtime, connections = services.runtime, services.connections
        hooks = SmtpHooks(runtime.mailbox_cache.serves, services.ingest.take)
        certificate = Certificate(config.tls) if config.tls is not None else None
        servers = _listen(config, connections, hooks, share_ports, certificate)
        http = [
            (name, await stack.enter_async_context(listening))
            for name, listening in _http(config, services, share_ports)
        ]
        sending = asyncio.create_task(services.dispatcher.run())
        timed = asyncio.create_task(services.scheduler.run())
        reloading = asyncio.create_task(_reload(reload or asyncio.Event(), services, certificate))
        for task in (sending, timed, reloading):
            stack.push_async_callback(_cancel, task)
        addresses = {
            name: _address_text(server.sockets[0].getsockname())
            for name, server in (*servers.items(), *http)
        }
        log.started(**addresses)
        # Objects that live as long as the program need no further garbage collection: a full one
        # over them holds the loop for about 100 ms.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_COLLECTED_AFTER)
        sys.setswitchinterval(_LOCK_S)
        ready()
        compiling = asyncio.create_task(compile_pages(), name="compile_pages")
        stack.push_async_callback(_cancel, compiling)
        await stop.wait()
        log.stopping()
        clock = asyncio.get_running_loop().time
        until = clock() + config.limits.grace_s
        services.dispatcher.stop()
        for server in servers.values():
            server.close()
        await connections.drain(config.limits.grace_s)
        await asyncio.wait([sending], timeout=max(0.0, until - clock()))
    log.stopped()


def _http(
    config: Config, services: Services, share_ports: bool
) -> Iterator[tuple[str, AbstractAsyncContextManager[ListeningSockets]]]:
    """The sockets for HTTP, by their names in the log: pages for everybody, and the API."""
    together = config.http.listen == config.http.admin
    sign_up = SignUp(runtime=services.runtime)
    yield "http", _http_listener(config, services, sign_up, share_ports, pages=True, api=together)
    if not together:
        yield "admin", _http_listener(config, services, sign_up, share_ports, pages=False, api=True)


@asynccontextmanager
async def _http_listener(
    config: Config,
    services: Services,
    sign_up: SignUp,
    share_ports: bool,
    *,
    pages: bool,
    api: bool,
) -> AsyncIterator[ListeningSockets]:
    application = app.application(
        runtime=services.runtime,
        ingest=services.ingest,
        connections=services.connections,
        sign_up=sign_up,
        pages=pages,
        api=api,
        proxies=config.http.proxies,
        listed=_listed(config),
        console_begins=config.http.console_begins,
        viewers=config.http.connections // 2,
        identity_provider=_identity_provider(config) if api else None,
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
    setting, address = (
        ("http.listen", config.http.listen) if pages else ("http.admin_listen", config.http.admin)
    )
    async with AsyncExitStack() as stack:
        with _names_setting(setting, address):
            accepting = await stack.enter_async_context(
                listening(application, pool, *_host_port(address), reuse_port=share_ports)
            )
        yield accepting


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


def _listen(
    config: Config,
    connections: ConnectionPool,
    hooks: SmtpHooks,
    share_ports: bool,
    certificate: Certificate | None,
) -> dict[str, ListeningSockets]:
    """The open sockets for mail, by their names in the log."""
    tls = certificate.context if certificate is not None else None
    listener = Listener(
        hostname=config.smtp.hostname,
        tls_context=tls,
        proxy_protocol_timeout_s=PROXY_TIMEOUT_S if config.smtp.proxy_protocol else None,
        lenient_peers=config.smtp.lenient_peers,
        relay_peers=_listed(config),
        balancers=config.smtp.balancers,
        strangers=config.smtp.strangers,
    )
    host, port = _host_port(config.smtp.listen)
    with _names_setting("smtp.listen", config.smtp.listen):
        servers = {
            "smtp": listen_tcp(hooks, connections, listener, host, port, reuse_port=share_ports)
        }
    if config.smtp.tls_listen is not None:
        host, port = _host_port(config.smtp.tls_listen)
        with _names_setting("smtp.tls_listen", config.smtp.tls_listen):
            servers["smtps"] = listen_tcp(
                hooks, connections, listener, host, port, reuse_port=share_ports, tls_from_start=tls
            )
    if config.lmtp is not None:
        local = replace(
            listener,
            lmtp=True,
            proxy_protocol_timeout_s=None,
            strangers=config.lmtp.strangers,
        )
        with _names_setting("lmtp.listen", config.lmtp.listen):
            if config.lmtp.listen.startswith("unix:"):
                path = Path(config.lmtp.listen.removeprefix("unix:"))
                servers["lmtp"] = listen_unix(hooks, connections, local, path)
            else:
                host, port = _host_port(config.lmtp.listen)
                servers["lmtp"] = listen_tcp(
                    hooks, connections, local, host, port, reuse_port=share_ports
                )
    return servers


def _listed(config: Config) -> Networks:
    """The clients that bring the mail of many: they have the reserve, and no rates."""
    relays = tuple(each.peer for each in config.trust.relays)
    return config.trust.peers + relays + config.smtp.lenient_peers


@contextmanager
def _names_setting(setting: str, value: str) -> Iterator[None]:
    """Names the setting in an OSError: the system does not."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, f"{setting} {value!r}: {error.strerror or error}") from error


def _address_text(address: tuple[Any, ...] | str) -> str:
    """The address of a socket, with its actual port (port 0 requests a free one)."""
    if isinstance(address, str):
        return f"unix:{address}"
    return f"{address[0]}:{address[1]}"


def _host_port(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)
