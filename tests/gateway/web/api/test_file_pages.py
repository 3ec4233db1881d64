"""The pages behind the links of files in notices: for whom they work, and for how long."""

from __future__ import annotations

import email
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from structlog.testing import capture_logs

from gateway.outgoing.delivery import Outgoing, Undelivered
from rules.sender.tokens import FileLink, FileUse, Link, LinkUse, link_token
from storage.db.tables import (
    CommentRow,
    ParticipantRow,
    PersonRow,
    RawMailRow,
    TicketRow,
    table,
)
from storage.registry.signing_keys import load_keys
from tests.gateway.building import a_part, multipart, text
from tests.gateway.web.api.site import ANN, SAM, Site
from tests.in_process import SUPPORT

SOON = timedelta(days=1)
BYTES = b"%PDF-1.7 what is in it\n"


def with_file(content: bytes = BYTES, kind: str = "application/pdf") -> bytes:
    file = a_part(
        content, f"Content-Type: {kind}", 'Content-Disposition: attachment; filename="a <b>.pdf"'
    )
    head = f"From: {ANN}\r\nTo: {SUPPORT}\r\nSubject: See\r\nMIME-Version: 1.0\r\n"
    return head.encode() + multipart("mixed", text("See the file."), file)


async def a_link(site: Site, number: int, use: FileUse = FileUse.FILE, **lasts: float) -> str:
    """Of Ann's place on the ticket, or of Sam, who has none."""
    view = await site.ticket_view(number)
    (attached,) = view.comments[0].attachments
    if use is FileUse.FILE:
        holder: int = next(m.id for m in view.members if m.address == ANN)
    else:
        holder = await site.read(_sam)
    until = datetime.now(UTC) + (timedelta(**lasts) if lasts else SOON)
    link = Link(number, holder, FileLink(attached.id, until).text)
    return f"/files/1/{link_token(await site.read(load_keys), 1, use, link)}"


def _sam(connection: Any) -> int:
    person = table(PersonRow)
    query = select(person.c.id).where(person.c.address == SAM, person.c.mailbox_id == 1)
    return int(connection.execute(query).scalar_one())


async def statuses(site: Site, path: str) -> tuple[int, int]:
    """Of the page, and of the download."""
    return (await site.client.get(path)).status, (await site.client.post(path)).status


@pytest.mark.parametrize("use", [FileUse.FILE, FileUse.STAFF_FILE])
async def test_the_page_names_the_file_and_the_form_downloads_it(site: Site, use: FileUse) -> None:
    path = await a_link(site, await site.mailed(with_file()), use)

    page, download = await site.client.get(path), await site.client.post(path)

    shown = await page.text()
    assert "a &lt;b&gt;.pdf" in shown
    assert "application/pdf, 23 B" in shown
    assert (ANN if use is FileUse.FILE else SAM) in shown
    assert BYTES.decode() not in shown
    assert await download.read() == BYTES
    assert download.headers["Content-Disposition"].startswith("attachment;")
    assert download.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"


async def test_a_link_ends_after_its_time(site: Site) -> None:
    number = await site.mailed(with_file())

    assert await statuses(site, await a_link(site, number, seconds=-1)) == (404, 404)
    assert await statuses(site, await a_link(site, number, minutes=5)) == (200, 200)


async def test_a_link_ends_with_its_owners_place(site: Site) -> None:
    number = await site.mailed(with_file())
    own, of_staff = await a_link(site, number), await a_link(site, number, FileUse.STAFF_FILE)
    participant, person = table(ParticipantRow), table(PersonRow)

    await site.write(lambda c: c.execute(update(participant).values(presence="removed")).rowcount)
    removed = await statuses(site, own)
    sam = update(person).where(person.c.address == SAM)
    await site.write(lambda c: c.execute(sam.values(active=False)).rowcount)

    assert (removed, await statuses(site, of_staff)) == ((404, 404), (404, 404))


async def test_nobody_gets_a_file_of_a_deleted_ticket(site: Site) -> None:
    number = await site.mailed(with_file())
    paths = [await a_link(site, number, use) for use in (FileUse.FILE, FileUse.STAFF_FILE)]
    gone = update(table(TicketRow)).values(deleted_at=datetime.now(UTC))
    await site.write(lambda c: c.execute(gone).rowcount)

    assert [await statuses(site, path) for path in paths] == [(404, 404), (404, 404)]


async def test_a_customer_gets_no_file_of_a_comment_that_is_not_public(site: Site) -> None:
    number = await site.mailed(with_file())
    paths = [await a_link(site, number, use) for use in (FileUse.FILE, FileUse.STAFF_FILE)]
    private = update(table(CommentRow)).values(visibility="private")
    await site.write(lambda c: c.execute(private).rowcount)

    assert [await statuses(site, path) for path in paths] == [(404, 404), (200, 200)]


async def test_a_mail_of_ours_is_for_staff_alone(site: Site) -> None:
    notice = b"Subject: Printer\r\nX-Postern-Loop: AB12\r\n\r\nAn odd one.\r\n"
    number = await site.mailed(with_file(notice, "message/rfc822"))
    own, of_staff = await a_link(site, number), await a_link(site, number, FileUse.STAFF_FILE)

    assert await statuses(site, own) == (200, 403)
    assert await statuses(site, of_staff) == (200, 200)
    assert "was made for somebody else" in await (await site.client.post(own)).text()


async def test_a_file_that_cannot_be_taken_out_in_time_is_answered_so_and_counted(
    site: Site,
) -> None:
    number = await site.mailed(with_file(BYTES * 4_000))
    path = await a_link(site, number)
    (attached,) = (await site.ticket_view(number)).comments[0].attachments
    runtime = site.postern.services.runtime
    in_time, runtime.mail_files.worker.wall_s = runtime.mail_files.worker.wall_s, 0.0

    with capture_logs() as logged:
        page = await site.client.post(path)
        status, answer = await site.get(f"/{number}/attachments/{attached.id}", ANN)
    runtime.mail_files.worker.wall_s = in_time

    assert (page.status, status) == (503, 503)
    assert "could not be taken out of its email" in await page.text()
    assert "could not be taken out of its email" in answer["detail"]
    events = [(each["event"], each["why"]) for each in logged if each["event"] == "file_not_read"]
    assert events == [("file_not_read", "timeout")] * 2
    assert 'postern_files_taken_total{result="timeout"} 2.0' in runtime.metrics.render().decode()
    assert await (await site.client.post(path)).read() == BYTES * 4_000


async def test_the_page_says_that_the_mail_is_no_longer_stored(site: Site) -> None:
    path = await a_link(site, await site.mailed(with_file()))
    await site.write(lambda c: c.execute(delete(table(RawMailRow))).rowcount)

    page = await site.client.get(path)

    assert (page.status, "no longer stored" in await page.text()) == (200, True)
    assert (await site.client.post(path)).status == 404


class SmallRelay:
    """Takes mails up to a size, and keeps them."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []

    async def send(self, outgoing: Outgoing) -> None:
        if len(outgoing.raw) > 50_000:
            raise Undelivered("552 5.3.4 too big", permanent=True, code=552, status="5.3.4")
        self.sent.append(outgoing)

    async def tidy(self) -> None:
        pass

    async def close(self) -> None:
        pass


async def test_a_mail_that_is_too_large_for_the_relay_is_sent_with_links(site: Site) -> None:
    await site.mailed(with_file(b"x" * 70 + b"\r\n" + b"y" * 70_000))
    relay = SmallRelay()

    await replace(site.postern.services.dispatcher, relay=relay).send_due()

    (mail,) = [email.message_from_bytes(m.raw) for m in relay.sent if m.rcpt_to == SAM]
    text_part = next(part for part in mail.walk() if part.get_content_type() == "text/plain")
    body = text_part.get_payload(decode=True)
    assert isinstance(body, bytes)
    shown = body.decode()
    assert "a <b>.pdf (68 KB, link)" in shown
    assert "/files/1/" in shown
    assert [part.get_content_type() for part in mail.walk()].count("application/pdf") == 0


async def test_a_link_of_another_use_leads_to_no_file(site: Site) -> None:
    number = await site.mailed(with_file())
    path = await a_link(site, number)
    view = await site.ticket_view(number)
    member = next(m.id for m in view.members if m.address == ANN)
    keys = await site.read(load_keys)
    other = link_token(keys, 1, LinkUse.UNSUBSCRIBE, Link(number, member, "1.99999999999"))

    assert (await site.client.get(path)).status == 200
    assert (await site.client.get(f"/files/1/{other}")).status == 404
    assert (await site.client.get(f"/files/2/{path.rpartition('/')[2]}")).status == 404
