"""Files within a text: each with its name and its octets, and the text around them."""

from __future__ import annotations

import base64
import binascii
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.parsing.reading import is_ordinary, parts_bytes, read
from gateway.parsing.uuencode import EncodedFile, split_uuencoded
from rules.mail import Body
from tests.gateway.building import a_mail, a_part
from tests.part_bytes import part_bytes


def encoded(content: bytes, name: str = "a.bin", end: bytes = b"\r\n") -> bytes:
    lines = [binascii.b2a_uu(content[at : at + 45])[:-1] for at in range(0, len(content), 45)]
    return end.join((f"begin 644 {name}".encode(), *lines, b"`", b"end", b""))


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.binary(min_size=1, max_size=200), st.booleans()), max_size=4),
    st.sampled_from((b"\r\n", b"\n")),
)
def test_files_and_text_are_read_back(files: list[tuple[bytes, bool]], end: bytes) -> None:
    text = b"Hello" + end
    sent, wanted = text, text
    for content, stripped in files:
        block = encoded(content, end=end)
        if stripped:  # some gateways remove the spaces at the ends of lines
            block = end.join(line.rstrip(b" ") for line in block.split(end))
        sent += block + text
        wanted += text

    rest, found = split_uuencoded(sent)

    assert rest == wanted
    assert [each.content for each in found] == [content for content, _ in files]
    assert all(each.is_whole and each.name == b"a.bin" for each in found)


def test_base64_in_the_same_frame_is_a_file() -> None:
    block = b"begin-base64 644 a.bin\n" + base64.encodebytes(b"x" * 100) + b"====\nBye"

    assert split_uuencoded(block) == (b"Bye", (EncodedFile(b"a.bin", b"x" * 100, is_whole=True),))


@pytest.mark.parametrize(
    "text",
    [
        b"begin 644 tests\r\non Monday, please.\r\n",
        b"We begin 644 a\r\n#86)C\r\nend\r\n",
        b"> begin 644 a\r\n> #86)C\r\n> end\r\n",
        b"begin 644\r\n#86)C\r\nend\r\n",
        b"begin 9999 a\r\n#86)C\r\nend\r\n",
        b"begin 644 a\r\nend\r\n",
        b"begin 644 a",
    ],
)
def test_what_only_begins_like_a_file_is_text(text: bytes) -> None:
    assert split_uuencoded(text) == (text, ())


def test_one_that_is_cut_short_is_kept_as_far_as_it_goes() -> None:
    raw = a_mail(a_part(b"See:\r\n" + encoded(b"x" * 100)[:-27], "Content-Type: text/plain"))
    body = read(raw).body

    assert isinstance(body, Body)
    assert (body.text.strip(), body.damaged) == ("See:", True)
    assert part_bytes(raw, "1.uu.1") == b"x" * 90


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("text/plain; charset=utf-8", "plän.bin"),
        ("text/plain; charset=iso-8859-1", "plän.bin"),
        ("text/plain", "../../etc/plan.bin"),
    ],
)
def test_the_name_is_read_in_the_charset_of_the_text(part: str, name: str) -> None:
    charset = part.partition("charset=")[2] or "ascii"
    block = encoded(b"x", name.encode(charset).decode("latin-1")).decode().encode("latin-1")
    body = read(a_mail(a_part(block, f"Content-Type: {part}"))).body

    assert isinstance(body, Body)
    assert [each.name for each in body.attachments] == [name.rpartition("/")[2]]


@pytest.mark.parametrize(
    "text",
    [
        b"begin 644 a\n" * 80_000,
        b"begin 644 a\n#86)C\n" * 40_000,
        encoded(b"x" * 700_000),
        b"begin 644 a\n" + b"`\n" * 150_000,
    ],
)
def test_a_large_text_takes_no_second(text: bytes) -> None:
    began = time.process_time()
    split_uuencoded(text)
    assert time.process_time() - began < 1.5


@pytest.mark.parametrize("end", [b"", b"-----END PGP MESSAGE-----\n"])
def test_encrypted_messages_without_an_end_take_no_time_in_the_loop(end: bytes) -> None:
    lines = b"-----BEGIN PGP MESSAGE-----\n" * 1_600 + end
    part = a_part(
        base64.encodebytes(lines), "Content-Type: text/plain", "Content-Transfer-Encoding: base64"
    )
    raw = a_mail(part)
    assert is_ordinary(raw)

    began = time.process_time()
    body = read(raw).body

    assert time.process_time() - began < 0.3
    assert isinstance(body, Body)
    assert len(body.attachments) == bool(end)


def test_of_several_encrypted_messages_each_is_a_file_and_the_text_between_stays() -> None:
    begin, end = b"-----BEGIN PGP MESSAGE-----\r\n", b"-----END PGP MESSAGE-----\r\n"
    sealed = [begin + b"hQEM" + digit + b"\r\n" + end for digit in (b"1", b"2")]
    raw = a_mail(
        a_part(b"One\r\n" + sealed[0] + b"two\r\n" + end + sealed[1] + b"three\r\n" + begin)
    )
    body = read(raw).body

    assert isinstance(body, Body)
    parts = parts_bytes(raw, [each.part for each in body.attachments])
    assert parts == {f"1.pgp.{n}": each[:-1] for n, each in enumerate(sealed, 1)}
    shown = [line for line in body.text.split("\n") if "encrypted" not in line]
    assert shown == ["One", "two", "-----END PGP MESSAGE-----", "three", begin.decode().strip(), ""]


def test_a_text_is_read_once_for_all_of_its_files() -> None:
    block = b"begin 644 a\n" + b"!!!\n" * 3_000 + b"end\n"
    raw = a_mail(a_part(block * 40))
    began = time.process_time()
    parts_bytes(raw, ["1.uu.1"])
    for_one = time.process_time() - began

    found = parts_bytes(raw, [f"1.uu.{n}" for n in range(1, 41)])

    assert time.process_time() - began < 8 * for_one
    assert {len(each) for each in found.values()} == {3_000}
    with pytest.raises(LookupError, match=r"1\.uu\.41"):
        parts_bytes(raw, ["1.uu.1", "1.uu.41"])
