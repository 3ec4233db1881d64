"""Real mails of many systems: none fails, none is slow, nothing is lost."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.parsing.bounce import read_bounce
from gateway.parsing.parser import Parser
from gateway.parsing.reading import is_ordinary, read
from rules.mail import Body, Mail, Unreadable
from rules.mail.header import Author
from tests.part_bytes import part_bytes

MAILS = Path(__file__).parents[4] / "shared" / "corpus" / "mails"

pytestmark = pytest.mark.skipif(not MAILS.is_dir(), reason="the corpus is not here")


def as_sent(data: bytes) -> bytes:
    """The bytes as SMTP carries them: without an mbox line, and with CRLF throughout."""
    if data.startswith((b"From ", b">From ")):
        data = data.partition(b"\n")[2]
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


@pytest.fixture(scope="module")
def mails() -> list[tuple[str, bytes]]:
    files = sorted(path for path in MAILS.rglob("*.eml") if path.is_file())
    return [(str(path.relative_to(MAILS)), as_sent(path.read_bytes())) for path in files]


@pytest.fixture(scope="module")
def parsed(mails: list[tuple[str, bytes]]) -> dict[str, tuple[Mail, float]]:
    results = {}
    for name, raw in mails:
        began = time.process_time()
        mail = read(raw)
        results[name] = (mail, time.process_time() - began)
    return results


def test_every_mail_is_read_and_none_is_slow(parsed: dict[str, tuple[Mail, float]]) -> None:
    assert len(parsed) > 1_600
    assert max(seconds for _, seconds in parsed.values()) < 1.5


def test_no_mail_is_unreadable(parsed: dict[str, tuple[Mail, float]]) -> None:
    assert [name for name, (mail, _) in parsed.items() if isinstance(mail.body, Unreadable)] == []


def test_most_mails_have_an_author(parsed: dict[str, tuple[Mail, float]]) -> None:
    # Half of the corpus are bounces, whose From often has a comment: `root@x (Mail System)`.
    with_author = sum(isinstance(mail.author, Author) for mail, _ in parsed.values())
    assert with_author / len(parsed) > 0.68


def test_no_character_is_lost(
    mails: list[tuple[str, bytes]], parsed: dict[str, tuple[Mail, float]]
) -> None:
    sent = {name for name, raw in mails if "\ufffd".encode() in raw}
    lost = [
        name
        for name, (mail, _) in parsed.items()
        if isinstance(mail.body, Body)
        and "\ufffd" in mail.subject + mail.body.text + mail.body.html
        and name not in sent
    ]
    assert len(lost) <= 2


def test_every_attachment_can_be_fetched_again(
    mails: list[tuple[str, bytes]], parsed: dict[str, tuple[Mail, float]]
) -> None:
    for name, raw in mails[::5]:
        body = parsed[name][0].body
        for attachment in body.attachments[:5] if isinstance(body, Body) else ():
            assert len(part_bytes(raw, attachment.part)) == attachment.size_bytes


async def test_a_worker_reads_unusual_mails_like_this_process(
    mails: list[tuple[str, bytes]], parsed: dict[str, tuple[Mail, float]]
) -> None:
    parser = Parser()
    unusual = [(name, raw) for name, raw in mails if not is_ordinary(raw)]
    assert unusual
    for name, raw in unusual:
        mail = parsed[name][0]
        # A worker reads delivery reports with the body; here they are read when they are needed.
        assert await parser.parse(raw) == replace(mail, bounces=read_bounce(raw))
    await parser.close()
