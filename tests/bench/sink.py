"""The reference, a separate process: plain aiosmtpd, which answers 250 and discards the mail.

Prints `listening on PORT` once it is open; SIGTERM ends it.
"""

from __future__ import annotations

import asyncio
import signal

from aiosmtpd.smtp import SMTP, Envelope, Session

HOSTNAME = "sink.example"
SIZE_LIMIT_BYTES = 2**25


class Discard:
    """A handler that discards every mail."""

    async def handle_DATA(self, _: SMTP, __: Session, ___: Envelope) -> str:  # noqa: N802
        """Called by aiosmtpd, which defines the name."""
        return "250 2.0.0 Discarded"


async def serve() -> None:
    """Serve on a free port of the loopback until SIGTERM."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(
        lambda: SMTP(Discard(), hostname=HOSTNAME, data_size_limit=SIZE_LIMIT_BYTES, loop=loop),
        "127.0.0.1",
        0,
    )
    print(f"listening on {server.sockets[0].getsockname()[1]}", flush=True)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(serve())
