"""Joins the parts: the only place that knows all of them."""

from __future__ import annotations

import asyncio
import gc
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from gateway import log, policies
from gateway.authentication.authenticator import Authenticator, Trust
from gateway.authentication.dns import Resolver
from gateway.authentication.signing import read_key, signer
from gateway.clock import new_id, now
from gateway.config.model import Config, ConfigRefused, DnsSection, LimitsSection, TrustSection
from gateway.ingest import Ingest
from gateway.mailbox_cache import MailboxCache
from gateway.metrics import Metrics
from gateway.outgoing import relay, templates
from gateway.outgoing.dispatcher import Dispatcher
from gateway.parsing.parser import Parser
from gateway.policies import Policies
from gateway.scheduler import Scheduler
from gateway.smtp.connection import Listener
from gateway.smtp.limits import ConnectionPool, Limits
from gateway.smtp.listeners import SmtpHooks, listen_tcp, listen_unix
from gateway.web import app
from gateway.web.pages.signup import SignUp
from storage.db.database import Database
from storage.db.ledger import Ledger, open_ledger
from storage.registry import mailboxes

PROXY_TIMEOUT_S = 5.0
STEPS_S = 0.002
"""How long a group of the ledger's jobs holds the event loop at a time, the last job aside."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the servers and the command line work with."""

    config: Config
    database: Database
    ledger: Ledger
    mailbox_cache: MailboxCache
    policies: Policies
    ingest: Ingest
    dispatcher: Dispatcher
    scheduler: Scheduler
    metrics: Metrics
    wire: ConnectionPool


@asynccontextmanager
async def parts(config: Config) -> AsyncIterator[Parts]:
    """Every part, joined; closed in the right order at the end.

    Raises NotUpgraded or PolicyRefused where the store or a policy is not what it must be.
    """
    async with AsyncExitStack() as stack:
        known = policies.load(config.policies.folder)
        database = Database(config.store.url, config.store.connections)
        stack.callback(database.close)
        await asyncio.to_thread(database.check_version)
        for mailbox in await asyncio.to_thread(database.read, mailboxes.list_mailboxes):
            policies.named(known, mailbox.policy, f"mailbox {mailbox.address}")
        ledger = open_ledger(database, partial(_on_loop, asyncio.get_running_loop()))
        stack.push_async_callback(asyncio.to_thread, ledger.close)
        resolver = _resolver(config.dns)
        stack.push_async_callback(resolver.close)
        authenticator = Authenticator(
            resolver,
            _trust(config.trust),
            budget_s=config.dns.budget_s,
            max_lookups=config.dns.lookups,
        )
        stack.callback(authenticator.close)
        parser = Parser()
        stack.push_async_callback(parser.close)
        wire = ConnectionPool(_limits(config.limits))
        metrics = Metrics(lambda: len(wire.connections))
        directory = MailboxCache(database, time.monotonic)
        dispatcher = Dispatcher(
            database,
            ledger,
            directory,
            known,
            relay.configured(config.relay),
            metrics,
            now,
            config.http.links_begin,
            templates.load(config.policies.templates),
            signer(read_key(each.domain, each.selector, each.key) for each in config.dkim),
            config.relay.connections,
        )
        ingest = Ingest(
            database,
            ledger,
            directory,
            known,
            parser,
            authenticator,
            metrics,
            now,
            new_id,
            dispatcher.wake,
            config.limits.refusal_s,
        )
        keeper = Scheduler(database, ledger, ingest, metrics, now)
        yield Parts(
            config, database, ledger, directory, known, ingest, dispatcher, keeper, metrics, wire
        )


async def serve(
    config: Config, stop: asyncio.Event, ready: Callable[[], None], share_ports: bool = False
) -> None:
    """Serve until `stop` is set; mails that are on their way in then are finished first.

    `ready` is called once all sockets are open. With `share_ports` several processes serve the
    same ones.
    """
    async with parts(config) as whole, AsyncExitStack() as stack:
        ingress = SmtpHooks(whole.mailbox_cache.serves, whole.ingest.take)
        servers = await _listen(config, whole.wire, ingress, share_ports)
        ring = whole.dispatcher.wake
        sign_up = SignUp(whole.ledger, whole.mailbox_cache, whole.policies, now, new_id, ring)
        runner = web.AppRunner(
            app.application(whole.ingest, whole.database, whole.metrics, whole.wire, sign_up),
            access_log=None,
        )
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        host, port = _host_port(config.http.listen)
        with _named("http.listen", config.http.listen):
            await web.TCPSite(runner, host, port, reuse_port=share_ports or None).start()
        for loop in (whole.dispatcher.run(), whole.scheduler.run()):
            stack.push_async_callback(_cancelled, asyncio.create_task(loop))
        bound = {name: _bound(server.sockets[0].getsockname()) for name, server in servers.items()}
        log.started(**bound, http=_bound(runner.addresses[0]))
        # What lives as long as the program need not be looked through again and again: a full
        # collection over it holds the loop for about 100 ms.
        gc.collect()
        gc.freeze()
        ready()
        await stop.wait()
        log.stopping()
        for server in servers.values():
            server.close()
        await whole.wire.drain(config.limits.grace_s)
    log.stopped()


def _on_loop(
    loop: asyncio.AbstractEventLoop,
    steps: Iterator[None],
    clock: Callable[[], float] = time.perf_counter,
) -> None:
    """Go through steps in the event loop's thread, from another one that waits for the end.

    Once they have taken `STEPS_S` the loop sees to everybody else before it goes on with them.
    """
    done: Future[None] = Future()

    def go_on() -> None:
        until = clock() + STEPS_S
        try:
            for _ in steps:
                if clock() >= until:
                    loop.call_soon(go_on)
                    return
            done.set_result(None)
        except BaseException as error:  # noqa: BLE001 - it belongs to the thread that waits
            done.set_exception(error)

    loop.call_soon_threadsafe(go_on)
    done.result()


async def _cancelled(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for its end, so that it never meets a part that is closed."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _listen(
    config: Config, wire: ConnectionPool, ingress: SmtpHooks, share_ports: bool
) -> dict[str, asyncio.Server]:
    """The open sockets for mail, each by the name that the log gives it."""
    tls = _tls(config)
    listener = Listener(
        hostname=config.smtp.hostname,
        tls_context=tls,
        proxy_protocol_timeout_s=PROXY_TIMEOUT_S if config.smtp.proxy_protocol else None,
        lenient_peers=config.smtp.lenient_peers,
        relay_peers=config.trust.peers,
        strangers=config.smtp.strangers,
    )
    host, port = _host_port(config.smtp.listen)
    with _named("smtp.listen", config.smtp.listen):
        servers = {
            "smtp": await listen_tcp(ingress, wire, listener, host, port, reuse_port=share_ports)
        }
    if config.smtp.tls_listen is not None:
        host, port = _host_port(config.smtp.tls_listen)
        with _named("smtp.tls_listen", config.smtp.tls_listen):
            servers["smtps"] = await listen_tcp(
                ingress, wire, listener, host, port, reuse_port=share_ports, tls_from_start=tls
            )
    if config.lmtp is not None:
        local = replace(
            listener,
            lmtp=True,
            proxy_protocol_timeout_s=None,
            strangers=config.lmtp.strangers,
        )
        with _named("lmtp.listen", config.lmtp.listen):
            if config.lmtp.listen.startswith("unix:"):
                path = Path(config.lmtp.listen.removeprefix("unix:"))
                servers["lmtp"] = await listen_unix(ingress, wire, local, path)
            else:
                host, port = _host_port(config.lmtp.listen)
                servers["lmtp"] = await listen_tcp(
                    ingress, wire, local, host, port, reuse_port=share_ports
                )
    return servers


@contextmanager
def _named(setting: str, value: str) -> Iterator[None]:
    """Says which setting cannot be had, where the system does not."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, f"{setting} {value!r}: {error.strerror or error}") from error


def _bound(address: tuple[Any, ...] | str) -> str:
    """The address of a socket, with the port that it really has (port 0 asks for a free one)."""
    if isinstance(address, str):
        return f"unix:{address}"
    return f"{address[0]}:{address[1]}"


def _limits(section: LimitsSection) -> Limits:
    return Limits(
        mail_size_bytes=section.mail_mib * 2**20,
        recipients=section.recipients,
        connections=section.connections,
        connections_per_peer=section.connections_per_peer,
        in_flight_bytes=section.in_flight_mib * 2**20,
        idle_s=section.idle_s,
    )


def _resolver(section: DnsSection) -> Resolver:
    servers = [str(server) for server in section.servers] or None
    return Resolver(servers, section.port, lifetime_s=section.budget_s)


def _trust(section: TrustSection) -> Trust:
    return Trust(
        peers=section.peers,
        relays=tuple((each.peer, each.authserv_id) for each in section.relays),
        sealers=section.sealers,
    )


def _tls(config: Config) -> ssl.SSLContext | None:
    if config.tls is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(config.tls.certificate, config.tls.key)
    except (ssl.SSLError, OSError) as error:
        pair = f"{config.tls.certificate} with {config.tls.key}"
        fault = f"{pair}: no certificate with its key, in PEM ({error})"
        raise ConfigRefused("tls", [fault]) from error
    return context


def _host_port(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)
