"""One worker process that is asked again and again, and replaced when it fails."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TypeVar

from gateway.parsing.process import WorkerProcess

T = TypeVar("T")

START_S = 30.0
"""A process takes seconds to start on a busy machine."""


class WorkerEnd(StrEnum):
    """Why a worker has not answered."""

    TIMEOUT = "timeout"
    """It took too long."""
    CRASH = "crash"
    """It needed more memory than it may use, or failed."""


class OneWorker:
    """Started when it is first asked. One question at a time: the caller sees to that.

    The answer to a question may take `cpu_s` of CPU time, up to the next seconds, and `wall_s` on
    the clock.
    """

    def __init__(self, cpu_s: float, wall_s: float, memory_bytes: int) -> None:
        self._cpu_s = cpu_s
        self.wall_s = wall_s
        self._memory_bytes = memory_bytes
        self._worker: WorkerProcess | None = None

    async def ask(self, question: Callable[[WorkerProcess], Awaitable[T]]) -> T | WorkerEnd:
        """What the worker answers, or why it did not."""
        healthy = False
        try:
            async with asyncio.timeout(START_S):
                if self._worker is None or self._worker.is_dead():
                    self._worker = await WorkerProcess.start(self._cpu_s, self._memory_bytes)
                    await self._worker.ask(b"\r\n")
            async with asyncio.timeout(self.wall_s):
                answer = await question(self._worker)
            healthy = True
        except TimeoutError:
            return WorkerEnd.TIMEOUT
        except (OSError, EOFError):
            return await self._cause()
        except pickle.UnpicklingError:
            return WorkerEnd.CRASH
        finally:
            # After a failure or a cancellation the pipe may still contain part of an answer.
            if not healthy:
                await self.stop()
        return answer

    async def _cause(self) -> WorkerEnd:
        """Why the process ended."""
        if self._worker is None:
            return WorkerEnd.CRASH
        return WorkerEnd.TIMEOUT if await self._worker.used_its_cpu() else WorkerEnd.CRASH

    async def stop(self) -> None:
        """End the process. The next question starts another."""
        if self._worker is not None:
            await self._worker.stop()
            self._worker = None
