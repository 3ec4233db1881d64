"""Reply addresses, Message-IDs and links that only we can create."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.sender.tokens import (
    REPLY_TOKEN_LENGTH,
    Keys,
    Link,
    LinkUse,
    Purpose,
    ReplyToken,
    is_loop_mark,
    link_token,
    loop_mark,
    message_id,
    read_link_token,
    read_message_id,
    read_reply_token,
    read_return_path,
    read_sign_up_token,
    reply_address,
    reply_token,
    return_path,
    sign_up_token,
    thread_root,
)
from tests.rules.building import KEYS, NOON, SUPPORT

numbers = st.integers(0, 2**40 - 1)
tokens = st.builds(ReplyToken, numbers, numbers, st.sampled_from(Purpose))
TOKEN = ReplyToken(7, 70, Purpose.REPLY)


@given(tokens)
def test_a_token_returns_its_content(token: ReplyToken) -> None:
    assert read_reply_token(KEYS, 1, reply_token(KEYS, 1, token)) == token


@given(tokens)
def test_a_mail_system_may_change_its_case(token: ReplyToken) -> None:
    assert read_reply_token(KEYS, 1, reply_token(KEYS, 1, token).upper()) == token


def test_a_token_has_its_length_and_fits_a_local_part() -> None:
    address = reply_address(KEYS, 1, f"{'s' * 27}@help.example", TOKEN)

    assert len(reply_token(KEYS, 1, TOKEN)) == REPLY_TOKEN_LENGTH
    assert len(address.rpartition("@")[0]) == 64


def test_a_token_of_another_mailbox_is_invalid() -> None:
    assert read_reply_token(KEYS, 2, reply_token(KEYS, 1, TOKEN)) is None


ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
LINK = Link(7, 70, "pat@partner.example")
NOTICE = UUID(int=5)
READERS: tuple[tuple[str, Callable[[str], object]], ...] = (
    (reply_token(KEYS, 1, TOKEN), lambda text: read_reply_token(KEYS, 1, text)),
    (
        return_path(KEYS, 1, SUPPORT, NOTICE).partition("+")[2].partition("@")[0],
        lambda text: read_return_path(KEYS, 1, text),
    ),
    (
        link_token(KEYS, 1, LinkUse.APPROVE, LINK),
        lambda text: read_link_token(KEYS, 1, LinkUse.APPROVE, text),
    ),
    (
        sign_up_token(KEYS, 1, "a@b.example", NOON),
        lambda text: read_sign_up_token(KEYS, 1, text, NOON),
    ),
    (loop_mark(KEYS), lambda text: is_loop_mark(KEYS, text) or None),
    (
        message_id(KEYS, 1, 7, NOTICE, "help.example")[1:53],
        lambda text: read_message_id(KEYS, 1, f"<{text}@help.example>"),
    ),
)
"""One of each text that we create, with its reader."""


@pytest.mark.parametrize("kind", range(len(READERS)))
def test_every_change_of_one_character_is_detected(kind: int) -> None:
    """Including the last character: base32 allows several spellings there, only one is valid."""
    text, read = READERS[kind]
    changed = [
        text[:position] + other + text[position + 1 :]
        for position in range(len(text))
        for other in ALPHABET
        if other != text[position]
    ]

    assert read(text) is not None
    assert [one for one in changed if read(one) is not None] == []


@pytest.mark.parametrize("kind", range(len(READERS)))
def test_a_part_of_one_or_more_than_one_is_invalid(kind: int) -> None:
    text, read = READERS[kind]
    others = (*(text[:end] for end in range(len(text))), text[1:], f"{text}a", text + text)

    assert [one for one in others if read(one) is not None] == []


@pytest.mark.parametrize("kind", range(len(READERS)))
@pytest.mark.parametrize("other", range(len(READERS)))
def test_a_text_made_for_one_use_is_invalid_for_another(kind: int, other: int) -> None:
    text, read = READERS[kind][0], READERS[other][1]

    assert (read(text) is not None) is (kind == other)


@given(st.text(max_size=80))
def test_any_other_text_is_not_a_token(text: str) -> None:
    assert read_reply_token(KEYS, 1, text) is None
    assert read_message_id(KEYS, 1, f"<{text}@help.example>") is None


def test_after_a_rotation_the_old_tokens_are_still_read() -> None:
    rotated = Keys(current=2, secrets={1: KEYS.secrets[1], 2: b"n" * 32})

    assert read_reply_token(rotated, 1, reply_token(KEYS, 1, TOKEN)) == TOKEN
    assert reply_token(rotated, 1, TOKEN) != reply_token(KEYS, 1, TOKEN)


def test_a_token_of_an_unknown_key_is_invalid() -> None:
    others = Keys(current=9, secrets={9: b"o" * 32})

    assert read_reply_token(KEYS, 1, reply_token(others, 1, TOKEN)) is None


@given(numbers, st.uuids())
def test_a_message_id_contains_its_ticket(ticket: int, notice: UUID) -> None:
    text = message_id(KEYS, 1, ticket, notice, "help.example")

    assert (our := read_message_id(KEYS, 1, text)) is not None
    assert our.ticket == ticket
    assert read_message_id(KEYS, 2, text) is None


def test_a_reply_token_is_not_a_message_id() -> None:
    assert read_message_id(KEYS, 1, f"<{reply_token(KEYS, 1, TOKEN)}@help.example>") is None


@pytest.mark.parametrize(("days", "address"), [(0, "a@b.example"), (15, None)])
def test_a_sign_up_link_expires(days: int, address: str | None) -> None:
    text = sign_up_token(KEYS, 1, "a@b.example", NOON + timedelta(days=14))

    assert read_sign_up_token(KEYS, 1, text, NOON + timedelta(days=days)) == address


@given(st.uuids())
def test_a_return_path_contains_its_notice_for_its_mailbox_only(notice: UUID) -> None:
    local, _, domain = return_path(KEYS, 1, SUPPORT, notice).rpartition("@")
    base, _, detail = local.partition("+")

    assert (base, domain) == ("support", "help.example")
    assert read_return_path(KEYS, 1, detail.upper()) == notice
    assert read_return_path(KEYS, 2, detail) is None


def test_a_return_path_fits_a_local_part() -> None:
    local = return_path(KEYS, 1, SUPPORT, UUID(int=2**128 - 1)).rpartition("@")[0]

    assert len(local) <= 64


@given(st.sampled_from(LinkUse), numbers, numbers, st.text(max_size=100))
def test_a_link_returns_its_content_for_its_use_only(
    use: LinkUse, ticket: int, participant: int, text: str
) -> None:
    link = Link(ticket, participant, text)

    sealed = link_token(KEYS, 1, use, link)

    assert {u for u in LinkUse if read_link_token(KEYS, 1, u, sealed) is not None} == {use}
    assert read_link_token(KEYS, 1, use, sealed) == link
    assert read_link_token(KEYS, 2, use, sealed) is None


def test_our_loop_mark_is_recognised_however_a_mail_system_wraps_it() -> None:
    assert is_loop_mark(KEYS, f" {loop_mark(KEYS).upper()}\r\n")


def test_a_loop_mark_of_another_installation_is_invalid() -> None:
    others = Keys(current=1, secrets={1: b"o" * 32})

    assert not is_loop_mark(KEYS, loop_mark(others))


def test_a_loop_mark_is_recognised_after_a_rotation() -> None:
    rotated = Keys(current=2, secrets={1: KEYS.secrets[1], 2: b"n" * 32})

    assert is_loop_mark(rotated, loop_mark(KEYS))


def test_a_thread_has_one_root_that_leads_to_its_ticket() -> None:
    root = thread_root(KEYS, 1, 7, "help.example")

    assert root == thread_root(KEYS, 1, 7, "help.example")
    assert root != thread_root(KEYS, 1, 8, "help.example")
    assert (our := read_message_id(KEYS, 1, root)) is not None
    assert our.ticket == 7
