"""Threads for work that would block the event loop: hashing, RSA, evaluating SPF records."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol, TypeVar

T = TypeVar("T")

LARGE_BYTES = 1024 * 1024


async def at_once(call: Callable[[], T]) -> T:
    """Runs the call in the event loop, as a `Run`: for what takes less than a change of threads."""
    return call()


class Run(Protocol):
    """Runs a CPU-bound call off the event loop and returns its result."""

    def __call__(self, call: Callable[[], T], /) -> Awaitable[T]: ...


class Offload:
    """Two small pools: a 25 MiB body takes a second, and ordinary mail must not queue behind it.

    Few threads on purpose: they share the interpreter lock with the event loop, and each running
    thread may delay the loop by a switch interval (5 ms).
    """

    def __init__(self, threads: int = 2) -> None:
        self._small = ThreadPoolExecutor(threads, thread_name_prefix="authentication")
        self._large = ThreadPoolExecutor(1, thread_name_prefix="authentication-large")

    def for_mail(self, size_bytes: int) -> Run:
        """The pool for a mail of that size, as a `Run`. Needs a running event loop."""
        pool = self._large if size_bytes > LARGE_BYTES else self._small
        return partial(asyncio.get_running_loop().run_in_executor, pool)

    def close(self) -> None:
        """Waits for work in progress and accepts no more."""
        self._small.shutdown(wait=True, cancel_futures=True)
        self._large.shutdown(wait=True, cancel_futures=True)
