"""No mail of any size or shape holds the event loop: measured in the real server."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.properties.loop_meter import LoopMeter, metered_server
from tests.properties.sizes import SHAPES, SizedMail
from tests.stores import SqliteStores

LONGEST_CPU_S = 0.05
STEPS_BYTES = (31_000, 62_000, 2**20)
"""Below and above our limits; `sizes.STEPS_BYTES` goes on to the limit of a mail."""
STRANGER = "eve@evil.example"


def test_no_mail_of_any_shape_holds_the_event_loop(
    sqlite_stores: SqliteStores, tmp_path: Path
) -> None:
    held: list[tuple[str, float]] = []

    async def send_all() -> None:
        async with metered_server(meter, sqlite_stores.new(), tmp_path) as server:
            await server.send(SizedMail("one line", 100))
            for number, shape in enumerate(SHAPES):
                for author in ("ann@acme.example", STRANGER):
                    size = STEPS_BYTES[number % len(STEPS_BYTES)]
                    mail = SizedMail(shape, size, author)
                    code, text = await server.send(mail)
                    assert code in (250, 550), (str(mail), code, text)
                    if server.meter.longest_cpu_s > LONGEST_CPU_S:
                        held.append((str(mail), server.meter.longest_cpu_s))

    meter = LoopMeter()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(meter)) as runner:
        runner.run(send_all())
    assert held == []
