"""The page behind a digest's link to a mail that was folded as automatic on a ticket."""

from __future__ import annotations

import email
import email.policy
import re
import threading
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import update

from gateway import clock
from gateway.outgoing.compose import Composer
from rules.mail import Delivery, Envelope
from rules.ticket.changes import Delete, Source
from rules.ticket.notices import NoticeKind
from storage.db.tables import CommentRow, table
from storage.notices import outbox
from storage.ticket.change import change_ticket
from storage.ticket.read import ticket_view
from storage.ticket.rows import ChangeContext
from tests.gateway.web.link_pages import (
    ANN,
    SAM,
    SUBJECT,
    SUPPORT,
    Site,
    open_ticket,
    site_with_a_ticket,
)
from tests.gateway.web.masking_threads import masking_threads
from tests.gateway.web.shown_forms import filled_in
from tests.in_process import a_mail


@pytest_asyncio.fixture
async def site(store_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with site_with_a_ticket(store_url, tmp_path) as site:
        yield site


async def fold(site: Site) -> str:
    """A mail of Ann's is folded, and a digest goes to Sam; returns the path of its link."""
    envelope = Envelope("127.0.0.1", "", False, ANN, (SUPPORT,))
    marks = {"Auto-Submitted": "auto-generated", "Content-Type": "multipart/mixed; boundary=b"}
    file = "--b\r\nContent-Type: application/pdf; name=leak.pdf\r\n\r\nx\r\n--b--"
    text = f"--b\r\n\r\nIt <i>leaks</i> again.\r\n{file}"
    raw = a_mail(ANN, f"Re: [#{site.ticket}] {SUBJECT}", text, **marks)
    (reply,) = await site.services.ingest.take(Delivery(envelope, raw))
    assert reply.accepted
    assert await site.services.scheduler.notify_desk(every_queue=True) == 1
    notices = await site.write(partial(outbox.claim, now=clock.now(), limit=50))
    (digest,) = [notice for notice in notices if notice.kind is NoticeKind.DIGEST]
    keys = (await site.services.runtime.mailbox_cache.current()).keys
    policy = site.services.runtime.policies[site.mailbox.policy]
    written = Composer(keys, "https://postern.example").write(digest, policy)
    mail = email.message_from_bytes(written.raw, policy=email.policy.default)
    paths = set()
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert part is not None
        text = part.get_content()
        assert f"#{site.ticket}: " in text
        paths |= set(re.findall(r"https://postern\.example(/folded/[^\s\"]+)", text))
    (path,) = paths
    return str(path)


async def test_the_mail_is_shown_and_accepted_once(site: Site) -> None:
    path = await fold(site)

    status, page = await site.get(path)
    assert status == 200
    assert "It &lt;i&gt;leaks&lt;/i&gt; again." in page
    assert "it goes to everybody on the request" in page
    assert "Files: <bdi>leak.pdf</bdi>" in page
    assert SAM in page
    view = await site.ticket_view()
    assert view.comments[-1].visibility == "folded"

    status, page = await site.send(path)
    assert (status, "The email is a comment now" in page) == (200, True)
    view = await site.ticket_view()
    assert view.comments[-1].visibility == "public"
    for status, page in (await site.send(path), await site.get(path)):
        assert (status, "Nothing was changed" in page) == (200, True)


async def test_on_a_merged_request_it_becomes_a_comment_of_the_other(site: Site) -> None:
    path = await fold(site)
    goal = await site.write(partial(open_ticket, mailbox=site.mailbox, subject="Leaks"))
    await site.set_ticket(merged_into=goal, status="closed")

    status, page = await site.get(path)
    assert (status, f"was merged into #{goal}: as a comment" in page) == (200, True)
    status, page = await site.send(path)
    assert (status, f"the comment is on #{goal}" in page) == (200, True)
    assert (await site.ticket_view()).comments == ()
    view = await site.write(partial(ticket_view, number=goal))
    assert view is not None
    assert view.comments[-1].visibility == "public"
    status, page = await site.get(path)
    assert (status, "Nothing was changed" in page) == (200, True)


async def test_it_becomes_a_comment_where_its_page_showed_or_none(site: Site) -> None:
    path = await fold(site)
    _, page = await site.get(path)
    goal = await site.write(partial(open_ticket, mailbox=site.mailbox, subject="Leaks"))
    await site.set_ticket(merged_into=goal, status="closed")

    status, shown = await site.post(path, **filled_in(page, {"answer": "accept"}))

    assert (status, "it has changed on which request" in shown) == (409, True)
    assert f"was merged into #{goal}: as a comment" in shown
    view = await site.write(partial(ticket_view, number=goal))
    assert view is not None
    assert view.comments == ()


async def test_into_a_deleted_request_it_becomes_no_comment(site: Site) -> None:
    path = await fold(site)
    goal = await site.write(partial(open_ticket, mailbox=site.mailbox, subject="Leaks"))
    await site.set_ticket(merged_into=goal, status="closed")
    context = ChangeContext(site.mailbox, SAM, Source.CONSOLE, clock.now(), clock.new_id)
    policy = site.services.runtime.policies[site.mailbox.policy]
    delete = partial(change_ticket, context=context, number=goal, policy=policy, by_staff=True)
    await site.write(partial(delete, changes=[Delete("a mistake")]))

    for status, page in (await site.get(path), await site.send(path)):
        assert (status, "takes no more comments" in page) == (200, True)
    assert (await site.ticket_view()).comments[-1].visibility == "folded"


async def test_a_link_to_a_held_mail_is_no_link_to_a_folded_one(site: Site) -> None:
    path = await fold(site)

    assert (await site.get(path.replace("/folded/", "/held/")))[0] == 404
    assert (await site.get(path[:-1]))[0] == 404


async def test_what_takes_long_to_mask_does_not_hold_the_event_loop(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A customer may write a text for that, and programs that examine mail follow the link."""
    costly = ("=?utf-8?q?" + "ae" * 18 + "?= ") * 60
    path = await fold(site)
    await site.write(lambda c: c.execute(update(table(CommentRow)).values(text=costly)))
    threads = masking_threads(monkeypatch)

    status, _ = await site.get(path)

    assert status == 200
    assert threads
    assert threading.get_ident() not in threads
