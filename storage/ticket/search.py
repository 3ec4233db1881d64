"""The search for words in tickets: in what was written, and in subjects.

The store has an index of the words of each comment, with those of its ticket's subject; triggers
write it in the transaction of the comment. All of the words must be in one comment, each as a whole
or, with a `*` behind it, as its beginning. The search is for staff: it finds notes, and what is cut
from a comment before customers read it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection, bindparam, select, text

from storage.db.tables import CommentRow
from storage.db.tables import table as table_of

MATCHES = 5_000
"""Comments with the words that are taken for one search, the newest."""
MOST_WORDS = 10
SHORTEST_BEGINNING = 3
"""Characters of a word's beginning: a shorter one begins too many."""
LONGEST_BEGINNING = 12
"""Of a longer one only these are looked for, which finds as much and more. Else somebody would find
a reply address, which they see masked, letter by letter."""

SPELLED_OUT = 200
"""Words that begin as was asked for, at most, which are looked for one by one on SQLite."""

_comment = table_of(CommentRow)
_WORD = re.compile(r"([^\W_]+)(\*?)")
_FOLDED_ALIKE = re.compile(r"[0-9A-Za-zÀ-ÖØ-öø-ÿ]+")
"""What Python and SQLite write alike in lower case."""


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
        query = " AND ".join(_of_sqlite(connection, word) for word in words)
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
    found = bound.columns(_comment.c.id).subquery()
    rows = connection.execute(
        select(found.c.id, _comment.c.ticket_id, _comment.c.mailbox_id)
        .join_from(found, _comment, _comment.c.id == found.c.id)
        .order_by(found.c.id.desc())
    ).all()
    here = frozenset(mailboxes)
    tickets = {row.ticket_id for row in rows[:MATCHES] if row.mailbox_id in here}
    return Found(tuple(sorted(tickets)), is_cut=len(rows) > MATCHES)


def _of_sqlite(connection: Connection, word: str) -> str:
    """A word of a search as FTS5 reads it.

    Of a beginning it would collect all comments that have it before it sorts them, which takes half
    a second where most have it. Of whole words it reads the newest only, so a beginning is replaced
    by the words that the store has with it.
    """
    if not word.endswith("*"):
        return f'"{word}"'
    beginning = word[:-1]
    if _FOLDED_ALIKE.fullmatch(beginning):
        found = [*islice(_words_with(connection, beginning.lower()), SPELLED_OUT + 1)]
        if 0 < len(found) <= SPELLED_OUT:
            return "(" + " OR ".join(f'"{each}"' for each in found) + ")"
    return f'"{beginning}"*'


def _words_with(connection: Connection, beginning: str) -> Iterator[str]:
    """The words of the store that begin so, each found by a seek behind the one before."""
    connection.exec_driver_sql(_VOCABULARY)
    begin = beginning
    while (word := connection.execute(_FOLLOWING, {"begin": begin}).scalar()) is not None:
        if not word.startswith(beginning):
            return
        yield word
        begin = f"{word}\x01"  # comes before all that a word may have there


_VOCABULARY = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.comment_vocabulary "
    "USING fts5vocab('main', 'comment_words', 'instance')"
)
"""Of the connection alone, and gone at the end of its transaction."""
_FOLLOWING = text("SELECT term FROM temp.comment_vocabulary WHERE term >= :begin LIMIT 1")
