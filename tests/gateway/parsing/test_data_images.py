"""Images that are written into HTML are files of the mail, as those of parts are."""

from __future__ import annotations

import base64

import pytest

from gateway.parsing.reading import read
from rules.mail import Body
from tests.gateway.building import a_mail, a_part, multipart, text
from tests.part_bytes import part_bytes

PIXEL = b"\x89PNG\r\n\x1a\n" + bytes(range(40))
CODED = base64.b64encode(PIXEL).decode()


def body(raw: bytes) -> Body:
    found = read(raw).body
    assert isinstance(found, Body)
    return found


def test_each_has_a_name_and_its_bytes() -> None:
    markup = (
        f'<p>Before <img src="data:image/png;base64,{CODED}" alt="E17"> after</p>'
        f"<img alt=x SRC = 'DATA:image/jpeg;charset=x;base64,{CODED[:20]}\r\n {CODED[20:]}'>"
    )
    raw = a_mail(multipart("mixed", text("Hello"), text(markup, "html"), a_part(b"P", "A: b")))
    found = body(raw)

    assert [(each.part, each.name, each.content_type) for each in found.attachments] == [
        ("2.data.1", "image-1.png", "image/png"),
        ("2.data.2", "image-2.jpg", "image/jpeg"),
    ]
    assert all(each.inline and each.size_bytes == len(PIXEL) for each in found.attachments)
    assert part_bytes(raw, "2.data.1") == part_bytes(raw, "2.data.2") == PIXEL
    assert "Before [E17] after" in found.text
    with pytest.raises(LookupError):
        part_bytes(raw, "2.data.3")


def test_they_are_files_next_to_a_plain_form_too() -> None:
    markup = f'<p>Hello</p><img src="data:image/png;base64,{CODED}">'
    found = body(a_mail(multipart("alternative", text("Hello"), text(markup, "html"))))
    assert found.text == "Hello"
    assert [each.part for each in found.attachments] == ["2.data.1"]


@pytest.mark.parametrize(
    "markup",
    [
        f"<p>data:image/png;base64,{CODED}</p>",
        f'<a href="data:image/png;base64,{CODED}">x</a>',
        '<img src="data:image/png;base64,">',
        '<img src="data:image/png;base64,!">',
        f'<img src="data:text/html;base64,{CODED}">',
    ],
)
def test_nothing_else_is_an_image(markup: str) -> None:
    assert body(a_mail(text(markup, "html"))).attachments == ()


def test_at_most_500_are_files() -> None:
    markup = '<img src="data:image/png;base64,AAAA">' * 600 + ";base64," * 100_000
    assert len(body(a_mail(text(markup, "html"))).attachments) == 500
