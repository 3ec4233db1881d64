"""Callers of the API take turns at what only one may do at a time."""

from __future__ import annotations

import asyncio

from gateway.web.api.turns import CallerTurns
from tests.gateway.web.api.site import ANN, BOB, SAM


async def test_who_asks_for_much_keeps_nobody_else_waiting() -> None:
    turns, served = CallerTurns(), list[str]()

    async def shown(caller: str) -> None:
        await turns.acquire(caller)
        served.append(caller)
        await asyncio.sleep(0)
        turns.release()

    callers = (ANN, ANN, ANN, ANN, BOB, SAM, BOB)
    await asyncio.gather(*(shown(caller) for caller in callers))

    assert served == [ANN, ANN, BOB, SAM, ANN, BOB, ANN]


async def test_who_waits_no_more_keeps_no_turn() -> None:
    turns = CallerTurns()
    await turns.acquire(ANN)
    left, granted = (asyncio.create_task(turns.acquire(BOB)) for _ in range(2))
    await asyncio.sleep(0)

    left.cancel()
    turns.release()
    await granted
    granted_at_once = asyncio.create_task(turns.acquire(SAM))
    await asyncio.sleep(0)
    turns.release()  # and the turn is SAM's when he stops waiting
    granted_at_once.cancel()
    await asyncio.wait([left, granted_at_once])

    async with asyncio.timeout(5):
        await turns.acquire(ANN)
