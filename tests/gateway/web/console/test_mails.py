"""The page of one mail."""

from __future__ import annotations

import re

from rules.decision.reasons import Verdict
from rules.mail import Delivery, Envelope
from rules.sender.tokens import Purpose, ReplyToken, reply_token
from rules.service.console_roles import ConsoleRole
from storage.mail import journal
from storage.mail.journal import JournalEntry, JournalFilter
from storage.registry import mailboxes
from tests.gateway.test_unread_refusals import BOTH, with_billing
from tests.gateway.web.console.desk import Desk
from tests.gateway.web.console.test_in_browser import ANN, hostile
from tests.gateway.web.link_pages import SUPPORT
from tests.in_process import a_mail

HOSTILE = hostile()
"""With a boundary that another call would not have."""


async def taken(desk: Desk) -> JournalEntry:
    """The mail with a hostile HTML and a file."""
    envelope = Envelope("127.0.0.1", "", False, ANN, (SUPPORT,))
    await desk.site.services.ingest.take(Delivery(envelope, HOSTILE))
    return (await desk.site.write(lambda c: journal.newest(c, JournalFilter(), 1)))[-1]


async def test_a_mail_has_its_way_its_text_its_files_and_what_it_caused(desk: Desk) -> None:
    mail = await taken(desk)
    browser = await desk.logged_in()

    _, page = await browser.get(f"/console/mails/{mail.id}")
    frame = await browser.client.get(f"/console/mails/{mail.id}/html")
    file = await browser.client.get(f"/console/mails/{mail.id}/files/2")
    raw = await browser.client.get(f"/console/mails/{mail.id}/raw")

    assert all(step.outcome in page for step in mail.trace if "'" not in step.outcome)
    assert 'It opened ticket #2; the ticket shows what happened since. <a href="/console/t' in page
    assert "The printer is on fire." in page
    assert f"acknowledgement → <bdi>{ANN}</bdi>" in page
    assert "<script>document" not in page
    assert "on fire" in await frame.text()
    assert "script" not in await frame.text()
    assert "onerror" not in await frame.text()
    assert frame.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert (await file.text()).strip() == "One, two."
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert await raw.read() == HOSTILE


async def test_the_page_of_a_refusal_that_its_author_did_not_see_says_so(desk: Desk) -> None:
    await desk.site.write(with_billing)
    envelope = Envelope("127.0.0.1", "", False, ANN, BOTH)
    await desk.site.services.ingest.take(Delivery(envelope, a_mail(ANN, "Paper", "It jams.")))
    last = await desk.site.write(lambda c: journal.newest(c, JournalFilter(), 2))
    browser = await desk.logged_in()

    page, other = [
        (await browser.get(f"/console/mails/{mail.id}"))[1]
        for mail in sorted(last, key=lambda each: each.verdict != Verdict.REFUSED)
    ]

    assert "since another mailbox took the mail: write to them." in page
    assert "<dt>Reply of this mailbox</dt>" in page
    assert "<dt>Answered</dt>" in other


async def test_a_viewer_reads_a_mail_but_not_as_it_came(desk: Desk) -> None:
    path = f"/console/mails/{(await taken(desk)).id}"
    viewer = await desk.logged_in(ConsoleRole.VIEWER)

    status, page = await viewer.get(path)

    assert status == 200
    assert "/raw" not in page
    assert (await viewer.get(f"{path}/raw"))[0] == 403


async def test_a_viewer_gets_no_address_and_no_link_of_a_recipient_of_ours(desk: Desk) -> None:
    """With them they could act, which their role does not permit. Agents have the whole mail."""
    keys = (await desk.site.services.runtime.mailbox_cache.current()).keys
    token = reply_token(keys, desk.site.mailbox.id, ReplyToken(desk.site.ticket, 1, Purpose.REPLY))
    notice = a_mail(text=f"https://postern.example/held/1/{token}", X_Postern_Loop="AB12").decode()
    raw = (
        f"From: {ANN}\r\nTo: {SUPPORT}\r\nMessage-ID: <{token}@acme.example>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee."
        f"\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n{notice}\r\n--b--\r\n"
    )
    envelope = Envelope("127.0.0.1", f"helo-{token}", False, ANN, (SUPPORT,))
    await desk.site.services.ingest.take(Delivery(envelope, raw.encode()))
    mail = (await desk.site.write(lambda c: journal.newest(c, JournalFilter(), 1)))[-1]
    held = await desk.hold(f"About {token}", f"support+{token}@acme.example")
    path = f"/console/mails/{mail.id}"
    whole = await (await desk.logged_in()).get(f"{path}/files/2")
    viewer = await desk.logged_in(ConsoleRole.VIEWER)

    pages = (path, "/console/held", f"/console/held/{held.journal_id}", "/console/journal")
    shown = [await viewer.get(each) for each in pages]
    withheld = await viewer.get(f"{path}/files/2")

    assert [status for status, _ in shown] == [200] * 4
    assert not any(token in page for _, page in shown)
    assert (whole[0], token in whole[1]) == (200, True)
    assert (withheld[0], token in withheld[1]) == (403, False)


async def test_a_mail_of_another_desk_is_not_there(desk: Desk) -> None:
    path = f"/console/mails/{(await taken(desk)).id}"
    await desk.site.write(lambda c: mailboxes.add_mailbox(c, "sales@help.example", "default"))
    tom = await desk.logged_in(ConsoleRole.AGENT, "tom@help.example")

    parts = ("", "/html", "/files/2", "/raw")

    assert [(await tom.get(f"{path}{part}"))[0] for part in parts] == [404] * 4


async def test_a_repeat_leads_to_the_mail_and_shows_none_of_it(desk: Desk) -> None:
    first, again = await taken(desk), await taken(desk)
    browser = await desk.logged_in()

    _, page = await browser.get(f"/console/mails/{again.id}")

    assert first.id != again.id
    assert f'href="/console/mails/{first.id}"' in page
    assert "The printer is on fire." not in page


async def test_a_held_mail_has_its_own_page(desk: Desk) -> None:
    mail = await desk.hold()
    browser = await desk.logged_in()

    response = await browser.client.get(f"/console/mails/{mail.journal_id}", allow_redirects=False)

    assert response.headers["Location"] == f"/console/held/{mail.journal_id}"


async def test_a_held_mail_shows_the_way_that_it_went(desk: Desk) -> None:
    mail = await desk.hold()
    browser = await desk.logged_in(ConsoleRole.VIEWER)
    held, way = f"/console/held/{mail.journal_id}", f"/console/mails/{mail.journal_id}?view=way"

    _, page = await browser.get(held)
    status, drawn = await browser.get(way)

    assert f'href="{way}"' in page
    assert status == 200
    assert "Registered?" in drawn
    assert f'href="{held}"' in drawn


async def test_what_a_mail_caused_leads_to_the_outgoing_mail(desk: Desk) -> None:
    mail = await taken(desk)
    browser = await desk.logged_in(ConsoleRole.VIEWER)

    _, page = await browser.get(f"/console/mails/{mail.id}")
    path = re.search(r'href="(/console/outbox/[^"]+)"', page)

    assert path is not None, page
    assert (await browser.get(path[1]))[0] == 200
