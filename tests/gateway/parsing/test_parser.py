"""Hostile mails are read or refused within limits, and worker processes may crash on them."""

from __future__ import annotations

import asyncio
import base64
import pickle
import time
from collections.abc import AsyncIterator

import pytest
import uvloop

from gateway.parsing.answers import pickled, unpickled
from gateway.parsing.parser import Parser
from gateway.parsing.reading import is_ordinary, read
from rules.mail import Body, Mail, Unread, Unreadable
from rules.mail.bounces import Bounce, Failure
from rules.mail.header import Author, Header
from rules.mail.opening import ENCRYPTED
from tests.gateway.building import HEAD, a_mail, a_part, multipart, text


def nested(depth: int, inner: bytes = b"x") -> bytes:
    opened = (
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
        for n in range(depth)
    )
    return HEAD + b"".join(opened) + b"\r\n" + inner


MIXED = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
HTML = HEAD + b"Content-Type: text/html\r\n\r\n"
PARAMETERS = b'; a="' + b";" * 20_000
MARKS = "\u0316\u0301".encode() * 80_000

FLOODS: dict[str, tuple[bytes, str]] = {
    "combining marks in the body": (HEAD + b"\r\n" + MARKS, ""),
    "combining marks in a name": (
        b"To: =?utf-8?b?" + base64.b64encode(MARKS[:150_000]) + b"?= <a@b.test>\r\n\r\n",
        "",
    ),
    "open angles in Received": (
        b"Received: by (envelope-from " + b"<" * 100_000 + b"\r\n" + HEAD,
        "",
    ),
    "many Received": (b"Received: from a by b; Mon\r\n" * 100_000 + HEAD, "header block"),
    "parameters": (HEAD + b"Content-Type: text/plain" + PARAMETERS + b"\r\n\r\nx", ""),
    "parameters of a multipart": (
        HEAD + b"Content-Type: multipart/mixed; boundary=b" + PARAMETERS * 10 + b"\r\n\r\n--b\r\n",
        "",
    ),
    "parameters of 200 parts": (
        MIXED + (b"--b\r\nContent-Disposition: a" + PARAMETERS[:10_000] + b"\r\n\r\nx\r\n") * 200,
        "",
    ),
    "continued parameters": (
        HEAD + b"Content-Type: a/b" + b"".join(b"; n*%d=a" % n for n in range(20_000)),
        "",
    ),
    "encoded-words": (b"Subject: " + b"=?utf-8?q?a?= " * 18_000 + b"\r\n\r\n", ""),
    "encoded-words over the limit": (b"Subject: " + b"=?utf-8?q?a?= " * 60_000, "header block"),
    "attached mails in each other": (
        HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 1_000 + b"A" * 5_000_000,
        "",
    ),
    "33 levels": (nested(33), "deeper than 32"),
    "1,000 levels": (nested(1_000), "deeper than 32"),
    "100 levels with 300,000 lines": (nested(100, b"\r\n" * 300_000), "too many multiparts"),
    "2,001 parts": (MIXED + b"--b\r\n\r\nx\r\n" * 2_001, "more than 2000 parts"),
    "100,000 parts": (MIXED + b"--b\r\n\r\nx\r\n" * 100_000, "more than 2000 parts"),
    "a line of 10 MB": (HEAD + b"X: " + b"a" * 10_000_000, "header block"),
    "100,000 recipients": (b"To: " + b"aaaaa@bbbbbbb.test, " * 100_000, "header block"),
    "10,000 recipients": (b"To: " + b"aaaaa@bbbbbbb.test, " * 10_000 + b"\r\n\r\nx", ""),
    "semicolons in Cc": (b"Cc: " + b";" * 200_000 + b"\r\n\r\nx", ""),
    "tiny fields": (b"a:\r\n" * 1_000_000, "header block"),
    "tiny fields in a part": (MIXED + b"--b\r\n" + b"a:\r\n" * 400_000, ""),
    "empty lines": (HEAD + b"\r\n" + b"\n" * 20_000_000, "lines"),
    "delivery-status blocks": (
        HEAD + b"Content-Type: message/delivery-status\r\n\r\n" + b"a: b\r\n\r\n" * 100_000,
        "",
    ),
    "attributes": (HTML + b"<div " + b"".join(b"a%d " % n for n in range(100_000)), ""),
    "open elements": (HTML + b"<div>" * 50_000, ""),
    "select and option": (HTML + b"<select><option>" * 15_000, ""),
    "open angles in HTML": (HTML + b"<" * 1_000_000, ""),
    "rules of a style in each other": (HTML + b"<style>none" + b"a{" * 21_000 + b"}" * 21_000, ""),
    "rules of a style within many media": (
        HTML + b"<style>none@media " + b"print," * 5_000 + b"print{" + b"a{}" * 10_000,
        "",
    ),
    "selectors of a style with a long rule": (
        HTML + b"<style>" + b".a," * 1_000 + b".a{display:none;" + b"display:" * 7_500,
        "",
    ),
    "bytes of no charset": (HEAD + b"\r\n" + b"\xff\xc3" * 4_000_000, ""),
}


@pytest.fixture
async def parser() -> AsyncIterator[Parser]:
    running = Parser()
    yield running
    await running.close()


@pytest.mark.parametrize("case", FLOODS)
def test_a_flood_is_read_or_refused_within_limits(case: str) -> None:
    raw, why = FLOODS[case]
    began = time.process_time()
    mail = read(raw)
    assert time.process_time() - began < 2.5
    assert not is_ordinary(raw) or time.process_time() - began < 0.25
    assert (mail.body.why if isinstance(mail.body, Unreadable) else "") == "" or why
    assert why in (mail.body.why if isinstance(mail.body, Unreadable) else "")


async def test_floods_do_not_block_the_loop(parser: Parser) -> None:
    for case in ("combining marks in the body", "attributes", "33 levels", "2,001 parts"):
        raw, why = FLOODS[case]
        mail = await asyncio.wait_for(parser.parse(raw), 60)
        assert mail == read(raw)
        assert why in (mail.body.why if isinstance(mail.body, Unreadable) else "")


BOMB = "".join(f"<b a={n}>" for n in range(2_000)) + "<div>" * 2_000 + "</b>" * 3_900


@pytest.mark.parametrize("encoding", ["8bit", "base64"])
async def test_html_whose_tree_is_costly_is_not_read_in_the_loop(
    parser: Parser, encoding: str
) -> None:
    head = HTML.removesuffix(b"\r\n") + b"Content-Transfer-Encoding: %b\r\n\r\n"
    body = base64.encodebytes(BOMB.encode()) if encoding == "base64" else BOMB.encode()
    raw = head % encoding.encode() + body
    assert is_ordinary(raw)
    began = time.thread_time()
    assert isinstance((await parser.begin(raw)).body, Unread)
    assert time.thread_time() - began < 0.25


@pytest.mark.parametrize(
    "kind", ["text/calendar; method=REQUEST", "application/ms-tnef", "application/pkcs7-mime"]
)
async def test_what_is_packed_is_not_opened_in_the_loop(parser: Parser, kind: str) -> None:
    raw = a_mail(multipart("mixed", text("Hello"), a_part(b"x", f"Content-Type: {kind}")))

    mail = await parser.begin(raw)

    assert isinstance(mail.body, Unread)
    assert await parser.read_rest(mail, raw) == read(raw)


async def test_encrypted_mail_is_read_in_the_loop(parser: Parser) -> None:
    kind = "application/pkcs7-mime; smime-type=enveloped-data"
    body = (await parser.begin(a_mail(a_part(b"x", f"Content-Type: {kind}")))).body

    assert isinstance(body, Body)
    assert (body.text, body.opened) == (str(ENCRYPTED), ("encrypted",))


async def test_each_such_mail_is_counted() -> None:
    moved: list[None] = []
    parser = Parser(on_moved=lambda: moved.append(None))
    try:
        await parser.begin(HTML + BOMB.encode())
        await parser.begin(a_mail(text("Hello")))
    finally:
        await parser.close()

    assert len(moved) == 1


async def test_tags_beside_a_plain_text_cost_nothing(parser: Parser) -> None:
    raw = a_mail(multipart("alternative", text("Hello"), text("<br>" * 3_000, "html")))
    mail = await parser.begin(raw)
    assert isinstance(mail.body, Body)
    assert mail.body.text.strip() == "Hello"


def test_common_mail_is_ordinary_and_fast() -> None:
    forms = multipart(
        "alternative", text("Hello you\r\n" * 100), text("<p>Hello</p>" * 200, "html")
    )
    raw = b"Received: from a by b; Mon\r\n" * 5 + a_mail(forms)
    assert is_ordinary(raw)
    spent = []
    for _ in range(200):
        began = time.process_time_ns()
        read(raw)
        spent.append(time.process_time_ns() - began)
    # 0.5 ms when measured; the limit allows for a slow and busy machine.
    assert sorted(spent)[100] < 3_000_000


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\n\n", b"\n\r\n", b"\r\n\n"])
def test_only_the_header_is_searched_for_encoded_words(end: bytes) -> None:
    words = b"=?utf-8?q?a?= " * 101
    assert is_ordinary(b"Subject: x" + end + words)
    assert not is_ordinary(b"Subject: " + words + end + b"x")


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_a_header_of_over_16_kib_is_not_ordinary(end: bytes) -> None:
    assert is_ordinary(b"X: " + b"a" * (16 * 1024 - 3) + end + end + b"x")
    assert not is_ordinary(b"X: " + b"a" * (16 * 1024 - 1) + end + end + b"x")
    assert not is_ordinary(b"a" * 17_000)


LARGE = a_mail(multipart("mixed", text("Hello"), text("x\r\n" * 40_000, "csv")))


async def test_a_worker_reads_a_large_mail_like_this_process(parser: Parser) -> None:
    assert not is_ordinary(LARGE)
    assert await parser.parse(LARGE) == read(LARGE)


async def test_a_mail_on_which_the_reader_fails_here_is_read_by_a_worker(
    parser: Parser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    raw = a_mail(text("Hello"))
    expected = read(raw)

    def fail(raw: bytes, header: Header) -> Body:
        raise TypeError("a bug that this body brings out")

    monkeypatch.setattr("gateway.parsing.reading.body_of", fail)

    assert is_ordinary(raw)
    assert await parser.parse(raw) == expected
    assert "could not be read" in caplog.text


async def test_many_mails_share_two_workers(parser: Parser) -> None:
    mails = await asyncio.gather(*(parser.parse(LARGE + b"%d" % n) for n in range(12)))
    assert len({mail.identity for mail in mails}) == 12


async def test_a_mail_that_takes_too_long_is_returned_without_its_body() -> None:
    hasty = Parser(workers=1, timeout_s=0.01)
    mail = await hasty.parse(LARGE)
    assert mail.body == Unreadable("timeout")
    assert mail.author == Author("ann@corp.test")
    await hasty.close()


async def test_a_mail_that_needs_too_much_memory_loses_only_its_body() -> None:
    poor = Parser(workers=1, memory_bytes=200 << 20)
    heavy = a_mail(a_part(b"x" * 100_000_000, "Content-Type: text/plain"))
    assert (await poor.parse(heavy)).body == Unreadable("crash")
    assert (await poor.parse(LARGE)).body == read(LARGE).body
    await poor.close()


async def test_the_result_of_a_cancelled_mail_is_not_returned_for_the_next() -> None:
    single = Parser(workers=1)
    await single.parse(LARGE)
    task = asyncio.create_task(single.parse(LARGE + b"first"))
    await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    other = LARGE + b"second"
    assert (await single.parse(other)).identity == read(other).identity
    await single.close()


async def test_a_closed_parser_reads_headers_only() -> None:
    parser = Parser()
    await parser.close()
    assert (await parser.parse(LARGE)).body == Unreadable("closed")
    await parser.close()


def test_it_runs_on_uvloop_too() -> None:
    async def parse() -> Mail:
        parser = Parser(workers=1)
        mail = await parser.parse(LARGE)
        await parser.close()
        return mail

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(parse()) == read(LARGE)


def test_a_worker_returns_delivery_reports_on_every_python() -> None:
    bounce = Bounce("ann@acme.test", Failure.HARD, "5.1.1", "no such user", "<a@b>")
    answer = (Unreadable("x"), (bounce,))

    assert unpickled(pickled(answer)) == answer
    assert b"getattr" not in pickled(answer)


@pytest.mark.parametrize(
    "answer", [print, "a mail", [Unreadable("x")], (Unreadable("x"), ("y",)), ("x", ())]
)
def test_a_worker_can_return_nothing_but_contents(answer: object) -> None:
    with pytest.raises(pickle.UnpicklingError):
        unpickled(pickle.dumps(answer))
