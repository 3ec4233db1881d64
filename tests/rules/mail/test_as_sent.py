"""A mail from a file, a pipe or a push becomes what SMTP would transfer."""

from __future__ import annotations

import time

import pytest

from rules.mail import as_sent
from rules.mail.message import BLOCK_BYTES


@pytest.mark.parametrize(
    ("raw", "sent"),
    [
        (b"a\nb\n", b"a\r\nb\r\n"),
        (b"a\r\nb\n", b"a\r\nb\r\n"),
        (b"a\r\r\nb", b"a\r\r\nb"),
        (b"\n\r\n\r", b"\r\n\r\n\r"),
        (b"From ann Sat\na\n", b"a\r\n"),
        (b"a" * (BLOCK_BYTES - 1) + b"\r\nb\n", b"a" * (BLOCK_BYTES - 1) + b"\r\nb\r\n"),
        (b"a" * (BLOCK_BYTES - 1) + b"\rb", b"a" * (BLOCK_BYTES - 1) + b"\rb"),
    ],
)
def test_each_line_ends_with_crlf(raw: bytes, sent: bytes) -> None:
    assert as_sent(raw) == sent


def test_empty_lines_without_end_take_no_seconds() -> None:
    raw = b"\n" * 8 * 2**20
    started = time.process_time()
    as_sent(raw)
    assert time.process_time() - started < 0.4
