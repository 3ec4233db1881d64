"""What is read of a mail that is attached to another."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from gateway.parsing.reading import read
from rules.mail import AttachedMail, Body
from tests.part_bytes import part_bytes

INNER = """From: Gil <gil@globex.example>
To: sam@help.example
Subject: =?utf-8?q?K=C3=BChlung?=
MIME-Version: 1.0
Content-Type: text/html; charset=utf-8

<p>The cooling is <b>broken</b>.</p>
"""


def with_attached(inner: str, kind: str = "multipart/mixed", times: int = 1) -> bytes:
    part = f"--b\nContent-Type: message/rfc822\n\n{inner}\n"
    raw = (
        f"From: sam@help.example\nMIME-Version: 1.0\nContent-Type: {kind}; boundary=b\n\n"
        f"--b\nContent-Type: text/plain\n\nSee it.\n{part * times}--b--\n"
    )
    return raw.replace("\n", "\r\n").encode()


def attached(
    inner: str, kind: str = "multipart/mixed", times: int = 1
) -> list[AttachedMail | None]:
    body = read(with_attached(inner, kind, times)).body
    assert isinstance(body, Body)
    assert body.text.strip() == "See it."
    return [each.mail for each in body.attachments]


def test_its_author_its_subject_and_its_text_are_read() -> None:
    (mail,) = attached(INNER)

    assert mail is not None
    assert (mail.author, mail.subject) == ("gil@globex.example", "Kühlung")
    assert mail.text.strip() == "The cooling is broken."


def test_a_line_of_white_space_at_its_beginning_is_an_empty_line() -> None:
    assert attached(f" \n{INNER}") == attached(f"\n{INNER}")


def test_wide_gaps_hide_neither_its_author_nor_its_name() -> None:
    """Who sends a signed mail again can make each gap 255 wide, and end each line with as many."""
    words = "X-Trace: a\n" * 100 + INNER + "many more words\n" * 700
    wide = words.replace(" ", " " * 255).replace("\n", " " * 255 + "\n")

    narrow_mail, wide_mail = attached(words)[0], attached(wide)[0]

    assert narrow_mail is not None
    assert wide_mail is not None
    assert (wide_mail.author, wide_mail.subject) == (narrow_mail.author, narrow_mail.subject)
    assert wide_mail.text.split() == narrow_mail.text.split()
    raw = f"Content-Type: message/rfc822\n\n{wide}".replace("\n", "\r\n").encode()
    body = read(raw).body
    assert isinstance(body, Body)
    assert body.attachments[0].name == "Kühlung.eml"


@pytest.mark.parametrize(
    "written",
    [
        "From: Gil, Ann <ann@acme.example>",
        "From: a@b.example\nFrom: c@d.example",
        "To: x@y.example",
    ],
)
def test_one_without_exactly_one_author_has_none(written: str) -> None:
    (mail,) = attached(INNER.replace("From: Gil <gil@globex.example>", written))

    assert mail is not None
    assert mail.author == ""


def test_a_mail_within_an_attached_one_is_not_read() -> None:
    nested = (
        "From: gil@globex.example\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=c\n\n"
        "--c\nContent-Type: text/plain\n\nouter\n"
        f"--c\nContent-Type: message/rfc822\n\n{INNER}\n--c--\n"
    )
    (mail,) = attached(nested)

    assert mail is not None
    assert mail.text.strip() == "outer"


def test_one_whose_header_is_longer_than_is_read_is_read_with_narrow_gaps() -> None:
    wide = ("X-Trace: a\n" * 1_000).replace(" ", " " * 255).replace("\n", " " * 255 + "\n")
    (mail,) = attached(wide + INNER)

    assert mail is not None
    assert (mail.author, mail.is_narrowed) == ("gil@globex.example", True)


def test_the_mail_in_a_report_is_a_file() -> None:
    assert attached(INNER, "multipart/report") == [None]


def test_a_large_mail_with_screenshots_is_read_and_its_files_can_be_taken_out() -> None:
    picture = b"\x89PNG" + bytes(300_000)
    inner = EmailMessage()
    inner["From"] = "gil@globex.example"
    inner.set_content("See the screenshot.")
    inner.add_attachment(picture, maintype="image", subtype="png", filename="screen.png")
    outer = EmailMessage()
    outer.set_content("Please take this over.")
    outer.add_attachment(inner)

    body = read(bytes(outer)).body

    assert isinstance(body, Body)
    (found,) = body.attachments

    assert found.mail is not None
    assert found.mail.text.strip() == "See the screenshot."
    assert [(f.part, f.name, f.size_bytes) for f in found.mail.files] == [
        ("2.mail.2", "screen.png", len(picture))
    ]
    assert part_bytes(bytes(outer), "2.mail.2") == picture


def test_a_file_in_an_attached_mail_whose_header_ends_with_white_space_can_be_taken_out() -> None:
    nested = (
        "From: gil@globex.example\nMIME-Version: 1.0\n"
        "Content-Type: multipart/mixed; boundary=c\n \n"
        "--c\nContent-Type: text/plain\n\nouter\n"
        "--c\nContent-Type: text/csv; name=a.csv\nContent-Disposition: attachment\n\n1,2\n--c--\n"
    )
    (mail,) = attached(nested)

    assert mail is not None
    (file,) = mail.files
    assert part_bytes(with_attached(nested), file.part).strip() == b"1,2"


def test_of_several_the_first_is_read() -> None:
    first, second = attached(INNER, times=2)

    assert first is not None
    assert first.author == "gil@globex.example"
    assert second == AttachedMail(author="", subject="", text="")
