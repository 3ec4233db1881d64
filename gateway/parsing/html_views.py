"""The HTML of mails, sanitised when somebody asks for it, in a process that can be killed."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable

from gateway.parsing.process import WorkerProcess
from rules.mail.shown_html import HtmlView, PlainOnly

LIMIT_S = 2.0
"""Of one mail; an ordinary one takes milliseconds."""
START_S = 10.0
"""Of a new process, on a busy machine."""
MEMORY_BYTES = 1 << 30


class HtmlViews:
    """One mail at a time, so that no mail that arrives waits for those that are shown.

    HTML that takes longer than `limit_s`, or more memory than a process may use, is not shown
    (`timeout`, `crash`): its text is.
    """

    def __init__(
        self,
        limit_s: float = LIMIT_S,
        memory_bytes: int = MEMORY_BYTES,
        counted: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`counted` is called with each result: `html`, or why it is the text alone."""
        self._limit_s = limit_s
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
            async with asyncio.timeout(START_S):
                if self._worker is None or self._worker.is_dead():
                    self._worker = await WorkerProcess.start(self._limit_s, self._memory_bytes)
                    await self._worker.ask_html(b"\r\n")
            async with asyncio.timeout(self._limit_s):
                found = await self._worker.ask_html(raw)
            healthy = True
        except TimeoutError:
            return HtmlView(plain_only=PlainOnly.TIMEOUT)
        except (OSError, EOFError, pickle.UnpicklingError):
            return HtmlView(plain_only=PlainOnly.CRASH)
        finally:
            # After a failure or a cancellation the pipe may still contain part of an answer.
            if not healthy and self._worker is not None:
                await self._worker.stop()
                self._worker = None
        return found

    async def close(self) -> None:
        async with self._turn:
            if self._worker is not None:
                await self._worker.stop()
                self._worker = None
