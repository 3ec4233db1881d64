"""A server in this process, and how long its event loop is held at a time."""

from __future__ import annotations

import asyncio
import json
import selectors
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from gateway.app import serve
from gateway.config.model import Config
from tests.in_process import enrolled_store
from tests.properties.sizes import SizedMail


class LoopMeter(selectors.DefaultSelector):
    """The selector of an event loop; measures what the loop does between two waits.

    CPU time is the loop's own, whatever else the machine does. Time on the clock includes waits for
    the interpreter lock and the disk, but also for the machine's other work.
    """

    def __init__(self) -> None:
        super().__init__()
        self.longest_cpu_s = 0.0
        self.longest_s = 0.0
        self._since = (time.thread_time(), time.perf_counter())

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        cpu, clock = self._since
        self.longest_cpu_s = max(self.longest_cpu_s, time.thread_time() - cpu)
        self.longest_s = max(self.longest_s, time.perf_counter() - clock)
        events = super().select(timeout)
        self._since = (time.thread_time(), time.perf_counter())
        return events

    def reset(self) -> None:
        self.longest_cpu_s = self.longest_s = 0.0


@dataclass
class MeteredServer:
    """A running server, and a client in another process that sends it mails of all sizes."""

    meter: LoopMeter
    client: asyncio.subprocess.Process

    async def send(self, mail: SizedMail) -> tuple[int, str]:
        """The reply to one mail; the meter then shows what it cost."""
        assert self.client.stdin is not None
        assert self.client.stdout is not None
        await asyncio.sleep(0)
        self.meter.reset()
        self.client.stdin.write(json.dumps(asdict(mail)).encode() + b"\n")
        code, text = json.loads(await self.client.stdout.readline())
        return code, text


@asynccontextmanager
async def metered_server(
    meter: LoopMeter, store_url: str, folder: Path
) -> AsyncIterator[MeteredServer]:
    """A server on loopback whose peers are trusted. `meter` is the running loop's selector."""
    await asyncio.to_thread(enrolled_store, store_url)
    port, http, admin = _free_port(), _free_port(), _free_port()
    config = Config.model_validate(
        {
            "smtp": {"listen": f"127.0.0.1:{port}"},
            "http": {"listen": f"127.0.0.1:{http}", "admin_listen": f"127.0.0.1:{admin}"},
            "store": {"url": store_url},
            "relay": {"maildir": str(folder / "outbox")},
            "trust": {"peers": ["127.0.0.0/8"]},
            "limits": {"refusal_s": 0.1},
        }
    )
    stop, ready = asyncio.Event(), asyncio.Event()
    server = asyncio.create_task(serve(config, stop, ready.set))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait((server, waiting), return_when=asyncio.FIRST_COMPLETED)
    assert not server.done(), server
    client = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.properties.sizes",
        "127.0.0.1",
        str(port),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield MeteredServer(meter, client)
    finally:
        assert client.stdin is not None
        client.stdin.close()
        await client.wait()
        stop.set()
        await server


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
