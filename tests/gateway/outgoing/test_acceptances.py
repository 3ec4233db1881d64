"""What the relay has accepted is recorded together, and by nobody too early."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

from gateway.outgoing.sender import Acceptances

FIRST, SECOND, THIRD = (UUID(int=number) for number in (1, 2, 3))


class Store:
    """Commits when a test lets it."""

    def __init__(self) -> None:
        self.begun: list[list[UUID]] = []
        self.may_commit = asyncio.Semaphore(0)

    async def commit(self, notices: Sequence[UUID]) -> None:
        self.begun.append(list(notices))
        await self.may_commit.acquire()


async def recording(acceptances: Acceptances, store: Store, notice: UUID) -> asyncio.Task[None]:
    """The recording of a notice, which has begun."""
    task = asyncio.create_task(acceptances.record(notice, store.commit))
    await asyncio.sleep(0)
    return task


async def test_those_that_wait_for_a_commit_share_the_next_one() -> None:
    acceptances, store = Acceptances(), Store()
    tasks = [await recording(acceptances, store, each) for each in (FIRST, SECOND, THIRD)]
    store.may_commit.release()
    await tasks[0]
    assert not any(task.done() for task in tasks[1:]), "their commit is still to come"

    store.may_commit.release()
    await asyncio.gather(*tasks)
    assert store.begun == [[FIRST], [SECOND, THIRD]]


async def test_what_a_cancelled_commit_had_is_committed_by_the_next() -> None:
    acceptances, store = Acceptances(), Store()
    first = await recording(acceptances, store, FIRST)
    second = await recording(acceptances, store, SECOND)
    first.cancel()
    store.may_commit.release()
    await second

    assert [sorted(each) for each in store.begun] == [[FIRST], [FIRST, SECOND]]
