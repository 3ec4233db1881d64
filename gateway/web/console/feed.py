"""New lines of the journal for everybody who watches it: one look at the store, however many
watch."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from time import monotonic
from uuid import UUID

from gateway import log
from gateway.clock import Clock
from rules.sender.masking import Masker
from rules.service.console_roles import ConsoleRole
from storage.db.database import Connection, Database, store_down
from storage.db.watching import watched
from storage.mail import journal_pages
from storage.mail.journal_pages import OVERLAP, JournalLine, PageFilter
from storage.registry import console_users
from storage.registry.console_users import ConsoleUser

ASKED_S = 0.25
"""So often the watcher asks whether anything was committed, which costs it microseconds."""
CHECKED_S = 1.0
"""How often, at most, it looks whether the sessions of the viewers have ended."""
UNASKED_S = 15.0
"""The same while nothing is committed: a session also ends by time."""
RECENT = timedelta(seconds=3)
"""How far back it looks for new rows. At a hundred mails a second it reads three hundred keys."""
LATE_S = 2.0
"""How often, at most, it looks as far back as `OVERLAP`: a row may become visible late."""
AT_ONCE = 50
"""Lines for which it looks; if there are more, the viewer is notified of that."""
QUEUED = 20
"""Batches that wait for a viewer, who is dropped when there are more."""
WRITTEN = 2_000
"""Events that are kept for viewers who come later. All come at once when the server was away."""
VIEWERS_OF_A_USER = 8


class Ending(StrEnum):
    """Why a viewer is sent no more lines. The values are names of events."""

    SLOW = "slow"
    """They did not read what they were sent."""
    ENDED = "ended"
    """Their session has ended, or they see other mailboxes now."""
    CLOSED = "closed"
    """The server shuts down, or the store does not respond: they may come again."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Lines that are shown to several viewers, each to those who want it."""

    lines: tuple[JournalLine, ...]
    """The oldest first."""
    is_cut: bool
    """There were more before them."""
    _written: dict[Hashable, asyncio.Task[bytes]] = field(default_factory=dict)

    async def written(self, read_alike: Hashable, write: Callable[[], bytes]) -> bytes:
        """What `write` makes of the lines, in a thread: once, however many read them alike."""
        task = self._written.get(read_alike)
        if task is None:
            task = self._written[read_alike] = asyncio.create_task(asyncio.to_thread(write))
        return await asyncio.shield(task)  # the viewer who asked first may leave


@dataclass(eq=False)
class Viewer:
    """A browser that watches the journal."""

    secret: str
    """Of their session."""
    user: ConsoleUser
    sees: frozenset[int]
    """The mailboxes that they saw when they came."""
    wanted: PageFilter
    has_left: Callable[[], bool] = lambda: False
    """Whether their connection is closed: nobody notices before there is something to write."""
    queue: asyncio.Queue[Batch | Ending] = field(default_factory=lambda: asyncio.Queue(QUEUED))
    has_ended: bool = False

    def send(self, batch: Batch) -> None:
        if self.has_ended:
            return
        try:
            self.queue.put_nowait(batch)
        except asyncio.QueueFull:
            log.viewer_dropped(self.user.address)
            self.end(Ending.SLOW)

    def end(self, why: Ending) -> None:
        """The last that they are sent; what waits for them is dropped."""
        if self.has_ended:
            return
        self.has_ended = True
        with suppress(asyncio.QueueEmpty):
            while True:
                self.queue.get_nowait()
        self.queue.put_nowait(why)


class WrittenEvents:
    """The events that were written last, so that a line is written once for all who read alike."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._masker: Masker | None = None
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()
        """The longest unused first."""

    def of(self, key: Hashable, masker: Masker, write: Callable[[], bytes]) -> bytes:
        """What `write` makes, or made for the same key while the same was masked."""
        with self._lock:
            if masker != self._masker:
                self._masker = masker
                self._kept.clear()
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        event = write()
        with self._lock:
            if masker == self._masker:  # else those who mask more would be shown this
                self._kept[key] = event
            if len(self._kept) > WRITTEN:
                self._kept.popitem(last=False)
        return event


class FeedIsFull(Exception):
    """As many watch already as may."""


class JournalFeed:
    """Watches the store while anybody watches the journal."""

    def __init__(self, database: Database, clock: Clock, most_viewers: int) -> None:
        self._database = database
        self._clock = clock
        self._most_viewers = most_viewers
        self._viewers: set[Viewer] = set()
        self._watcher: _Watcher | None = None
        self._closed = False
        self.events = WrittenEvents()

    @asynccontextmanager
    async def viewing(self, viewer: Viewer) -> AsyncIterator[None]:
        """Sends a viewer every line that is committed from now on, until the end of the context.
        Raises FeedIsFull."""
        for each in self._viewers:
            if each.has_left():
                each.end(Ending.CLOSED)
        self._viewers = {each for each in self._viewers if not each.has_ended}
        of_user = sum(each.user.address == viewer.user.address for each in self._viewers)
        if self._closed or len(self._viewers) >= self._most_viewers or of_user >= VIEWERS_OF_A_USER:
            raise FeedIsFull
        self._viewers.add(viewer)
        try:
            if self._watcher is None:
                self._watcher = _Watcher(self, asyncio.get_running_loop())
            await self._watcher.begun.wait()
            yield
        finally:
            self._viewers.discard(viewer)
            if not self._viewers:
                await self._stop()

    async def close(self) -> None:
        """Ends all viewers, and lets nobody in."""
        self._closed = True
        self._end_all()
        await self._stop()

    async def _stop(self) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.stop.set()
            await asyncio.to_thread(watcher.thread.join)

    # ---- called by the watcher, in the loop ----

    def _deliver(self, batch: Batch) -> None:
        for viewer in self._viewers:
            viewer.send(batch)

    def _end_changed(self, changed: list[Viewer]) -> None:
        for viewer in changed:
            viewer.end(Ending.ENDED)

    def _end_all(self) -> None:
        for viewer in self._viewers:
            viewer.end(Ending.CLOSED)


class _Watcher:
    """A thread that asks the store."""

    def __init__(self, feed: JournalFeed, loop: asyncio.AbstractEventLoop) -> None:
        self.begun = asyncio.Event()
        self.stop = threading.Event()
        self._feed, self._loop = feed, loop
        self._shown: dict[UUID, datetime] = {}
        self.thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self._watch()
        except store_down() as error:
            log.page_failed("/console/journal/events", error)
        finally:
            self._call(self._failed)

    def _failed(self) -> None:
        """At the end, whatever the reason: nobody waits for a watcher that is gone."""
        self.begun.set()
        if not self.stop.is_set():
            self._feed._watcher = None
            self._feed._end_all()

    def _watch(self) -> None:
        database = self._feed._database
        with watched(database) as has_changed:
            database.read(partial(self._new_lines, back=OVERLAP))  # viewers read these themselves
            self._call(self.begun.set)
            late_at = checked_at = monotonic()
            is_unchecked, may_be_late = True, False
            while not self.stop.wait(ASKED_S):
                if has_changed():
                    is_unchecked = may_be_late = True
                    self._deliver(database, RECENT)
                if may_be_late and monotonic() - late_at > LATE_S:
                    late_at, may_be_late = monotonic(), False
                    self._deliver(database, OVERLAP)
                passed = monotonic() - checked_at
                if passed > UNASKED_S or (is_unchecked and passed > CHECKED_S):
                    checked_at, is_unchecked = monotonic(), False
                    changed = database.read(self._changed)
                    self._call(partial(self._feed._end_changed, changed))

    def _deliver(self, database: Database, back: timedelta) -> None:
        batch = database.read(partial(self._new_lines, back=back))
        if batch.lines:
            self._call(partial(self._feed._deliver, batch))

    def _new_lines(self, connection: Connection, back: timedelta) -> Batch:
        now = self._feed._clock()
        # All keys, since a row may become visible after many that are younger.
        keys = journal_pages.keys_since(connection, now - back)
        new = [key for key in keys if key.id not in self._shown]
        self._shown = {each: at for each, at in self._shown.items() if at >= now - OVERLAP}
        self._shown.update((key.id, key.at) for key in new)
        found = journal_pages.lines_of(connection, [key.id for key in new[:AT_ONCE]])
        return Batch(tuple(reversed(found)), is_cut=len(new) > AT_ONCE)

    def _changed(self, connection: Connection) -> list[Viewer]:
        """The viewers whose session has ended, or whose role or mailboxes are others now."""
        viewers = tuple(self._feed._viewers)
        now = self._feed._clock()

        def seen_by(secret: str) -> tuple[ConsoleRole, frozenset[int]] | None:
            session = console_users.session_of(connection, secret, now)
            if session is None:
                return None
            seen = console_users.mailboxes_of(connection, session.user)
            return session.user.role, frozenset(each.id for each in seen)

        # The windows of a browser have one session.
        of_session = {secret: seen_by(secret) for secret in {each.secret for each in viewers}}
        return [v for v in viewers if of_session[v.secret] != (v.user.role, v.sees)]

    def _call(self, function: object) -> None:
        assert callable(function)
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(function)
