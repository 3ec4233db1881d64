"""Sending: to a relay or a Maildir, tried again or given up, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from aiosmtpd.smtp import SMTP as Server
from aiosmtpd.smtp import Envelope, Session

from gateway.config import TrustSection
from gateway.sending.dispatcher import Dispatcher
from gateway.sending.relay import MaildirRelay, Outgoing, SmtpRelay, Undelivered
from rules.notices import GIVE_UP_AFTER
from storage import outbox
from tests.desk import Desk, a_mail, enrolled_store, open_desk

OUTGOING = Outgoing("n1", "", "ann@acme.example", b"Subject: x\r\n\r\nHello\r\n.dot\r\n")


class Broken:
    """At the edge: a relay that does not take the mail."""

    def __init__(self, permanent: bool) -> None:
        self.permanent = permanent
        self.asked = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    async def send(self, outgoing: Outgoing) -> None:
        self.asked += 1
        raise Undelivered("451 not now", self.permanent)


@pytest.fixture
async def desk(store_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    url = await asyncio.to_thread(enrolled_store, store_url)
    async with open_desk(url, tmp_path, TrustSection()) as opened:
        yield opened


async def counts(desk: Desk) -> dict[str, int]:
    return await asyncio.to_thread(desk.parts.database.read, outbox.counts)


async def test_what_a_mail_ordered_is_sent_once(desk: Desk) -> None:
    await desk.take(a_mail())
    dispatcher = desk.parts.dispatcher

    assert [await dispatcher.send_due(), await dispatcher.send_due()] == [1, 0]
    assert len(list((Path(desk.parts.config.relay.maildir) / "new").iterdir())) == 1
    assert await counts(desk) == {"sent": 1}


async def test_a_temporary_failure_is_tried_again_later(desk: Desk) -> None:
    await desk.take(a_mail())
    relay = Broken(permanent=False)
    now = desk.parts.ingest.clock()
    dispatcher = replace(desk.parts.dispatcher, relay=relay, clock=lambda: now)
    await dispatcher.send_due()

    assert await dispatcher.send_due() == 0
    assert await counts(desk) == {"due": 1}
    later = replace(dispatcher, clock=lambda: now + timedelta(minutes=2))
    assert await later.send_due() == 1
    assert relay.asked == 2


async def test_a_permanent_failure_is_given_up(desk: Desk) -> None:
    await desk.take(a_mail())

    await replace(desk.parts.dispatcher, relay=Broken(permanent=True)).send_due()

    assert await counts(desk) == {"dead": 1}


async def test_after_four_days_it_is_given_up(desk: Desk) -> None:
    await desk.take(a_mail())
    late = desk.parts.ingest.clock() + GIVE_UP_AFTER

    dispatcher: Dispatcher = replace(
        desk.parts.dispatcher, relay=Broken(permanent=False), clock=lambda: late
    )
    await dispatcher.send_due()

    assert await counts(desk) == {"dead": 1}


async def test_a_maildir_has_the_mail_once_however_often_it_is_written(tmp_path: Path) -> None:
    relay = MaildirRelay(tmp_path)
    await relay.send(OUTGOING)
    await relay.send(OUTGOING)

    (written,) = (tmp_path / "new").iterdir()
    assert written.read_bytes().endswith(OUTGOING.raw)
    assert written.read_bytes().startswith(b"Return-Path: <>\r\n")


class Answering:
    """A relay's side: takes mails, or says what it is told to say."""

    def __init__(self) -> None:
        self.taken: list[tuple[str | None, list[str], bytes]] = []
        self.sessions: set[int] = set()
        self.answer = "250 2.0.0 queued"

    async def handle_DATA(self, _: Server, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.sessions.add(id(session))
        content = envelope.content
        assert isinstance(content, bytes)
        self.taken.append((envelope.mail_from, envelope.rcpt_tos, content))
        return self.answer


@pytest.fixture
async def relay_side() -> AsyncIterator[tuple[Answering, str]]:
    side = Answering()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Server(side, hostname="relay"), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield side, f"smtp://127.0.0.1:{port}"
    server.close()
    await server.wait_closed()


async def test_a_relay_gets_the_bytes_and_the_null_reverse_path(
    relay_side: tuple[Answering, str],
) -> None:
    side, url = relay_side
    async with SmtpRelay(url) as relay:
        await relay.send(OUTGOING)

    assert side.taken == [("<>", ["ann@acme.example"], OUTGOING.raw)]


async def test_several_mails_go_over_one_connection(relay_side: tuple[Answering, str]) -> None:
    side, url = relay_side
    async with SmtpRelay(url) as relay:
        for _ in range(3):
            await relay.send(OUTGOING)

    assert (len(side.taken), len(side.sessions)) == (3, 1)


@pytest.mark.parametrize(
    ("answer", "permanent"), [("451 4.3.0 later", False), ("554 5.6.0 never", True)]
)
async def test_the_relays_answer_says_whether_to_try_again(
    answer: str, permanent: bool, relay_side: tuple[Answering, str]
) -> None:
    side, url = relay_side
    side.answer = answer
    async with SmtpRelay(url) as relay:
        with pytest.raises(Undelivered) as refused:
            await relay.send(OUTGOING)

    assert refused.value.permanent is permanent


async def test_a_relay_that_is_down_is_tried_again() -> None:
    async with SmtpRelay("smtp://127.0.0.1:1") as relay:
        with pytest.raises(Undelivered) as refused:
            await relay.send(OUTGOING)

    assert not refused.value.permanent
