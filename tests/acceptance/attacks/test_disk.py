"""What a stranger who proves nothing can make us keep."""

from __future__ import annotations

import base64
import os

import pytest

from tests.acceptance.attacks.attack import HELD
from tests.acceptance.internet import EVE, Target, a_mail, signed_by

MIB = 2**20
BODY_MIB = 4


def random_body() -> str:
    """Text that does not compress."""
    raw = base64.encodebytes(os.urandom(BODY_MIB * MIB * 3 // 4))
    return raw.replace(b"\n", b"\r\n").decode()


def stored_bytes(target: Target) -> int:
    """The size of the pages that the store uses, those in its log included."""
    pages = "SELECT (SELECT page_count FROM pragma_page_count) * page_size FROM pragma_page_size"
    return int(target.database.read(lambda c: c.exec_driver_sql(pages).scalar_one()))


@pytest.mark.parametrize("author", ["mailer-daemon@mx.elsewhere.example", "ann@acme.example"])
def test_of_an_unproven_bounce_the_header_is_kept(target: Target, author: str) -> None:
    before = stored_bytes(target)

    answers = [target.send(a_mail(author, text=random_body()), mail_from="") for _ in range(3)]

    assert all(f"{code} {text}".startswith(HELD) for code, text in answers)
    assert stored_bytes(target) - before < MIB
    entry = target.journal()[-1]
    assert (entry.verdict, entry.reason) == ("recorded", "automatic")
    explained = target.postern.run("explain", str(entry.id)).stdout
    assert "body not kept: unproven automatic mail" in explained


def test_of_a_proven_strangers_bounce_the_header_is_kept(target: Target) -> None:
    before = stored_bytes(target)
    text = random_body()
    raw = signed_by("evil.example", a_mail(EVE, "In-Reply-To: <x@y.example>", text=text))

    target.send(raw, mail_from="")

    assert target.journal()[-1].authentication["aligned"]
    assert target.journal()[-1].reason == "automatic"
    assert stored_bytes(target) - before < MIB


def test_of_a_mail_with_two_authors_only_the_journal_row_is_kept(target: Target) -> None:
    before = stored_bytes(target)

    for _ in range(3):
        target.send(b"From: x@y.example\r\n" + a_mail(EVE, text=random_body()))

    assert target.journal()[-1].reason == "from_ambiguous_refused"
    assert stored_bytes(target) - before < MIB
