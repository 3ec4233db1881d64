"""Attachments and raw mails: who may read them, and how they are sent."""

from __future__ import annotations

import base64

import pytest

from gateway.web.api.download import headers_of_file
from rules.mail.quoting import REPLY_MARK
from rules.sender.tokens import Purpose, ReplyToken, reply_address
from storage.registry.signing_keys import load_keys
from tests.gateway.building import a_part, multipart, text
from tests.gateway.parsing.tnef_writer import file as tnef_file
from tests.gateway.parsing.tnef_writer import message
from tests.gateway.parsing.tnef_writer import text as tnef_text
from tests.gateway.web.api.site import ANN, CAT, SAM, Site
from tests.in_process import SUPPORT

PNG = bytes(range(256))


def with_file(
    name: str = "log.png", kind: str = "image/png", subject: str = "See", sender: str = ANN
) -> bytes:
    file = a_part(
        PNG.hex().encode(),
        f"Content-Type: {kind}",
        f'Content-Disposition: attachment; filename="{name}"',
    )
    head = f"From: {sender}\r\nTo: {SUPPORT}\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n"
    return head.encode() + multipart("mixed", text("See the file."), file)


async def the_file(site: Site, number: int) -> str:
    """The path of the one attachment on a ticket, after /api/v1/tickets."""
    _, ticket = await site.get(f"/{number}", SAM)
    (attached,) = ticket["comments"][0]["attachments"]
    return str(attached["url"]).removeprefix("/api/v1/tickets")


async def test_an_attachment_is_read_from_the_raw_mail(site: Site) -> None:
    number = await site.mailed(with_file())

    response = await site.ask("GET", await the_file(site, number), ANN)

    assert (response.status, await response.read()) == (200, PNG.hex().encode())
    assert response.headers["Content-Disposition"].startswith('attachment; filename="log.png"')


@pytest.mark.parametrize("charset", ["ascii", "utf-16-le"])
async def test_a_notice_that_a_client_attaches_to_an_answer_is_for_staff_alone(
    site: Site, charset: str
) -> None:
    """It has the reply address and the links of its recipient, and for staff internal text."""
    notice = "Subject: Printer\r\nX-Postern-Loop: AB12\r\n\r\nAn odd one.\r\n".encode(charset)
    file = a_part(notice, "Content-Type: message/rfc822", "Content-Disposition: attachment")
    head = f"From: {ANN}\r\nTo: {SUPPORT}\r\nSubject: See\r\nMIME-Version: 1.0\r\n"
    number = await site.mailed(head.encode() + multipart("mixed", text("See the file."), file))
    path = await the_file(site, number)

    by_customer, by_staff = await site.ask("GET", path, ANN), await site.ask("GET", path, SAM)
    by_report = await site.ask("GET", path, scope="read")

    assert (by_customer.status, by_staff.status, by_report.status) == (403, 200, 403)
    assert "only staff may read it" in (await by_customer.json())["detail"]


@pytest.mark.parametrize("charset", ["utf-8", "utf-16-le"])
async def test_a_page_with_the_text_of_a_notice_to_staff_is_for_staff_alone(
    site: Site, charset: str
) -> None:
    """Clients save a mail as a page, and attach the HTML of what is answered."""
    page = f"<p>{REPLY_MARK.replace('above', 'above' + chr(10))}</p><p>An odd one.</p>"
    file = a_part(
        base64.encodebytes(page.encode(charset)).replace(b"\n", b"\r\n"),
        "Content-Type: text/html",
        "Content-Transfer-Encoding: base64",
        'Content-Disposition: attachment; filename="mail.html"',
    )
    head = f"From: {ANN}\r\nTo: {SUPPORT}\r\nSubject: See\r\nMIME-Version: 1.0\r\n"
    number = await site.mailed(head.encode() + multipart("mixed", text("See the file."), file))
    path = await the_file(site, number)

    by_customer, by_staff = await site.ask("GET", path, ANN), await site.ask("GET", path, SAM)

    assert (by_customer.status, by_staff.status) == (403, 200)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("application/ms-tnef", "body"),
        ("application/pkcs7-mime", "body"),
        ("application/octet-stream", "WINMAIL.DAT"),
        ("application/octet-stream", "smime.p7m"),
    ],
)
async def test_a_file_that_wraps_the_text_of_a_staff_persons_mail_is_for_staff_alone(
    site: Site, kind: str, name: str
) -> None:
    """Outlook packs what the mail quotes into it, compressed: our notice to them, with notes."""
    number = await site.mailed()
    await site.effects(number, add=[SAM])
    sam = next(m.id for m in (await site.ticket_view(number)).members if m.address == SAM)
    keys = await site.read(load_keys)
    to = reply_address(keys, 1, SUPPORT, ReplyToken(number, sam, Purpose.REPLY))
    for sender, rcpt in ((SAM, to), (ANN, SUPPORT)):
        raw = with_file(name, kind, f"Re: [#{number}] See", sender)
        await site.postern.take(raw, "127.0.0.1", rcpt)
    _, ticket = await site.get(f"/{number}", ANN)
    paths = [
        c["attachments"][0]["url"].removeprefix("/api/v1/tickets") for c in ticket["comments"][1:]
    ]

    by_customer = [(await site.ask("GET", path, ANN)).status for path in paths]
    by_staff = [(await site.ask("GET", path, SAM)).status for path in paths]
    by_report = [(await site.ask("GET", path, scope="read")).status for path in paths]

    assert (by_customer, by_staff, by_report) == ([403, 200], [200, 200], [403, 200])


async def test_a_file_within_a_winmail_dat_is_equal_to_the_byte(site: Site) -> None:
    winmail = message(tnef_text(0x1000, "See the plan."), files=[tnef_file("plan.png", PNG)])
    part = a_part(
        base64.encodebytes(winmail).replace(b"\n", b"\r\n"),
        "Content-Type: application/ms-tnef; name=winmail.dat",
        "Content-Transfer-Encoding: base64",
    )
    head = f"From: {ANN}\r\nTo: {SUPPORT}\r\nSubject: See\r\nMIME-Version: 1.0\r\n"
    number = await site.mailed(head.encode() + part)
    _, ticket = await site.get(f"/{number}", ANN)
    comment = ticket["comments"][0]
    names = [each["name"] for each in comment["attachments"]]
    path = comment["attachments"][1]["url"].removeprefix("/api/v1/tickets")

    answer = await site.ask("GET", path, ANN)

    assert (comment["text"], names) == ("See the plan.", ["winmail.dat", "plan.png"])
    assert (answer.status, await answer.read()) == (200, PNG)


@pytest.mark.parametrize("encoding", ["7bit", "base64"])
async def test_a_notice_within_a_mail_that_is_attached_is_for_staff_alone(
    site: Site, encoding: str
) -> None:
    """Gmail attaches mails in base64, and a forwarded mail may have one attached already."""
    notice = b"Subject: Printer\r\nX-Postern-Loop: AB12\r\n\r\nAn odd one.\r\n"
    inner = a_part(
        base64.encodebytes(notice).replace(b"\n", b"\r\n"),
        "Content-Type: message/rfc822",
        "Content-Transfer-Encoding: base64",
    )
    large = a_part(b"x" * 70 + b"\r\n" + b"y\r\n" * 100_000, "Content-Type: application/x-log")
    mail = b"From: x@y.example\r\n" + multipart("mixed", text("FYI"), large, inner)
    sent = base64.encodebytes(mail).replace(b"\n", b"\r\n") if encoding == "base64" else mail
    file = a_part(
        sent,
        "Content-Type: message/rfc822",
        f"Content-Transfer-Encoding: {encoding}",
        "Content-Disposition: attachment",
    )
    head = f"From: {ANN}\r\nTo: {SUPPORT}\r\nSubject: See\r\nMIME-Version: 1.0\r\n"
    number = await site.mailed(head.encode() + multipart("mixed", text("See."), file))
    path = await the_file(site, number)

    by_customer, by_staff = await site.ask("GET", path, ANN), await site.ask("GET", path, SAM)

    assert (by_customer.status, by_staff.status) == (403, 200)


async def test_no_browser_runs_an_attachment(site: Site) -> None:
    number = await site.mailed(with_file("page.html", "text/html"))

    response = await site.ask("GET", await the_file(site, number), ANN)

    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert response.headers["Content-Disposition"].startswith("attachment;")


@pytest.mark.parametrize(
    ("name", "plain", "encoded"),
    [
        ("log.png", "log.png", "log.png"),
        ("Übersicht.pdf", "_bersicht.pdf", "%C3%9Cbersicht.pdf"),
        ('a"; x=y.svg', "a__ x_y.svg", "a%22%3B%20x%3Dy.svg"),
        ("../../.profile", "_.._.profile", "_.._.profile"),
        ("a\r\nSet-Cookie: b", "aSet-Cookie_ b", "aSet-Cookie%3A%20b"),
        ("", "attachment", "attachment"),
    ],
)
def test_the_name_of_a_file_is_only_a_name(name: str, plain: str, encoded: str) -> None:
    disposition = headers_of_file(name, "image/png")["Content-Disposition"]

    assert disposition == f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"


@pytest.mark.parametrize("kind", ["text/html\r\nX: y", "text", "", "text/html; charset=x"])
def test_an_invalid_content_type_becomes_octet_stream(kind: str) -> None:
    assert headers_of_file("a", kind)["Content-Type"] == "application/octet-stream"


async def test_an_attachment_of_a_comment_that_is_not_public_is_for_staff(site: Site) -> None:
    number = await site.open(ANN)
    await site.postern.take(with_file(subject=f"[#{number}]", sender=SAM))
    _, ticket = await site.get(f"/{number}", SAM)
    flagged = next(c for c in ticket["comments"] if c["visibility"] == "private")
    path = flagged["attachments"][0]["url"].removeprefix("/api/v1/tickets")

    assert (await site.ask("GET", path, SAM)).status == 200
    assert (await site.ask("GET", path, ANN)).status == 404


async def test_an_attachment_is_found_under_its_own_ticket_only(site: Site) -> None:
    number = await site.mailed(with_file())
    path = await the_file(site, number)
    other = await site.open(CAT)

    assert (await site.ask("GET", path, CAT)).status == 404
    elsewhere = path.replace(f"/{number}/", f"/{other}/")
    assert (await site.ask("GET", elsewhere, CAT)).status == 404
    assert (await site.ask("GET", elsewhere, SAM)).status == 404


async def test_staff_get_the_raw_mail_as_it_came(site: Site) -> None:
    raw = with_file()
    number = await site.mailed(raw)
    _, ticket = await site.get(f"/{number}", SAM)
    path = ticket["comments"][0]["raw"].removeprefix("/api/v1/tickets")

    response = await site.ask("GET", path, SAM)

    assert (response.status, await response.read()) == (200, raw)
    assert "raw" not in (await site.get(f"/{number}", ANN))[1]["comments"][0]
    assert (await site.ask("GET", path, ANN)).status == 403


async def test_a_raw_mail_is_found_under_its_own_ticket_only(site: Site) -> None:
    number, other = await site.mailed(), await site.open(ANN)
    _, ticket = await site.get(f"/{number}", SAM)
    path = ticket["comments"][0]["raw"].removeprefix("/api/v1/tickets")

    elsewhere = path.replace(f"/{number}/", f"/{other}/")
    assert (await site.ask("GET", elsewhere, SAM)).status == 404
    assert (await site.ask("GET", f"/{number}/raw/x", SAM)).status == 400
