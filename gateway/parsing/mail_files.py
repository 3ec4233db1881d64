"""The files of mails, taken out when somebody is sent one, in a process that can be killed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from enum import StrEnum

from gateway.parsing.apart import NotHereError
from gateway.parsing.one_worker import OneWorker, WorkerEnd
from gateway.parsing.taken import TakenFile, Wanted
from gateway.parsing.taking import files_of
from gateway.parsing.turns import Overloaded, Turns
from gateway.shares import Caps, IPAddress

CPU_S = 5.0
"""For the files of one mail. Honest ones of 50 MiB take a second."""
WALL_S = 30.0
"""The same on a busy machine."""
MEMORY_BYTES = 1 << 30
QUEUE = Caps(total=256, per_peer=64, per_network=128, per_listed=256)
"""Requests that wait for their turn: a page with many images asks for each."""


class NotTaken(StrEnum):
    """Why there are no files."""

    MISSING = "missing"
    """The mail has not all of them, as far as this version reads it."""
    TIMEOUT = "timeout"
    """They took too long."""
    CRASH = "crash"
    """They needed more memory than a process may use, or it failed."""
    BUSY = "busy"
    """The client has too many requests that wait."""


class MailFiles:
    """One mail at a time, by turns of the clients that ask; ordinary ones in a thread.

    Files that take longer than `cpu_s` or `wall_s`, or more memory than a process may use, are not
    taken out; the mail is still stored as it came.
    """

    def __init__(
        self,
        cpu_s: float = CPU_S,
        wall_s: float = WALL_S,
        memory_bytes: int = MEMORY_BYTES,
        counted: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`counted` is called with each result: `taken`, or a value of `NotTaken`."""
        self.turns = Turns(1, QUEUE)
        self.worker = OneWorker(cpu_s, wall_s, memory_bytes)
        self._counted = counted

    async def taken(
        self,
        raw: bytes,
        parts: Collection[str],
        *,
        examined: bool,
        client: IPAddress | None = None,
        reader: str = "",
    ) -> dict[str, TakenFile] | NotTaken:
        """The files of a mail by `Attachment.part`, or why there are none. If `examined`, those
        that are or contain a mail of ours are without their content. Always returns."""
        if not parts:
            return {}
        wanted = Wanted(tuple(dict.fromkeys(parts)), examined)
        found: dict[str, TakenFile] | NotTaken | WorkerEnd | None
        try:
            async with self.turns.turn(client, reader):
                found = await self._asked(raw, wanted)
        except Overloaded:
            found = NotTaken.BUSY
        if found is None:
            found = NotTaken.MISSING
        elif isinstance(found, WorkerEnd):
            found = NotTaken.TIMEOUT if found is WorkerEnd.TIMEOUT else NotTaken.CRASH
        self._counted(found.value if isinstance(found, NotTaken) else "taken")
        return found

    async def _asked(self, raw: bytes, wanted: Wanted) -> dict[str, TakenFile] | WorkerEnd | None:
        try:
            return await asyncio.to_thread(files_of, raw, wanted, here=True)
        except NotHereError:
            return await self.worker.ask(lambda worker: worker.ask_files(raw, wanted))

    async def close(self) -> None:
        await self.turns.finished()
        await self.worker.stop()
