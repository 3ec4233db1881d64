"""When an outgoing mail is tried again: arithmetic."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from rules.ticket.notice_timing import FIRST_PAUSE, GIVE_UP_AFTER, LONGEST_PAUSE, next_attempt
from tests.rules.building import NOON


def test_the_first_pause_is_a_minute() -> None:
    assert next_attempt(NOON, 1, NOON, 0.0) == NOON + FIRST_PAUSE


def test_the_pause_doubles_up_to_four_hours() -> None:
    pauses = [next_attempt(NOON, n, NOON, 0.0) for n in range(1, 12)]

    assert [(p - NOON) / FIRST_PAUSE for p in pauses if p] == [
        1, 2, 4, 8, 16, 32, 64, 128, 240, 240, 240,
    ]  # fmt: skip


def test_after_four_days_it_is_given_up() -> None:
    late = NOON + GIVE_UP_AFTER - timedelta(minutes=1)

    assert next_attempt(NOON, 30, late, 0.0) is None


@given(st.integers(1, 1000), st.floats(0, 1, exclude_max=True), st.integers(0, 4 * 86400))
def test_an_attempt_is_always_later_and_never_far(attempts: int, jitter: float, age: int) -> None:
    now = NOON + timedelta(seconds=age)

    due = next_attempt(NOON, attempts, now, jitter)

    assert due is None or now < due <= now + LONGEST_PAUSE * 1.5
