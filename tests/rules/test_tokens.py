"""Reply addresses and Message-IDs that only we can make."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.tokens import (
    REPLY_TOKEN_LENGTH,
    Keys,
    Purpose,
    ReplyToken,
    message_id,
    read_message_id,
    read_reply_token,
    read_sign_up_token,
    reply_address,
    reply_token,
    sign_up_token,
)
from tests.rules.building import KEYS, NOON

numbers = st.integers(0, 2**40 - 1)
tokens = st.builds(ReplyToken, numbers, numbers, st.sampled_from(Purpose))
TOKEN = ReplyToken(7, 70, Purpose.REPLY)


@given(tokens)
def test_a_token_says_what_was_put_in(token: ReplyToken) -> None:
    assert read_reply_token(KEYS, 1, reply_token(KEYS, 1, token)) == token


@given(tokens)
def test_a_mail_system_may_change_its_case(token: ReplyToken) -> None:
    assert read_reply_token(KEYS, 1, reply_token(KEYS, 1, token).upper()) == token


def test_a_token_has_its_length_and_fits_a_local_part() -> None:
    address = reply_address(KEYS, 1, f"{'s' * 27}@help.example", TOKEN)

    assert len(reply_token(KEYS, 1, TOKEN)) == REPLY_TOKEN_LENGTH
    assert len(address.rpartition("@")[0]) == 64


def test_a_token_of_another_mailbox_is_none() -> None:
    assert read_reply_token(KEYS, 2, reply_token(KEYS, 1, TOKEN)) is None


@given(st.integers(0, REPLY_TOKEN_LENGTH - 1), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_one_changed_character_is_no_token(position: int, other: str) -> None:
    text = reply_token(KEYS, 1, TOKEN)
    changed = text[:position] + other + text[position + 1 :]

    # The last character carries four bits of padding, so some of its spellings are the same token.
    if changed != text and position != REPLY_TOKEN_LENGTH - 1:
        assert read_reply_token(KEYS, 1, changed) is None


@given(st.text(max_size=80))
def test_any_other_text_is_no_token(text: str) -> None:
    assert read_reply_token(KEYS, 1, text) is None
    assert read_message_id(KEYS, 1, f"<{text}@help.example>") is None


def test_after_a_rotation_the_old_tokens_are_still_read() -> None:
    rotated = Keys(current=2, secrets={1: KEYS.secrets[1], 2: b"n" * 32})

    assert read_reply_token(rotated, 1, reply_token(KEYS, 1, TOKEN)) == TOKEN
    assert reply_token(rotated, 1, TOKEN) != reply_token(KEYS, 1, TOKEN)


def test_a_token_of_an_unknown_key_is_none() -> None:
    others = Keys(current=9, secrets={9: b"o" * 32})

    assert read_reply_token(KEYS, 1, reply_token(others, 1, TOKEN)) is None


@given(numbers, st.uuids())
def test_a_message_id_names_its_ticket(ticket: int, notice: UUID) -> None:
    made = message_id(KEYS, 1, ticket, notice, "help.example")

    assert read_message_id(KEYS, 1, made) == ticket
    assert read_message_id(KEYS, 2, made) is None


def test_a_reply_token_is_no_message_id() -> None:
    assert read_message_id(KEYS, 1, f"<{reply_token(KEYS, 1, TOKEN)}@help.example>") is None


@pytest.mark.parametrize(("days", "address"), [(0, "a@b.example"), (15, None)])
def test_a_sign_up_link_runs_out(days: int, address: str | None) -> None:
    text = sign_up_token(KEYS, 1, "a@b.example", NOON + timedelta(days=14))

    assert read_sign_up_token(KEYS, 1, text, NOON + timedelta(days=days)) == address
