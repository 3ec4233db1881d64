"""Servers under one policy.

`a_desk` is the real `postern serve`. `a_clocked_desk` is the same parts in this process, with real
ports and a clock that the test sets: for what happens hours and days after a mail.
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

from gateway.app import parts
from gateway.cli.server import ensure_key
from gateway.clock import new_id, now
from gateway.config.model import load
from gateway.scheduler import Scheduler
from gateway.smtp.connection import Listener
from gateway.smtp.listeners import SmtpHooks, listen_tcp
from gateway.web.app import application
from gateway.web.pages.signup import SignUp
from rules.people import Role
from storage.db.database import Connection, Database
from storage.db.ledger import Ledger, open_ledger
from storage.notices import outbox
from storage.registry import api_tokens, mailboxes, people
from storage.registry.people import NewPerson
from tests.acceptance.desk import PATIENCE_S, eventually
from tests.acceptance.policies.desk import LONG_AGO, SAM, SUPPORT, TOKENS, Desk, here
from tests.running import serving, write_config


@dataclass
class HandSet:
    """A clock that stands until it is set."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class ClockedDesk(Desk):
    clock: HandSet = field(default_factory=lambda: HandSet(LONG_AGO))
    keep: Callable[[], int] = lambda: 0
    """One round of the keeper on the clocks: how many mails it ordered."""
    release: Callable[[], int] = lambda: 0
    """One round of it on the quarantine: how many mails it filed."""

    def at(self, now: datetime) -> None:
        """It is that time now. What was due before is on its way: were the clock set back, it would
        wait until that time comes again."""
        eventually(self._nothing_due)
        self.clock.now = now.astimezone(UTC)

    def _nothing_due(self) -> bool | None:
        due = self.database.read(outbox.next_due)
        return True if due is None or due > self.clock.now else None


def _prepare(connection: Connection, policy: str) -> None:
    ensure_key(connection)
    mailboxes.add_mailbox(connection, SUPPORT, policy)
    people.add_person(connection, here(connection), NewPerson(SAM, "Sam", Role.STAFF, None))
    for scope, token in TOKENS.items():
        api_tokens.add_api_token(connection, token, scope, scope, now())


@contextmanager
def _prepared(
    policy: str, folder: Path, store_url: str, extra: str
) -> Iterator[tuple[Path, Database, Ledger]]:
    """The configuration and the store of a desk that nobody serves yet."""
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
def a_desk(policy: str, folder: Path, store_url: str, extra: str = "") -> Iterator[Desk]:
    """`postern serve` under a policy."""
    with (
        _prepared(policy, folder, store_url, extra) as (config, database, ledger),
        serving(config) as running,
    ):
        yield Desk(running.smtp, running.http, config, folder, database, ledger)
        assert running.stop() == 0


@contextmanager
def a_clocked_desk(
    policy: str, folder: Path, store_url: str, extra: str = ""
) -> Iterator[ClockedDesk]:
    """The parts of `postern serve` in a thread of this process."""
    with _prepared(policy, folder, store_url, extra) as (config, database, ledger):
        opened: Future[_Opened] = Future()
        clock = HandSet(LONG_AGO)
        thread = threading.Thread(
            target=lambda: asyncio.run(_run(config, clock, opened)), daemon=True
        )
        thread.start()
        try:
            server = opened.result(PATIENCE_S)
            yield ClockedDesk(
                *(server.smtp, server.http, config, folder, database, ledger, clock),
                keep=lambda: server.wait_for(server.scheduler.notify_overdue()),
                release=lambda: server.wait_for(server.scheduler.release_enrolled()),
            )
        finally:
            if opened.done() and opened.exception() is None:
                server = opened.result()
                server.loop.call_soon_threadsafe(server.stop.set)
            thread.join(PATIENCE_S)


@dataclass(frozen=True)
class _Opened:
    """A server in another thread."""

    smtp: tuple[str, int]
    http: str
    scheduler: Scheduler
    loop: asyncio.AbstractEventLoop
    stop: asyncio.Event

    def wait_for(self, job: Coroutine[Any, Any, int]) -> int:
        return asyncio.run_coroutine_threadsafe(job, self.loop).result(PATIENCE_S)


async def _run(config: Path, clock: HandSet, opened: Future[_Opened]) -> None:
    try:
        async with _opened(config, clock) as server:
            opened.set_result(server)
            await server.stop.wait()
    except BaseException as error:
        if opened.done():
            raise
        opened.set_exception(error)


@asynccontextmanager
async def _opened(config: Path, clock: HandSet) -> AsyncIterator[_Opened]:
    async with parts(load(config)) as whole:
        dispatcher = replace(whole.dispatcher, clock=clock)
        ingest = replace(whole.ingest, clock=clock, on_notice=dispatcher.wake)
        keeper = replace(whole.scheduler, clock=clock, ingest=ingest)
        sign_up = SignUp(
            whole.ledger,
            whole.mailbox_cache,
            whole.policies,
            clock,
            new_id,
            dispatcher.wake,
            answer_after_s=0.0,
        )
        app = application(ingest, whole.database, whole.metrics, whole.wire, sign_up)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        listener = Listener(hostname="mx.help.example")
        ingress = SmtpHooks(whole.mailbox_cache.serves, ingest.take)
        smtp = await listen_tcp(ingress, whole.wire, listener, "127.0.0.1", 0)
        sending = asyncio.create_task(dispatcher.run())
        try:
            port = smtp.sockets[0].getsockname()[1]
            http = f"http://127.0.0.1:{runner.addresses[0][1]}"
            loop, stop = asyncio.get_running_loop(), asyncio.Event()
            yield _Opened(("127.0.0.1", port), http, keeper, loop, stop)
        finally:
            smtp.close()
            await whole.wire.drain(1)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await runner.cleanup()
