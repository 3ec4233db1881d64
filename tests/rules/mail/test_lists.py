"""Which list a mail came through, by its List-Id."""

from __future__ import annotations

import pytest

from rules.mail import header
from rules.mail.header import Author
from rules.mail.lists import is_of_list, replaced_author

GROUP = "support@help.example"


@pytest.mark.parametrize(
    ("written", "lists"),
    [
        ("<support.help.example>", [GROUP]),
        ('"Support (Help)" <Support.Help.Example>', [GROUP]),
        ("Desk <desk.lists.help.example>", ["desk.lists.help.example"]),
        ("Desk\r\n\t<desk.lists.help.example>", [GROUP, "desk.lists.help.example"]),
    ],
)
def test_a_list_of_ours_is_named_by_its_address_or_its_list_id(
    written: str, lists: list[str]
) -> None:
    assert is_of_list(header.read(f"List-Id: {written}\r\n\r\n".encode()), lists)


@pytest.mark.parametrize(
    "fields",
    [
        "",
        "List-Id: <other.help.example>\r\n",
        "List-Id: support.help.example\r\n",
        "List-Id: <support.help.example> (<other.example>\r\n",
        "List-Id: <support.help.example.evil.example>\r\n",
        "List-Id: <support.help.example>\r\nList-Id: <other.help.example>\r\n",
        "List-Id: " + "<" * 2_000 + "support.help.example>\r\n",
    ],
)
def test_any_other_list_is_not_ours(fields: str) -> None:
    assert not is_of_list(header.read(f"{fields}\r\n".encode()), [GROUP])


def test_without_lists_of_ours_there_are_none() -> None:
    assert not is_of_list(header.read(b"List-Id: <support.help.example>\r\n\r\n"), [])


def replaced(fields: str, author: str = GROUP) -> str | None:
    found = replaced_author(header.read(f"{fields}\r\n".encode()), Author(author), {GROUP})
    return found.address if found else None


def test_the_author_whom_a_list_of_ours_replaced_is_in_x_original_from() -> None:
    assert replaced("X-Original-From: Ann <Ann@Acme.example>\r\n") == "ann@acme.example"
    assert replaced("X-Original-From: ann@acme.example (Ann)\r\n") == "ann@acme.example"


@pytest.mark.parametrize(
    ("fields", "author"),
    [
        ("X-Original-Sender: ann@acme.example\r\n", GROUP),
        ("X-Original-From: ann@acme.example\r\n", "desk@other.example"),
        ("X-Original-From: ann@acme.example\r\nX-Original-From: eve@evil.example\r\n", GROUP),
        ("X-Original-From: ann@acme.example, eve@evil.example\r\n", GROUP),
        ("X-Original-From: <eve@evil.example> <ann@acme.example>\r\n", GROUP),
        (f"X-Original-From: {GROUP}\r\n", GROUP),
        ("X-Original-From: \r\n", GROUP),
    ],
)
def test_without_one_plain_address_there_from_a_list_of_ours_nobody_was_replaced(
    fields: str, author: str
) -> None:
    assert replaced(fields, author) is None
