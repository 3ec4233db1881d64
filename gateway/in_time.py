"""Waiting for the store from the event loop, never without a limit."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Any, TypeVar

from storage.db.database import StoreTimeout

T = TypeVar("T")
STORE_S = 8.0
"""How long anybody waits for the store: a mail is then answered 451, a request 503."""


def in_time(submitted: Future[T], limit_s: float = STORE_S) -> asyncio.Future[T]:
    """The result as a future of the running loop; StoreTimeout if it is not there within the limit.

    Whatever becomes of the store or of the thread that runs it, the caller gets an answer.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def settle(done: Future[T]) -> None:
        if result.done():
            return
        if done.cancelled():
            result.cancel()
        elif (error := done.exception()) is not None:
            result.set_exception(error)
        else:
            result.set_result(done.result())

    def settle_in_loop(done: Future[T]) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, done)

    def expire() -> None:
        if not result.done():
            result.set_exception(StoreTimeout(f"the store did not respond within {limit_s:g} s"))

    def end(_: asyncio.Future[Any]) -> None:
        timer.cancel()
        submitted.cancel()  # has no effect on a job that has begun

    timer = loop.call_later(limit_s, expire)
    result.add_done_callback(end)
    submitted.add_done_callback(settle_in_loop)
    return result
