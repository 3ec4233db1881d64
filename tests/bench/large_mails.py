"""Sends mails of 25 MiB: `python -m tests.bench.large_mails PORT CONNECTIONS FIRST`.

A separate process. Each connection sends one mail after the other, as fast as it is taken; their
numbers begin with FIRST. Prints `sending` once the first octets of a mail are on their way; when
its standard input ends, it finishes the mails that it has begun, and prints one JSON object: how
long each took until its 250, in seconds, and what failed.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.bench.targets import MAILBOX

OCTETS = 25 * 2**20
"""The most that a mail may have, as shipped."""
SENDERS = tuple(f"engineer.{n}@drawings{n % 4}.example" for n in range(100))
"""They take turns, so that none of them meets a limit on what one person or one domain sends."""
PATIENCE_S = 120.0
_LINE_OCTETS = 57
"""They are a line of base64."""
_END = b"--drawing--\r\n.\r\n"


@dataclass
class LargeMails:
    """What the connections share: the file of all mails, and what has been answered."""

    port: int
    rest: bytes
    """All of the file but its first line, by which each mail has a file of its own."""
    numbers: Iterator[int]
    ending: threading.Event = field(default_factory=threading.Event)
    under_way: threading.Event = field(default_factory=threading.Event)
    """A mail is being sent."""
    took_s: list[float] = field(default_factory=list)
    """For each mail that was answered 250."""
    failures: list[str] = field(default_factory=list)

    def send(self) -> None:
        """Send mails over one connection, until `ending` is set or one is refused."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), PATIENCE_S) as connection:
                _expect(connection, b"220")
                _ask(connection, b"EHLO drawings.example", b"250")
                while not self.ending.is_set():
                    self._send_one(connection, next(self.numbers))
        except OSError as error:
            self.failures.append(str(error))
        finally:
            self.under_way.set()

    def _send_one(self, connection: socket.socket, number: int) -> None:
        sender = SENDERS[number % len(SENDERS)]
        began = time.perf_counter()
        _ask(connection, b"MAIL FROM:<%s>" % sender.encode(), b"250")
        _ask(connection, b"RCPT TO:<%s>" % MAILBOX.encode(), b"250")
        _ask(connection, b"DATA", b"354")
        connection.sendall(head(number, sender))
        self.under_way.set()
        connection.sendall(self.rest)
        connection.sendall(_END)
        _expect(connection, b"250")
        self.took_s.append(time.perf_counter() - began)


def head(number: int, sender: str) -> bytes:
    """A mail until the first line of its file, which has its number."""
    first = base64.b64encode(b"%*d" % (_LINE_OCTETS, number))
    return (
        b"From: %s\r\nTo: %s\r\nSubject: Drawing %d\r\n"
        b"Message-ID: <%d.drawing@drawings.example>\r\n"
        b"Date: Mon, 2 Mar 2026 07:30:00 +0000\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/mixed; boundary="drawing"\r\n\r\n'
        b"--drawing\r\nContent-Type: text/plain\r\n\r\nHere is the drawing %d.\r\n\r\n"
        b"--drawing\r\nContent-Type: application/octet-stream\r\n"
        b'Content-Disposition: attachment; filename="drawing.bin"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n%s\r\n"
        % (sender.encode(), MAILBOX.encode(), number, number, number, first)
    )


def rest_of_file() -> bytes:
    """The further lines of a file: a mail with them has nearly `OCTETS`."""
    line_octets = _LINE_OCTETS // 3 * 4 + 2
    lines = (OCTETS - len(head(10**6, SENDERS[-1])) - len(_END)) // line_octets
    encoded = memoryview(base64.b64encode(os.urandom(_LINE_OCTETS * lines)))
    step = line_octets - 2
    return b"".join(bytes(encoded[n : n + step]) + b"\r\n" for n in range(0, len(encoded), step))


def _ask(connection: socket.socket, command: bytes, code: bytes) -> None:
    connection.sendall(command + b"\r\n")
    _expect(connection, code)


def _expect(connection: socket.socket, code: bytes) -> None:
    """Read a reply to its end. Raises ConnectionError if it has another code."""
    reply = b""
    while not reply.endswith(b"\n") or reply.splitlines()[-1][3:4] == b"-":
        if not (part := connection.recv(65536)):
            raise ConnectionError("the connection was closed")
        reply += part
    if not reply.startswith(code):
        raise ConnectionError(reply.decode("ascii", "replace").strip())


def main(arguments: Sequence[str]) -> None:
    port, connections, first = (int(argument) for argument in arguments)
    mails = LargeMails(port, rest_of_file(), itertools.count(first))
    threads = [threading.Thread(target=mails.send) for _ in range(connections)]
    for thread in threads:
        thread.start()
    mails.under_way.wait()
    print("sending", flush=True)
    sys.stdin.read()
    mails.ending.set()
    for thread in threads:
        thread.join()
    print(json.dumps({"took_s": mails.took_s, "failures": mails.failures}))


if __name__ == "__main__":
    main(sys.argv[1:])
