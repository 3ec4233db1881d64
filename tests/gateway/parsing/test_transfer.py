"""Transfer encodings as gateways leave them: decoded as far as they go, and marked."""

from __future__ import annotations

import base64
import binascii
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.parsing.reading import read
from gateway.parsing.transfer import Decoded, decoded
from rules.mail import Body
from rules.mail.charsets import codec_for
from rules.mail.detection import likelier
from tests.examples import examples
from tests.gateway.building import a_mail, a_part, multipart, text
from tests.part_bytes import part_bytes

LETTER = b"The gate of hall 7 does not close.\r\nPlease send somebody today.\r\n"
ENCODED = base64.b64encode(LETTER)
FILE = bytes(range(256)) * 20
LINES = base64.encodebytes(FILE).replace(b"\n", b"\r\n")
FOOTER = b"\r\n-- \r\nChecked by the gateway (no threats found).\r\n"


def shown(payload: bytes, field: str, kind: str = "text/plain; charset=utf-8") -> Body:
    part = a_part(payload, f"Content-Type: {kind}", f"Content-Transfer-Encoding: {field}")
    found = read(a_mail(part)).body
    assert isinstance(found, Body)
    return found


@pytest.mark.parametrize(
    "field",
    [
        "base64 (as in RFC 2045)",
        "(comment) BASE64",
        "base64;",
        "base64; charset=utf-8",
        '"base64"',
        "Base-64",
        "x-base64",
        "base64, base64",
    ],
)
def test_a_field_with_more_than_the_name_names_its_encoding(field: str) -> None:
    found = shown(ENCODED, field)
    assert found.text.encode() == LETTER.replace(b"\r\n", b"\n")
    assert not found.damaged


@pytest.mark.parametrize(
    "field", ["quoted-printable;", "Quoted-Printable (soft)", "quotedprintable"]
)
def test_so_does_one_of_quoted_printable(field: str) -> None:
    assert shown("Schöne Grüße".encode() + b"=3D", field).text == "Schöne Grüße="


@pytest.mark.parametrize("field", ["7bit", "8BIT", "binary; x", "7-bit", "none", ""])
def test_a_name_of_no_encoding_damages_nothing(field: str) -> None:
    assert shown(b"a=20b", field) == shown(b"a=20b", "7bit")
    assert not shown(b"a=20b", field).damaged


def test_an_unknown_encoding_is_kept_as_it_came_and_marked() -> None:
    assert (shown(b"nop=20q", "rot13").text, shown(b"nop", "rot13").damaged) == ("nop=20q", True)
    assert decoded(LINES, b"x-ours", is_text=False) == Decoded((FILE,), is_damaged=True)


@pytest.mark.parametrize(
    ("payload", "wanted"),
    [
        pytest.param(LETTER, LETTER, id="never encoded"),
        pytest.param(b"Yes please\r\n", b"Yes please\r\n", id="letters and spaces alone"),
        pytest.param(b"Thanks\r\n", b"Thanks\r\n", id="one word"),
        pytest.param(ENCODED + b"\r\n" + FOOTER, LETTER + FOOTER, id="a footer"),
        pytest.param(
            ENCODED.rstrip(b"=") + b"\r\n" + FOOTER, LETTER + FOOTER, id="a footer, no padding"
        ),
        pytest.param(
            b"[EXTERNAL MAIL]\r\n\r\n" + ENCODED, b"[EXTERNAL MAIL]\r\n\r\n" + LETTER, id="a head"
        ),
        pytest.param(ENCODED[:-4] + b"Q", LETTER[:-1], id="cut short"),
        pytest.param(
            base64.b64encode(LETTER[:10]) + b"\r\n" + base64.b64encode(LETTER[10:]),
            LETTER,
            id="in pieces",
        ),
        pytest.param(
            base64.b64encode(LETTER[:10]) + base64.b64encode(LETTER[10:]),
            LETTER,
            id="in pieces on one line",
        ),
        pytest.param(
            LETTER + b"-----BEGIN KEY-----\r\n" + LINES[:200] + b"\r\n-----END KEY-----\r\n",
            LETTER + b"-----BEGIN KEY-----\r\n" + LINES[:200] + b"\r\n-----END KEY-----\r\n",
            id="a key pasted into a text that was never encoded",
        ),
        pytest.param(
            b"//4=\r\nThese words were not.\r\n", b"//4=\r\nThese words were not.\r\n", id="a BOM"
        ),
    ],
)
def test_a_damaged_text_is_decoded_and_the_rest_is_text(payload: bytes, wanted: bytes) -> None:
    found = shown(payload, "base64")
    assert found.text.strip() == wanted.decode().replace("\r\n", "\n").strip()
    assert found.damaged


def test_the_pieces_of_a_damaged_text_may_be_in_two_charsets() -> None:
    payload = base64.b64encode("Grüße aus Köln".encode("utf-16")) + b"\r\n\r\nList: h\xc3\xb6re\r\n"
    found = shown(payload, "base64", "text/plain; charset=utf-16")
    assert found.text == "Grüße aus Köln\n\nList: höre\n"


@pytest.mark.parametrize(
    ("payload", "wanted"),
    [
        pytest.param(LINES + FOOTER, FILE, id="a footer"),
        pytest.param(b"*** scanned ***\r\n" + LINES, FILE, id="a head"),
        pytest.param(LINES[:-5], FILE[:-2], id="cut short"),
        pytest.param(
            base64.encodebytes(FILE[:1000]) + base64.encodebytes(FILE[1000:]), FILE, id="in pieces"
        ),
    ],
)
def test_a_damaged_file_has_the_octets_that_were_encoded(payload: bytes, wanted: bytes) -> None:
    part = a_part(
        payload,
        "Content-Type: application/pdf; name=plan.pdf",
        "Content-Transfer-Encoding: base64",
    )
    raw = a_mail(multipart("mixed", text("see"), part))
    found = read(raw).body

    assert isinstance(found, Body)
    assert found.damaged
    assert part_bytes(raw, "2") == wanted
    assert found.attachments[0].size_bytes == len(wanted)


def test_of_a_file_with_a_damaged_line_the_others_keep_their_octets() -> None:
    lines = LINES.split(b"\r\n")
    damaged = b"\r\n".join([lines[0], lines[1][:30] + b"!" + lines[1][32:], *lines[2:]])

    content = decoded(damaged, b"base64", is_text=False).content

    assert content[:57] == FILE[:57]
    assert content.endswith(FILE[2 * 57 :])


@pytest.mark.parametrize(
    ("payload", "wanted"),
    [
        (b"50 = half, size=20, t=C3=BCr", "50 = half, size=20, tür"),
        (b"=ZZ and =3D and =", "=ZZ and = and "),
        (b"a =b=20\r\nc=\r\nd", "a =b\ncd"),
    ],
)
def test_of_damaged_quoted_printable_what_is_no_escape_is_kept(payload: bytes, wanted: str) -> None:
    found = shown(payload, "quoted-printable")
    assert ("\n".join(line.rstrip(" ") for line in found.text.split("\n")), found.damaged) == (
        wanted.rstrip(" "),
        True,
    )


@pytest.mark.parametrize("payload", [b"=C3=BCr =\r\n=20x", b"a=20\r\nb= \r\nc", b"limit=80=", b""])
def test_valid_quoted_printable_is_not_damaged(payload: bytes) -> None:
    assert not shown(payload, "quoted-printable").damaged


LETTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])
WORDS = st.lists(st.text(LETTERS, max_size=40), max_size=5).map("\r\n".join)
CHARSETS = ("utf-8", "windows-1250", "windows-1251", "koi8-r", "shift_jis", "gb18030", "utf-16")


@settings(deadline=None, max_examples=examples(60))
@given(WORDS, st.sampled_from(CHARSETS), st.sampled_from(["base64", "quoted-printable", "8bit"]))
def test_any_text_in_any_charset_and_encoding_is_read_back(
    words: str, charset: str, encoding: str
) -> None:
    codec = codec_for(charset)
    octets = words.encode(codec, "ignore")
    # Octets that are UTF-8 as well may be read as such; wide characters have no lines of octets.
    if charset == "utf-16" and encoding != "base64":
        charset, codec, octets = "utf-8", "utf-8", words.encode()
    wanted = octets.decode(codec).removeprefix("\ufeff")
    try:
        ambiguous = charset != "utf-8" and not octets.isascii() and bool(octets.decode())
    except UnicodeDecodeError:
        ambiguous = False
    payload = octets
    if encoding == "base64":
        payload = base64.encodebytes(octets)
    elif encoding == "quoted-printable":
        payload = binascii.b2a_qp(octets)
    found = shown(
        payload.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"),
        encoding,
        f"text/plain; charset={charset}",
    )
    # A text of no language may look like one of another charset.
    if not ambiguous and not likelier(octets, codec):
        assert found.text == wanted.replace("\r\n", "\n").replace("\r", "\n")
        assert not found.damaged


@settings(deadline=None)
@given(st.binary(max_size=300), st.booleans(), st.sampled_from([b"base64", b"x-uue", b"qp", b"?"]))
def test_any_octets_are_decoded_to_something(payload: bytes, is_text: bool, field: bytes) -> None:
    found = decoded(payload, field, is_text=is_text)
    assert isinstance(found.content, bytes)
    assert found.content or not payload.strip() or found.rest or field == b"base64"


@pytest.mark.parametrize(
    "payload",
    [
        (b"A" * 75 + b"\r\n") * 30_000,
        (b"QUJD\r\n!!!\r\n") * 30_000,
        b"=" * 1_000_000,
        b"A" * 1_000_000 + b"!",
        b"A=" * 150_000,
        b"\r\n" * 200_000 + b"!",
    ],
)
def test_much_damage_takes_less_than_a_second(payload: bytes) -> None:
    began = time.process_time()
    decoded(payload, b"base64", is_text=True)
    decoded(payload, b"base64", is_text=False)
    decoded(payload, b"quoted-printable", is_text=True)
    decoded(payload, b"uuencode", is_text=True)
    assert time.process_time() - began < 2


def test_the_alphabet_of_web_addresses_is_read_too() -> None:
    content = bytes(range(250, 256)) * 10
    encoded = base64.urlsafe_b64encode(content)

    assert decoded(encoded, b"base64", is_text=False) == Decoded((content,), is_damaged=True)
    assert decoded(b"well-known", b"base64", is_text=True).content == b"well-known"


def test_binascii_reads_no_less() -> None:
    assert decoded(b"QUJD*REVG", b"base64", is_text=False).content == binascii.a2b_base64(
        b"QUJDREVG"
    )
