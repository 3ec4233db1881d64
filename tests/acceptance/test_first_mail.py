"""The main job, from outside: the real command, real sockets, both stores."""

from __future__ import annotations

import re

from tests.running import Postern

SUPPORT = "support@help.example"


def a_mail(sender: str = "ann@acme.example", subject: str = "Printer", text: str = "Help") -> bytes:
    return (
        f"From: {sender}\r\nTo: {SUPPORT}\r\nSubject: {subject}\r\n"
        f"Message-ID: <{abs(hash((sender, subject, text)))}@client.example>\r\n\r\n{text}\r\n"
    ).encode()


def test_a_registered_user_opens_a_ticket(demo: Postern) -> None:
    code, text = demo.send(a_mail(), "ann@acme.example", SUPPORT)

    assert code == 250
    assert re.fullmatch(r"2\.0\.0 [0-9a-f-]{36} filed as #1", text)
    assert "Printer" in demo.run("ticket", "1").stdout


def test_a_stranger_is_refused_in_the_dialogue(demo: Postern) -> None:
    code, text = demo.send(a_mail("eve@evil.example"), "eve@evil.example", SUPPORT)

    assert (code, text[:5]) == (550, "5.7.1")
    assert "refused" in demo.run("tail").stdout


def test_the_same_mail_twice_is_one_ticket_and_one_answer(demo: Postern) -> None:
    first = demo.send(a_mail(), "ann@acme.example", SUPPORT)
    second = demo.send(a_mail(), "ann@acme.example", SUPPORT)

    assert first == second
    assert "duplicate" in demo.run("tail").stdout
    assert len(demo.run("tickets").stdout.splitlines()) == 1
