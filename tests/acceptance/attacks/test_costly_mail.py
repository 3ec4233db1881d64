"""Mail that is costly to parse or to read: it is judged first, and read within limits."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from rules.mail.extent import READ_LINES
from storage.db.tables import CommentRow, table
from tests.acceptance.internet import ANN, EVE, Target, a_mail, signed_by
from tests.gateway.building import a_part, multipart

HTML_PART = a_part(b"<b><i><u><s><p>" * 17_000, "Content-Type: text/html")


def bomb(author: str) -> bytes:
    """A mail of 1 MB whose body takes a second to parse."""
    headers = a_mail(author).partition(b"\r\n\r\n")[0]
    return headers + b"\r\nMIME-Version: 1.0\r\n" + multipart("mixed", *[HTML_PART] * 4)


def parsing_processes(target: Target) -> list[str]:
    """The processes that the server has started to parse bodies."""
    return [
        status.parent.name
        for status in Path("/proc").glob("[0-9]*/status")
        if f"PPid:\t{target.postern.process.pid}\n" in status.read_text(errors="replace")
        and b"gateway.parsing.worker" in (status.parent / "cmdline").read_bytes()
    ]


def test_a_strangers_bomb_is_refused_unread(target: Target) -> None:
    before = parsing_processes(target)

    code, _ = target.send(bomb(EVE))

    assert code == 550
    assert parsing_processes(target) == before
    assert target.journal()[-1].trace[0].outcome == "not read: header and envelope decide"


def test_a_bomb_in_a_customers_name_is_refused_unread(target: Target) -> None:
    before = parsing_processes(target)

    code, _ = target.send(bomb(ANN))

    assert code == 550
    assert parsing_processes(target) == before


def test_the_same_bomb_from_a_customer_is_filed(target: Target) -> None:
    target.send(signed_by("acme.example", bomb(ANN)), ANN)

    entry = target.journal()[-1]
    assert entry.verdict == "opened"
    assert parsing_processes(target)


def test_of_500_000_lines_the_first_are_read(target: Target) -> None:
    raw = a_mail(ANN, text="From: a\r\n" * 500_000)

    target.send(signed_by("acme.example", raw), ANN)

    entry = target.journal()[-1]
    assert entry.verdict == "opened"
    assert f"{READ_LINES:,} lines" in entry.trace[0].outcome
    assert entry.ticket is not None
    (comment,) = target.ticket(entry.ticket).comments
    assert comment.text.count("\n") < 500_000
    row = table(CommentRow)
    stored = select(row.c.text).where(row.c.id == comment.id)
    whole = target.database.read(lambda c: c.execute(stored).scalar_one())
    assert whole.count("\n") >= 500_000 - 1
