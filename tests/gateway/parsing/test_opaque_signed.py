"""S/MIME with the content within the signature: opened as an independent reader opens it."""

from __future__ import annotations

import base64
import time

import pytest
from asn1crypto import cms
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.parsing.opaque_signed import opened
from gateway.parsing.reading import read
from rules.mail import Body
from rules.mail.opening import ENCRYPTED
from tests.examples import examples
from tests.gateway.building import a_mail, a_part, multipart, text
from tests.part_bytes import part_bytes

SIGNED, DATA = bytes.fromhex("06092a864886f70d010702"), bytes.fromhex("06092a864886f70d010701")
ENTITY = b"Content-Type: text/plain; charset=utf-8\r\n\r\nThe gate does not close.\r\n"


def element(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def open_ended(tag: int, content: bytes) -> bytes:
    return bytes((tag, 0x80)) + content + b"\0\0"


def envelope(octets: bytes) -> bytes:
    """Signed data without any signer, around a string of octets."""
    inner = element(0x30, DATA + element(0xA0, octets))
    signed = element(0x30, b"\x02\x01\x01" + element(0x31, b"") + inner + element(0x31, b""))
    return element(0x30, SIGNED + element(0xA0, signed))


def in_pieces(content: bytes, size: int) -> bytes:
    """As OpenSSL writes a stream."""
    pieces = (content[at : at + size] for at in range(0, len(content), size))
    octets = open_ended(0x24, b"".join(element(0x04, piece) for piece in pieces))
    inner = open_ended(0x30, DATA + open_ended(0xA0, octets))
    algorithms = open_ended(0x31, element(0x30, SIGNED))
    signed = open_ended(0x30, b"\x02\x01\x01" + algorithms + inner + element(0x31, b""))
    return open_ended(0x30, SIGNED + open_ended(0xA0, signed))


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=400), st.integers(1, 300))
def test_an_independent_reader_opens_the_same(content: bytes, size: int) -> None:
    for data in (envelope(element(0x04, content)), in_pieces(content, size)):
        encapsulated = cms.ContentInfo.load(data)["content"]["encap_content_info"]["content"]
        assert opened(data) == ("signed", content)
        assert bytes(encapsulated) == content


def test_pieces_within_pieces_are_joined() -> None:
    octets = open_ended(0x24, element(0x24, element(0x04, b"ab") + open_ended(0x24, b"\x04\x01c")))

    assert opened(envelope(octets)) == ("signed", b"abc")


@pytest.mark.parametrize(
    "frame",
    [
        base64.b64encode(envelope(element(0x04, ENTITY))),
        b"-----BEGIN PKCS7-----\r\n"
        + base64.encodebytes(envelope(element(0x04, ENTITY)))
        + b"-----END PKCS7-----\r\n",
    ],
)
def test_one_that_was_encoded_twice_is_opened(frame: bytes) -> None:
    assert opened(frame) == ("signed", ENTITY)


@pytest.mark.parametrize(
    "number", ["2a864886f70d010703", "2a864886f70d010706", "2a864886f70d0109100117"]
)
def test_encrypted_ones_are_told_apart(number: str) -> None:
    identifier = element(0x06, bytes.fromhex(number))
    data = element(0x30, identifier + element(0xA0, b"\x30\x00"))
    body = read(a_mail(a_part(data, "Content-Type: application/x-pkcs7-mime"))).body

    assert opened(data) == ("encrypted", b"")
    assert isinstance(body, Body)
    assert body.text == str(ENCRYPTED)


@settings(deadline=None, max_examples=examples(60))
@given(st.data())
def test_damaged_ones_give_nothing_or_octets_of_theirs(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from((envelope(b"\x04\x02ab"), in_pieces(ENTITY, 9)))))
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    assert len(opened(bytes(content))[1]) <= len(content)


@pytest.mark.parametrize(
    "data",
    [
        b"\x30\x80" * 500_000,
        SIGNED.join([b"\x30\x80", b"\xa0\x80"]) + b"\x30\x80" * 500_000,
        envelope(open_ended(0x24, b"\x04\x01a" * 300_000)),
        envelope(b"\x24\x80" * 300_000 + b"\x04\x01a" + b"\0\0" * 300_000),
        in_pieces(b"a" * 250_000, 1),
        envelope(b"\x04\x84\xff\xff\xff\xff"),
    ],
)
def test_a_large_one_is_read_once(data: bytes) -> None:
    began = time.process_time()
    opened(data)
    assert time.process_time() - began < 2


def test_envelopes_in_envelopes_are_opened_to_a_depth() -> None:
    head = b"Content-Type: application/pkcs7-mime\r\n\r\n"
    entity = ENTITY
    for _ in range(2):
        entity = head + envelope(element(0x04, entity))
    deep = entity
    for _ in range(20):
        deep = head + envelope(element(0x04, deep))
    shown, hidden = (read(a_mail(each)).body for each in (entity, deep))

    assert isinstance(shown, Body)
    assert isinstance(hidden, Body)
    assert shown.text == "The gate does not close.\n"
    assert (hidden.text, len(hidden.attachments)) == ("", 4)


def test_the_parts_within_envelopes_count_as_those_of_the_mail() -> None:
    def signed(parts: int) -> bytes:
        entity = multipart("mixed", *[text("a")] * (parts - 1))
        return a_part(envelope(element(0x04, entity)), "Content-Type: application/pkcs7-mime")

    # With the multipart around them and the envelopes themselves, three more.
    fits, exceeds = (
        read(a_mail(multipart("mixed", signed(1_000), signed(more)))).body for more in (997, 998)
    )

    assert isinstance(fits, Body)
    assert isinstance(exceeds, Body)
    assert (fits.text.count("a"), fits.opened) == (999 + 996, ("signed",))
    assert (exceeds.text.count("a"), exceeds.opened) == (999, ("signed", "unopened"))
    assert len(exceeds.attachments) == 2  # the envelopes, as they came


def test_files_within_have_numbers_of_their_own() -> None:
    file = a_part(b"E17", "Content-Type: text/csv; name=faults.csv")
    entity = multipart("mixed", text("See the list."), multipart("mixed", file))
    part = a_part(envelope(element(0x04, entity)), "Content-Type: application/pkcs7-mime")
    raw = a_mail(multipart("mixed", part, text("-- \nList of plant.example")))
    body = read(raw).body

    assert isinstance(body, Body)
    assert body.text == "See the list.\n-- \nList of plant.example"
    assert [each.part for each in body.attachments] == ["1", "1.signed.2.1"]
    assert part_bytes(raw, "1.signed.2.1") == b"E17"
    for missing in ("1.signed", "1.signed.3", "1.signed.2.1.1", "1.tnef.1", "1.uu.1", "1.x", "3"):
        with pytest.raises(LookupError):
            part_bytes(raw, missing)
