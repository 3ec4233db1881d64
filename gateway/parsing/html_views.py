"""The HTML of mails, sanitised when somebody asks for it, in a process that can be killed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.parsing.one_worker import OneWorker, WorkerEnd
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
        self._worker = OneWorker(cpu_s, wall_s, memory_bytes)
        self._counted = counted
        self._turn = asyncio.Lock()

    async def view(self, raw: bytes) -> HtmlView:
        """The HTML of a mail as it can be shown. Always returns."""
        async with self._turn:
            answer = await self._worker.ask(lambda worker: worker.ask_html(raw))
        if isinstance(answer, WorkerEnd):
            timeout = answer is WorkerEnd.TIMEOUT
            answer = HtmlView(plain_only=PlainOnly.TIMEOUT if timeout else PlainOnly.CRASH)
        self._counted(answer.plain_only.value if answer.plain_only is not None else "html")
        return answer

    async def close(self) -> None:
        async with self._turn:
            await self._worker.stop()
