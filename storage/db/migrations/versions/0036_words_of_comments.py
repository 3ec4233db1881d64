"""words of comments: an index of what was written, for the search

Neither table is one of `storage.db.tables`: SQLite has a virtual one, PostgreSQL one with vectors.
Triggers fill them in the transaction that writes a comment. A later migration that copies `comment`
on SQLite, as `batch_alter_table` may, must make the triggers again.
"""

from __future__ import annotations

import string

from alembic import op

revision = "0036"
down_revision = "0035"

MOST = 65_536
"""Characters of a comment that are searched: a vector of PostgreSQL has at most 1 MiB."""
_PUNCTUATION = string.punctuation.replace("%", "")
_SUBJECT = "coalesce((SELECT subject FROM ticket WHERE id = {row}.ticket_id), '')"


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_ON_SQLITE)
        connection.exec_driver_sql(f"{_FILL_SQLITE} {_words('comment')} FROM comment")
        connection.exec_driver_sql(_ADDED_ON_SQLITE.format(words=_words("new")))
        return
    connection.exec_driver_sql(_ON_POSTGRESQL)
    connection.exec_driver_sql(f"{_FILL_POSTGRESQL} {_vector('comment')} FROM comment")
    connection.exec_driver_sql(_INDEXED_ON_POSTGRESQL)
    connection.exec_driver_sql(_ADDED_ON_POSTGRESQL.format(words=_vector("new")))
    connection.exec_driver_sql(_TRIGGER_ON_POSTGRESQL)


def _words(row: str) -> str:
    """The text, and the subjects of its mail and of its ticket."""
    subject = _SUBJECT.format(row=row)
    return f"substr({row}.text, 1, {MOST}) || ' ' || {row}.subject || ' ' || {subject}"


def _vector(row: str) -> str:
    """Punctuation divides words, as on SQLite: else an address is one word."""
    by, spaces = _PUNCTUATION.replace("'", "''"), " " * len(_PUNCTUATION)
    return f"to_tsvector('simple', translate({_words(row)}, '{by}', '{spaces}'))"


_ON_SQLITE = """
CREATE VIRTUAL TABLE comment_words USING fts5(
    words, content='', columnsize=0, detail=none, tokenize="unicode61 remove_diacritics 0"
)"""
_FILL_SQLITE = "INSERT INTO comment_words(rowid, words) SELECT comment.id,"
_ADDED_ON_SQLITE = """
CREATE TRIGGER comment_words_added AFTER INSERT ON comment BEGIN
    INSERT INTO comment_words(rowid, words) VALUES (new.id, {words});
END"""

_ON_POSTGRESQL = """
CREATE TABLE comment_words (
    comment_id bigint PRIMARY KEY REFERENCES comment (id) ON DELETE CASCADE,
    words tsvector NOT NULL
)"""
_FILL_POSTGRESQL = "INSERT INTO comment_words SELECT comment.id,"
_INDEXED_ON_POSTGRESQL = "CREATE INDEX ix_comment_words ON comment_words USING gin (words)"
_ADDED_ON_POSTGRESQL = """
CREATE FUNCTION add_comment_words() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO comment_words VALUES (new.id, {words});
    RETURN NULL;
END $$"""
_TRIGGER_ON_POSTGRESQL = """
CREATE TRIGGER comment_words_added AFTER INSERT ON comment
FOR EACH ROW EXECUTE FUNCTION add_comment_words()"""
