"""What is kept of a mail whose body is not."""

from __future__ import annotations

import pytest

from rules.mail import header
from storage.db.raw_mail import HEADER_BYTES, header_only

WHY = "body not kept: unproven automatic mail"


@pytest.mark.parametrize(
    "block",
    [
        b"From: a@b.example\r\nSubject: x\r\n\r\n",
        b"From: a@b.example\nSubject: x\n\n",
        b"From: a@b.example\r\nSubject: x\r\n",
    ],
    ids=["CRLF", "LF", "no empty line"],
)
def test_the_header_stays_and_a_line_says_what_is_missing(block: bytes) -> None:
    raw = block + b"the body\r\n" if block.endswith((b"\r\n\r\n", b"\n\n")) else block

    kept = header_only(raw, header.read(raw).body_at, WHY)

    read = header.read(kept)
    assert (read.get("from"), read.get("subject")) == ("a@b.example", "x")
    assert kept.endswith(f"\r\n\r\n[Postern: {WHY}; the mail had {len(raw)} octets]\r\n".encode())
    assert b"the body" not in kept


@pytest.mark.parametrize("line", [b"X: y\r\n", b"X: " + b"y" * HEADER_BYTES + b"\r\n"])
def test_a_long_header_is_cut(line: bytes) -> None:
    raw = b"From: a@b.example\r\n" + line * (3 * HEADER_BYTES // len(line) + 1) + b"\r\nbody"

    kept = header_only(raw, header.read(raw).body_at, WHY)

    assert len(kept) < HEADER_BYTES + 200
    assert header.read(kept).get("from") == "a@b.example"


def test_an_empty_mail_can_be_kept() -> None:
    assert WHY.encode() in header_only(b"", 0, WHY)
