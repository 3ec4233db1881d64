"""The isolation of all parsing: which mail is read where.

A mail is read in two steps, its header before its body, so that a mail can be judged before its
body costs anything.
"""

from __future__ import annotations

import asyncio
import logging
import pickle
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TypeVar

from gateway.loop_turns import LoopTurns
from gateway.parsing.answers import Contents
from gateway.parsing.apart import NotHereError
from gateway.parsing.process import WorkerProcess
from gateway.parsing.reading import ORDINARY_TAGS, is_ordinary, read, read_unread
from gateway.parsing.taken import TakenFile, Wanted
from gateway.parsing.turns import Turns
from gateway.shares import Networks, address_of, is_in, keys_of
from rules.mail import Envelope, Mail, Unread, Unreadable
from rules.mail.header import Author

T = TypeVar("T")

log = logging.getLogger("gateway.parsing")


class Parser:
    """Parses mails: ordinary ones here, one in each iteration of the event loop; the bodies of all
    others in a worker process that can be killed.

    At most `workers` processes, each started when first needed and kept running, and shared fairly
    among clients. A body that takes
    longer than `timeout_s`, or more memory than a worker may use, is `Unreadable` (`timeout`,
    `crash`); the next mail gets a new worker.
    """

    def __init__(
        self,
        workers: int = 4,
        timeout_s: float = 10.0,
        memory_bytes: int = 1 << 30,
        listed: Networks = (),
        on_moved: Callable[[], None] = lambda: None,
    ) -> None:
        """`listed` are clients that speak for many senders: relays, trusted peers. `on_moved` is
        called for each small mail that a worker process reads after all."""
        self._on_moved = on_moved
        self.turns = Turns(workers, listed=listed)
        """Who has a worker process, and who waits for one."""
        self._listed = listed
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._idle: list[WorkerProcess] = []
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="parsing")
        self._loop_turns = LoopTurns()
        self._closed = False

    async def parse(self, raw: bytes) -> Mail:
        """Parses a mail of nobody's in particular; like `read`, it always returns."""
        return await self.read_rest(await self.begin(raw), raw)

    async def begin(self, raw: bytes, envelope: Envelope | None = None) -> Mail:
        """An ordinary mail as a whole; any other with its body unread."""
        if is_ordinary(raw):
            await self._loop_turns.wait(self._client_of(envelope))
            try:
                return read(raw, ORDINARY_TAGS)
            except NotHereError:
                self._on_moved()
            except Exception:
                # Whatever its body is, a mail gets its ticket: a worker may fail on it.
                log.exception("a body could not be read; a worker process reads it")
        return await self.apart(partial(read_unread, raw))

    def _client_of(self, envelope: Envelope | None) -> object:
        """Whose mails wait for each other: those of an IPv6 provider or IPv4 network, or those of a
        sender that a relay brings."""
        client = address_of(envelope.peer) if envelope is not None else None
        if envelope is None or client is None or is_in(client, self._listed):
            return envelope and envelope.mail_from
        _, network, provider = keys_of(client)
        return provider or network

    def apart(self, call: Callable[[], T]) -> Awaitable[T]:
        """The result of a call that would hold the event loop, from one of two threads."""
        threads = None if self._closed else self._threads
        return asyncio.get_running_loop().run_in_executor(threads, call)

    async def read_rest(self, mail: Mail, raw: bytes, envelope: Envelope | None = None) -> Mail:
        """The mail with its body, and with its delivery reports if that was unread.

        Raises Overloaded if the envelope's client has too many mails that wait for this.
        """
        if not isinstance(mail.body, Unread):
            return mail
        client = address_of(envelope.peer) if envelope is not None else None
        sender = mail.author.address if isinstance(mail.author, Author) else ""
        async with self.turns.turn(client, sender):
            body, bounces = await self._contents(raw)
        # Everything else was read here: a worker that reads hostile bytes may be compromised.
        return replace(mail, body=body, bounces=bounces)

    async def files(
        self, raw: bytes, wanted: Wanted, envelope: Envelope
    ) -> dict[str, TakenFile] | None:
        """The wanted files of a mail, from a worker; None where it has none to give. Raises
        Overloaded as `read_rest` does."""
        async with self.turns.turn(address_of(envelope.peer), envelope.mail_from):
            found = await self._asked(lambda worker: worker.ask_files(raw, wanted))
        return None if isinstance(found, Unreadable) else found

    async def _contents(self, raw: bytes) -> Contents:
        found = await self._asked(lambda worker: worker.ask(raw))
        return (found, ()) if isinstance(found, Unreadable) else found

    async def _asked(self, question: Callable[[WorkerProcess], Awaitable[T]]) -> T | Unreadable:
        """What a worker answers, or why it did not."""
        if self._closed:
            return Unreadable("closed")
        worker = self._idle.pop() if self._idle else None
        healthy = False
        try:
            async with asyncio.timeout(self._timeout_s):
                if worker is None or worker.is_dead():
                    worker = await WorkerProcess.start(self._timeout_s, self._memory_bytes)
                answer = await question(worker)
            healthy = True
        except TimeoutError:
            return Unreadable("timeout")
        except (OSError, EOFError, pickle.UnpicklingError):
            return Unreadable("crash")
        finally:
            # After a failure or a cancellation the pipe may still contain part of an answer.
            if worker and (not healthy or self._closed):
                await worker.stop()
            elif worker:
                self._idle.append(worker)
        return answer

    async def close(self) -> None:
        """Waits for the mails in progress (at most the time limit), then ends the workers."""
        self._closed = True
        await self.turns.finished()
        while self._idle:
            await self._idle.pop().stop()
        await asyncio.to_thread(self._threads.shutdown)
