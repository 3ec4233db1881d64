"""What is read of a mail that is attached to another."""

from __future__ import annotations

import pytest

from gateway.parsing.parser import read
from rules.mail import AttachedMail, Body

INNER = """From: Gil <gil@globex.example>
To: sam@help.example
Subject: =?utf-8?q?K=C3=BChlung?=
MIME-Version: 1.0
Content-Type: text/html; charset=utf-8

<p>The cooling is <b>broken</b>.</p>
"""


def attached(
    inner: str, kind: str = "multipart/mixed", times: int = 1
) -> list[AttachedMail | None]:
    part = f"--b\nContent-Type: message/rfc822\n\n{inner}\n"
    raw = (
        f"From: sam@help.example\nMIME-Version: 1.0\nContent-Type: {kind}; boundary=b\n\n"
        f"--b\nContent-Type: text/plain\n\nSee it.\n{part * times}--b--\n"
    )
    body = read(raw.replace("\n", "\r\n").encode()).body
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


def test_the_mail_in_a_report_and_a_large_one_are_files() -> None:
    assert attached(INNER, "multipart/report") == [None]
    assert attached(INNER + "x\n" * 140_000) == [None]


def test_of_several_the_first_is_read() -> None:
    first, second = attached(INNER, times=2)

    assert first is not None
    assert first.author == "gil@globex.example"
    assert second == AttachedMail(author="", subject="", text="")
