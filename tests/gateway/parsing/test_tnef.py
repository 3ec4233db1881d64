"""`winmail.dat`: its text and its files, whatever of it can be read."""

from __future__ import annotations

import base64
import struct
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tnefparse import TNEF

from gateway.parsing.our_mails import has_mail_of_ours
from gateway.parsing.parser import Parser
from gateway.parsing.reading import read
from gateway.parsing.rtf import decompressed, read_rtf
from gateway.parsing.tnef import read_tnef
from rules.mail import Body
from tests.examples import examples
from tests.gateway.building import a_mail, a_part, multipart
from tests.gateway.building import text as text_part
from tests.gateway.parsing.tnef_writer import (
    FILE,
    IS_MESSAGE,
    MESSAGE,
    attribute,
    file,
    message,
    properties,
    text,
)
from tests.part_bytes import part_bytes

TEXT, RTF, HTML, CODEPAGE = 0x1000, 0x1009, 0x1013, 0x3FDE
PLAN = b"%PDF-1.4 the plan" + bytes(range(256))
WINMAIL = message(
    text(TEXT, "The gate of hall 7 does not close.\r\nGrüße"),
    files=[file("Plan für Halle 7.pdf", PLAN), file("error log.txt", b"E17\r\n")],
)


def a_body(*parts: bytes) -> tuple[bytes, Body]:
    raw = a_mail(multipart("mixed", *parts) if len(parts) > 1 else parts[0])
    body = read(raw).body
    assert isinstance(body, Body)
    return raw, body


def winmail(content: bytes, kind: str = "application/ms-tnef") -> bytes:
    return a_part(content, f"Content-Type: {kind}; name=winmail.dat")


def test_text_and_files_are_unpacked() -> None:
    raw, body = a_body(winmail(WINMAIL))

    assert body.text == "The gate of hall 7 does not close.\nGrüße"
    assert [(each.part, each.name, each.content_type) for each in body.attachments] == [
        ("1", "winmail.dat", "application/ms-tnef"),
        ("1.tnef.1", "Plan für Halle 7.pdf", "application/pdf"),
        ("1.tnef.2", "error log.txt", "text/plain"),
    ]
    assert part_bytes(raw, "1.tnef.1") == PLAN
    assert part_bytes(raw, "1") == WINMAIL
    assert body.opened == ("winmail.dat",)
    with pytest.raises(LookupError):
        part_bytes(raw, "1.tnef.3")


@pytest.mark.parametrize("number", [TEXT, 0x3FD9])
def test_the_text_may_be_one_of_two_properties(number: int) -> None:
    assert read_tnef(message(text(number, "Grüße"))).plain == "Grüße"


def test_next_to_a_text_only_its_files_are_shown() -> None:
    _, body = a_body(text_part("See the plan."), winmail(WINMAIL, "application/octet-stream"))

    assert body.text == "See the plan."
    assert [each.part for each in body.attachments] == ["2", "2.tnef.1", "2.tnef.2"]


async def test_a_worker_process_unpacks_it() -> None:
    parser = Parser()
    raw, body = a_body(winmail(WINMAIL))

    assert (await parser.parse(raw)).body == body
    await parser.close()


def test_html_is_read_in_its_code_page() -> None:
    markup = "<p>Ошибка <b>17</b></p>".encode("cp1251")
    codepage = (3, CODEPAGE, struct.pack("<I", 1251))

    _, body = a_body(winmail(message((0x102, HTML, markup), codepage)))

    assert body.text.strip() == "Ошибка 17"


def test_a_message_within_is_a_file_and_so_are_its_files() -> None:
    inner = message(text(0x37, "Old fault"), text(TEXT, "It was E17."), files=[file("a.log", b"x")])
    outer = message(
        text(TEXT, "As before."),
        files=[file("Old fault", b"", (0x0D, 0x3701, IS_MESSAGE + inner))],
    )
    raw, body = a_body(winmail(outer))

    assert [each.name for each in body.attachments] == ["winmail.dat", "Old fault.txt", "a.log"]
    assert part_bytes(raw, "1.tnef.1") == b"It was E17."
    assert part_bytes(raw, "1.tnef.2") == b"x"


def plain_rtf(rtf: bytes) -> bytes:
    return struct.pack("<II4sI", len(rtf) + 12, len(rtf), b"MELA", 0) + rtf


@pytest.mark.parametrize(
    ("rtf", "shown"),
    [
        (rb"{\rtf1\ansi\ansicpg1252\pard One\par two \'fc\tab 3\par}", "One\ntwo ü\t3\n"),
        (rb"{\rtf1\ansi\ansicpg1251{\fonttbl{\f0 Arial;}}\'cf\'f0\'e8\'e2\'e5\'f2}", "Привет"),
        (rb"{\rtf1\ansi \u8364?5 \{x\} \\ {\*\generator y}z}", "€5 {x} \\ z"),
        (rb"{\rtf1\ansi {\pict 0102}a{\b b}\line c}", "ab\nc"),
    ],
)
def test_rich_text_without_another_form_is_read(rtf: bytes, shown: str) -> None:
    _, body = a_body(winmail(message((0x102, RTF, plain_rtf(rtf)))))

    assert body.text == shown


def test_html_that_was_packed_as_rich_text_is_html_again() -> None:
    rtf = (
        rb"{\rtf1\ansi\fromhtml1 {\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 Error {\*\htmltag84 <b>}"
        rb"\htmlrtf {\b\htmlrtf0 17\htmlrtf }\htmlrtf0 {\*\htmltag92 </b>}\htmlrtf\par}\htmlrtf0"
        rb"{\*\htmltag72 </p>}}"
    )

    assert read_rtf(rtf) == ("<p>Error <b>17</b></p>", True)


HELLO = (
    "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020"
    "627705b06c647d0a800fa0"
)
RUN = "1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0"


@pytest.mark.parametrize(
    ("packed", "rtf"),
    [
        (HELLO, b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"),
        (RUN, b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"),
    ],
)
def test_the_examples_of_the_specification_are_decompressed(packed: str, rtf: bytes) -> None:
    """MS-OXRTFCP, section 4."""
    assert decompressed(bytes.fromhex(packed), 1024) == rtf


NAMES = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=20)
FILES = st.lists(st.tuples(NAMES, st.binary(min_size=1, max_size=60)), max_size=4)


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", categories=["L"]), min_size=1), FILES)
@example("x", [("a", b"\0")])
def test_an_independent_reader_finds_the_same(body: str, files: list[tuple[str, bytes]]) -> None:
    content = message(text(TEXT, body), files=[file(name, data) for name, data in files])
    found, other = read_tnef(content), TNEF(content)

    assert [(each.name, each.content) for each in found.files] == files
    assert [(_first(each.long_filename()), each.data) for each in other.attachments] == files
    assert found.plain == body == _first(other.body)
    assert found.is_whole


def _first(value: Any) -> str:
    return str(value[0] if isinstance(value, list) else value).rstrip("\0")


@settings(deadline=None, max_examples=examples(60))
@given(st.data())
def test_a_damaged_one_is_read_as_far_as_it_goes(data: st.DataObject) -> None:
    content = bytearray(WINMAIL[: data.draw(st.integers(0, len(WINMAIL)))])
    for _ in range(data.draw(st.integers(0, 6))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    for each in read_tnef(bytes(content)).files:
        assert len(each.content) <= len(content)


def test_of_one_that_is_cut_short_the_whole_files_are_kept() -> None:
    raw, body = a_body(winmail(WINMAIL[:-40]))

    assert body.opened == ("damaged winmail.dat",)
    assert part_bytes(raw, "1.tnef.1") == PLAN


HOSTILE = {
    "small attributes": b"\x78\x9f\x3e\x22\1\0" + attribute(MESSAGE, 1, b"") * 100_000,
    "files": message(files=[attribute(FILE, 0x9002, b"")] * 50_000),
    "a count of values": message((0x101F, TEXT, struct.pack("<I", 0xFFFFFFFF))),
    "a count of short values": message((0x1002, TEXT, struct.pack("<I", 0xFFFFFFFF))),
    "a count of properties": attribute(MESSAGE, 0x9003, struct.pack("<I", 0xFFFFFFFF)),
    "empty values": message(
        (0x101F, TEXT, struct.pack("<I", 200_000) + struct.pack("<I", 0) * 200_000)
    ),
    "groups of rich text": message((0x102, RTF, plain_rtf(b"{" * 500_000))),
    "words of rich text": message((0x102, RTF, plain_rtf(b"\\a" * 500_000))),
    "a bomb": message(
        (
            0x102,
            RTF,
            struct.pack("<II4sI", 0, 0xFFFFFFFF, b"LZFu", 0) + b"\xff" + b"\0\xf0" * 150_000,
        )
    ),
    "nested": message(
        files=[file("x", b"", (0x0D, 0x3701, IS_MESSAGE + WINMAIL))] * 100, body=b"x" * 100
    ),
}


BOMBS = message(
    files=[
        file(
            "x",
            b"",
            (0x0D, 0x3701, IS_MESSAGE + message((0x102, RTF, plain_rtf(b"\\a" * 250_000)))),
        )
    ]
    * 40
)
"""Rich text within the limit of one message in each of forty that are within another."""
HOSTILE["rich text in messages within"] = BOMBS


@pytest.mark.parametrize("name", HOSTILE)
def test_no_counts_and_lengths_make_it_slow(name: str) -> None:
    began = time.process_time()
    message_read = read_tnef(HOSTILE[name])
    assert time.process_time() - began < 3
    assert len(message_read.files) <= 200


def test_a_packed_file_that_is_not_examined_whole_is_taken_for_a_mail_of_ours() -> None:
    begin = b"Content-Type: application/ms-tnef\r\n\r\n"
    began = time.process_time()

    assert has_mail_of_ours(begin + BOMBS)
    assert time.process_time() - began < 3
    assert not has_mail_of_ours(begin + WINMAIL)
    assert has_mail_of_ours(a_mail(multipart("mixed", text_part("a"), text_part("b"))), cpu_s=0)
    wrapped = PLAN
    for deep in range(5):
        assert has_mail_of_ours(wrapped) == (deep > 3)
        wrapped = a_mail(a_part(base64.encodebytes(wrapped), "Content-Transfer-Encoding: base64"))


def test_a_file_with_properties_of_every_type_is_read() -> None:
    pairs = [
        (2, 0x3705, b"\1\0\0\0"),
        (0x0B, 0x7FFE, b"\1\0\0\0"),
        (0x40, 0x3007, b"\0" * 8),
        (0x48, 0x0FF9, b"\0" * 16),
        (0x1E, 0x370E, b"Image/PNG\0"),
        (0x1E, 0x3712, b"<pic@x>\0"),
        (0x1003, 0x8010, b"\0" * 16 + struct.pack("<II", 0, 7) + struct.pack("<III", 2, 1, 2)),
        (3, 0x8011, b"\0" * 16 + struct.pack("<II", 1, 6) + b"a\0b\0\0\0\0\0" + b"\1\0\0\0"),
    ]
    found = read_tnef(message(files=[file("pic", b"P", *pairs)])).files[0]

    assert (found.name, found.content_type, found.content_id) == ("pic", "image/png", "pic@x")
    assert properties() == b"\0\0\0\0"
