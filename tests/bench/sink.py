"""The reference, a separate process: plain aiosmtpd, which answers 250 and discards the mail.

Prints `listening on PORT` once it is open; SIGTERM ends it. With `--count` it then prints how many
mails it received, and how many different Message-IDs they had.
"""

from __future__ import annotations

import asyncio
import re
import signal
import sys

from aiosmtpd.smtp import SMTP, Envelope, Session

HOSTNAME = "sink.example"
SIZE_LIMIT_BYTES = 2**25
_MESSAGE_ID = re.compile(rb"^Message-ID: *(<[^>\r\n]*>)", re.MULTILINE)
_HEADER_BYTES = 8192
"""The Message-ID of our own mails is within these."""


class Discard:
    """A handler that discards every mail."""

    async def handle_DATA(self, _: SMTP, __: Session, ___: Envelope) -> str:  # noqa: N802
        """Called by aiosmtpd, which defines the name."""
        return "250 2.0.0 Discarded"


class Count:
    """A handler that counts the mails by their Message-ID, and discards them."""

    def __init__(self) -> None:
        self.received = 0
        self.ids: set[bytes] = set()

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802
        """Called by aiosmtpd, which defines the name."""
        assert isinstance(envelope.content, bytes)
        self.received += 1
        self.ids.update(_MESSAGE_ID.findall(envelope.content, 0, _HEADER_BYTES))
        return "250 2.0.0 Counted"


async def serve(handler: Discard | Count) -> None:
    """Serve on a free port of the loopback until SIGTERM."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(
        lambda: SMTP(handler, hostname=HOSTNAME, data_size_limit=SIZE_LIMIT_BYTES, loop=loop),
        "127.0.0.1",
        0,
    )
    print(f"listening on {server.sockets[0].getsockname()[1]}", flush=True)
    await stop.wait()
    server.close()
    if isinstance(handler, Count):
        print(f"received {handler.received} mails, {len(handler.ids)} different", flush=True)


if __name__ == "__main__":
    asyncio.run(serve(Count() if "--count" in sys.argv[1:] else Discard()))
