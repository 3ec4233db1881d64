"""Where the parts of a mail begin and end: as the sender intended, and bounded for any bytes."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable
from email.generator import BytesGenerator
from email.message import Message
from email.policy import compat32
from functools import partial
from io import BytesIO

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from gateway.parsing.mail_tree import numbered_leaves
from gateway.parsing.reading import read
from gateway.parsing.transfer import strict_base64
from gateway.parsing.tree import LimitError, MimePart, build_tree
from rules.mail import Body
from rules.mail.encoded_words import decode_words, unfold
from rules.mail.header import part_header
from tests.examples import examples

CRLF, LF = "\r\n", "\n"


def tree(body: str | bytes, boundary: str = "b", kind: str = "mixed") -> MimePart:
    """The tree of a multipart with this body."""
    text = body.encode() if isinstance(body, str) else body
    head = b"MIME-Version: 1.0\r\n\r\n"
    fields = {"content-type": f' multipart/{kind}; boundary="{boundary}"'.encode()}
    return build_tree(head + text, len(head), fields)


def leaves(root: MimePart) -> list[tuple[str, bytes]]:
    return [(number, leaf.content()) for number, leaf in numbered_leaves(root)]


@pytest.mark.parametrize("end", [CRLF, LF, "\r"])
def test_the_line_end_before_a_boundary_belongs_to_it(end: str) -> None:
    lines = ["preamble", "--b", "", "one", "", "--b  \t", "", "two", "--b--", "", "epilogue", ""]
    found = leaves(tree(end.join(lines)))
    assert found == [("1", f"one{end}".encode()), ("2", b"two")]


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        ("--b\n\nx", [b"x"]),
        ("--b\n\nx\n", [b"x\n"]),
        ("--b", [b""]),
        ("--b\n--b\n\nx\n--b--", [b"x"]),
        ("--b\n\n--b--", [b""]),
        ("--b\n\nx\n--b\n", [b"x", b""]),
        ("--b\n\nx\n--b--\n\n--b\n\nepilogue", [b"x"]),
        ("--b\n\nx\n--b-- \t\n\n--b\n\nepilogue", [b"x"]),
    ],
)
def test_open_empty_and_closed_multiparts(body: str, parts: list[bytes]) -> None:
    assert [content for _, content in leaves(tree(body))] == parts


@pytest.mark.parametrize(
    "lookalike", ["--bb", "--b-", "--b---", "--b x", "-- b", " --b", "x--b", "--B", ">--b", "--b\0"]
)
def test_a_line_that_only_looks_like_a_boundary_is_text(lookalike: str) -> None:
    text = f"{lookalike}\r\nx\r\n{lookalike}"
    assert leaves(tree(f"--b\r\n\r\n{text}\r\n--b--")) == [("1", text.encode())]


@pytest.mark.parametrize("body", ["Hello\n--c\n\nyou\n", "Hello", "", "--b--\n\nHello\n", "x --b"])
def test_a_multipart_without_its_boundary_is_all_text(body: str) -> None:
    assert leaves(tree(body)) == [("1", body.encode())]
    assert leaves(tree(body, boundary="")) == [("1", body.encode())]


@pytest.mark.parametrize(("outer", "inner"), [("b", "bb"), ("bb", "b"), ("b", "b-x"), ("b.c", "b")])
def test_nested_boundaries_may_begin_alike(outer: str, inner: str) -> None:
    within = (
        f"Content-Type: multipart/related; boundary={inner}\n\n"
        f"--{inner}\n\none\n--{inner}\n\ntwo\n--{inner}--\nignored"
    )
    body = f"--{outer}\n{within}\n--{outer}\n\nthree\n--{outer}--\n"
    assert leaves(tree(body, outer)) == [("1.1", b"one"), ("1.2", b"two"), ("2", b"three")]


def test_an_outer_boundary_ends_an_inner_multipart_that_is_still_open() -> None:
    inner = "Content-Type: multipart/related; boundary=i\n\n--i\n\none"
    found = leaves(tree(f"--b\n{inner}\n--b\n\ntwo\n--i\n\nthree\n--b--"))
    assert found == [("1.1", b"one"), ("2", b"two\n--i\n\nthree")]


def test_a_boundary_used_on_two_levels_belongs_to_the_outer_one() -> None:
    inner = "Content-Type: multipart/related; boundary=b\n\n"
    assert leaves(tree(f"--b\n{inner}\n--b\n\none\n--b--")) == [("1", b""), ("2", b"one")]


def test_a_digest_holds_messages() -> None:
    body = "--b\n\nSubject: x\n\ny\n--b\nContent-Type: text/plain\n\nz\n--b--"
    parts = tree(body, kind="digest").children
    assert [part.media_type for part in parts] == ["message/rfc822", "text/plain"]
    assert parts[0].content() == b"Subject: x\n\ny"


def test_a_message_is_a_leaf_whatever_it_holds() -> None:
    inner = "Content-Type: multipart/mixed; boundary=i\n\n--i\n\nsecret\n--i--"
    found = leaves(tree(f"--b\nContent-Type: message/rfc822\n\n{inner}\n--b--"))
    assert found == [("1", inner.encode())]


@pytest.mark.parametrize(
    ("part", "kind", "content"),
    [
        ("Content-Type: text/html\n\nx", "text/html", b"x"),
        ("content-type:\n text/html\nx", "text/html", b"x"),
        ("no field\nContent-Type: text/html\n\nx", "text/plain", None),
        (" folded\n\nx", "text/plain", None),
        ("Content-Type: a/b\nContent-Type: c/d\n\nx", "a/b", b"x"),
        ("Content-Type: nonsense\n\nx", "text/plain", b"x"),
        ("Content-Type: te\u0161t/x\n\nx", "te??t/x", b"x"),
        ("\nContent-Type: text/html\n\nx", "text/plain", b"Content-Type: text/html\n\nx"),
        ("Content-Type: a/b\n\n", "a/b", b""),
        ("Content-Type: a/b", "a/b", b""),
    ],
)
def test_the_header_of_a_part(part: str, kind: str, content: bytes | None) -> None:
    (found,) = tree(f"--b\n{part}\n--b--").children
    assert found.media_type == kind
    assert found.content() == (part.encode() if content is None else content)


def test_a_header_beyond_its_limit_is_text_from_there() -> None:
    raw = b"Content-Type: a/b\n" + b"x: y\n" * 10
    fields, body_at = part_header(raw, 0, len(raw), 30)
    assert fields == {"content-type": b" a/b", "x": b" y"}
    assert raw[body_at:] == b"x: y\n" * 8
    assert part_header(raw, 0, len(raw), 1_000) == (fields, len(raw))


@pytest.mark.parametrize(
    ("encoding", "payload", "content"),
    [
        ("7bit", b"a=20b", b"a=20b"),
        ("QUOTED-Printable \r\n", b"a=20b=\r\nc", b"a bc"),
        ("base64", b"YWJj\r\nZGVm\r\n", b"abcdef"),
        ("base64", b"YWJj\r\nZGU", b"abcde"),
        ("base64", b"YW!Jj", b"abc"),
        ("base64", b"YWJjZGVmZ2g=\r\n-- \r\nlist", b"abcdefgh\r\n-- \r\nlist"),
        (
            "base64",
            b"//4=\r\nThe words came without encoding",
            b"//4=\r\nThe words came without encoding",
        ),
        ("base64", b"Y", b"Y"),
        ("x-uuencode", b"begin 644 x\n#86)C\n`\nend\n", b"abc"),
        ("uuencode", b"none", b"none"),
        ("rot13", b"nop", b"nop"),
    ],
)
def test_transfer_encodings(encoding: str, payload: bytes, content: bytes) -> None:
    fields = {"content-transfer-encoding": encoding.encode()}
    assert build_tree(payload, 0, fields).content() == content


LINES = st.text(st.sampled_from("ab-= \t."), max_size=6)
TEXTS = st.lists(LINES, max_size=5).map("\n".join)
TREES = st.recursive(TEXTS, lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=8)
Tree = str | list["Tree"]


def as_message(node: Tree, boundaries: list[str]) -> Message:
    message = Message()
    if isinstance(node, str):
        message.set_payload(node)
        return message
    message["Content-Type"] = f'multipart/mixed; boundary="{boundaries[0]}"'
    message.preamble, message.epilogue = "ignored", "ignored\n"
    message.set_payload([as_message(child, boundaries[1:]) for child in node])
    return message


def numbered(node: Tree, number: str = "") -> list[tuple[str, str]]:
    if isinstance(node, str):
        return [(number or "1", node)]
    prefix = f"{number}." if number else ""
    return [leaf for n, child in enumerate(node, 1) for leaf in numbered(child, f"{prefix}{n}")]


@settings(deadline=None)
@given(TREES, st.sampled_from([CRLF, LF]), st.booleans())
def test_a_generated_tree_is_read_back(node: Tree, end: str, longest_first: bool) -> None:
    boundaries = sorted(("b" * n for n in range(1, 12)), reverse=longest_first)
    marks = {mark for b in boundaries for mark in (f"--{b}", f"--{b}--")}
    wanted = numbered(node)
    assume(not any(line.rstrip() in marks for _, text in wanted for line in text.split("\n")))
    written = BytesIO()
    policy = compat32.clone(linesep=end, mangle_from_=False)
    BytesGenerator(written, policy=policy).flatten(as_message(node, boundaries))
    raw = written.getvalue()
    fields, body_at = part_header(raw, 0, len(raw), 1_000)
    assert leaves(build_tree(raw, body_at, fields)) == [
        (number, text.replace("\n", end).encode()) for number, text in wanted
    ]


JUNK = st.lists(
    st.sampled_from(
        [
            *(
                b"--b",
                b"--bb",
                b"--",
                b"-",
                b"\r\n",
                b"\n",
                b"\r",
                b" ",
                b"x",
                b"\0",
                b":",
                b"\xff",
            ),
            *(b"Content-Type: multipart/mixed; boundary=%s\r\n" % b for b in (b"b", b"bb", b'"')),
        ]
    ),
    max_size=40,
).map(b"".join)


@settings(deadline=None)
@given(JUNK)
def test_random_bytes_never_raise_and_no_byte_belongs_to_two_parts(junk: bytes) -> None:
    found = leaves(tree(junk))
    assert found
    at = 0
    for _, content in found:
        at = junk.index(content, at) + len(content)


PIECES = (
    *("a/b", ";", " ", "name", "NAME", "=", '"', "\\", "x y", "v", "*", "*0", "<", ">", "'", "/"),
    *("utf-8''%C3%A4", "charset", ",", "(c)", "\r\n ", "\t", "=?utf-8?q?=C3=A4?=", "\u00e4"),
)
UMLAUT = "\u00e4".encode()


@settings(deadline=None, max_examples=examples(80))
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
@example("name=\u00e4")
@example("charset;charset=?utf-8?q?=C3=A4?=")
def test_parameters_equal_those_of_the_library(value: str) -> None:
    message = Message()
    sent = value.encode()
    # The library replaces non-ASCII octets, so it gets an ASCII letter instead.
    message.set_raw("Content-Disposition", unfold(sent.replace(UMLAUT, b"z")).decode())
    part = build_tree(b"", 0, {"content-disposition": sent})
    first = unfold(sent).partition(b";")[0].strip().lower().decode()
    for name in ("name", "charset"):
        if name == first:  # the library takes the type itself for a parameter without a value
            continue
        known = message.get_param(name, "", "content-disposition")
        if isinstance(known, str):
            expected = decode_words(known.encode().replace(b"z", UMLAUT))
            assert part.parameter(name, "content-disposition") == expected
        elif isinstance(known, tuple):
            assert part.parameter(name, "content-disposition") or not known[2]


def test_exceeded_limits_have_readable_messages() -> None:
    with pytest.raises(LimitError, match="more than 2000 parts"):
        tree("--b\n\nx\n" * 2_000)
    assert len(tree("--b\n\nx\n" * 1_999).children) == 1_999
    opened = "".join(f"--{n}\nContent-Type: multipart/x; boundary={n + 1}\n\n" for n in range(40))
    with pytest.raises(LimitError, match="nested deeper than 32"):
        tree(opened, "0")


@pytest.mark.parametrize(
    "body",
    [
        b"-" * 5_000_000,
        b"\n---" * 500_000,
        b"\r---x" * 500_000,
        b"\n\r--b x" * 300_000,
        b"--b" + b" " * 3_000_000 + b"x",
        b"--b\nX: a" + b"\r\n b" * 300_000,
        b"--b\nX: a" + b"\n \r" * 300_000,
    ],
)
def test_a_flood_of_lookalikes_is_linear(body: bytes) -> None:
    levels = b"".join(
        b"--%s\nContent-Type: multipart/x; boundary=%s\n\n" % (b"-" * n, b"-" * (n + 1))
        for n in range(1, 4)
    )
    began = time.process_time()
    leaves(tree(levels + body, "-"))
    leaves(tree(levels + body, "b"))
    assert time.process_time() - began < 2.5


LARGE = bytes(range(256)) * 4_000


@pytest.mark.parametrize("cut", range(4))
def test_a_large_file_is_decoded_in_blocks_as_in_one(cut: int) -> None:
    content = LARGE[: len(LARGE) - cut]
    for encoding, encoded in (
        ("base64", base64.encodebytes(content).replace(b"\n", b"\r\n")),
        ("quoted-printable", binascii.b2a_qp(content, istext=False)),
    ):
        fields = {"content-transfer-encoding": encoding.encode()}
        part = MimePart(encoded, 0, len(encoded), fields, "a/b")
        assert part.content() == content


@example([b"QUJD", b"="])
@given(st.lists(st.sampled_from([b"QUJD", b"QQ==", b"Q=", b"\r\n", b"=", b"A", b"!", b" "])))
@example([b"QUJD", b"="])
@example([b"QUJD", b"=", b"="])
@example([b"=", b"="])
@example([b"="])
def test_blocks_change_nothing_in_what_is_valid_base64(pieces: list[bytes]) -> None:
    def decode(call: Callable[[bytes], bytes]) -> bytes | None:
        try:
            return call(payload)
        except binascii.Error:
            return None

    payload = b"".join(pieces)
    whole = decode(lambda p: base64.b64decode(b"".join(p.split()), validate=True))
    assert decode(partial(strict_base64, block_bytes=4)) == whole


def test_parameters_on_which_the_library_fails_are_those_that_were_read_before() -> None:
    field = b"multipart/mixed; charset=utf-8; boundary*0=a; boundary*"
    part = MimePart(b"", 0, 0, {"content-type": field}, "text/plain")

    assert (part.media_type, part.parameter("charset")) == ("multipart/mixed", "utf-8")


@pytest.mark.parametrize("line", [b"", b" ", b"\t "])
def test_a_line_of_white_space_ends_the_fields_of_a_part(line: bytes) -> None:
    """Most signatures do not tell it from an empty one, and a text may begin like a field."""
    raw = b"Content-Type: text/plain;\r\n charset=utf-8\r\n" + line + b"\r\nOrder: 12\r\n"
    fields, body_at = part_header(raw, 0, len(raw), 1_000)
    assert list(fields) == ["content-type"]
    assert raw[body_at:] == b"Order: 12\r\n"


@pytest.mark.parametrize("line", [b"", b" "])
def test_a_line_of_white_space_ends_the_header_of_an_attached_mail(line: bytes) -> None:
    attached = b"From: ann@acme.example\r\nSubject: pump\r\n" + line + b"\r\nOrder: 12\r\n"
    part = b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + attached + b"\r\n--b--\r\n"
    body = read(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part).body
    assert isinstance(body, Body)
    mail = body.attachments[0].mail
    assert mail is not None
    assert (mail.author, mail.text.strip()) == ("ann@acme.example", "Order: 12")


@pytest.mark.parametrize("written", [b"--a b", b"--a  b", b"--a\tb"])
def test_a_boundary_is_found_however_wide_its_white_space_is(written: bytes) -> None:
    root = tree(b"--a b\r\n\r\nx\r\n" + written + b"\r\n\r\ny\r\n--a c\r\nz\r\n--a b--\r\n", "a b")
    assert [text for _, text in leaves(root)] == [b"x", b"y\r\n--a c\r\nz"]
