"""Mails pushed over HTTP are checked as SMTP checks them; the error names the parameter."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlencode

import pytest

from gateway.smtp.rates import ClientRates, RateLimits
from rules.mail import as_sent
from rules.mail.message import BLOCK_BYTES
from tests.gateway.web.api.conftest import site, template
from tests.gateway.web.api.site import ANN, Site
from tests.in_process import SUPPORT, a_mail

__all__ = ["site", "template"]
MAIL = a_mail(ANN)


async def push(
    site: Site, raw: bytes | AsyncIterator[bytes] = MAIL, **query: Any
) -> tuple[int, dict[str, Any]]:
    parameters = {"rcpt": SUPPORT, "peer": "127.0.0.1", "helo": "mx.acme.example"} | query
    response = await site.client.post(
        f"/api/v1/mails?{urlencode(parameters, doseq=True)}",
        data=raw,
        headers={"Authorization": "Bearer mails-token"},
    )
    return response.status, await response.json()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("helo", "a\r\nX: y"),
        ("helo", "ü.example"),
        ("helo", "a" * 256),
        ("mail_from", "a@acme.example\r\nRCPT TO:<b@c.example>"),
        ("mail_from", "a@acme.example> SIZE=1"),
        ("mail_from", "@b.example:a@acme.example"),
        ("mail_from", "ann"),
        ("mail_from", "a" * 65 + "@acme.example"),
        ("rcpt", "support@help.example\r\n"),
        ("rcpt", "support@help.example> X=Y <"),
        ("rcpt", ""),
        ("rcpt", [SUPPORT] * 101),
        ("peer", "fe80::1%x\nevil"),
        ("peer", "fe80::1%eth0"),
        ("peer", "mx.acme.example"),
    ],
)
async def test_what_smtp_refuses_in_an_envelope_is_refused(
    site: Site, name: str, value: Any
) -> None:
    status, body = await push(site, **{name: value})

    assert status == 400
    assert body["detail"].startswith(name)
    assert await site.postern.journal() == []


@pytest.mark.parametrize("name", ["helo", "mail_from", "rcpt"])
async def test_nor_has_an_envelope_a_nul(site: Site, name: str) -> None:
    envelope: dict[str, Any] = {name: "a\0@acme.example"}
    status, body = await push(site, **envelope)

    assert status == 400
    assert "NUL" in body["detail"]
    assert await site.postern.journal() == []


async def test_a_sender_that_looks_like_parameters_states_no_peer(site: Site) -> None:
    pasted = "&peer=127.0.0.1&helo=@evil.example"
    response = await site.client.post(
        f"/api/v1/mails?rcpt={SUPPORT}&mail_from={pasted}&peer=192.0.2.7",
        data=MAIL,
        headers={"Authorization": "Bearer mails-token"},
    )
    assert response.status == 400
    assert "send peer= once" in (await response.json())["detail"]
    assert await site.postern.journal() == []


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (MAIL + b"a\0b\r\n", "the body has NUL"),
        (MAIL + b"a\rb\r\n", "the body has a bare CR"),
        (MAIL + b"a\r\r\n", "the body has a bare CR"),
        (b"", "the body is empty"),
    ],
)
async def test_a_body_that_no_mail_may_have_is_refused(site: Site, raw: bytes, error: str) -> None:
    status, body = await push(site, raw)

    assert (status, error in body["detail"]) == (400, True)
    assert await site.postern.journal() == []
    assert site.postern.services.connections.in_flight.used == 0


@pytest.mark.parametrize("raw", [MAIL, MAIL.replace(b"\r\n", b"\n"), b"From ann Sat\n" + MAIL])
async def test_line_ends_become_those_of_smtp(site: Site, raw: bytes) -> None:
    assert (await push(site, raw))[0] == 200
    assert (await site.postern.last()).size_bytes == len(MAIL)


async def test_a_mail_that_its_line_ends_make_too_large_is_refused(site: Site) -> None:
    connections = site.postern.services.connections
    connections.limits = replace(connections.limits, mail_size_bytes=len(MAIL) + 100)

    assert (await push(site, MAIL + b"\n" * 50))[0] == 200
    status, body = await push(site, MAIL + b"\n" * 51)

    assert (status, "each LF becomes CRLF" in body["detail"]) == (413, True)
    assert connections.in_flight.used == 0


async def test_the_line_ends_of_a_large_mail_hold_up_nobody(site: Site) -> None:
    raw = MAIL + b"\n" * 8 * 2**20
    began_s = time.thread_time()
    as_sent(raw)
    at_once_s = time.thread_time() - began_s

    async def in_chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(raw), BLOCK_BYTES):
            yield raw[at : at + BLOCK_BYTES]
        yield b"\0"

    async with longest_iteration() as longest:
        status, _ = await push(site, in_chunks())

    assert status == 400
    assert longest() < at_once_s / 3


@asynccontextmanager
async def longest_iteration() -> AsyncIterator[Callable[[], float]]:
    """Measures how much this thread, which has the event loop, computes without a pause."""
    found = 0.0

    async def watch() -> None:
        nonlocal found
        while True:
            began_s = time.thread_time()
            await asyncio.sleep(0)
            found = max(found, time.thread_time() - began_s)

    watching = asyncio.create_task(watch())
    try:
        yield lambda: found
    finally:
        watching.cancel()


@pytest.mark.parametrize(
    "envelope",
    [
        {"mail_from": ""},
        {"mail_from": "ännie@acme.example"},
        {"peer": "2001:db8::1"},
        {"peer": ""},
        {"helo": ""},
        {"helo": "[192.0.2.1]"},
        {"rcpt": [SUPPORT, *(f"no{i}@help.example" for i in range(99))]},
        {"rcpt": "postmaster"},
    ],
    ids=str,
)
async def test_what_smtp_takes_in_an_envelope_is_taken(site: Site, envelope: Any) -> None:
    assert (await push(site, **envelope))[0] != 400


@pytest.mark.parametrize("path", ["/api/v1/mails", "/signup", "/nowhere"])
async def test_brotli_is_refused_before_the_request_is_ours(site: Site, path: str) -> None:
    """Where the brotli package is not installed, aiohttp refuses it; else we do."""
    response = await site.client.post(path, data=b"abc", headers={"Content-Encoding": "br"})

    assert response.status in (400, 415)


@pytest.mark.parametrize("encoding", ["gzip", "compress", "identity, GZIP"])
@pytest.mark.parametrize("path", ["/api/v1/mails", "/signup", "/nowhere"])
async def test_a_compressed_body_is_refused_on_every_path(
    site: Site, path: str, encoding: str
) -> None:
    response = await site.client.post(path, data=b"abc", headers={"Content-Encoding": encoding})

    assert response.status == 415
    assert "Content-Encoding" in (await response.json())["detail"]


async def test_a_content_type_of_thousands_of_parameters_is_refused_unread(site: Site) -> None:
    """The library reads one in quadratic time, in the event loop."""
    begun = time.thread_time()
    for path in ("/api/v1/mails", "/signup", "/held/1/x", "/console/login"):
        kind = f"application/x-www-form-urlencoded; in={path}" + ";" * 8_000

        response = await site.client.post(path, data=b"a=b", headers={"Content-Type": kind})

        assert response.status == 400
        assert "Content-Type" in (await response.json())["detail"]
    assert time.thread_time() - begun < 0.5


async def test_mails_that_never_end_leave_room_for_those_of_other_clients(site: Site) -> None:
    in_flight, ended = site.postern.services.connections.in_flight, asyncio.Event()
    begun: asyncio.Queue[None] = asyncio.Queue()

    async def stalled() -> AsyncIterator[bytes]:
        yield b"From: ann@acme.example\r\n"
        begun.put_nowait(None)
        await ended.wait()

    mails = [asyncio.create_task(push(site, stalled())) for _ in range(12)]
    for _ in mails:
        await begun.get()
    answered, _ = await asyncio.wait(mails, return_when=asyncio.FIRST_COMPLETED)

    assert {mail.result()[0] for mail in answered} == {429}
    assert in_flight.fits(ip_address("192.0.2.7"), 25 * 2**20, listed=False)
    ended.set()
    await asyncio.gather(*mails)
    assert in_flight.used == 0


@pytest.mark.parametrize("limits", [RateLimits(mails=1), RateLimits(recipients=1)], ids=str)
async def test_a_client_that_pushes_too_much_is_asked_to_wait(
    site: Site, limits: RateLimits
) -> None:
    rates = site.postern.services.connections.rates = ClientRates(limits, time.monotonic)
    assert (await push(site))[0] == 200

    status, body = await push(site)

    assert (status, "try again in a minute" in body["detail"]) == (429, True)
    assert sum(rates.refused.values()) == 1
    assert len(await site.postern.journal()) == 1
