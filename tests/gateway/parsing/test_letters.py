"""Mails in odd letters and packings, as folders: what is read of each."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.parsing.reading import read
from rules.mail import Body
from tests.part_bytes import part_bytes

FOLDER = Path(__file__).parents[2] / "mails" / "letters"
CASES = sorted(folder.name for folder in FOLDER.iterdir())


def as_read(raw: bytes) -> dict[str, Any]:
    mail = read(raw)
    assert isinstance(mail.body, Body)
    return {
        "subject": mail.subject,
        "text": mail.body.text.split("\n"),
        "marks": [
            *(["guessed"] if mail.body.charset_guessed else []),
            *(["damaged"] if mail.body.damaged else []),
            *(["click"] if any(each.is_click for each in mail.body.attachments) else []),
            *mail.body.opened,
        ],
        "files": [
            [
                each.part,
                each.name,
                each.content_type,
                hashlib.sha256(part_bytes(raw, each.part)).hexdigest()[:16],
            ]
            for each in mail.body.attachments
        ],
    }


@pytest.mark.parametrize("case", CASES)
def test_a_mail_is_read_as_expected(case: str) -> None:
    raw = (FOLDER / case / "mail.eml").read_bytes()
    assert as_read(raw) == json.loads((FOLDER / case / "expect.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES)
def test_each_file_has_the_size_that_is_shown(case: str) -> None:
    raw = (FOLDER / case / "mail.eml").read_bytes()
    body = read(raw).body
    assert isinstance(body, Body)
    for each in body.attachments:
        assert len(part_bytes(raw, each.part)) == each.size_bytes


@pytest.mark.parametrize("case", CASES)
def test_each_says_why_it_is_there(case: str) -> None:
    assert (FOLDER / case / "why.md").read_text(encoding="utf-8").strip()
