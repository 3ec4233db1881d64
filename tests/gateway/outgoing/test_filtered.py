"""A relay whose filter refuses what somebody wrote or attached: its readers are notified anyway."""

from __future__ import annotations

import email
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from gateway.outgoing.delivery import Outgoing, Undelivered
from rules.ticket.notices import NoticeKind, NoticeState
from storage.notices import overview
from tests.gateway.building import a_part, multipart, text
from tests.in_process import TRUSTS_LOOPBACK, InProcessPostern, a_mail, enrolled_store, open_postern
from tests.stores import SqliteStores

KNOWN = b"every-filter-knows-this"


@dataclass
class FilteringRelay:
    accepted: list[Outgoing] = field(default_factory=list)
    refused: int = 0

    async def send(self, outgoing: Outgoing) -> None:
        mail = email.message_from_bytes(outgoing.raw)
        texts = [part.get_payload(decode=True) or b"" for part in mail.walk()]
        if any(KNOWN in text for text in (mail["Subject"].encode(), *texts)):
            self.refused += 1
            why = "550 5.7.1 this message contains malware"
            raise Undelivered(why, True, code=550, status="5.7.1", of_content=True)
        self.accepted.append(outgoing)

    async def tidy(self) -> None:
        pass

    async def close(self) -> None:
        pass


@pytest.fixture
async def postern(sqlite_stores: SqliteStores, tmp_path: Path) -> AsyncIterator[InProcessPostern]:
    url = enrolled_store(sqlite_stores.new())
    async with open_postern(url, tmp_path, TRUSTS_LOOPBACK) as opened:
        yield opened


async def sent_of(postern: InProcessPostern, relay: FilteringRelay) -> Counter[tuple[str, str]]:
    """What became of the notices to staff, by kind and state."""
    dispatcher = replace(postern.services.dispatcher, relay=relay)
    await dispatcher.send_due()
    listed = await postern.services.runtime.read(lambda c: overview.listing(c))
    return Counter((n.kind, n.state.value) for n in listed if n.address == "sam@help.example")


async def test_a_request_reaches_staff_without_the_file_that_a_filter_refuses(
    postern: InProcessPostern,
) -> None:
    log = a_part(
        KNOWN,
        "Content-Type: application/octet-stream",
        'Content-Disposition: attachment; filename="error.log"',
    )
    head = a_mail().partition(b"\r\n\r\n")[0] + b"\r\nMIME-Version: 1.0\r\n"
    await postern.take(head + multipart("mixed", text("See the log."), log))

    relay = FilteringRelay()
    found = await sent_of(postern, relay)

    assert (relay.refused, found) == (1, {(NoticeKind.NEW_TICKET, NoticeState.SENT): 1})


async def test_an_alert_reaches_its_reader_without_the_words_that_a_filter_refuses(
    postern: InProcessPostern,
) -> None:
    await postern.take(a_mail(text=f"This is critical.\r\n\r\n{KNOWN.decode()}"))

    relay = FilteringRelay()
    found = await sent_of(postern, relay)

    assert found == {
        (NoticeKind.NEW_TICKET, NoticeState.SENT): 1,
        (NoticeKind.ALERT, NoticeState.SENT): 1,
    }
    refused = b"a mail server refused this email with it"
    assert any(refused in each.raw.replace(b"=\r\n", b"") for each in relay.accepted)


async def test_staff_are_notified_without_the_subject_that_a_filter_refuses(
    postern: InProcessPostern,
) -> None:
    await postern.take(a_mail(subject=KNOWN.decode(), text="This is critical."))

    found = await sent_of(postern, FilteringRelay())

    assert found == {
        (NoticeKind.NEW_TICKET, NoticeState.SENT): 1,
        (NoticeKind.ALERT, NoticeState.SENT): 1,
    }
