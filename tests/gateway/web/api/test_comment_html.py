"""The HTML of comments over the API: who may read what of it, and how it is sent."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from sqlalchemy import delete

from rules.mail.quoting import REPLY_MARK
from rules.sender.tokens import Purpose, ReplyToken, reply_address
from storage.db.tables import RawMailRow, table
from storage.registry.signing_keys import load_keys
from tests.gateway.building import a_part, multipart, text
from tests.gateway.web.api.site import ANN, GIL, SAM, Site
from tests.in_process import SUPPORT

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"


def mail(body: bytes, sender: str = ANN, subject: str = "Lift", to: str = SUPPORT) -> bytes:
    head = f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n"
    return head.encode() + body


def both(plain: str, html: str) -> bytes:
    return multipart("alternative", text(plain), text(html, "html"))


def image(content: bytes, name: str, kind: str = "image/png") -> bytes:
    return a_part(
        base64.encodebytes(content).replace(b"\n", b"\r\n"),
        f"Content-Type: {kind}",
        "Content-Transfer-Encoding: base64",
        f"Content-ID: <{name}>",
        "Content-Disposition: inline",
    )


async def shown(site: Site, number: int, actor: str = ANN, index: int = -1, query: str = "") -> Any:
    """The HTML of a comment; of the last one, unless `index` says which."""
    _, ticket = await site.get(f"/{number}", SAM)
    comment = ticket["comments"][index]["id"]
    status, body = await site.get(f"/{number}/comments/{comment}/html{query}", actor)
    assert status == 200, body
    return body


async def answered(site: Site, body: bytes) -> int:
    """The number of a ticket of Ann's that Sam answers by mail."""
    number = await site.mailed()
    await site.effects(number, add=[SAM])
    to = await own_address(site, number, SAM)
    raw = mail(body, SAM, f"Re: [#{number}] Lift", to)
    await site.postern.take(raw, "127.0.0.1", to)
    return number


async def own_address(site: Site, number: int, address: str) -> str:
    member = next(m.id for m in (await site.ticket_view(number)).members if m.address == address)
    keys = await site.read(load_keys)
    return reply_address(keys, 1, SUPPORT, ReplyToken(number, member, Purpose.REPLY))


async def test_a_customer_reads_the_html_of_their_mail(site: Site) -> None:
    quote = "<blockquote>Old</blockquote>"
    html = (
        f"<p>It is <b>stuck</b>.</p><script>alert(1)</script><div class=gmail_quote>{quote}</div>"
    )
    number = await site.mailed(mail(both("It is stuck.", html)))

    body = await shown(site, number)

    assert body["html"] == "<p>It is <b>stuck</b>.</p>"
    assert body["html_quoted"] == f"<div>{quote}</div>"
    assert (body["plain_only"], body["remote_images"]) == (None, 0)


async def test_the_response_runs_nothing_and_is_not_kept(site: Site) -> None:
    number = await site.mailed(mail(text("<b>x</b>", "html")))
    comment = (await shown(site, number))["id"]

    response = await site.ask("GET", f"/{number}/comments/{comment}/html", ANN)

    assert response.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "private, no-store"


async def test_only_who_may_read_the_comment_reads_its_html(site: Site) -> None:
    number = await site.mailed(mail(text("<b>x</b>", "html")))
    await site.effects(number, comment={"text": "A note.", "visibility": "note"})
    _, ticket = await site.get(f"/{number}", SAM)
    public, note = (each["id"] for each in ticket["comments"])
    other = await site.mailed(mail(text("other")))

    async def status(path: str, actor: str) -> int:
        return (await site.ask("GET", path, actor)).status

    assert await status(f"/{number}/comments/{note}/html", SAM) == 200
    assert await status(f"/{number}/comments/{note}/html", ANN) == 404
    assert await status(f"/{number}/comments/{public}/html", GIL) == 404
    assert await status(f"/{other}/comments/{public}/html", SAM) == 404
    assert await status(f"/{number}/comments/{public}/html?images=all", ANN) == 400


async def test_plain_text_is_shown_as_html_with_links(site: Site) -> None:
    said = "See <https://x.example/a?b=1&c=2>.\r\n\r\n> Is it old?\r\n"
    number = await site.mailed(mail(text(said)))

    body = await shown(site, number)

    assert body["plain_only"] == "no_html"
    assert '<a href="https://x.example/a?b=1&amp;c=2" rel="noopener' in body["html"]
    assert "&gt; Is it old?" in body["html_quoted"]


async def test_a_comment_of_the_portal_is_shown_as_html(site: Site) -> None:
    number = await site.open(text="<b>not bold</b>")

    body = await shown(site, number)

    assert body["plain_only"] == "written_here"
    assert "&lt;b&gt;not bold&lt;/b&gt;" in body["html"]


async def test_images_from_elsewhere_are_counted_and_kept_on_request(site: Site) -> None:
    html = (
        '<p>x</p><img src="https://t.example/a.png" alt="Chart">'
        '<img src="http://t.example/pixel.gif" width="1" height="1">'
    )
    number = await site.mailed(mail(text(html, "html")))

    without, with_them = (
        await shown(site, number),
        await shown(site, number, query="?images=remote"),
    )

    assert (without["remote_images"], with_them["remote_images"]) == (2, 2)
    assert without["html"] == "<p>x</p><em>[image not loaded: Chart]</em>"
    assert 'src="https://t.example/a.png"' in with_them["html"]
    assert 'referrerpolicy="no-referrer"' in with_them["html"]


async def test_an_inline_image_is_loaded_from_the_same_mail(site: Site) -> None:
    encoded = base64.b64encode(PNG + b"2").decode()
    html = (
        '<img src="cid:a@x"><img src="cid:b@x" alt="drawing">'
        f'<img src="data:image/png;base64,{encoded}">'
    )
    related = multipart(
        "related", text(html, "html"), image(PNG, "a@x"), image(SVG, "b@x", "image/svg+xml")
    )
    number = await site.mailed(mail(related))
    body = await shown(site, number)
    sources = [each.partition('"')[0] for each in body["html"].split('src="')[1:]]
    paths = [each.removeprefix("/api/v1/tickets") for each in sources]

    png, svg, written = [await site.ask("GET", path, ANN) for path in paths]
    other = await site.ask("GET", paths[0], GIL)

    assert (png.status, await png.read(), png.content_type) == (200, PNG, "image/png")
    assert (written.status, await written.read()) == (200, PNG + b"2")
    assert png.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert (svg.status, other.status) == (404, 404)


async def test_reply_addresses_are_masked_in_texts_and_in_attributes(site: Site) -> None:
    number = await site.mailed()
    token = await own_address(site, number, ANN)
    local, _, domain = token.partition("@")
    html = (
        f'<p>{token}</p><a href="mailto:{token}">write</a>'
        f'<a href="https://x.example/?to={local}%40{domain}">link</a><img src="https://x.example/'
        f'{local.partition("+")[2]}.png" alt="{token}">'
    )
    other = await site.mailed(mail(text(html, "html"), subject="Other"))

    body = await shown(site, other, SAM, query="?images=remote")

    secret = local.partition("+")[2]
    assert body["plain_only"] is None
    assert secret not in body["html"].lower()
    assert SUPPORT in body["html"]


async def test_a_reply_address_that_is_spread_over_elements_withholds_the_html(site: Site) -> None:
    number = await site.mailed()
    token = await own_address(site, number, ANN)
    spread = "</b><b>".join(token)
    other = await site.mailed(mail(text(f"<p>x <b>{spread}</b></p>", "html"), subject="Other"))

    body = await shown(site, other, SAM)

    assert body["plain_only"] == "private"
    assert token.partition("+")[2].partition("@")[0] not in body["html"]


async def test_customers_get_the_html_of_an_answer_as_far_as_its_text(site: Site) -> None:
    plain = "#status pending\r\nTry *this*:\r\n\r\n- one\r\n- two\r\n\r\n"
    plain += f"{REPLY_MARK}\r\nA secret note.\r\n"
    html = (
        "<div>#status pending</div><div>Try <b>this</b>:</div><ul><li>one</li><li>two</li></ul>"
        f"<div class=gmail_quote><p>{REPLY_MARK}</p><p>A secret note.</p></div>"
    )
    number = await answered(site, both(plain, html))

    for_customer, for_staff = await shown(site, number), await shown(site, number, SAM)

    assert for_customer["html"] == ("<div>Try <b>this</b>:</div><ul><li>one</li><li>two</li></ul>")
    assert (for_customer["html_quoted"], for_customer["plain_only"]) == ("", None)
    assert "A secret note." in for_staff["html_quoted"]


@pytest.mark.parametrize(
    "html",
    [
        "<p>Try this.</p><p>A secret note.</p>",
        "<p>A secret note.</p><p>Try this.</p>",
        "<p>Try <span>secret</span> this.</p>",
        "<p>Something else.</p>",
    ],
)
async def test_customers_get_no_word_of_html_that_the_text_does_not_have(
    site: Site, html: str
) -> None:
    number = await answered(site, both("Try this.", html))

    body = await shown(site, number)

    assert "secret" not in body["html"] + body["html_quoted"]
    assert "this." in body["html"]


async def test_internal_text_in_a_customers_html_is_for_staff_alone(site: Site) -> None:
    """A plain part without it does not help: the two parts of a mail may differ."""
    html = f"<p>See.</p><blockquote>{REPLY_MARK}<p>A secret note.</p></blockquote>"
    number = await site.mailed(mail(both("See.", html)))

    for_customer, for_staff = await shown(site, number), await shown(site, number, SAM)

    assert "secret" not in for_customer["html"] + for_customer["html_quoted"]
    assert "secret" in for_staff["html"] + for_staff["html_quoted"]


async def test_the_html_of_a_mail_that_is_no_longer_stored_is_its_text(site: Site) -> None:
    number = await site.mailed(mail(text("<b>bold</b>", "html")))
    await site.write(_forget)

    body = await shown(site, number)

    assert body["plain_only"] == "not_stored"
    assert "bold" in body["html"]


def _forget(connection: Any) -> None:
    connection.execute(delete(table(RawMailRow)))


async def test_html_that_is_too_costly_is_its_text_and_is_counted(site: Site) -> None:
    number = await site.mailed(mail(text("<div>" * 500 + "deep", "html")))

    body = await shown(site, number)

    assert body["plain_only"] == "too_complex"
    assert "deep" in body["html"]
    metrics = site.postern.services.runtime.metrics.render().decode()
    assert 'postern_html_views_total{result="too_complex"} 1.0' in metrics
