"""Builds and connects the services that take mail. `gateway.services` adds all others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from gateway import policies
from gateway.authentication.authenticator import Authenticator, Trust
from gateway.authentication.dns import Resolver
from gateway.clock import StoreClock, new_id
from gateway.config.model import Config
from gateway.config.sections import LimitsSection, TrustSection
from gateway.disk import DiskFloor
from gateway.ingest import Ingest
from gateway.mailbox_cache import MailboxCache
from gateway.metrics import Metrics
from gateway.parsing.html_views import HtmlViews
from gateway.parsing.mail_files import MailFiles
from gateway.parsing.parser import Parser
from gateway.policies import PolicyBook, SharedAddress
from gateway.runtime import Runtime
from gateway.shares import Networks
from gateway.smtp.limits import ConnectionPool, Limits
from gateway.smtp.rates import RateLimits
from storage.db.database import Database
from storage.db.ledger import Ledger, open_ledger
from storage.registry import mailboxes

STEPS_S = 0.002
"""How long a group of the ledger's jobs holds the event loop at a time, the last job aside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServices:
    """What takes mail, and what all other services are built of."""

    config: Config
    runtime: Runtime
    ingest: Ingest
    connections: ConnectionPool
    book: PolicyBook
    """The policies of the runtime, which a reload replaces."""
    follow_clock: Callable[[], Awaitable[None]]
    """Reads the clock of the database server again."""
    notice_queued: asyncio.Event

    async def check_tickets(self) -> None:
        """Raise PolicyRefused if by its policy a mailbox's ticket would be critical that is not."""
        check = partial(policies.check_all_tickets, self.runtime.policies)
        await asyncio.to_thread(self.runtime.database.read, check)

    async def shared_addresses(self) -> Sequence[SharedAddress]:
        """The addresses by which several mailboxes are known."""
        return await self.runtime.read(partial(policies.shared_addresses, self.runtime.policies))


@asynccontextmanager
async def open_mail_services(config: Config) -> AsyncIterator[MailServices]:
    """The services, connected; closed in reverse order at the end.

    Raises NotUpgraded if the store has another version, PolicyRefused for an invalid policy or an
    unknown one that a mailbox names.
    """
    async with AsyncExitStack() as stack:
        book = PolicyBook(policies.load(config.policies.folder))
        database = await _open_database(config, book, stack)
        ledger = _open_ledger(database, stack)
        resolver = _open_resolver(config, stack)
        authenticator = _open_authenticator(config, resolver, stack)
        relays = tuple(each.peer for each in config.trust.relays)
        disk = _disk(config, database)
        connections = ConnectionPool(_limits(config.limits), _rates(config.limits), disk.has_room)
        metrics = Metrics(lambda: len(connections.connections))
        parser = Parser(listed=(*config.trust.peers, *relays), on_moved=metrics.html_moved)
        stack.push_async_callback(parser.close)
        html_views = HtmlViews(counted=metrics.html_shown)
        stack.push_async_callback(html_views.close)
        mail_files = MailFiles(counted=metrics.files_taken)
        stack.push_async_callback(mail_files.close)
        metrics.watch("smtp_connections", connections.slots)
        metrics.watch("in_flight_bytes", connections.in_flight)
        metrics.watch_rates(connections.rates.refused)
        metrics.watch_balancers(lambda: connections.not_balancers)
        metrics.watch_disk(disk.free_bytes)
        metrics.watch("mails_to_parse", parser.turns.queue)
        metrics.watch("files_to_take", mail_files.turns.queue)
        metrics.watch("dns_lookups", resolver.shares.clients)
        metrics.watch("dns_lookups_reserved", resolver.shares.reserved)
        notice_queued = asyncio.Event()
        clock = StoreClock()
        runtime = Runtime(
            database=database,
            ledger=ledger,
            mailbox_cache=MailboxCache(database, time.monotonic),
            policies=book,
            metrics=metrics,
            clock=clock,
            new_id=new_id,
            wake=notice_queued.set,
            html_views=html_views,
            mail_files=mail_files,
        )
        follow_clock = partial(clock.follow, partial(runtime.read, database.server_time))
        await follow_clock()
        metrics.policies_loaded(clock())
        ingest = Ingest(
            runtime=runtime,
            parser=parser,
            authenticator=authenticator,
            refusal_s=config.limits.refusal_s,
        )
        yield MailServices(
            config=config,
            runtime=runtime,
            ingest=ingest,
            connections=connections,
            book=book,
            follow_clock=follow_clock,
            notice_queued=notice_queued,
        )


def listed(config: Config) -> Networks:
    """The clients that bring the mail of many: they have the reserve, and no rates."""
    relays = tuple(each.peer for each in config.trust.relays)
    return config.trust.peers + relays + config.smtp.lenient_peers


async def _open_database(
    config: Config, loaded: policies.Policies, stack: AsyncExitStack
) -> Database:
    """The store, which must have our version; every mailbox in it must name a loaded policy."""
    database = Database(config.store.url, config.store.connections)
    stack.callback(database.close)
    await asyncio.to_thread(database.check_version)
    for mailbox in await asyncio.to_thread(database.read, mailboxes.list_mailboxes):
        policies.of_mailbox(loaded, mailbox)
    return database


def _open_ledger(database: Database, stack: AsyncExitStack) -> Ledger:
    ledger = open_ledger(database, partial(_run_on_loop, asyncio.get_running_loop()))
    stack.push_async_callback(asyncio.to_thread, ledger.close)
    return ledger


def _open_resolver(config: Config, stack: AsyncExitStack) -> Resolver:
    servers = [str(server) for server in config.dns.servers] or None
    resolver = Resolver(servers, config.dns.port, lifetime_s=config.dns.budget_s)
    stack.push_async_callback(resolver.close)
    return resolver


def _open_authenticator(config: Config, resolver: Resolver, stack: AsyncExitStack) -> Authenticator:
    authenticator = Authenticator(
        resolver,
        _trust(config.trust),
        budget_s=config.dns.budget_s,
        max_lookups=config.dns.lookups,
    )
    stack.callback(authenticator.close)
    return authenticator


def _run_on_loop(
    loop: asyncio.AbstractEventLoop,
    steps: Iterator[None],
    clock: Callable[[], float] = time.perf_counter,
) -> None:
    """Run steps in the event loop's thread; the calling thread, another one, waits for the end.

    After each `STEPS_S` of them the loop serves its other tasks before it continues.
    """
    done: Future[None] = Future()

    def run_some() -> None:
        until = clock() + STEPS_S
        try:
            for _ in steps:
                if clock() >= until:
                    loop.call_soon(run_some)
                    return
            done.set_result(None)
        except BaseException as error:  # noqa: BLE001 - raised in the thread that waits
            done.set_exception(error)

    loop.call_soon_threadsafe(run_some)
    done.result()


def _disk(config: Config, database: Database) -> DiskFloor:
    """Where mail is written on this machine; a PostgreSQL server's disk is its own to watch."""
    folders = [database.lock_file.parent] if database.lock_file is not None else []
    if config.relay.url is None:
        folders.append(config.relay.maildir)
    return DiskFloor(folders, config.store.free_mib * 2**20, time.monotonic)


def _limits(section: LimitsSection) -> Limits:
    return Limits(
        mail_size_bytes=section.mail_mib * 2**20,
        recipients=section.recipients,
        connections=section.connections,
        connections_per_peer=section.connections_per_peer,
        connections_per_network=section.connections_per_network,
        in_flight_bytes=section.in_flight_mib * 2**20,
        idle_s=section.idle_s,
    )


def _rates(section: LimitsSection) -> RateLimits:
    return RateLimits(
        connections=section.connections_per_minute,
        mails=section.mails_per_minute,
        recipients=section.recipients_per_minute,
        unknown_recipients=section.unknown_recipients_per_minute,
    )


def _trust(section: TrustSection) -> Trust:
    return Trust(
        peers=section.peers,
        relays=tuple((each.peer, each.authserv_id) for each in section.relays),
        sealers=section.sealers,
        forwarders=section.forwarders,
    )
