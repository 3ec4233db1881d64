"""The HTML of mails, sanitised when somebody asks for it, in a process that can be killed."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable

from gateway.parsing.process import WorkerProcess
from rules.mail.shown_html import HtmlView, PlainOnly

CPU_S = 0.5
"""Of one mail; the system ends its process within two seconds. An ordinary mail takes
milliseconds."""
WALL_S = 10.0
"""The same on a busy machine, on which a process also takes seconds to start."""
MEMORY_BYTES = 1 << 30


class HtmlViews:
    """One mail at a time, so that no mail that arrives waits for those that are shown.

    HTML that takes longer than `cpu_s` or `wall_s`, or more memory than a process may use, is not
    shown (`timeout`, `crash`): its text is.
    """

    def __init__(
        self,
        cpu_s: float = CPU_S,
        wall_s: float = WALL_S,
        memory_bytes: int = MEMORY_BYTES,
        counted: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`counted` is called with each result: `html`, or why it is the text alone."""
        self._cpu_s = cpu_s
        self._wall_s = wall_s
        self._memory_bytes = memory_bytes
        self._counted = counted
        self._turn = asyncio.Lock()
        self._worker: WorkerProcess | None = None

    async def view(self, raw: bytes) -> HtmlView:
        """The HTML of a mail as it can be shown. Always returns."""
        async with self._turn:
            found = await self._asked(raw)
        self._counted(found.plain_only.value if found.plain_only is not None else "html")
        return found

    async def _asked(self, raw: bytes) -> HtmlView:
        healthy = False
        try:
            async with asyncio.timeout(WALL_S):
                if self._worker is None or self._worker.is_dead():
                    self._worker = await WorkerProcess.start(self._cpu_s, self._memory_bytes)
                    await self._worker.ask_html(b"\r\n")
            async with asyncio.timeout(self._wall_s):
                found = await self._worker.ask_html(raw)
            healthy = True
        except TimeoutError:
            return HtmlView(plain_only=PlainOnly.TIMEOUT)
        except (OSError, EOFError, pickle.UnpicklingError):
            return HtmlView(plain_only=await self._cause())
        finally:
            # After a failure or a cancellation the pipe may still contain part of an answer.
            if not healthy and self._worker is not None:
                await self._worker.stop()
                self._worker = None
        return found

    async def _cause(self) -> PlainOnly:
        """Why the process ended."""
        if self._worker is None:
            return PlainOnly.CRASH
        await self._worker.stop()
        return PlainOnly.TIMEOUT if self._worker.used_its_cpu() else PlainOnly.CRASH

    async def close(self) -> None:
        async with self._turn:
            if self._worker is not None:
                await self._worker.stop()
                self._worker = None
