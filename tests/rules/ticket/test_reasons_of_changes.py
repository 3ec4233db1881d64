"""Who reads the reason of a change."""

from __future__ import annotations

import pytest

from rules.ticket.reasons import kept_internal, made_public, spoken


@pytest.mark.parametrize(
    ("reason", "public"),
    [
        ("the customer panics", ""),
        ("public: the workaround holds", "the workaround holds"),
        ("the customer panics. Public: it hurts few people", "it hurts few people"),
        ("öffentlich: Es betrifft wenige.", "Es betrifft wenige."),
        ("it hurts!\nPublic: the workaround holds", "the workaround holds"),
        ("it hurts\n  public: the workaround holds", "the workaround holds"),
        ("is it down? public: the workaround holds", "the workaround holds"),
        ("see the Public: bucket of AWS; panics", ""),
        ("their buckets are private, public: both; panics", ""),
        ("the republic: it is closed", ""),
        ("it is at acme.public: nobody", ""),
        ("public:", ""),
        (made_public("all of it"), "all of it"),
        (made_public(""), ""),
    ],
)
def test_of_a_reason_of_staff_customers_read_what_is_marked(reason: str, public: str) -> None:
    said = spoken(reason, by_staff=True)

    assert (said.internal, said.public) == (reason, public)


def test_a_customers_own_reason_is_public() -> None:
    said = spoken("it got worse", by_staff=False)

    assert (said.internal, said.public) == ("it got worse", "it got worse")


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        ("it is fixed, public: the workaround holds", "the workaround holds"),
        ("see their public: bucket. Public: it hurts few people", "bucket"),
        ("wir sagen öffentlich: Es geht wieder.", "Es geht wieder."),
        ("public: all of it is public: yes", ""),
        ("the republic: it is closed", ""),
    ],
)
def test_staff_read_again_what_was_marked_in_mid_sentence_and_stays_internal(
    reason: str, kept: str
) -> None:
    said = [str(each) for each in kept_internal(spoken(reason, by_staff=True))]

    begins = f'This stays internal: "{kept}". Customers read what follows "public:" only where'
    assert [each[: len(begins)] for each in said] == ([begins] if kept else [])
