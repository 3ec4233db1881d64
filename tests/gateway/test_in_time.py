"""Nobody waits for the store without a limit."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future

import pytest

from gateway.in_time import in_time
from storage.db.database import StoreTimeout


def test_a_result_in_time_is_returned() -> None:
    async def wait() -> str:
        submitted: Future[str] = Future()
        waiting = in_time(submitted)
        submitted.set_result("done")
        return await waiting

    assert asyncio.run(wait()) == "done"


def test_an_exception_is_raised() -> None:
    async def wait() -> None:
        submitted: Future[str] = Future()
        waiting = in_time(submitted)
        submitted.set_exception(ValueError("no"))
        await waiting

    with pytest.raises(ValueError, match="no"):
        asyncio.run(wait())


def test_a_job_that_has_not_begun_within_the_limit_is_cancelled() -> None:
    submitted: Future[str] = Future()

    async def wait() -> None:
        await in_time(submitted, 0)

    with pytest.raises(StoreTimeout):
        asyncio.run(wait())
    assert submitted.cancelled()


def test_a_job_that_ends_after_the_limit_disturbs_nobody() -> None:
    submitted: Future[str] = Future()
    submitted.set_running_or_notify_cancel()
    faults: list[object] = []

    async def wait() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
        with pytest.raises(StoreTimeout):
            await in_time(submitted, 0)
        submitted.set_result("late")
        await asyncio.sleep(0)

    asyncio.run(wait())
    assert faults == []


def test_a_waiter_that_gives_up_cancels_a_job_that_has_not_begun() -> None:
    submitted: Future[str] = Future()

    async def wait() -> None:
        waiting = in_time(submitted)
        waiting.cancel()
        await asyncio.sleep(0)

    asyncio.run(wait())
    assert submitted.cancelled()
