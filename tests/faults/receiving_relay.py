"""A relay that keeps what it accepts, for reconciliation with the notices of a store."""

from __future__ import annotations

import asyncio
import email
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import func, or_, select

from gateway.outgoing.dispatcher import AT_ONCE
from storage.db.database import Connection, Database
from storage.db.tables import NoticeRow, table

WAIT_S = 60
IN_HAND_S = 5.0
"""A mail accepted this long before a kill may have been in hand: nobody can tell its sender."""

_notice = table(NoticeRow)


@dataclass
class ReceivingRelay:
    """Accepts every mail, once its gate is open."""

    delay_s: float = 0.0
    """How long each mail takes."""
    accepted: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """The times at which each notice was accepted, by its Message-ID."""
    in_hand: int = 0
    """Mails that were received completely and are not answered yet."""
    port: int = 0

    def __post_init__(self) -> None:
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._opened = asyncio.Event()
        self._permits = float("inf")

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802
        """Called by aiosmtpd, which defines the name."""
        assert isinstance(envelope.content, bytes)
        self._note(in_hand=1)
        try:
            await self._permit()
            await asyncio.sleep(self.delay_s)
            message_id = str(email.message_from_bytes(envelope.content)["Message-ID"])
            self.accepted[message_id].append(time.monotonic())
        finally:
            self._note(in_hand=-1)
        return "250 2.0.0 Kept"

    async def _permit(self) -> None:
        while self._permits < 1:
            self._opened.clear()
            await self._opened.wait()
        self._permits -= 1

    def shut_gate(self) -> None:
        self.let_pass(0)

    def open_gate(self) -> None:
        self.let_pass(float("inf"))

    def let_pass(self, mails: float) -> None:
        """Accept so many mails from now on."""

        def change() -> None:
            self._permits = mails
            self._opened.set()

        self._loop.call_soon_threadsafe(change)

    def wait_for_mails_in_hand(self, number: int) -> None:
        with self._changed:
            reached = self._changed.wait_for(lambda: self.in_hand >= number, WAIT_S)
        assert reached, f"{self.in_hand} mails in hand of {number}"

    def wait_for(self, notices: int) -> None:
        """Wait until this many different notices have been accepted."""
        with self._changed:
            reached = self._changed.wait_for(lambda: len(self.accepted) >= notices, WAIT_S)
        assert reached, f"{len(self.accepted)} notices of {notices}"

    def sent_twice(self, kills: Sequence[float] = ()) -> list[str]:
        """Notices accepted more than once, except where SMTP could not tell their sender.

        That is where the sender was killed, at one of these times, while it had the mail in hand:
        it has no more than `AT_ONCE` in hand.
        """
        excused = dict.fromkeys(sorted(kills), AT_ONCE)
        found = []
        accepted_again = [(t, id_) for id_, times in self.accepted.items() for t in times[:-1]]
        for first, message_id in sorted(accepted_again):
            near = (kill for kill in excused if abs(first - kill) < IN_HAND_S and excused[kill])
            if (kill := next(near, None)) is None:
                found.append(message_id)
            else:
                excused[kill] -= 1
        return found

    @property
    def repeated(self) -> int:
        """How many mails were accepted again, for whatever reason."""
        return sum(len(times) - 1 for times in self.accepted.values())

    def _note(self, in_hand: int) -> None:
        with self._changed:
            self.in_hand += in_hand
            self._changed.notify_all()

    @contextmanager
    def running(self) -> Iterator[ReceivingRelay]:
        loop = self._loop

        def session() -> SMTP:
            return SMTP(self, hostname="relay.example", enable_SMTPUTF8=True, loop=loop)

        server = loop.run_until_complete(loop.create_server(session, "127.0.0.1", self.port))
        self.port = int(server.sockets[0].getsockname()[1])
        thread = threading.Thread(target=loop.run_forever, name="relay")
        thread.start()
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(_end_all(server), loop).result(WAIT_S)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


async def _end_all(server: asyncio.Server) -> None:
    """Close the server and end its sessions."""
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def notices(store_url: str) -> Mapping[str, int]:
    """How many notices of a store are in each state; those that wait for their time are left out:
    acknowledgements at the end of the pause."""
    soon = datetime.now(UTC) + timedelta(minutes=1)
    counted = (
        select(_notice.c.state, func.count().label("number"))
        .where(or_(_notice.c.state != "due", _notice.c.created_at < soon))
        .group_by(_notice.c.state)
    )

    def count(connection: Connection) -> Mapping[str, int]:
        return {row.state: row.number for row in connection.execute(counted)}

    database = Database(store_url, connections=1)
    try:
        return database.read(count)
    finally:
        database.close()


def wait_until_sent(store_url: str) -> Mapping[str, int]:
    """Wait until no notice of a store is due; how many are in each state.

    Gives up when none has been sent for a minute.
    """
    found = notices(store_url)
    until = time.monotonic() + WAIT_S
    while found.get("due") and time.monotonic() < until:
        time.sleep(0.2)
        before, found = found, notices(store_url)
        if found != before:
            until = time.monotonic() + WAIT_S
    return found
