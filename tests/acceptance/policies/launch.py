"""Starts servers under one policy.

`running_policy_server` is the real `postern serve`. `running_clocked_server` runs the same services
in this process, with real ports and a clock that the test sets, to test what happens days later.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from gateway import clock as gateway_clock
from gateway import policies as gateway_policies
from gateway.accepting import bind_tcp
from gateway.cli.server import ensure_key
from gateway.config.model import load
from gateway.scheduler import Scheduler
from gateway.services import open_services
from gateway.smtp.listener import Listener
from gateway.smtp.listeners import SmtpHooks, accept
from gateway.sockets import MAIL_BACKLOG
from gateway.web.app import application
from gateway.web.pages.signup import SignUp
from rules.people import Role
from storage.db.database import Connection, Database
from storage.db.ledger import Ledger, open_ledger
from storage.registry.api_tokens import add_api_token
from storage.registry.mailboxes import add_mailbox
from storage.registry.people import NewPerson, add_person
from storage.ticket import overdue
from tests.acceptance.policies.policy_server import (
    LONG_AGO,
    SAM,
    SUPPORT,
    TOKENS,
    PolicyServer,
    the_mailbox,
)
from tests.acceptance.support_server import TIMEOUT_S
from tests.running import serving, write_config


@dataclass
class SettableClock:
    """A clock that changes only when it is set."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class ClockedPolicyServer(PolicyServer):
    """A server in this process whose clock and scheduler the test controls."""

    clock: SettableClock = field(default_factory=lambda: SettableClock(LONG_AGO))
    notify_overdue: Callable[[], int] = lambda: 0
    """Run the scheduler's check of due times; the number of notices that it queued."""
    wake: Callable[[], None] = lambda: None
    """Have the sender look for notices that are due."""
    release_enrolled: Callable[[], int] = lambda: 0
    """Run the scheduler's check of the quarantine; the number of mails that it filed."""
    wake_snoozed: Callable[[], int] = lambda: 0
    """Run the scheduler's check of snoozed tickets; the number of notices that it queued."""

    def notify_overdue_and_send_at(self, later: datetime) -> None:
        """The same check, with the sender idle until later: no notice is sent before."""
        policies = gateway_policies.load(None)

        def order(connection: Connection) -> None:
            due = overdue.due(connection, self.clock(), 10)
            overdue.notify_overdue(connection, due, policies, self.clock(), gateway_clock.new_id)
            self.clock.now = later.astimezone(UTC)

        self.write(order)
        self.wake()

    def set_clock(self, now: datetime) -> None:
        """Set the time, once no notice is due: if the clock goes back, it would stay unsent."""
        self.wait_until_sent()
        self.clock.now = now.astimezone(UTC)

    def now(self) -> datetime:
        return self.clock.now


def _prepare(connection: Connection, policy: str) -> None:
    ensure_key(connection)
    add_mailbox(connection, SUPPORT, policy)
    add_person(connection, the_mailbox(connection), NewPerson(SAM, "Sam", Role.STAFF, None))
    for scope, token in TOKENS.items():
        add_api_token(connection, token, scope, scope, gateway_clock.now())


@contextmanager
def _prepared(
    policy: str, folder: Path, store_url: str, extra: str
) -> Iterator[tuple[Path, Database, Ledger]]:
    """The configuration and the prepared store of a server that is not started yet."""
    config = write_config(folder, store_url, extra)
    database = Database(store_url, connections=2)
    ledger = open_ledger(database)
    try:
        ledger.submit(partial(_prepare, policy=policy)).result()
        yield config, database, ledger
    finally:
        ledger.close()
        database.close()


@contextmanager
def running_policy_server(
    policy: str, folder: Path, store_url: str, extra: str = ""
) -> Iterator[PolicyServer]:
    """Run `postern serve` under a policy."""
    with (
        _prepared(policy, folder, store_url, extra) as (config, database, ledger),
        serving(config) as running,
    ):
        yield PolicyServer(running.smtp, running.http, config, folder, database, ledger)
        assert running.stop() == 0


@contextmanager
def running_clocked_server(
    policy: str, folder: Path, store_url: str, extra: str = ""
) -> Iterator[ClockedPolicyServer]:
    """Run the services of `postern serve` in a thread of this process."""
    with _prepared(policy, folder, store_url, extra) as (config, database, ledger):
        started: Future[_ThreadedServer] = Future()
        clock = SettableClock(LONG_AGO)
        thread = threading.Thread(
            target=lambda: asyncio.run(_run(config, clock, started)), daemon=True
        )
        thread.start()
        try:
            server = started.result(TIMEOUT_S)
            yield ClockedPolicyServer(
                *(server.smtp, server.http, config, folder, database, ledger, clock),
                notify_overdue=lambda: server.wait_for(server.scheduler.notify_overdue()),
                wake=lambda: server.wake(),
                release_enrolled=lambda: server.wait_for(server.scheduler.release_enrolled()),
                wake_snoozed=lambda: server.wait_for(server.scheduler.wake_snoozed()),
            )
        finally:
            if started.done() and started.exception() is None:
                server = started.result()
                server.loop.call_soon_threadsafe(server.stop.set)
            thread.join(TIMEOUT_S)


@dataclass(frozen=True)
class _ThreadedServer:
    """A server in another thread."""

    smtp: tuple[str, int]
    http: str
    scheduler: Scheduler
    loop: asyncio.AbstractEventLoop
    stop: asyncio.Event

    def wake(self) -> None:
        self.loop.call_soon_threadsafe(self.scheduler.runtime.wake)

    def wait_for(self, job: Coroutine[Any, Any, int]) -> int:
        return asyncio.run_coroutine_threadsafe(job, self.loop).result(TIMEOUT_S)


async def _run(config: Path, clock: SettableClock, started: Future[_ThreadedServer]) -> None:
    try:
        async with _open_server(config, clock) as server:
            started.set_result(server)
            await server.stop.wait()
    except BaseException as error:
        if started.done():
            raise
        started.set_exception(error)


@asynccontextmanager
async def _open_server(config: Path, clock: SettableClock) -> AsyncIterator[_ThreadedServer]:
    async with open_services(load(config)) as services:
        runtime = replace(services.runtime, clock=clock)
        dispatcher = replace(services.dispatcher, runtime=runtime)
        ingest = replace(services.ingest, runtime=runtime)
        scheduler = replace(services.scheduler, runtime=runtime, ingest=ingest)
        app = application(
            runtime=runtime,
            ingest=ingest,
            connections=services.connections,
            sign_up=SignUp(runtime=runtime, answer_after_s=0.0),
        )
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        listener = Listener(hostname="mx.help.example")
        hooks = SmtpHooks(runtime.mailbox_cache.serves, ingest.take)
        sockets = bind_tcp("127.0.0.1", 0, backlog=MAIL_BACKLOG, reuse_port=False)
        smtp = accept(hooks, services.connections, listener, sockets)
        sending = asyncio.create_task(dispatcher.run())
        try:
            port = smtp.sockets[0].getsockname()[1]
            http = f"http://127.0.0.1:{runner.addresses[0][1]}"
            loop, stop = asyncio.get_running_loop(), asyncio.Event()
            yield _ThreadedServer(("127.0.0.1", port), http, scheduler, loop, stop)
        finally:
            smtp.close()
            await services.connections.drain(1)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await runner.cleanup()
