"""The yardstick, in a process of its own: aiosmtpd as it comes, which answers 250 and forgets.

Prints `listening on PORT` once it is open; SIGTERM ends it.
"""

from __future__ import annotations

import asyncio
import signal

from aiosmtpd.smtp import SMTP, Envelope, Session

HOSTNAME = "sink.example"
SIZE_LIMIT_BYTES = 2**25


class Forget:
    """A handler that keeps nothing."""

    async def handle_DATA(self, _: SMTP, __: Session, ___: Envelope) -> str:  # noqa: N802
        """The name is aiosmtpd's."""
        return "250 2.0.0 Forgotten"


async def serve() -> None:
    """Serve on a free port of the loopback until SIGTERM."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(
        lambda: SMTP(Forget(), hostname=HOSTNAME, data_size_limit=SIZE_LIMIT_BYTES, loop=loop),
        "127.0.0.1",
        0,
    )
    print(f"listening on {server.sockets[0].getsockname()[1]}", flush=True)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(serve())
