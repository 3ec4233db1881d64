"""What all tables share: the metadata, the names of constraints, and indexes of some rows only."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict
from sqlalchemy import Index, Table
from sqlalchemy import text as sql_text
from sqlmodel import SQLModel
from sqlmodel.main import get_column_from_field

metadata = SQLModel.metadata
metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Row(SQLModel):
    """What the row classes derive from. Each has a table, from which statements are built, and no
    mapper of SQLAlchemy's: nothing loads objects, and mapping the classes would take as long as
    all else that is done to make them."""

    # No value is checked by them either: building what would check takes a quarter of the time
    # that they take to import.
    model_config = ConfigDict(defer_build=True)  # type: ignore[assignment] # of SQLModel's own type

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        columns = []
        for name, field in cls.model_fields.items():
            column = get_column_from_field(field)
            column.name = column.key = name
            columns.append(column)
        arguments = getattr(cls, "__table_args__", ())
        options = next((each for each in arguments if isinstance(each, dict)), {})
        items = [each for each in arguments if each is not options]
        Table(str(cls.__tablename__), metadata, *columns, *items, **options)


def index_where(condition: str, name: str, *columns: str, unique: bool = False) -> Index:
    """A partial index: only the rows that meet the condition are in it, and cost a write to it."""
    where = sql_text(condition)
    return Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


def table(row: type[SQLModel]) -> Table:
    """The SQLAlchemy Core table of a row class, from which statements are built."""
    found = metadata.tables[str(row.__tablename__)]
    assert isinstance(found, Table)
    return found
