"""What a listening socket is configured with, and what its connections call."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.shares import Networks
from rules.mail import Envelope, StrangerHandling
from rules.replies import Reply


@dataclass(frozen=True, slots=True)
class Listener:
    """The configuration of one listening socket."""

    hostname: str
    lmtp: bool = False
    tls_context: ssl.SSLContext | None = None
    """If set, STARTTLS is offered; not needed for a socket with TLS from the first byte."""
    proxy_protocol_timeout_s: float | None = None
    """If set, each connection must begin with a PROXY header, v1 or v2, within this time."""
    balancers: Networks = ()
    """With the PROXY protocol: the only clients that are believed, and served."""
    lenient_peers: Networks = ()
    """Peers whose bare CR and LF are converted to CRLF; other peers are refused for them."""
    relay_peers: Networks = ()
    """Peers that may open `Limits.connections_per_relay` connections each, the reserve included."""
    strangers: StrangerHandling | None = None
    """Passed on in the envelope of every mail received on this socket."""


class Hooks(Protocol):
    """Callbacks of the server. Any exception they raise is answered with 451."""

    async def recipient(self, address: str) -> Reply | None:
        """None to accept the recipient, or the reply that refuses it."""

    async def data(self, envelope: Envelope, raw: bytes) -> Sequence[Reply]:
        """One reply for each of `envelope.rcpt_tos`, in order.

        `raw` has CRLF line ends, no NUL and no dot-stuffing. Runs to completion even if the client
        disconnects.
        """
