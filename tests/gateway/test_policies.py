"""The policies in force are replaced all together."""

from __future__ import annotations

from gateway.policies import PolicyBook, load


def test_a_book_of_policies_is_replaced_as_a_whole() -> None:
    shipped = load(None)
    book = PolicyBook(shipped)
    before = dict(book)

    book.replace({"weka": shipped["weka"]})

    assert before == shipped
    assert dict(book) == {"weka": shipped["weka"]}
    assert len(book) == 1
    assert "default" not in book
