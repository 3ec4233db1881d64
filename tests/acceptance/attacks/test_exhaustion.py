"""One client tries to hold all of something; another is served at once (docs/attacks.md)."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import smtplib
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.acceptance.internet import ANN, Target, genuine_mail, running_target
from tests.acceptance.support_server import SUPPORT
from tests.stores import SqliteStores

HONEST = "127.1.0.9"
"""Another address of the loopback, in another network than the attacker's 127.0.0.1."""
ENVELOPE = f"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<{SUPPORT}>\r\nDATA\r\n".encode()
HALF_A_REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\nX-a: "


@pytest.fixture
def attacked(sqlite_stores: SqliteStores, tmp_path: Path) -> Iterator[Target]:
    """A server of this test alone, on which an attacker may leave traces."""
    with running_target(tmp_path, sqlite_stores.new()) as running:
        yield running


@contextmanager
def held(address: tuple[str, int], count: int, *sent: bytes) -> Iterator[list[socket.socket]]:
    """Connections that each send something and are then kept open in silence."""
    with ExitStack() as stack:
        connections = []
        for _ in range(count):
            connection = stack.enter_context(socket.create_connection(address, timeout=10))
            connection.settimeout(10)
            for part in sent:
                try:
                    connection.sendall(part)
                except OSError:  # refused already
                    break
            connections.append(connection)
        yield connections


def http_address(target: Target) -> tuple[str, int]:
    host, _, port = target.postern.http.removeprefix("http://").rpartition(":")
    return host, int(port)


def served_in_s(target: Target, source: str = HONEST) -> float:
    """How long Ann's mail takes from another address, from the connection to its reply."""
    started = time.monotonic()
    client = smtplib.SMTP(*target.postern.smtp, timeout=10, source_address=(source, 0))
    client.ehlo("client.example")
    client.mail(ANN)
    client.rcpt(SUPPORT)
    code, text = client.data(genuine_mail(ANN))
    client.quit()
    assert (code, text[:6]) == (250, b"2.0.0 "), (code, text)
    return time.monotonic() - started


def within(limit_s: float, target: Target, source: str = HONEST) -> None:
    """An honest mail is answered in time; tried again, since the machine itself may be busy."""
    assert min(served_in_s(target, source) for _ in range(3)) < limit_s


def test_idle_connections_of_one_address(attacked: Target) -> None:
    with held(attacked.postern.smtp, 600):
        within(1, attacked)


def test_refused_data_whose_client_keeps_the_connection(attacked: Target) -> None:
    with held(attacked.postern.smtp, 60, ENVELOPE, b"Subject: x\n\r\n"):
        within(1, attacked)
        eventually_held(attacked, "smtp_connections", 0)


def test_silent_data_of_one_address_in_all_memory(attacked: Target) -> None:
    megabytes = (b"a" * 998 + b"\r\n") * 24_000
    with held(attacked.postern.smtp, 12, ENVELOPE, megabytes):
        within(1, attacked, "127.0.0.2")


def test_half_requests_over_http_leave_descriptors_to_smtp(attacked: Target) -> None:
    with held(http_address(attacked), 700, HALF_A_REQUEST):
        within(1, attacked)
        assert descriptors(attacked) < 500


def test_a_server_without_descriptors_serves_again_when_it_has_some(attacked: Target) -> None:
    pid = attacked.postern.process.pid
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (descriptors(attacked) + 8, hard))
    with held(attacked.postern.smtp, 12), held(http_address(attacked), 12):
        while "accepting pauses" not in attacked.postern.log.get(timeout=10):
            pass
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (1024, hard))
    assert served_in_s(attacked) < 10
    assert urllib.request.urlopen(f"{attacked.postern.http}/healthz", timeout=10).status == 200


def test_requests_without_end_over_http(attacked: Target) -> None:
    """Forty clients of one network ask for a page as fast as they are answered."""
    stop = threading.Event()
    answered: list[int] = []

    async def asks(source: str) -> None:
        reader, writer = await asyncio.open_connection(
            *http_address(attacked), local_addr=(source, 0)
        )
        while not stop.is_set():
            writer.write(b"GET /signup HTTP/1.1\r\nHost: x\r\n\r\n")
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    head = await reader.readuntil(b"\r\n\r\n")
                    length = re.search(rb"Content-Length: (\d+)", head)
                    assert length is not None
                    await reader.readexactly(int(length[1]))
                    answered.append(1)
                    continue
            while not stop.is_set():  # noqa: ASYNC110 - another thread sets it
                await asyncio.sleep(0.1)
        writer.transport.abort()

    async def flood() -> None:
        await asyncio.gather(*(asks(f"127.2.0.{1 + n % 10}") for n in range(40)))

    flooding = threading.Thread(target=asyncio.run, args=(flood(),))
    flooding.start()
    try:
        until = time.monotonic() + 15
        while "requests_delayed" not in attacked.postern.log.get(timeout=until - time.monotonic()):
            pass
        within(1, attacked)
    finally:
        stop.set()
        flooding.join()
    assert len(answered) >= 300


def descriptors(target: Target) -> int:
    return len(os.listdir(f"/proc/{target.postern.process.pid}/fd"))


def eventually_held(target: Target, what: str, amount: int) -> None:
    """Returns once clients hold this much of something, by the server's own metrics."""
    until = time.monotonic() + 10
    line = f'postern_in_use{{what="{what}"}} {amount}.0'
    while True:
        with urllib.request.urlopen(f"{target.postern.http}/metrics", timeout=10) as metrics:
            text = metrics.read().decode()
        if line in text.splitlines():
            return
        assert time.monotonic() < until, [x for x in text.splitlines() if "in_use" in x]
        time.sleep(0.1)
