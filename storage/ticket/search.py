"""The search for words in tickets: in what was written, and in subjects.

The store has an index of the words of each comment, with those of its ticket's subject; triggers
write it in the transaction of the comment. All of the words must be in one comment, each as a whole
or, with a `*` behind it, as its beginning. The search is for staff: it finds notes, and what is cut
from a comment before customers read it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select, text

from storage.db.tables import CommentRow
from storage.db.tables import table as table_of

MATCHES = 5_000
"""Comments with the words that are taken for one search, the newest."""
AT_ONCE = 500
MOST_WORDS = 10
SHORTEST_BEGINNING = 3
"""Characters of a word's beginning: a shorter one begins too many."""
LONGEST_BEGINNING = 12
"""Of a longer one only these are looked for, which finds as much and more. Else somebody would find
a reply address, which they see masked, letter by letter."""

_comment = table_of(CommentRow)
_WORD = re.compile(r"([^\W_]+)(\*?)")


@dataclass(frozen=True, slots=True)
class Found:
    """The tickets whose comments have the words."""

    tickets: tuple[int, ...]
    is_cut: bool
    """More comments have them than were looked at."""


def words_of(written: str) -> tuple[str, ...]:
    """The words of a search, with their `*`; none where it has only punctuation."""
    found = [
        word[:LONGEST_BEGINNING] + "*" if star and len(word) >= SHORTEST_BEGINNING else word
        for word, star in _WORD.findall(written)
    ]
    return tuple(found[:MOST_WORDS])


def tickets_with(connection: Connection, mailboxes: Collection[int], words: Sequence[str]) -> Found:
    """The tickets of some mailboxes that have all of the words in one comment."""
    if not words:
        return Found((), is_cut=False)
    if connection.dialect.name == "sqlite":
        query = " ".join(_quoted(word) for word in words)
        newest = text(
            "SELECT rowid AS id FROM comment_words WHERE comment_words MATCH :words "
            "ORDER BY rowid DESC LIMIT :most"
        )
    else:
        query = " & ".join(word.replace("*", ":*") for word in words)
        newest = text(
            "SELECT comment_id AS id FROM comment_words "
            "WHERE words @@ to_tsquery('simple', :words) ORDER BY comment_id DESC LIMIT :most"
        )
    bound = newest.bindparams(bindparam("words", query), bindparam("most", MATCHES + 1))
    ids = connection.execute(bound).scalars().all()
    taken = ids[:MATCHES]
    tickets: set[int] = set()
    for begin in range(0, len(taken), AT_ONCE):
        some = taken[begin : begin + AT_ONCE]
        here = _comment.c.id.in_(some) & _comment.c.mailbox_id.in_(sorted(mailboxes))
        tickets.update(connection.execute(select(_comment.c.ticket_id).where(here)).scalars())
    return Found(tuple(sorted(tickets)), is_cut=len(ids) > MATCHES)


def _quoted(word: str) -> str:
    return f'"{word[:-1]}"*' if word.endswith("*") else f'"{word}"'
