"""A budget is never overdrawn, and refills to what one minute allows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rules.budget import full, refilled, spent


@given(
    st.integers(1, 1000),
    st.lists(st.tuples(st.floats(0, 300), st.integers(1, 50)), max_size=200),
)
def test_over_any_time_at_most_one_minute_more_than_the_rate_is_spent(
    per_minute: int, wishes: list[tuple[float, int]]
) -> None:
    now, budget, total = 0.0, full(per_minute, 0.0), 0
    for pause_s, amount in wishes:
        now += pause_s
        after = spent(budget, per_minute, now, amount)
        if after is not None:
            budget, total = after, total + amount
            assert budget.left >= 0
    assert total <= per_minute * (1 + now / 60) + 1e-6 * (1 + now)


def test_after_a_minute_all_of_it_is_there_again_and_no_more() -> None:
    empty = spent(full(10, 0.0), 10, 0.0, 10)
    assert empty is not None
    assert spent(empty, 10, 5.9) is None
    assert spent(empty, 10, 6.1) is not None
    assert refilled(empty, 10, 3600.0).left == 10


def test_a_clock_that_goes_back_gives_nothing() -> None:
    assert refilled(full(10, 100.0), 10, 0.0).left == 10
    empty = spent(full(10, 100.0), 10, 100.0, 10)
    assert empty is not None
    assert spent(empty, 10, 0.0) is None
