"""Header and envelope decide whether a body is parsed: refused mail and repeats cost no worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from gateway.config.sections import TrustSection
from gateway.parsing.parser import Parser
from gateway.parsing.reading import is_ordinary
from gateway.reception import Reception
from rules.decision.reasons import Verdict
from rules.decision.trace import Step
from rules.mail import BodyNeeded, Delivery, Envelope, Unread
from rules.replies import Reply
from storage.mail import filing
from storage.mail.filing import Judgement
from tests.in_process import (
    ANYWHERE,
    SUPPORT,
    TRUSTED,
    InProcessPostern,
    a_mail,
    enrolled_store,
    open_postern,
)

ANN = "ann@acme.example"
TEXT = "The pump is broken.\r\n" * 10_000


@pytest.fixture
async def postern(store_url: str, tmp_path: Path) -> AsyncIterator[InProcessPostern]:
    url = await asyncio.to_thread(enrolled_store, store_url)
    trust = TrustSection.model_validate({"peers": [f"{TRUSTED}/32"]})
    async with open_postern(url, tmp_path, trust) as opened:
        yield opened


def large_mail(sender: str = ANN, subject: str = "Printer", **header: str) -> bytes:
    raw = a_mail(sender, subject, TEXT, **header)
    assert not is_ordinary(raw)
    return raw


async def take_without_workers(
    postern: InProcessPostern, raw: bytes, peer: str, mail_from: str = "x@client.example"
) -> Sequence[Reply]:
    """Take a mail with a parser that has no worker: a call that needs one waits for ever."""
    ingest = replace(postern.services.ingest, parser=Parser(workers=0))
    envelope = Envelope(peer, "client.example", False, mail_from, (SUPPORT,))
    async with asyncio.timeout(30):
        return await ingest.take(Delivery(envelope, raw))


@pytest.mark.parametrize(
    ("raw", "peer", "mail_from", "verdict"),
    [
        (partial(large_mail, "eve@evil.example"), TRUSTED, "eve@evil.example", Verdict.REFUSED),
        (large_mail, ANYWHERE, ANN, Verdict.REFUSED),
        (partial(large_mail, "no author"), ANYWHERE, ANN, None),
        (partial(large_mail, Auto_Submitted="auto-replied"), ANYWHERE, "", Verdict.RECORDED),
    ],
    ids=["a stranger", "unproven", "no author", "an automatic mail on no ticket"],
)
async def test_a_mail_whose_text_counts_nowhere_is_judged_with_its_body_unread(
    postern: InProcessPostern,
    raw: Callable[[], bytes],
    peer: str,
    mail_from: str,
    verdict: Verdict | None,
) -> None:
    await take_without_workers(postern, raw(), peer, mail_from)

    last = await postern.last()
    assert last.verdict in ({verdict} if verdict else {Verdict.HELD, Verdict.REFUSED})
    assert last.trace[0] == Step(
        "text", f"{len(raw()):,} bytes", "not read: header and envelope decide"
    )


async def test_the_body_of_a_mail_that_is_filed_is_read(postern: InProcessPostern) -> None:
    (reply,) = await postern.take(large_mail())

    assert reply.accepted
    last = await postern.last()
    assert last.verdict == Verdict.OPENED
    assert last.trace[0].check == "text"
    assert "first 262,144 characters and 5,000 lines" in last.trace[0].outcome
    assert b"postern_texts_read_in_part_total 1.0" in postern.services.runtime.metrics.render()


async def test_a_repeat_of_a_large_mail_is_answered_without_its_body(
    postern: InProcessPostern,
) -> None:
    (first,) = await postern.take(large_mail())
    (again,) = await take_without_workers(postern, large_mail(), TRUSTED)

    assert again == first
    assert (await postern.last()).verdict == Verdict.DUPLICATE


async def test_no_transaction_files_a_mail_whose_body_is_unread(postern: InProcessPostern) -> None:
    """Its sender may have been registered after it was judged."""
    services = postern.services
    parser = Parser(workers=1)
    reception = Reception(
        runtime=services.runtime,
        parser=parser,
        authenticator=services.ingest.authenticator,
    )
    envelope = Envelope(TRUSTED, "client.example", False, ANN, (SUPPORT,))
    entries = await reception.entries(Delivery(envelope, large_mail()))
    await parser.close()
    considered = [
        replace(e.considered, mail=replace(e.considered.mail, body=Unread())) for e in entries
    ]
    unread = [replace(e, considered=c) for e, c in zip(entries, considered, strict=True)]

    judgement = await services.runtime.read(partial(filing.judge, entries=unread))
    assert judgement == Judgement(needs_body=True, keeps_mail=True)
    with pytest.raises(BodyNeeded):
        await services.runtime.write(partial(filing.file, entries=unread))
    assert await postern.journal() == []
